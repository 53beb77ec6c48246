"""Calls that wait are state: alike on every replica and in every snapshot, and of one term only."""

from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.clock import SeededChance
from respkv.entry import COMMANDS, NOOP, Entry
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.replay import apply_entry
from respkv.wire.run import encode_command
from tests.faulty_disk import FaultyDisk
from tests.replica.one_voter import HandClient, OneVoter


def apply(keyspace: Keyspace, term: int, index: int, *lines: str) -> list[object]:
    """Apply an entry of these commands and return what it told those who waited."""
    payload = b"".join([encode_command(line.encode().split()) for line in lines])
    kind = COMMANDS if lines else NOOP
    apply_entry(keyspace, Entry(term, index, 1_000 * index, payload, kind))
    return [(waiter_id, repr(reply)) for waiter_id, reply in keyspace.waiters.answered]


def test_a_snapshot_goes_on_serving_who_waits() -> None:
    original = Keyspace()
    apply(original, 1, 1, "BLPOP k other 0", "SELECT 1", "BLMOVE k t LEFT RIGHT 5", "SET s v")
    apply(original, 1, 2, "BLMPOP 0 2 k other LEFT COUNT 2")
    loaded = Keyspace.load(list(original.dump()))
    assert loaded.digest() == original.digest()
    for keyspace in (original, loaded):
        served = apply(keyspace, 1, 3, "RPUSH k a b c d", "SELECT 1", "RPUSH k x y")
        assert [waiter_id for waiter_id, _ in served] == [(1, 0), (2, 0), (1, 1)]
        assert not keyspace.waiters.by_id
    assert loaded.digest() == original.digest()
    original.select(0)
    assert list(original.lookup(b"k").items) == [b"d"]


def test_a_new_term_drops_who_waited_before_anything_is_pushed() -> None:
    keyspace = Keyspace()
    apply(keyspace, 1, 1, "BLPOP k 0", "BLMOVE k t LEFT LEFT 0")
    loaded = Keyspace.load(list(keyspace.dump()))
    for each in (keyspace, loaded):
        answered = apply(each, 2, 2, "RPUSH k x")
        assert [waiter_id for waiter_id, _ in answered] == [(1, 0), (1, 1)]
        assert all("Unblocked" in reply for _, reply in answered)
        assert not each.waiters.by_id
        assert list(each.lookup(b"k").items) == [b"x"]
    assert loaded.digest() == keyspace.digest()


def test_the_digest_tells_who_waits() -> None:
    lines = ["BLPOP k 0", "BRPOP k 0", "BLPOP k l 0", "BLPOP k 1", "BLMPOP 0 1 k LEFT", "DEL k"]
    digests = set()
    for line in lines:
        keyspace = Keyspace()
        apply(keyspace, 1, 1, line)
        digests.add(keyspace.digest())
    assert len(digests) == len(lines)


keys = st.sampled_from(["k1", "k2", "k3"])
waits = st.one_of(
    st.tuples(keys, keys).map(lambda two: f"BLPOP {two[0]} {two[1]} 0"),
    st.tuples(keys, keys).map(lambda two: f"BLMOVE {two[0]} {two[1]} LEFT RIGHT 0"),
    st.tuples(keys, keys).map(lambda two: f"BLMPOP 0 2 {two[0]} {two[1]} RIGHT COUNT 2"),
)
changes = st.one_of(
    keys.map(lambda key: f"RPUSH {key} a b c"),
    keys.map(lambda key: f"SET {key} v"),
    keys.map(lambda key: f"DEL {key}"),
    st.tuples(keys, keys).map(lambda two: f"LMOVE {two[0]} {two[1]} LEFT RIGHT"),
    st.tuples(st.integers(1, 30), st.integers(0, 2)).map(
        lambda waiter: f"RESPKV.UNPARK {waiter[0]} {waiter[1]} TIMEOUT"
    ),
)
entries = st.lists(
    st.tuples(
        st.booleans(),  # of a new term
        st.lists(st.one_of(waits, changes), max_size=3),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(entries, st.integers(0, 30))
def test_replicas_agree_wherever_one_began_with_a_snapshot(
    history: list[tuple[bool, list[str]]], snapshot_at: int
) -> None:
    original, other = Keyspace(), Keyspace()
    term = 1
    for index, (new_term, lines) in enumerate(history, 1):
        if index == snapshot_at:
            other = Keyspace.load(list(original.dump()))
        term += new_term
        told = apply(original, term, index, *lines)
        assert apply(other, term, index, *lines) == told
    assert other.digest() == original.digest()


def test_a_restart_forgets_who_waited_and_keeps_the_element() -> None:
    disk = FaultyDisk(SeededChance(1))
    node = OneVoter(disk)
    waiting, pushing = HandClient(), HandClient()
    node.write(waiting, b"BLPOP", b"k", b"0")
    node.write(waiting, b"SET", b"behind", b"1")
    assert waiting.replies == [b"+OK\r\n"]  # the connection holds back what follows, not the log
    again = OneVoter(disk.after_power_loss())
    again.write(pushing, b"RPUSH", b"k", b"x")
    again.write(pushing, b"LPOP", b"k")
    assert pushing.replies == [b":1\r\n", b"$1\r\nx\r\n"]


def test_every_end_of_a_wait_is_told_once() -> None:
    node = OneVoter(FaultyDisk(SeededChance(1)))
    clients = [HandClient() for _ in range(4)]
    for client in clients:
        node.write(client, b"BLPOP", b"k", b"1")
    clients[0].waits[0].end(b"TIMEOUT")
    clients[1].waits[0].end(b"GONE")
    clients[2].waits[0].end(b"ERROR")
    pushing = HandClient()
    node.write(pushing, b"RPUSH", b"k", b"x", b"y")
    for client in clients:
        client.waits[0].end(b"TIMEOUT")
    node.turns()
    unblocked = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
    served = b"*2\r\n$1\r\nk\r\n$1\r\nx\r\n"
    assert [client.replies for client in clients] == [[b"*-1\r\n"], [], [unblocked], [served]]
    node.write(pushing, b"LPOP", b"k")
    assert pushing.replies == [b":2\r\n", b"$1\r\ny\r\n"]


def test_an_end_that_comes_with_the_element_loses_nothing() -> None:
    """Both are in one entry: the earlier one decides, and the element is with one of them."""
    for push_first in (True, False):
        node = OneVoter(FaultyDisk(SeededChance(1)))
        waiting, pushing = HandClient(), HandClient()
        node.write(waiting, b"BLPOP", b"k", b"1")
        if not push_first:
            waiting.waits[0].end(b"TIMEOUT")
        node.submit(pushing, b"RPUSH", b"k", b"x")
        if push_first:
            waiting.waits[0].end(b"TIMEOUT")
        node.turns()
        node.write(pushing, b"LPOP", b"k")
        if push_first:
            assert waiting.replies == [b"*2\r\n$1\r\nk\r\n$1\r\nx\r\n"]
            assert pushing.replies == [b":1\r\n", b"$-1\r\n"]
        else:
            assert waiting.replies == [b"*-1\r\n"]
            assert pushing.replies == [b":1\r\n", b"$1\r\nx\r\n"]
