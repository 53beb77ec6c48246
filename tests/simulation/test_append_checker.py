"""Each anomaly has a history that only its own check finds; serial executions are never blamed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.append_checker import anomalies
from tests.simulation.append_steps import APPEND, READ, UNKNOWN, Step, Transaction


def steps(text: str) -> list[Step]:
    """Read `x+1` as "append 1 to x", `x=12` as "x was read as 1, 2", `x?` as a read of nobody."""
    found = []
    for word in text.split():
        key, kind, tokens = word[:1].encode(), word[1], word[2:]
        if kind == "+":
            found.append(Step(APPEND, key, tokens.encode()))
        else:
            value = None if kind == "?" else [token.encode() for token in tokens]
            found.append(Step(READ, key, value=value))
    return found


def at_once(*texts: str) -> list[Transaction]:
    """Transactions that all overlap: no real time orders them."""
    return [Transaction(steps(text), 0, 100) for text in texts]


def one_by_one(*texts: str) -> list[Transaction]:
    """Each is answered before the next one is asked for."""
    return [Transaction(steps(text), 10 * n, 10 * n + 5) for n, text in enumerate(texts)]


def names(transactions: list[Transaction]) -> list[str]:
    """The anomalies without their details."""
    return [found.partition(":")[0] for found in anomalies(transactions)]


def test_a_serial_history_has_none():
    assert anomalies(one_by_one("x+1 y+1", "x=1 x+2 x=12", "y=1 y+3", "x=12 y=13")) == []


def test_what_overlaps_may_run_in_any_order():
    assert anomalies(at_once("x+1 y=", "y=3 x=1", "y+3 x=1", "x=1 y=")) == []


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("G0", ("x+1 y+1", "x+2 y+2", "x=12", "y=21")),
        ("G1b", ("x+1 x+2", "x=1", "x=12")),
        ("G1c", ("x+1 y=2", "y+2 x=1")),
        ("G-single", ("x+1 y+1", "x=1 y=", "y=1")),
        ("G2", ("x= y+1", "y= x+2", "x=2", "y=1")),
        ("duplicate append", ("x+1", "x=11")),
        ("incompatible order", ("x+1", "x+2", "x=12", "x=21")),
        ("garbage", ("x+1", "x=12")),
        ("internal", ("x+1 x=", "x=1")),
        ("internal", ("x= x=1", "x+1")),
        ("internal", ("x+1 x+2 x=1", "x=12")),
    ],
)
def test_each_anomaly_has_its_name(name: str, texts: tuple[str, ...]):
    assert names(at_once(*texts)) == [name]


def test_a_refused_transaction_leaves_nothing_behind():
    refused = Transaction(steps("x+1"), 0, 5, refused=True)
    assert names([refused, *one_by_one("x=1")]) == ["G1a"]
    assert names([Transaction(steps("x+1"), 0, refused=True), *one_by_one("x=")]) == []


def test_an_acknowledged_append_is_in_later_reads():
    assert names(one_by_one("x+1", "x=")) == ["lost append"]
    assert names(at_once("x+1", "x=")) == []


def test_a_stale_read_is_a_cycle_in_real_time():
    assert names(one_by_one("x+1", "x=", "x=1")) == ["G-single in real time"]


def test_appends_keep_the_order_of_their_acknowledgements():
    assert names(one_by_one("x+1", "x+2", "x=21")) == ["G0 in real time"]


def test_a_read_of_a_later_time_is_a_cycle_in_real_time():
    assert names(one_by_one("x=1 y=", "x+1")) == ["G1c in real time"]


def test_write_skew_between_stale_transactions_needs_real_time():
    found = names(one_by_one("x+1", "y+2", "x= z=", "z+3 y=", "x=1", "y=2", "z=3"))
    assert found == ["G-single in real time"]


def test_an_unknown_transaction_ran_whole_once_any_of_it_was_read():
    unknown = Transaction(steps("x+1 y+1"), 0, UNKNOWN)
    assert names([unknown, *one_by_one("x=1 y=1")]) == []
    assert names([unknown, *one_by_one("x= y=")]) == []
    assert names([unknown, *one_by_one("x=1 y=")]) == ["G-single"]
    assert names([unknown, *one_by_one("x=1", "y=")]) == ["G-single in real time"]


def test_an_unknown_transaction_does_not_run_before_it_was_asked_for():
    unknown = Transaction(steps("x+1"), 50, UNKNOWN)
    assert names([unknown, *one_by_one("x=1")]) == ["G1c in real time"]


def test_an_unknown_transaction_is_not_lost():
    assert names([Transaction(steps("x+1"), 0, UNKNOWN), *one_by_one("y=", "x=")]) == []


def test_an_append_after_everything_read_depends_on_its_readers():
    """Nobody read y's token, yet its transaction is acknowledged: it follows the reader of y."""
    assert names(at_once("x+1 y+1", "x=1 y=")) == ["G-single"]
    assert names(at_once("x+1 y+2", "x+3 y+4", "x=1", "y=42")) == ["G0"]


KEYS = b"xyz"


@st.composite
def serial_executions(draw: st.DrawFn) -> list[Transaction]:
    """Transactions run one after the other at moments inside of their calls; some never answered."""
    state: dict[int, list[bytes]] = {key: [] for key in KEYS}
    transactions = []
    for moment in range(draw(st.integers(1, 12))):
        run = []
        for _ in range(draw(st.integers(1, 4))):
            key = draw(st.sampled_from(KEYS))
            if draw(st.booleans()):
                token = b"%d.%d" % (moment, len(run))
                state[key] = [*state[key], token]
                run.append(Step(APPEND, bytes([key]), token))
            else:
                run.append(Step(READ, bytes([key]), value=state[key]))
        invoked = 10 * moment - draw(st.integers(0, 40))
        completed = 10 * moment + draw(st.integers(0, 40))
        if draw(st.integers(0, 9)) == 0:
            completed = UNKNOWN
            for step in run:
                step.value = None
        transactions.append(Transaction(run, invoked, completed))
    return draw(st.permutations(transactions))


@settings(max_examples=100, deadline=None)
@given(serial_executions())
def test_no_serial_execution_is_blamed(transactions: list[Transaction]):
    assert anomalies(transactions) == []


@settings(max_examples=100, deadline=None)
@given(serial_executions(), st.data())
def test_an_acknowledged_append_cannot_vanish(transactions: list[Transaction], data: st.DataObject):
    """Taken out of every value, a token is missed by a read of everything at the end."""
    tokens = [
        (step.key, step.token)
        for transaction in transactions
        if transaction.known
        for step in transaction.steps
        if step.kind == APPEND
    ]
    if not tokens:
        return
    key, token = data.draw(st.sampled_from(tokens))
    for transaction in transactions:
        for step in transaction.steps:
            if step.key == key and step.value:
                step.value = [other for other in step.value if other != token]
    longest = {
        key: value for key in state_keys(transactions) for value in values(transactions, key)
    }
    last = Transaction([Step(READ, key, value=longest[key]) for key in longest], 1000, 1001)
    assert anomalies([*transactions, last]) != []


def state_keys(transactions: list[Transaction]) -> list[bytes]:
    """Every key that is named."""
    return [step.key for transaction in transactions for step in transaction.steps]


def values(transactions: list[Transaction], key: bytes) -> list[list[bytes]]:
    """What was read of a key, the longest last."""
    seen = [
        step.value
        for transaction in transactions
        for step, _ in transaction.reads()
        if step.key == key and step.value is not None
    ]
    return [[], *sorted(seen, key=len)]
