"""Taking most of a large value at once leaves what taking its members one by one would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.commands.table import resolve
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.set import Set
from respkv.keyspace.zset import ZSet
from respkv.wire.reply import Reply, SetReply, encode
from tests.commands.comparing import check
from tests.commands.reference import Argv, Ours, Reference

COUNT = 300


def filled(semantics: int, argv: Argv) -> Keyspace:
    """Return a keyspace in which a command fills a key, which gets a deadline as well."""
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1, semantics)
    keyspace.applying = True
    run(keyspace, argv)
    keyspace.set_deadline(argv[1], 9_000)
    return keyspace


def run(keyspace: Keyspace, argv: Argv) -> Reply:
    """Return the handler's reply."""
    return resolve(argv).handler(keyspace, argv)


def scored(count: int) -> list[bytes]:
    """Return scores and members, whose log order is another."""
    parts: list[bytes] = []
    for number in range(count):
        parts += [b"%d" % (number * 77 % 40), b"m%d" % number]
    return parts


removals = st.tuples(
    st.sampled_from([b"ZREMRANGEBYRANK", b"ZPOPMIN", b"ZPOPMAX"]),
    st.integers(0, COUNT - 1),
    st.integers(0, COUNT - 1),
)


@given(removals)
def test_sorted_sets(removal: tuple[bytes, int, int]) -> None:
    name, first, last = removal
    argv = [name, b"z", b"%d" % first]
    if name == b"ZREMRANGEBYRANK":
        argv.append(b"%d" % last)
    keyspaces = [filled(semantics, [b"ZADD", b"z", *scored(COUNT)]) for semantics in (1, 2)]
    before = keyspaces[0].counter(0, b"z")
    replies = [run(keyspace, argv) for keyspace in keyspaces]
    assert encode(replies[0], 2) == encode(replies[1], 2)
    one, other = [keyspace.lookup(b"z") for keyspace in keyspaces]
    assert (one is None) == (other is None)
    assert keyspaces[0].used_bytes() == keyspaces[1].used_bytes()
    if isinstance(one, ZSet) and isinstance(other, ZSet):
        count = len(one)
        assert count == len(other)
        assert keyspaces[1].deadline(b"z") == 9_000
        assert one.order.slice(0, count) == other.order.slice(0, count)
        assert one.peak_entries == other.peak_entries
        assert one.payload_bytes == other.payload_bytes
        for rank, (score, member) in enumerate(other.order.slice(0, count)):
            assert (other.score(member), other.rank(member)) == (score, rank)
        if count < COUNT:
            assert keyspaces[1].counter(0, b"z") > before
    assert keyspaces[1].free_some(10_000) is False


@pytest.mark.parametrize("count", [1, 149, 150, 151, 299, 300])
def test_sets(count: int) -> None:
    members = [b"%d" % number for number in range(COUNT)]
    keyspace = filled(2, [b"SADD", b"s", *members])
    reply = run(keyspace, [b"SPOP", b"s", b"%d" % count])
    assert isinstance(reply, SetReply)
    popped = reply.items
    left = keyspace.lookup(b"s")
    remaining = left.members.items if isinstance(left, Set) else []
    assert sorted([*popped, *remaining]) == sorted(members)
    assert len(popped) == count
    if isinstance(left, Set):
        assert keyspace.deadline(b"s") == 9_000
        assert left.payload_bytes == sum(map(len, remaining))
        assert left.peak_entries == COUNT
        assert [left.members.positions[member] for member in remaining] == list(range(len(left)))


def test_by_semantics_1_what_is_left_stands_as_one_removal_after_the_other_moves_it() -> None:
    """Logs that were written before must go on to mean what they meant."""
    keyspace = filled(1, [b"ZADD", b"z", *scored(COUNT)])
    run(keyspace, [b"ZREMRANGEBYRANK", b"z", b"0", b"-151"])
    zset = keyspace.lookup(b"z")
    assert isinstance(zset, ZSet)
    one_by_one = filled(1, [b"ZADD", b"z", *scored(COUNT)])
    for _ in range(COUNT - 150):
        run(one_by_one, [b"ZPOPMIN", b"z"])
    assert zset.dump() == one_by_one.lookup(b"z").dump()  # type: ignore[union-attr]


def test_replies_are_those_of_redis(reference: Reference, handlers: Ours) -> None:
    sequence = [
        [b"ZADD", b"z", *scored(COUNT)],
        [b"ZREMRANGEBYRANK", b"z", b"10", b"-11"],
        [b"ZRANGE", b"z", b"0", b"-1", b"WITHSCORES"],
        [b"OBJECT", b"ENCODING", b"z"],
        [b"ZADD", b"y", *scored(COUNT)],
        [b"ZPOPMAX", b"y", b"200"],
        [b"ZMPOP", b"1", b"y", b"MIN", b"COUNT", b"90"],
        [b"ZRANGE", b"y", b"0", b"-1"],
        [b"ZADD", b"x", *scored(COUNT)],
        [b"ZREMRANGEBYSCORE", b"x", b"-inf", b"(30"],
        [b"ZPOPMIN", b"x", b"1000"],
        [b"EXISTS", b"x"],
        [b"SADD", b"s", *[b"m%d" % number for number in range(COUNT)]],
        [b"SCARD", b"s"],
    ]
    check(sequence, 2, reference, handlers)
    for server in (reference, handlers):
        server.call([b"SPOP", b"s", b"298"])
    check([[b"SCARD", b"s"], [b"OBJECT", b"ENCODING", b"s"]], 2, reference, handlers)
