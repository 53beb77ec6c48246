"""Strings above 1 MiB that are changed in place, against redis-server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.keyspace.long_string import BLOCK_BYTES, LONG_BYTES, LongString
from respkv.keyspace.redis_digest import value_digest
from tests.commands.comparing import call, call_with, check, replies_test, shared
from tests.commands.reference import Argv, Ours, Reference, Served

CASES = {
    "commands on a string of blocks": f"""
        SETRANGE s {LONG_BYTES + 70_000} tail
        STRLEN s
        APPEND s more
        APPEND s ""
        GETRANGE s -8 -1
        GETRANGE s {LONG_BYTES + 69_998} {LONG_BYTES + 70_001}
        GETRANGE s 5 -{LONG_BYTES + 70_000}
        SETBIT s 9 1
        SETBIT s 9 1
        GETBIT s 9
        GETBIT s {8 * LONG_BYTES}
        SETRANGE s {BLOCK_BYTES - 2} abcd
        BITCOUNT s
        BITCOUNT s {BLOCK_BYTES} -1
        BITCOUNT s {8 * BLOCK_BYTES - 3} {8 * LONG_BYTES} BIT
        BITPOS s 1
        BITPOS s 0
        BITPOS s 1 {BLOCK_BYTES + 2}
        BITPOS s 0 -4
        BITPOS s 0 -4 -1
        BITFIELD s GET u16 #40000 SET u16 #40000 999 INCRBY i8 {8 * BLOCK_BYTES - 4} 100
        BITFIELD_RO s GET u32 {8 * BLOCK_BYTES - 16}
        OBJECT ENCODING s
        TYPE s
        INCR s
        INCRBYFLOAT s 1
        PFADD s x
        PFCOUNT s
        LPUSH s x
        HGET s x
        SORT s
        COPY s copy
        SETRANGE s 3 changed
        GETRANGE copy 0 12
        GETRANGE s 0 12
        EXPIREAT s 9999999999
        APPEND s x
        EXPIRETIME s
        RENAME s t
        MOVE copy 3
        MGET t none
        BITOP NOT d t
        BITCOUNT d
        APPEND d ""
        BITOP AND d t d
        BITCOUNT d
        BITOP OR d t copy
        BITOP XOR e d t
        BITPOS e 1
        BITPOS e 0 -1
        GETDEL e
        GETSET d small
        EXISTS e
        SETRANGE d 536870911 xy
        SETBIT d 4294967296 1
        APPEND d end
        """,
    "a text that grows": f"""
        SETRANGE s {LONG_BYTES - 1} x
        OBJECT ENCODING s
        SETBIT s {8 * LONG_BYTES - 1} 1
        APPEND s y
        APPEND s z
        GETRANGE s -3 -1
        BITCOUNT s
        BITFIELD s SET u8 {8 * LONG_BYTES + 100} 255
        GETRANGE s -20 -1
        SETRANGE s {LONG_BYTES + 3} ""
        SETRANGE none {LONG_BYTES + 3} ""
        STRLEN s
        """,
}
test_replies_are_those_of_redis = replies_test(CASES)

# Where blocks begin and end, and a little before and behind.
places = st.tuples(
    st.sampled_from(
        [0, BLOCK_BYTES, LONG_BYTES - BLOCK_BYTES, LONG_BYTES, LONG_BYTES + BLOCK_BYTES]
    ),
    st.integers(-3, 3),
).map(lambda parts: max(sum(parts), 0))
offsets = places.map(lambda place: b"%d" % place)
bits = st.tuples(places, st.integers(0, 7)).map(lambda parts: b"%d" % (8 * parts[0] + parts[1]))
ends = st.one_of(offsets, st.integers(-5, -1).map(lambda place: b"%d" % place))
keys = st.sampled_from([b"a", b"b", b"c"])
texts = st.one_of(
    st.binary(max_size=5),
    st.tuples(st.sampled_from([b"\xff", b"\0", b"ab"]), st.integers(1, 70_000)).map(
        lambda parts: parts[0] * parts[1]
    ),
)
bit = st.sampled_from([b"0", b"1"])
commands = st.one_of(
    call("SETRANGE", keys, offsets, texts),
    call("SETRANGE", keys, offsets, texts),
    call("APPEND", keys, texts),
    call("SETBIT", keys, bits, bit),
    call("GETBIT", keys, bits),
    call("GETRANGE", keys, ends, ends),
    call("BITCOUNT", keys),
    call("BITCOUNT", keys, ends, ends),
    call("BITCOUNT", keys, bits, bits, st.just(b"BIT")),
    call("BITPOS", keys, bit, ends),
    call("BITPOS", keys, bit, ends, ends),
    call("BITPOS", keys, bit, bits, bits, st.just(b"BIT")),
    call("BITFIELD", keys, st.just(b"INCRBY"), st.sampled_from([b"u7", b"i64"]), bits, bits),
    call_with(
        "BITOP",
        st.sampled_from([b"AND", b"OR", b"XOR"]),
        keys,
        rest=st.lists(keys, min_size=1, max_size=3),
    ),
    call("BITOP", st.just(b"NOT"), keys, keys),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    call("STRLEN", keys),
    call("DEL", keys),
)


@settings(parent=shared, max_examples=shared.max_examples // 2)
@given(sequence=st.lists(commands, min_size=5, max_size=20))
def test_sequences(reference: Reference, sequence: list[Argv]) -> None:
    reference.clear()
    check([*sequence, [b"MGET", b"a", b"b", b"c"]], 2, reference, Ours())


def test_a_dump_is_read_by_redis_and_its_digest_is_the_same(
    reference: Reference, served: Served, handlers: Ours
) -> None:
    for server in (reference, served):
        server.call([b"SETRANGE", b"s", b"%d" % (LONG_BYTES + 9), b"tail"])
        server.call([b"SETRANGE", b"s", b"7", b"head"])
    handlers.call([b"SETRANGE", b"s", b"%d" % (LONG_BYTES + 9), b"tail"])
    handlers.call([b"SETRANGE", b"s", b"7", b"head"])
    value = handlers.keyspace.lookup(b"s")
    assert isinstance(value, LongString)
    assert reference.call([b"DEBUG", b"DIGEST-VALUE", b"s"]).split()[1] == (
        b"+%040x" % value_digest(value, has_deadline=False)
    )
    dumped = served.call([b"DUMP", b"s"]).split(b"\r\n", 1)[1][:-2]
    assert reference.call([b"RESTORE", b"t", b"0", dumped]) == b"+OK\r\n"
    assert served.call([b"RESTORE", b"t", b"0", dumped]) == b"+OK\r\n"
    for server in (reference, served):
        server.call([b"SETRANGE", b"t", b"%d" % BLOCK_BYTES, b"middle"])
    assert served.call([b"GET", b"t"]) == reference.call([b"GET", b"t"])


def test_memory_counts_the_length_and_what_is_held_twice(handlers: Ours) -> None:
    """A sparse string counts as Redis has it: a restart may have all of it in memory."""
    keyspace = handlers.keyspace
    empty = keyspace.used_bytes()
    handlers.call([b"SETBIT", b"s", b"%d" % (64 * LONG_BYTES), b"1"])
    assert keyspace.used_bytes() - empty == pytest.approx(8 * LONG_BYTES, rel=0.01)
    usage = handlers.call([b"MEMORY", b"USAGE", b"s"])
    assert int(usage[1:]) == pytest.approx(8 * LONG_BYTES, rel=0.01)
    text = b"x" * (4 * LONG_BYTES)
    handlers.call([b"SET", b"s", text])
    assert keyspace.used_bytes() - empty == pytest.approx(4 * LONG_BYTES, rel=0.01)
    handlers.call([b"SETRANGE", b"s", b"0", text])
    assert keyspace.used_bytes() - empty == pytest.approx(8 * LONG_BYTES, rel=0.01)
    handlers.call([b"DEL", b"s"])
    assert keyspace.used_bytes() == empty
