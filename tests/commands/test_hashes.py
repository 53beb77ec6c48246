"""Hashes against redis-server: each command's replies, and sequences that nobody thought of."""

from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, replies_test, sequences_test
from tests.commands.reference import Served

CASES = {
    "set and get": """
        HSET h a 1 b 2
        HSET h a 3 c 4
        HGET h a
        HGET h none
        HGET none a
        HMGET h a none b
        HMGET none a b
        HSETNX h a 9
        HSETNX h d 9
        HSETNX fresh a 1
        HMSET h e 5 f 6
        HLEN h
        HLEN none
        HSTRLEN h a
        HSTRLEN h none
        HEXISTS h a
        HEXISTS h none
        HGETALL h
        HGETALL none
        HKEYS h
        HKEYS none
        HVALS h
        HVALS none
        TYPE h
        HSET h "" empty
        HGET h ""
        HSET h x ""
        HSTRLEN h x
        HSET h c 1 c 2
        HGET h c
        """,
    "wrong numbers of arguments": """
        HSET h
        HSET h a
        HSET h a 1 b
        HMSET h a
        HMSET h a 1 b
        hset h a 1 b
        HGET h
        HGETALL h x
        EXISTS h
        """,
    "delete": """
        HSET h a 1 b 2 c 3
        HDEL h none
        HDEL h a none b b
        HGETALL h
        HDEL h c
        EXISTS h
        HDEL h c
        """,
    "numbers": """
        HINCRBY h n 5
        HINCRBY h n -7
        HINCRBY h n 9223372036854775807
        HINCRBY h n 9223372036854775807
        HINCRBY h n x
        HINCRBY h n 1.5
        HSET h text abc
        HINCRBY h text 1
        HINCRBYFLOAT h text 1
        HINCRBYFLOAT h f 10.5
        HINCRBYFLOAT h f 0.1
        HINCRBYFLOAT h f -5.0e3
        HINCRBYFLOAT h f nan
        HINCRBYFLOAT h f inf
        HINCRBYFLOAT h f x
        HINCRBYFLOAT h text x
        HSET h inf inf
        HINCRBYFLOAT h inf 1
        HSET h space " 1"
        HINCRBY h space 1
        HINCRBYFLOAT h space 1
        HGETALL h
        """,
    "random fields": """
        HRANDFIELD none
        HRANDFIELD none 3
        HRANDFIELD none x
        HRANDFIELD none 1 FOO
        HSET h a 1
        HRANDFIELD h
        HRANDFIELD h 5
        HRANDFIELD h 5 WITHVALUES
        HRANDFIELD h -3
        HRANDFIELD h -2 WITHVALUES
        HRANDFIELD h 0
        HRANDFIELD h x
        HRANDFIELD h 1 FOO
        HRANDFIELD h 1 WITHVALUES FOO
        HRANDFIELD h -9223372036854775808
        HRANDFIELD h 9223372036854775807
        HRANDFIELD h 9223372036854775807 WITHVALUES
        HRANDFIELD h -4611686018427387905 WITHVALUES
        HRANDFIELD h 9223372036854775807 FOO
        HRANDFIELD h -9223372036854775807 FOO
        HRANDFIELD h 9223372036854775807 WITHVALUES FOO
        HRANDFIELD h -9223372036854775808 FOO
        """,
    "scan": """
        HSCAN none 0
        HSCAN none x
        HSCAN none 0 FOO
        HSET h a 1 b 2 ab 3
        HSCAN h 0
        HSCAN h 0 MATCH a*
        HSCAN h 0 COUNT 100 MATCH *
        HSCAN h 0 COUNT 1
        HSCAN h 7 COUNT 1
        HSCAN h 0 COUNT 0
        HSCAN h 0 COUNT x
        HSCAN h 0 COUNT
        HSCAN h 0 TYPE hash
        HSCAN h x
        """,
    "another type": """
        SET s v
        HSET s a 1
        HMSET s a 1
        HSETNX s a 1
        HGET s a
        HMGET s a
        HDEL s a
        HLEN s
        HSTRLEN s a
        HEXISTS s a
        HGETALL s
        HKEYS s
        HVALS s
        HINCRBY s a 1
        HINCRBY s a x
        HINCRBYFLOAT s a 1
        HRANDFIELD s
        HRANDFIELD s 1
        HRANDFIELD s x
        HSCAN s 0
        HSCAN s x
        HSCAN s 0 FOO
        HSET h a 1
        GET h
        APPEND h x
        INCR h
        GETDEL h
        SET h now-a-string
        GET h
        """,
    "as a value": """
        HSET h a 1 b 2
        OBJECT ENCODING h
        COPY h h2
        HSET h2 c 3
        HGETALL h
        HGETALL h2
        RENAME h2 h3
        HLEN h3
        EXPIREAT h3 9999999999
        HSET h3 d 4
        EXPIRETIME h3
        HSET long a 12345678901234567890123456789012345678901234567890123456789012345
        OBJECT ENCODING long
        HDEL long a
        HSET long a b
        OBJECT ENCODING long
        SCAN 0 TYPE hash COUNT 100
        MOVE h3 1
        EXISTS h3
        DEL h long
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


keys = st.sampled_from([b"h", b"i"])
fields = st.sampled_from([b"a", b"b", b"c", b"d", b"", b"long" * 20])
values = st.one_of(st.integers(-5, 5).map(lambda number: b"%d" % number), st.binary(max_size=70))
pairs = st.lists(st.tuples(fields, values), min_size=1, max_size=4).map(
    lambda chosen: [text for pair in chosen for text in pair]
)
some_fields = st.lists(fields, min_size=1, max_size=4)
commands = st.one_of(
    call_with("HSET", keys, rest=pairs),
    call_with("HMSET", keys, rest=pairs),
    call("HSETNX", keys, fields, values),
    call_with("HDEL", keys, rest=some_fields),
    call_with("HMGET", keys, rest=some_fields),
    call("HINCRBY", keys, fields, values),
    call("HINCRBYFLOAT", keys, fields, st.sampled_from([b"0.5", b"-2", b"x", b"1e3"])),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    call("SET", keys, st.just(b"v")),
    call("OBJECT", st.just(b"ENCODING"), keys),
    call("HRANDFIELD", keys, st.just(b"0")),
    *[call(name, keys) for name in ("HLEN", "HGETALL", "HKEYS", "HVALS", "DEL", "TYPE")],
    *[call(name, keys, fields) for name in ("HGET", "HEXISTS", "HSTRLEN")],
)


test_sequences = sequences_test(st.lists(commands, max_size=40))


def test_random_fields_are_there_and_distinct(served: Served) -> None:
    everything = {b"%d" % number for number in range(200)}
    for number in everything:
        served.call([b"HSET", b"h", number, b"v"])
    distinct = served.call([b"HRANDFIELD", b"h", b"150"]).split(b"\r\n")[2:-1:2]
    assert len(set(distinct)) == 150
    assert set(distinct) <= everything
    repeated = served.call([b"HRANDFIELD", b"h", b"-1000"]).split(b"\r\n")[2:-1:2]
    assert len(repeated) == 1000
    assert 150 < len(set(repeated)) <= 200


def test_a_scan_meets_every_field_that_stays(served: Served) -> None:
    for number in range(500):
        served.call([b"HSET", b"h", b"%d" % number, b"v"])
    cursor, met, removed = b"0", set(), 0
    while True:
        reply = served.call([b"HSCAN", b"h", cursor, b"COUNT", b"7"]).split(b"\r\n")
        cursor = reply[2]
        met.update(reply[5:-1:4])
        if cursor == b"0":
            break
        served.call([b"HDEL", b"h", b"%d" % removed])
        removed += 1
    assert {b"%d" % number for number in range(removed, 500)} <= met
