"""Sets against redis-server: each command's replies, and sequences that nobody thought of."""

from hypothesis import given
from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, parse, replies_test, sequences_test, shared
from tests.commands.reference import Argv, Ours, Reference, Served

CASES = {
    "add, remove and look up": """
        SADD s a b c
        SADD s a d d
        SADD s a
        SCARD s
        SCARD none
        SISMEMBER s a
        SISMEMBER s x
        SISMEMBER none a
        SMISMEMBER s a x b a
        SMISMEMBER none a b
        SMEMBERS s
        SMEMBERS none
        SREM s x
        SREM s a x b b
        SREM none a
        SMEMBERS s
        SREM s c d
        EXISTS s
        SADD s ""
        SISMEMBER s ""
        TYPE s
        """,
    "wrong numbers of arguments": """
        SADD s
        SREM s
        SCARD
        SCARD s t
        SISMEMBER s
        SISMEMBER s a b
        SMISMEMBER s
        SMEMBERS s t
        SMOVE s t
        SMOVE s t a b
        SPOP
        SPOP s 1 2
        SRANDMEMBER
        SRANDMEMBER s 1 2
        SINTER
        SUNION
        SDIFF
        SINTERSTORE d
        SUNIONSTORE d
        SDIFFSTORE d
        SINTERCARD 1
        SSCAN s
        """,
    "move": """
        SADD s a b
        SADD t c
        SMOVE s t a
        SMOVE s t a
        SMOVE none t a
        SMOVE s s b
        SMOVE s s x
        SMOVE s new b
        EXISTS s
        SMEMBERS new
        SMEMBERS t
        SADD s c
        SMOVE s t c
        SMEMBERS t
        SET str v
        SMOVE none str a
        SMOVE str t a
        SMOVE t str a
        SMOVE t str x
        """,
    "pop": """
        SPOP none
        SPOP none 3
        SPOP none 0
        SPOP none x
        SPOP none -1
        SPOP none 1 2
        SPOP none 99999999999999999999
        SADD one a
        SPOP one
        EXISTS one
        SADD s a b c
        SPOP s 0
        SPOP s -1
        SPOP s x
        SPOP s ""
        SPOP s 9223372036854775807
        EXISTS s
        """,
    "random members": """
        SRANDMEMBER none
        SRANDMEMBER none 3
        SRANDMEMBER none -3
        SRANDMEMBER none x
        SRANDMEMBER none 1 2
        SADD s a
        SRANDMEMBER s
        SRANDMEMBER s 0
        SRANDMEMBER s 5
        SRANDMEMBER s -3
        SRANDMEMBER s x
        SRANDMEMBER s -9223372036854775808
        SRANDMEMBER s 9223372036854775807
        SRANDMEMBER s 9223372036854775808
        SCARD s
        """,
    "scan": """
        SSCAN none 0
        SSCAN none x
        SSCAN none 0 FOO
        SADD integers 1 2 3
        SSCAN integers 0 COUNT 1
        SSCAN integers 2 COUNT 1
        SADD s a b ab
        SSCAN s 0
        SSCAN s 0 MATCH a*
        SSCAN s 0 COUNT 100 MATCH *
        SSCAN s 0 COUNT 0
        SSCAN s 0 COUNT x
        SSCAN s 0 COUNT
        SSCAN s 0 TYPE set
        SSCAN s x
        SADD i 1 2 3
        SSCAN i 0
        SSCAN i 0 MATCH [12]
        """,
    "algebra": """
        SADD a 1 2 3 x
        SADD b 2 3 4 x
        SADD c 3 4 5
        SINTER a
        SINTER a a
        SINTER a b
        SINTER a b c
        SINTER a none
        SINTER none a
        SUNION a
        SUNION a b c
        SUNION a none
        SUNION none
        SDIFF a
        SDIFF a a
        SDIFF a b
        SDIFF a none c
        SDIFF none a
        SDIFF a b c
        SET str v
        SINTER none str
        SINTER a str
        SUNION none str
        SDIFF none str
        SDIFF a none str
        """,
    "stored algebra": """
        SADD a 1 2 3 x
        SADD b 2 3 4 x
        SINTERSTORE d a b
        SMEMBERS d
        SUNIONSTORE d a b
        SMEMBERS d
        SDIFFSTORE d a b
        SMEMBERS d
        SINTERSTORE d a none
        EXISTS d
        SUNIONSTORE d none
        SDIFFSTORE d a a
        EXISTS d
        SET str v
        SUNIONSTORE str a b
        TYPE str
        SUNIONSTORE a a b
        SMEMBERS a
        SDIFFSTORE b b a
        EXISTS b
        SET str v
        SINTERSTORE str none a
        EXISTS str
        SET str v
        SUNIONSTORE d a str
        SINTERSTORE d none str
        SDIFFSTORE d none str
        EXPIREAT a 9999999999
        SUNIONSTORE a a
        TTL a
        SADD i 1 2
        SUNIONSTORE d i i
        OBJECT ENCODING d
        SUNIONSTORE d i a
        OBJECT ENCODING d
        """,
    "cardinality of an intersection": """
        SADD a 1 2 3 4
        SADD b 2 3 4 5
        SINTERCARD 1 a
        SINTERCARD 2 a b
        SINTERCARD 2 a b LIMIT 2
        SINTERCARD 2 a b LIMIT 0
        SINTERCARD 2 a b limit 9
        SINTERCARD 1 a LIMIT 3
        SINTERCARD 2 a none
        SINTERCARD 2 a none LIMIT 1
        SINTERCARD 0 a
        SINTERCARD x a
        SINTERCARD -1 a
        SINTERCARD 3 a b
        SINTERCARD 2 a b LIMIT
        SINTERCARD 2 a b LIMIT -1
        SINTERCARD 2 a b LIMIT x
        SINTERCARD 2 a b FOO 1
        SINTERCARD 2 a b LIMIT 1 LIMIT 2
        SINTERCARD 2 a b LIMIT 1 LIMIT
        SINTERCARD 1 a b
        SET str v
        SINTERCARD 2 none str
        """,
    "another type": """
        SET s v
        SADD t a
        SADD s a
        SREM s a
        SCARD s
        SISMEMBER s a
        SMISMEMBER s a
        SMEMBERS s
        SPOP s
        SPOP s 1
        SPOP s x
        SRANDMEMBER s
        SRANDMEMBER s 1
        SRANDMEMBER s x
        SSCAN s 0
        SSCAN s x
        SSCAN s 0 FOO
        GET t
        HGET t a
        INCR t
        APPEND t x
        SET t now-a-string
        GET t
        """,
    "what counts as an integer": """
        SADD zero 0
        OBJECT ENCODING zero
        SADD minus-zero -0
        OBJECT ENCODING minus-zero
        SADD leading 01
        OBJECT ENCODING leading
        SADD minus-leading -01
        OBJECT ENCODING minus-leading
        SADD plus +1
        OBJECT ENCODING plus
        SADD minus -
        OBJECT ENCODING minus
        SADD empty ""
        OBJECT ENCODING empty
        SADD space " 1"
        OBJECT ENCODING space
        SADD largest 9223372036854775807
        OBJECT ENCODING largest
        SADD larger 9223372036854775808
        OBJECT ENCODING larger
        SADD smallest -9223372036854775808
        OBJECT ENCODING smallest
        SADD smaller -9223372036854775809
        OBJECT ENCODING smaller
        SADD long 10000000000000000000
        OBJECT ENCODING long
        SADD underscore 1_0
        OBJECT ENCODING underscore
        """,
    "as a value": """
        SADD s 3 1 2
        OBJECT ENCODING s
        COPY s t
        SADD t a
        SMEMBERS s
        SMEMBERS t
        OBJECT ENCODING s
        OBJECT ENCODING t
        SREM t a
        OBJECT ENCODING t
        COPY t u
        OBJECT ENCODING u
        RENAME t t2
        SCARD t2
        EXPIREAT t2 9999999999
        SADD t2 d
        EXPIRETIME t2
        SCAN 0 TYPE set COUNT 100
        MOVE t2 1
        EXISTS t2
        DEL s u
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


keys = st.sampled_from([b"a", b"b", b"c"])
members = st.sampled_from([b"1", b"2", b"3", b"-4", b"05", b"x", b"", b"long" * 20])
some = st.lists(members, min_size=1, max_size=5)
some_keys = st.lists(keys, min_size=1, max_size=3)
commands = st.one_of(
    call_with("SADD", keys, rest=some),
    call_with("SADD", keys, rest=some),
    call_with("SREM", keys, rest=some),
    call_with("SMISMEMBER", keys, rest=some),
    call("SMOVE", keys, keys, members),
    call("SPOP", keys, st.sampled_from([b"0", b"99"])),
    call("SSCAN", keys, st.just(b"0"), st.just(b"COUNT"), st.just(b"99")),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    call("SET", keys, st.just(b"v")),
    *[call_with(name, rest=some_keys) for name in ("SINTER", "SUNION", "SDIFF")],
    *[call_with(name, keys, rest=some_keys) for name in ("SINTERSTORE", "SUNIONSTORE")],
    call_with("SDIFFSTORE", keys, rest=some_keys),
    call_with("SINTERCARD", st.sampled_from([b"1", b"2"]), rest=some_keys),
    *[call(name, keys) for name in ("SCARD", "SMEMBERS", "DEL", "TYPE")],
    call("SISMEMBER", keys, members),
)


test_sequences = sequences_test(st.lists(commands, max_size=40))


integers = st.one_of(st.integers(-600, 600), st.integers(-(1 << 64), 1 << 64))
numbers = st.lists(integers.map(lambda number: b"%d" % number), min_size=1, max_size=300)


@shared
@given(st.lists(st.tuples(st.sampled_from([b"SADD", b"SREM"]), numbers), max_size=6))
def test_sets_of_integers_have_the_encoding_and_order_of_redis(
    reference: Reference, changes: list[tuple[bytes, list[bytes]]]
) -> None:
    reference.clear()
    ours = Ours()
    for name, chosen in changes:
        for argv in (
            [name, b"s", *chosen],
            [b"OBJECT", b"ENCODING", b"s"],
            [b"SCARD", b"s"],
        ):
            assert ours.call(argv) == reference.call(argv)
        if ours.call([b"OBJECT", b"ENCODING", b"s"]) == b"$6\r\nintset\r\n":
            assert ours.call([b"SMEMBERS", b"s"]) == reference.call([b"SMEMBERS", b"s"])
    ours.check_replicas()


def test_popped_members_are_gone_and_distinct(handlers: Ours) -> None:
    everything = [b"$%d" % number for number in range(500)]
    handlers.call([b"SADD", b"s", *[item[1:] for item in everything]])
    popped = _elements(handlers, [b"SPOP", b"s", b"200"])
    popped += [parse(handlers.call([b"SPOP", b"s"])) for _ in range(50)]
    left = _elements(handlers, [b"SMEMBERS", b"s"])
    assert sorted(map(repr, popped + left)) == sorted(map(repr, everything))
    assert len(left) == 250
    handlers.check_replicas()


def test_random_members_are_there_and_distinct(handlers: Ours) -> None:
    handlers.call([b"SADD", b"s", *[b"%d" % number for number in range(200)]])
    distinct = _elements(handlers, [b"SRANDMEMBER", b"s", b"150"])
    assert len(distinct) == len(set(map(repr, distinct))) == 150
    repeated = _elements(handlers, [b"SRANDMEMBER", b"s", b"-1000"])
    assert len(repeated) == 1000
    assert 150 < len(set(map(repr, repeated))) <= 200


def test_a_scan_meets_every_member_that_stays(served: Served) -> None:
    for number in range(500):
        served.call([b"SADD", b"s", b"%d" % number])
    cursor, met, removed = b"0", set(), 0
    while True:
        reply = served.call([b"SSCAN", b"s", cursor, b"COUNT", b"7"]).split(b"\r\n")
        cursor = reply[2]
        met.update(reply[5:-1:2])
        if cursor == b"0":
            break
        served.call([b"SREM", b"s", b"%d" % removed])
        removed += 1
    assert {b"%d" % number for number in range(removed, 500)} <= met


def _elements(ours: Ours, argv: Argv) -> list[object]:
    reply = parse(ours.call(argv))
    assert isinstance(reply, list)
    return list(reply)
