"""The checker itself: histories whose verdict is known, and a comparison with brute force."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.checker import UNKNOWN, Operation, State, explain, step


def history(*operations: tuple) -> list[Operation]:
    """Build operations from (name, argument, invoked, completed, result)."""
    return [Operation(*operation) for operation in operations]


def test_one_client_reads_what_it_wrote():
    assert explain(history(("set", b"1", 0, 1, "OK"), ("get", None, 2, 3, b"1"))) is None


def test_a_read_that_misses_a_completed_write_is_stale():
    assert explain(history(("set", b"1", 0, 1, "OK"), ("get", None, 2, 3, None))) is not None


def test_overlapping_operations_may_take_effect_in_either_order():
    for seen in (None, b"1"):
        assert explain(history(("set", b"1", 0, 5, "OK"), ("get", None, 1, 2, seen))) is None


def test_two_reads_during_one_write_may_not_go_back():
    write = ("set", b"1", 0, 9, "OK")
    forth = history(write, ("get", None, 1, 2, None), ("get", None, 3, 4, b"1"))
    back = history(write, ("get", None, 1, 2, b"1"), ("get", None, 3, 4, None))
    assert explain(forth) is None
    assert explain(back) is not None


def test_an_unknown_write_may_take_effect_at_any_later_time():
    unknown = ("set", b"1", 0, UNKNOWN, None)
    late = history(unknown, ("get", None, 5, 6, None), ("get", None, 7, 8, b"1"))
    never = history(unknown, ("get", None, 5, 6, None))
    vanished = history(unknown, ("get", None, 5, 6, b"1"), ("get", None, 7, 8, None))
    assert explain(late) is None
    assert explain(never) is None
    assert explain(vanished) is not None


def test_many_writes_and_reads_that_all_overlap_are_decided():
    """As when everybody's replies wait for seconds: a leader stood still."""
    count, end = 40, 1_000
    writes = [("set", b"%d" % at, at, end - at, "OK") for at in range(count)]
    reads = [("get", None, at, end + at * 7 % count, b"%d" % at) for at in range(count)]
    assert explain(history(*writes, *reads)) is None
    late = ("get", None, end + count, end + count + 1, b"none of them")
    assert explain(history(*writes[:8], *reads[:8], late)) is not None


def test_an_unknown_write_takes_effect_once():
    assert (
        explain(
            history(
                ("set", b"1", 0, UNKNOWN, None),
                ("get", None, 1, 2, b"1"),
                ("set", b"2", 3, 4, "OK"),
                ("get", None, 5, 6, b"1"),
            )
        )
        is not None
    )


def test_a_value_nobody_wrote_is_refused():
    assert explain(history(("get", None, 0, 1, b"7"))) is not None


def test_a_lost_increment_is_noticed():
    counted = history(("incr", 1, 0, 5, [1]), ("incr", 1, 0, 5, [2]))
    lost = history(("incr", 1, 0, 5, [1]), ("incr", 1, 0, 5, [1]))
    assert explain(counted) is None
    assert explain(lost) is not None


def test_two_increments_of_one_transaction_have_nothing_in_between():
    together = history(("incr", 2, 0, 9, [1, 2]), ("incr", 1, 0, 9, [3]))
    apart = history(("incr", 2, 0, 9, [1, 3]), ("incr", 1, 0, 9, [2]))
    assert explain(together) is None
    assert explain(apart) is not None


def test_two_swaps_of_the_same_value_lose_an_update():
    start = ("set", b"a", 0, 1, "OK")
    swap, other = ("swap", (b"a", b"b"), 2, 9, True), ("swap", (b"a", b"c"), 2, 9, True)
    assert explain(history(start, swap)) is None
    assert explain(history(start, swap, other)) is not None


def test_delete_and_exists_tell_whether_the_key_was_there():
    deleted = history(
        ("set", b"a", 0, 1, "OK"), ("delete", None, 2, 3, 1), ("exists", None, 4, 5, 0)
    )
    assert explain(deleted) is None
    deleted[1].result = 0
    assert explain(deleted) is not None


def test_an_expiring_value_goes_once_and_within_its_time():
    write = ("set expiring", (b"a", 100, 200), 0, 1, "OK")
    gone = history(write, ("get", None, 50, 60, b"a"), ("get", None, 110, 120, None))
    early = history(write, ("get", None, 50, 60, None))
    late = history(write, ("get", None, 201, 210, b"a"))
    revived = history(write, ("get", None, 110, 120, None), ("get", None, 130, 140, b"a"))
    assert explain(gone) is None
    assert explain(early) is not None
    assert explain(late) is not None
    assert explain(revived) is not None


def test_three_hundred_overlapping_operations_are_decided():
    operations = []
    for number in range(100):
        value = b"%d" % number
        operations.append(Operation("set", value, 10 * number, 10 * number + 25, "OK"))
        operations.append(Operation("get", None, 10 * number + 12, 10 * number + 28, value))
        operations.append(Operation("get", None, 10 * number + 13, 10 * number + 24, value))
    operations += [Operation("set", b"lost %d" % n, 30 * n, UNKNOWN) for n in range(12)]
    assert explain(operations) is None


def brute_force(operations: list[Operation]) -> bool:
    """Try every order that keeps real time, with and without the unknown operations."""
    known = [operation for operation in operations if operation.known]
    unknown = [operation for operation in operations if not operation.known]
    for mask in range(1 << len(unknown)):
        chosen = known + [op for bit, op in enumerate(unknown) if mask >> bit & 1]
        for order in permutations(chosen):
            if any(
                later.completed < earlier.invoked
                for place, earlier in enumerate(order)
                for later in order[place + 1 :]
            ):
                continue
            states: list[State] = [None]
            for operation in order:
                states = [after for state in states for after in step(state, operation)]
            if states:
                return True
    return False


@st.composite
def random_operations(draw: st.DrawFn) -> list[Operation]:
    operations = []
    for number in range(draw(st.integers(1, 5))):
        invoked = draw(st.integers(0, 8))
        completed = draw(st.sampled_from([invoked + 1, invoked + 4, invoked + 9, UNKNOWN]))
        name = draw(st.sampled_from(["set", "get", "delete", "incr", "swap"]))
        values = st.sampled_from([None, b"1", b"2"])
        if name == "set":
            operations.append(Operation(name, b"%d" % (number % 2 + 1), invoked, completed, "OK"))
        elif name == "swap":
            pair = (draw(values), draw(st.sampled_from([b"1", b"2"])))
            operations.append(Operation(name, pair, invoked, completed, True))
        elif name == "incr":
            result = [draw(st.integers(1, 3))]
            operations.append(Operation(name, 1, invoked, completed, result))
        elif completed != UNKNOWN or name == "delete":
            result = draw(values) if name == "get" else draw(st.integers(0, 1))
            operations.append(Operation(name, None, invoked, completed, result))
    return operations


@settings(max_examples=300, deadline=None)
@given(random_operations())
def test_the_verdict_is_that_of_trying_every_order(operations):
    assert (explain(operations) is None) == brute_force(operations)
