"""Lists against redis-server: each command's replies, and sequences that nobody thought of."""

from hypothesis import given
from hypothesis import strategies as st

from respkv.keyspace.list import List, load
from tests.commands.comparing import (
    call,
    call_with,
    check,
    replies_test,
    run,
    sequences_test,
    shared,
)
from tests.commands.reference import Argv, Ours, Reference, Served

CASES = {
    "push and pop": """
        RPUSH l a b c
        LPUSH l x y
        LRANGE l 0 -1
        LLEN l
        LLEN none
        LPUSHX none a
        RPUSHX none a
        EXISTS none
        LPUSHX l p q
        RPUSHX l r s
        LPOP l
        RPOP l
        LPOP l 2
        RPOP l 3
        LPOP l 0
        LPOP l 9223372036854775807
        EXISTS l
        LPOP l
        RPOP l
        LPOP l 0
        LPOP l 2
        RPOP l 2
        RPUSH l ""
        LPOP l
        RPUSH l a b
        RPOP l 2
        EXISTS l
        """,
    "counts of a pop": """
        RPUSH l a b
        LPOP l -1
        LPOP l x
        LPOP l 1.5
        RPOP l 9223372036854775808
        LPOP none -1
        LPOP l 1 2
        lpop l 1 2
        RPOP l x y
        LLEN l
        """,
    "wrong numbers of arguments": """
        LPUSH l
        RPUSH
        LPUSHX l
        RPUSHX l
        LPOP
        LLEN
        LLEN l x
        LRANGE l 0
        LINDEX l
        LSET l 0
        LINSERT l BEFORE a
        LREM l 0
        LTRIM l 0
        LPOS l
        LMOVE l l LEFT
        RPOPLPUSH l
        LMPOP 1 l
        BLPOP l
        BRPOP l
        BLMOVE l l LEFT LEFT
        BRPOPLPUSH l l
        BLMPOP 0 1 l
        """,
    "ranges": """
        RPUSH l a b c d e
        LRANGE l 0 0
        LRANGE l 1 3
        LRANGE l -3 -2
        LRANGE l -100 100
        LRANGE l 3 1
        LRANGE l 5 9
        LRANGE l 4 9
        LRANGE l -1 -5
        LRANGE l 0 -6
        LRANGE l -9223372036854775808 9223372036854775807
        LRANGE l 9223372036854775807 -1
        LRANGE l x 1
        LRANGE l 1 x
        LRANGE none 0 -1
        LRANGE none x 1
        """,
    "by index": """
        RPUSH l a b c
        LINDEX l 0
        LINDEX l 2
        LINDEX l 3
        LINDEX l -1
        LINDEX l -3
        LINDEX l -4
        LINDEX l 9223372036854775807
        LINDEX l -9223372036854775808
        LINDEX l x
        LINDEX none x
        LINDEX none 0
        LSET l 0 first
        LSET l -1 last
        LSET l 1 ""
        LSET l 3 x
        LSET l -4 x
        LSET l x x
        LSET none 0 x
        LSET none x x
        LSET l -9223372036854775808 x
        LRANGE l 0 -1
        """,
    "insert": """
        RPUSH l a b a
        LINSERT l BEFORE a x
        LINSERT l after a y
        LINSERT l After b z
        LINSERT l BEFORE none x
        LINSERT l AROUND a x
        LINSERT none AROUND a x
        LINSERT none BEFORE a x
        EXISTS none
        LRANGE l 0 -1
        RPUSH one only
        LINSERT one AFTER only end
        LINSERT one BEFORE only start
        LRANGE one 0 -1
        """,
    "remove": """
        RPUSH l a b a c a d a
        LREM l 1 a
        LRANGE l 0 -1
        LREM l -1 a
        LRANGE l 0 -1
        LREM l 0 none
        LREM l -2 a
        LRANGE l 0 -1
        LREM l 5 b
        LREM l x b
        LREM none x b
        LREM none 0 b
        RPUSH many a a a a a a a a a a a a a a b a a
        LREM many -12 a
        LRANGE many 0 -1
        LREM many -9223372036854775808 a
        LREM many 9223372036854775807 b
        EXISTS many
        LREM l 0 c
        LREM l 0 d
        EXISTS l
        """,
    "trim": """
        RPUSH l a b c d e f g h
        LTRIM l 1 -2
        LRANGE l 0 -1
        LTRIM l 0 -2
        LTRIM l 1 100
        LRANGE l 0 -1
        LTRIM l -1 -1
        LRANGE l 0 -1
        LTRIM l x 1
        LTRIM l 1 x
        LTRIM none x 1
        LTRIM none 0 1
        LTRIM l 5 9
        EXISTS l
        RPUSH l a b c d
        LTRIM l 3 1
        EXISTS l
        RPUSH l a b c d e f
        EXPIREAT l 9999999999
        LTRIM l 5 5
        EXPIRETIME l
        LRANGE l 0 -1
        """,
    "positions": """
        RPUSH l a b c 1 2 3 c c
        LPOS l c
        LPOS l none
        LPOS none c
        LPOS l c RANK 2
        LPOS l c RANK -1
        LPOS l c RANK -3
        LPOS l c RANK 4
        LPOS l c rank -4
        LPOS l c COUNT 2
        LPOS l c COUNT 0
        LPOS l none COUNT 0
        LPOS none c COUNT 0
        LPOS none c COUNT 1
        LPOS l c RANK 2 COUNT 0
        LPOS l c RANK -1 COUNT 2
        LPOS l c RANK -2 COUNT 9223372036854775807
        LPOS l c COUNT 0 MAXLEN 3
        LPOS l c COUNT 0 MAXLEN 2
        LPOS l c MAXLEN 2
        LPOS l c RANK -1 COUNT 0 MAXLEN 2
        LPOS l a RANK -1 MAXLEN 7
        LPOS l c MAXLEN 0
        LPOS l c MAXLEN 9223372036854775807
        LPOS l c RANK 1 RANK 2
        LPOS l c RANK 0
        LPOS none c RANK 0
        LPOS l c RANK x
        LPOS l c RANK 9223372036854775807
        LPOS l c RANK -9223372036854775807
        LPOS l c RANK -9223372036854775808
        LPOS l c RANK -9223372036854775808 COUNT 0
        LPOS l c RANK -9223372036854775808 COUNT 1
        LPOS l c RANK -9223372036854775808 COUNT 2 MAXLEN 3
        LPOS l c COUNT -1
        LPOS l c COUNT x
        LPOS l c MAXLEN -1
        LPOS l c MAXLEN x
        LPOS l c RANK
        LPOS l c COUNT 1 MAXLEN
        LPOS l c FOO 1
        LPOS l c FOO
        LPOS l c RANK 0 FOO 1
        LPOS l c FOO 1 RANK 0
        """,
    "moves": """
        RPUSH l a b c d
        LMOVE l m LEFT LEFT
        LMOVE l m left right
        LMOVE l m RIGHT LEFT
        LMOVE l l LEFT RIGHT
        LMOVE l m Right Right
        EXISTS l
        LRANGE m 0 -1
        LMOVE m m LEFT RIGHT
        LMOVE m m RIGHT RIGHT
        LRANGE m 0 -1
        RPOPLPUSH m m
        RPOPLPUSH m n
        RPOPLPUSH none n
        RPOPLPUSH none none
        LMOVE none n LEFT LEFT
        LMOVE m n FOO LEFT
        LMOVE m n LEFT FOO
        LMOVE none n FOO LEFT
        LRANGE m 0 -1
        LRANGE n 0 -1
        RPUSH one x
        EXPIREAT one 9999999999
        LMOVE one one LEFT RIGHT
        EXPIRETIME one
        RPOPLPUSH one two
        EXISTS one
        TTL two
        EXPIREAT two 9999999999
        RPOPLPUSH n two
        EXPIRETIME two
        """,
    "pops of several": """
        RPUSH l a b c d
        RPUSH m x y
        LMPOP 1 l LEFT
        LMPOP 2 none l RIGHT
        LMPOP 3 none l m left COUNT 1
        LMPOP 3 none l m LEFT count 10
        EXISTS l
        LMPOP 2 l m RIGHT COUNT 2
        LMPOP 2 l m LEFT
        LMPOP 1 none LEFT COUNT 5
        RPUSH l a
        LMPOP 0 l LEFT
        LMPOP -1 l LEFT
        LMPOP x l LEFT
        LMPOP 1 l FOO
        LMPOP 2 l LEFT
        LMPOP 2 l m
        LMPOP 9 l m LEFT
        LMPOP 9223372036854775807 l LEFT
        LMPOP 9223372036854775808 l LEFT
        LMPOP 1 l LEFT COUNT
        LMPOP 1 l LEFT COUNT 0
        LMPOP 1 l LEFT COUNT -1
        LMPOP 1 l LEFT COUNT x
        LMPOP 1 l LEFT COUNT 1 COUNT 1
        LMPOP 1 l LEFT COUNT 1 x
        LMPOP 1 l LEFT FOO 1
        LMPOP 1 l LEFT FOO
        LMPOP 2 l l LEFT COUNT 9223372036854775807
        LMPOP 1 none LEFT FOO
        """,
    "those that could wait and need not": """
        RPUSH l a b c d e f g h
        RPUSH m x
        BLPOP none l 0
        BRPOP l none 0
        BLMOVE l m LEFT RIGHT 0
        BRPOPLPUSH l m 0
        BLMPOP 0 2 none l LEFT
        BLMPOP 0.5 2 none l RIGHT COUNT 2
        BLMPOP -1 1 l LEFT
        BLMPOP x 1 l LEFT
        BLMPOP x 0 l LEFT
        BLMPOP x 1 l FOO
        BLMPOP x 1 l LEFT COUNT 0
        BLMPOP 1 x l LEFT
        BLMOVE l m LEFT RIGHT -1
        BLMOVE l m FOO RIGHT x
        BLMOVE l m RIGHT FOO x
        BLMOVE none m LEFT RIGHT x
        BRPOPLPUSH l m nan
        BRPOPLPUSH none m -1
        BLPOP l x
        LRANGE l 0 -1
        LRANGE m 0 -1
        """,
    "another type": """
        SET s v
        RPUSH l a b
        LPUSH s a
        RPUSH s a
        LPUSHX s a
        RPUSHX s a
        LPOP s
        RPOP s 0
        LPOP s x
        LLEN s
        LRANGE s 0 -1
        LRANGE s x 1
        LINDEX s 0
        LINDEX s x
        LSET s 0 x
        LSET s x x
        LINSERT s BEFORE a b
        LINSERT s AROUND a b
        LREM s 0 a
        LREM s x a
        LTRIM s 0 1
        LTRIM s x 1
        LPOS s a
        LPOS s a RANK 0
        LMOVE l s LEFT LEFT
        LMOVE s l LEFT LEFT
        LMOVE s none LEFT LEFT
        LMOVE none s LEFT LEFT
        LMOVE s s LEFT LEFT
        RPOPLPUSH l s
        RPOPLPUSH s l
        LMPOP 1 s LEFT
        LMPOP 2 none s LEFT
        LMPOP 2 l s LEFT
        LMPOP 1 s LEFT COUNT x
        BLPOP s 0
        BLPOP none s 0
        BRPOP s x
        BLMOVE s l LEFT LEFT 0
        BLMOVE l s LEFT LEFT 0
        BLMOVE s l LEFT LEFT x
        BRPOPLPUSH l s 0
        BLMPOP 0 2 none s LEFT
        LRANGE l 0 -1
        GET l
        HGET l a
        APPEND l x
        SET l now-a-string
        GET l
        """,
    "as a value": """
        RPUSH l a b c
        TYPE l
        OBJECT ENCODING l
        COPY l m
        RPUSH m d
        LRANGE l 0 -1
        LRANGE m 0 -1
        RENAME m n
        LLEN n
        EXPIREAT n 9999999999
        LPUSH n z
        LSET n 0 y
        LREM n 1 y
        EXPIRETIME n
        SCAN 0 TYPE list COUNT 100
        MOVE n 1
        EXISTS n
        RPUSH long 12345678901234567890123456789012345678901234567890123456789012345
        OBJECT ENCODING long
        RPUSH n 1 22 -7
        LINDEX n 1
        LPOS n 22
        DEL l long n
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


WAITS = """
    BLPOP none 0
    BRPOP none also 0
    BLMOVE none l LEFT LEFT 0
    BRPOPLPUSH none l 0
    BLMPOP 0 1 none LEFT
    SET s v
    BLMOVE none s LEFT LEFT 0
    BRPOPLPUSH none s 1
    """


def test_nothing_waits_inside_a_transaction(
    reference: Reference, handlers: Ours, served: Served
) -> None:
    run(WAITS, "transaction 2", reference, handlers, served)


keys = st.sampled_from([b"l", b"m", b"n"])
items = st.sampled_from([b"a", b"b", b"c", b"", b"1", b"long" * 20])
numbers = st.integers(-6, 6).map(lambda number: b"%d" % number)
counts = st.integers(0, 4).map(lambda number: b"%d" % number)
ends = st.sampled_from([b"LEFT", b"RIGHT"])
some_items = st.lists(items, min_size=1, max_size=5)
lpos_options = st.lists(
    st.one_of(
        st.tuples(st.just(b"RANK"), numbers),
        st.tuples(st.sampled_from([b"COUNT", b"MAXLEN"]), counts),
    ),
    max_size=3,
).map(lambda chosen: [text for option in chosen for text in option])
many = st.just([b"a", b"b"] * 100)
commands = st.one_of(
    *[call_with(name, keys, rest=some_items) for name in ("LPUSH", "RPUSH", "LPUSHX", "RPUSHX")],
    call_with("RPUSH", keys, rest=many),
    *[call(name, keys) for name in ("LPOP", "RPOP", "LLEN", "DEL", "TYPE")],
    *[call(name, keys, counts) for name in ("LPOP", "RPOP")],
    *[call(name, keys, numbers, numbers) for name in ("LRANGE", "LTRIM")],
    call("LINDEX", keys, numbers),
    call("LSET", keys, numbers, items),
    call("LINSERT", keys, st.sampled_from([b"BEFORE", b"AFTER"]), items, items),
    call("LREM", keys, numbers, items),
    call_with("LPOS", keys, items, rest=lpos_options),
    call("LMOVE", keys, keys, ends, ends),
    call("RPOPLPUSH", keys, keys),
    call("LMPOP", st.just(b"2"), keys, keys, ends, st.just(b"COUNT"), counts),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    call("SET", keys, st.just(b"v")),
    call("OBJECT", st.just(b"ENCODING"), keys),
)


test_sequences = sequences_test(st.lists(commands, max_size=40))


long_ranges = st.integers(-2_100, 2_100).map(lambda number: b"%d" % number)
on_long_lists = st.one_of(
    call("LRANGE", st.just(b"l"), long_ranges, long_ranges),
    call("LINDEX", st.just(b"l"), long_ranges),
    call("LSET", st.just(b"l"), long_ranges, items),
    call("LTRIM", st.just(b"l"), st.just(b"3"), st.just(b"-2")),
    call("LREM", st.just(b"l"), st.sampled_from([b"-11", b"-9", b"9", b"11"]), st.just(b"7")),
    call("LPOS", st.just(b"l"), st.just(b"9"), st.just(b"RANK"), st.sampled_from([b"-99", b"99"])),
    call("LINSERT", st.just(b"l"), st.just(b"AFTER"), st.just(b"9"), items),
)


@shared
@given(st.lists(on_long_lists, max_size=20))
def test_long_lists(reference: Reference, sequence: list[Argv]) -> None:
    reference.clear()
    items = [b"%d" % (number % 10) for number in range(2000)]
    check([[b"RPUSH", b"l", *items], *sequence], 2, reference, Ours())


def test_the_bytes_of_a_list_are_counted_through_every_change(handlers: Ours) -> None:
    """What MEMORY USAGE shows is kept as the list changes, and must not drift."""
    lines = """
        RPUSH l a bb ccc dddd bb bb bb bb bb bb bb bb bb bb bb
        LPUSH l eeeee
        LSET l 1 ffffff
        LINSERT l AFTER ccc ggggggg
        LREM l 2 bb
        LREM l 0 bb
        LPOP l
        RPOP l 1
        RPUSH l 1 22 333 4444
        LTRIM l 1 -2
        LMOVE l l LEFT RIGHT
        """
    for line in lines.strip().splitlines():
        handlers.call([word.encode() for word in line.split()])
    value = handlers.keyspace.lookup(b"l")
    assert isinstance(value, List)
    assert len(value) == 5
    assert value.memory_bytes() == load(value.dump()).memory_bytes()
