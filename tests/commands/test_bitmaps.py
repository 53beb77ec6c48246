"""Bitmaps and bit fields against redis-server."""

from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, check, replies_test, sequences_test
from tests.commands.reference import Ours, Reference

CASES = {
    "single bits": """
        SETBIT b 7 1
        GET b
        SETBIT b 7 1
        SETBIT b 7 0
        SETBIT b 100 0
        STRLEN b
        SETBIT b 0 1
        SETBIT b 15 1
        GET b
        OBJECT ENCODING b
        GETBIT b 0
        GETBIT b 1
        GETBIT b 99999
        GETBIT none 0
        GETBIT b 4294967295
        GETBIT b 4294967296
        GETBIT b -1
        GETBIT b x
        GETBIT b #1
        SETBIT b 4294967296 1
        SETBIT b -1 1
        SETBIT b x 1
        SETBIT b #0 1
        SETBIT b 1 2
        SETBIT b 1 -1
        SETBIT b 1 x
        SETBIT b x x
        SETBIT new 3 0
        GET new
        SET number 12
        SETBIT number 7 1
        GET number
        EXPIREAT b 9999999999
        SETBIT b 1 1
        EXPIRETIME b
        """,
    "counting": """
        BITCOUNT none
        BITCOUNT none x y
        BITCOUNT none 0
        SET b foobar
        BITCOUNT b
        BITCOUNT b 0 0
        BITCOUNT b 1 1
        BITCOUNT b 0 -1
        BITCOUNT b -2 -1
        BITCOUNT b 1 -2 BYTE
        BITCOUNT b 5 30 bit
        BITCOUNT b 5 30 BIT
        BITCOUNT b 7 7 BIT
        BITCOUNT b 8 8 BIT
        BITCOUNT b 0 -1 BIT
        BITCOUNT b -9 -2 BIT
        BITCOUNT b 3 1
        BITCOUNT b -1 -3
        BITCOUNT b -1 -3 FOO
        BITCOUNT b 0 -1 FOO
        BITCOUNT b 100 200
        BITCOUNT b 0 9223372036854775807 BIT
        BITCOUNT b -9223372036854775808 -9223372036854775808
        BITCOUNT b 0
        BITCOUNT b x 1
        BITCOUNT b 0 x
        BITCOUNT b 0 1 BIT 2
        SET b ""
        BITCOUNT b
        BITCOUNT b 0 -1
        BITCOUNT b 0 -1 BIT
        SET number 123
        BITCOUNT number
        """,
    "finding": """
        BITPOS none 0
        BITPOS none 1
        BITPOS none 1 x
        BITPOS none 2
        SET b \\xff\\xf0\\x00
        BITPOS b 0
        BITPOS b 1
        BITPOS b 1 1
        BITPOS b 1 2
        BITPOS b 0 1
        BITPOS b 0 0 0
        BITPOS b 1 2 -1
        BITPOS b 1 -2 -1
        BITPOS b 0 -1
        BITPOS b 1 9 9
        BITPOS b 0 0 -1 BIT
        BITPOS b 0 3 7 BIT
        BITPOS b 0 3 12 BIT
        BITPOS b 0 3 11 BIT
        BITPOS b 1 12 23 BIT
        BITPOS b 1 11 23 BIT
        BITPOS b 1 -20 -1 bit
        BITPOS b 1 0 -1 BYTE
        BITPOS b 1 2 1
        BITPOS b 1 100
        BITPOS b 0 100
        BITPOS b 2
        BITPOS b -1
        BITPOS b x
        BITPOS b 1 x
        BITPOS b 1 0 x
        BITPOS b 1 0 x FOO
        BITPOS b 1 x 0 FOO
        BITPOS b 1 0 1 FOO
        BITPOS b 1 0 1 BIT 1
        SET full \\xff\\xff\\xff
        BITPOS full 0
        BITPOS full 0 1
        BITPOS full 0 -1
        BITPOS full 0 0 -1
        BITPOS full 0 0 -1 BIT
        BITPOS full 0 3
        SET empty ""
        BITPOS empty 0
        BITPOS empty 1
        BITPOS empty 0 0
        BITPOS empty 0 0 -1
        """,
    "operations": """
        SET a \\x01\\x02\\xff
        SET b \\x03\\x06
        BITOP AND d a b
        GET d
        BITOP or d a b
        GET d
        BITOP XOR d a b none
        GET d
        BITOP NOT d a
        GET d
        OBJECT ENCODING d
        BITOP AND d a
        GET d
        BITOP XOR d a a
        GET d
        BITOP AND d none a
        GET d
        BITOP NOT d none
        EXISTS d
        BITOP OR d none none
        BITOP NOT d a b
        BITOP FOO d a
        BITOP FOO d a b
        BITOP NOT d
        BITOP OR a a b
        GET a
        EXPIREAT a 9999999999
        BITOP OR a a b
        TTL a
        HSET h f v
        BITOP OR h a b
        TYPE h
        HSET h2 f v
        BITOP OR d a h2
        BITOP NOT d h2
        BITOP OR h2 none
        EXISTS h2
        SET number 12
        BITOP OR d number
        OBJECT ENCODING d
        """,
    "fields": """
        BITFIELD f
        EXISTS f
        BITFIELD f GET u8 0
        EXISTS f
        BITFIELD f SET u8 0 255
        BITFIELD f SET i8 0 -1 GET u8 0 GET i8 0 GET u4 2 GET i5 6
        GET f
        BITFIELD f SET u8 #2 7 GET u8 #2 GET u8 16
        GET f
        BITFIELD f INCRBY u8 0 1
        BITFIELD f INCRBY i5 100 1 GET u4 0
        STRLEN f
        BITFIELD f SET i64 3 -9223372036854775808 GET i64 3
        BITFIELD f INCRBY i64 3 -1 GET i64 3
        BITFIELD f SET u63 1 9223372036854775807 GET u63 1 INCRBY u63 1 2
        BITFIELD f get u1 0 set u1 0 1 incrby u1 0 1 get u1 0
        BITFIELD f GET u63 4294967232
        BITFIELD f GET u8 4294967295
        BITFIELD f GET u8 4294967296
        BITFIELD f GET u8 #536870911
        BITFIELD f GET u8 #536870912
        BITFIELD f GET u8 #2305843009213693952
        BITFIELD f GET u16 #1152921504606846977
        BITFIELD f GET u8 #-1
        BITFIELD f GET u8 -1
        BITFIELD f GET u8 x
        BITFIELD f GET u8 #
        BITFIELD f GET u64 0
        BITFIELD f GET i65 0
        BITFIELD f GET u0 0
        BITFIELD f GET i0 0
        BITFIELD f GET U8 0
        BITFIELD f GET 8 0
        BITFIELD f GET i 0
        BITFIELD f GET i-1 0
        BITFIELD f GET "" 0
        BITFIELD f GET "u8\\x00x" 0
        BITFIELD f GET u8
        BITFIELD f SET u8 0
        BITFIELD f SET u8 0 x
        BITFIELD f SET u8 0 1.5
        BITFIELD f SET u8 x x
        BITFIELD f SET u99 x x
        BITFIELD f FOO
        BITFIELD f OVERFLOW
        BITFIELD f OVERFLOW FOO
        BITFIELD f OVERFLOW FAIL
        BITFIELD f SET u8 0 1 FOO
        GET f
        """,
    "overflow": """
        BITFIELD f SET u8 0 300 GET u8 0 SET u8 0 -1 GET u8 0
        BITFIELD f OVERFLOW SAT SET u8 0 300 GET u8 0 SET u8 0 -1 GET u8 0
        BITFIELD f OVERFLOW FAIL SET u8 0 300 GET u8 0 SET u8 0 -1 GET u8 0
        BITFIELD f OVERFLOW SAT INCRBY u8 0 -300 INCRBY u8 0 300
        BITFIELD f OVERFLOW FAIL INCRBY u8 0 300 INCRBY u8 0 -300
        BITFIELD f OVERFLOW WRAP INCRBY u8 0 300 INCRBY u8 0 -900
        BITFIELD f SET i8 0 200 GET i8 0 SET i8 0 -200 GET i8 0
        BITFIELD f OVERFLOW SAT SET i8 0 200 GET i8 0 SET i8 0 -200 GET i8 0
        BITFIELD f OVERFLOW FAIL SET i8 0 200 GET i8 0 SET i8 0 -200 GET i8 0
        BITFIELD f OVERFLOW SAT INCRBY i8 0 -300 INCRBY i8 0 300
        BITFIELD f OVERFLOW FAIL INCRBY i8 0 300 INCRBY i8 0 -300
        BITFIELD f OVERFLOW WRAP INCRBY i8 0 300 INCRBY i8 0 -900
        BITFIELD f OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0
        BITFIELD f OVERFLOW SAT SET i8 0 -9223372036854775680 GET i8 0
        BITFIELD f OVERFLOW SAT SET i8 0 -9223372036854775681 GET i8 0
        BITFIELD f OVERFLOW SAT SET i63 0 -9223372036854775808 GET i63 0
        BITFIELD f OVERFLOW SAT INCRBY i8 0 -9223372036854775808
        BITFIELD f OVERFLOW SAT INCRBY i8 0 9223372036854775807
        BITFIELD f OVERFLOW SAT INCRBY i64 0 9223372036854775807 INCRBY i64 0 1
        BITFIELD f OVERFLOW FAIL INCRBY i64 0 1 INCRBY i64 0 -1
        BITFIELD f INCRBY i64 0 2 OVERFLOW SAT INCRBY i64 0 -9223372036854775808
        BITFIELD f OVERFLOW SAT INCRBY u63 0 9223372036854775807 INCRBY u63 0 1
        BITFIELD f OVERFLOW SAT INCRBY u63 0 -9223372036854775808
        BITFIELD new OVERFLOW FAIL SET u8 8 300
        GET new
        """,
    "fields only read": """
        BITFIELD_RO f
        BITFIELD_RO f GET u8 0
        SET f hello
        BITFIELD_RO f GET u8 0 GET i16 4
        BITFIELD_RO f SET u8 0 1
        BITFIELD_RO f INCRBY u8 0 1
        BITFIELD_RO f GET u8 0 SET u8 0 x
        BITFIELD_RO f OVERFLOW SAT GET u8 0
        BITFIELD_RO f FOO
        SET number 12
        BITFIELD_RO number GET u16 0
        """,
    "another type": """
        HSET h f v
        SETBIT h 1 1
        SETBIT h x 1
        SETBIT h 1 x
        GETBIT h 1
        GETBIT h x
        BITCOUNT h
        BITCOUNT h 0
        BITCOUNT h x y
        BITPOS h 1
        BITPOS h x
        BITPOS h 1 x
        BITPOS h 1 0 1 BIT x
        BITFIELD h
        BITFIELD h GET u8 0
        BITFIELD h SET u8 0 1
        BITFIELD h SET u8 0 x
        BITFIELD_RO h GET u8 0
        BITFIELD_RO h SET u8 0 1
        """,
    "wrong numbers of arguments": """
        SETBIT b 1
        SETBIT b 1 1 1
        GETBIT b
        GETBIT b 1 1
        BITCOUNT
        BITPOS b
        BITOP AND d
        BITFIELD
        BITFIELD_RO
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


keys = st.sampled_from([b"a", b"b", b"c"])
some_keys = st.lists(keys, min_size=1, max_size=3)
bits = st.sampled_from([b"0", b"1"])
offsets = st.integers(0, 70).map(lambda number: b"%d" % number)
places = st.one_of(offsets, st.integers(0, 5).map(lambda number: b"#%d" % number))
ends = st.integers(-40, 40).map(lambda number: b"%d" % number)
units = st.sampled_from([b"BIT", b"BYTE", b"bit"])
strings = st.one_of(
    st.binary(max_size=12),
    st.integers(0, 9).map(lambda size: b"\xff" * size),
    st.integers(0, 9).map(lambda size: b"\x00" * size),
)
types = st.one_of(
    st.integers(1, 64).map(lambda width: b"i%d" % width),
    st.integers(1, 63).map(lambda width: b"u%d" % width),
)
amounts = st.one_of(
    st.integers(-300, 300),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.sampled_from([(1 << 63) - 1, -(1 << 63), 1 << 62]),
).map(lambda number: b"%d" % number)
fields = st.lists(
    st.one_of(
        st.tuples(st.just(b"GET"), types, places),
        st.tuples(st.sampled_from([b"SET", b"INCRBY"]), types, places, amounts),
        st.tuples(st.just(b"OVERFLOW"), st.sampled_from([b"WRAP", b"SAT", b"FAIL"])),
    ),
    max_size=6,
).map(lambda parts: [word for part in parts for word in part])
commands = st.one_of(
    call("SET", keys, strings),
    call("SETBIT", keys, offsets, bits),
    call("GETBIT", keys, offsets),
    call("BITCOUNT", keys, ends, ends),
    call("BITCOUNT", keys, ends, ends, units),
    call("BITPOS", keys, bits),
    call("BITPOS", keys, bits, ends),
    call("BITPOS", keys, bits, ends, ends),
    call("BITPOS", keys, bits, ends, ends, units),
    call_with("BITOP", st.sampled_from([b"AND", b"OR", b"XOR"]), keys, rest=some_keys),
    call("BITOP", st.just(b"NOT"), keys, keys),
    call_with("BITFIELD", keys, rest=fields),
    call_with("BITFIELD", keys, rest=fields),
    call_with("BITFIELD_RO", keys, rest=fields),
    *[call(name, keys) for name in ("GET", "DEL", "BITCOUNT")],
)


test_sequences = sequences_test(st.lists(commands, max_size=40))


def test_strings_of_many_blocks(reference: Reference, handlers: Ours) -> None:
    sequence = [
        [b"SETBIT", b"a", b"1700000", b"1"],
        [b"SETRANGE", b"a", b"131071", b"\xf0\x0f" * 500],
        [b"SETRANGE", b"b", b"100", b"\xff" * 300_000],
        *[[b"BITOP", name, b"d-" + name, b"a", b"b"] for name in (b"AND", b"OR", b"XOR")],
        [b"BITOP", b"NOT", b"d-NOT", b"b"],
        *[[b"GET", b"d-" + name] for name in (b"AND", b"OR", b"XOR", b"NOT")],
        [b"BITCOUNT", b"a"],
        [b"BITCOUNT", b"b", b"777", b"2400003", b"BIT"],
        [b"BITPOS", b"a", b"1"],
        [b"BITPOS", b"a", b"1", b"1056000", b"-1", b"BIT"],
        [b"BITPOS", b"a", b"1", b"150000"],
        [b"BITPOS", b"b", b"0", b"100"],
        [b"BITPOS", b"b", b"0", b"801", b"-1", b"BIT"],
        [b"BITPOS", b"d-NOT", b"1", b"100"],
    ]
    check(sequence, 2, reference, handlers)


def test_a_bitmap_of_the_largest_size(reference: Reference, handlers: Ours) -> None:
    sequence = [
        [b"BITFIELD", b"f", b"GET", b"u8", b"4294967288"],
        [b"SETBIT", b"b", b"80000000", b"1"],
        [b"SETBIT", b"b", b"4294967296", b"1"],
        [b"STRLEN", b"b"],
        [b"BITCOUNT", b"b", b"-1", b"-1"],
    ]
    check(sequence, 2, reference, handlers)
