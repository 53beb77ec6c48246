"""Streams as logs against redis-server: each command's replies, and sequences nobody thought of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.keyspace.stream import Stream
from tests.commands.comparing import call, call_with, check, replies_test, sequences_test, shared
from tests.commands.reference import Argv, Ours, Reference, Served

CASES = {
    "add": """
        XADD s 1-1 a 1
        XADD s 1-1 a 1
        XADD s 1-0 a 1
        XADD s 0-5 a 1
        XADD s 1-2 a 1 b 2
        XADD s 2 a 1
        XADD s 2-* a 1
        XADD s 2-* a 1
        XADD s 5-* a 1
        XADD s 3-* a 1
        XADD s 0-0 a 1
        XADD s 0 a 1
        XADD none 0-0 a 1
        EXISTS none
        XADD other 0-* a 1
        XADD s 7-7 a 1 a 2 "" ""
        XLEN s
        XLEN none
        XRANGE s - +
        TYPE s
        XINFO STREAM s
        """,
    "ids": """
        XADD s 18446744073709551616-0 a 1
        XADD s 1-18446744073709551616 a 1
        XADD s x a 1
        XADD s 1-x a 1
        XADD s - a 1
        XADD s + a 1
        XADD s 1- a 1
        XADD s -1 a 1
        XADD s "" a 1
        XADD s 1-1-1 a 1
        XADD s 1-** a 1
        XADD s *-1 a 1
        XADD s (1 a 1
        XADD s " 1-+5" a 1
        XADD s 007-08 a 1
        XADD s 7--05 a 1
        XADD s 8--5 a 1
        XADD s 8--0 a 1
        XADD s 8--18446744073709551615 a 1
        XADD s "9 " a 1
        XADD s 0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000099 a 1
        XADD s 9\\x00z a 1
        XADD s 18446744073709551615-18446744073709551614 a 1
        XADD s 18446744073709551615-* a 1
        XADD s 18446744073709551615-* a 1
        XADD s * a 1
        XADD s 5 a 1
        XRANGE s - +
        XADD t 3-18446744073709551615 a 1
        XADD t 3-* a 1
        XADD t 4-* a 1
        XINFO STREAM s
        """,
    "options of add": """
        XADD s NOMKSTREAM 1-1 a 1
        XADD s nomkstream * a 1
        EXISTS s
        XADD s 1-1 a 1
        XADD s NOMKSTREAM 2-1 a 1
        XADD s NOMKSTREAM NOMKSTREAM 3-1 a 1
        XADD s MAXLEN 2 4-1 a 1
        XLEN s
        XADD s MAXLEN = 2 5-1 a 1
        XADD s MAXLEN ~ 2 6-1 a 1
        XADD s MAXLEN ~ 2 LIMIT 5 7-1 a 1
        XADD s MAXLEN 2 LIMIT 5 8-1 a 1
        XADD s LIMIT 5 8-1 a 1
        XADD s LIMIT 0 8-1 a 1
        XADD s MAXLEN x 8-1 a 1
        XADD s MAXLEN -1 8-1 a 1
        XADD s MAXLEN ~ -1 8-1 a 1
        XADD s MAXLEN 1 MINID 2 8-1 a 1
        XADD s MINID 1 MINID 2 8-1 a 1
        XADD s MINID - 8-1 a 1
        XADD s MINID x 8-1 a 1
        XADD s MAXLEN ~ 5 LIMIT -1 8-1 a 1
        XADD s MAXLEN ~ 5 LIMIT x 8-1 a 1
        XADD s MAXLEN 5
        XADD s MAXLEN 5 *
        XADD s MAXLEN 5 * a
        XADD s MAXLEN
        XADD s MAXLEN ~ a b
        XADD s * a
        XADD s 9-1 a 1 b
        XADD s
        XADD s FOO 9-1 a 1
        XADD s MINID 6 9-1 a 1
        XRANGE s - +
        XADD s MINID = 9-1 10-1 a 1
        XADD s MINID ~ 10-1 11-1 a 1
        XADD s MAXLEN 0 12-1 a 1
        XLEN s
        EXISTS s
        XADD fresh MAXLEN 0 1-1 a 1
        XINFO STREAM fresh
        XADD s limit 3 maxlen ~ 5 nomkstream 13-1 a 1
        XINFO STREAM s
        """,
    "ranges": """
        XADD s 1-1 a 1
        XADD s 1-2 a 2
        XADD s 2-0 b 3
        XADD s 3-5 a 4
        XADD s 5-1 a 5
        XRANGE s - +
        XRANGE s 1 2
        XRANGE s 1-2 3
        XRANGE s (1-2 3
        XRANGE s (1-2 (3-5
        XRANGE s (1 (3
        XRANGE s 4 4
        XRANGE s 9 1
        XRANGE s + -
        XRANGE s - + COUNT 2
        XRANGE s - + COUNT 0
        XRANGE s - + COUNT -1
        XRANGE s - + COUNT -5
        XRANGE s - + COUNT x
        XRANGE s - + COUNT
        XRANGE s - + COUNT 1 COUNT 2
        XRANGE s - + COUNT 9223372036854775807
        XRANGE s - + FOO 2
        XRANGE s x +
        XRANGE s - x
        XRANGE s (- +
        XRANGE s - (+
        XRANGE s ( +
        XRANGE s (18446744073709551615-18446744073709551615 +
        XRANGE s - (0-0
        XRANGE s (0-0 +
        XRANGE none - +
        XRANGE none - + COUNT 0
        XRANGE none x +
        XREVRANGE s + -
        XREVRANGE s 2 1
        XREVRANGE s (3-5 (1-1
        XREVRANGE s + - COUNT 2
        XREVRANGE s + - COUNT 0
        XREVRANGE s - +
        XREVRANGE s x -
        XREVRANGE s (0-0 -
        XREVRANGE s + (18446744073709551615-18446744073709551615
        XREVRANGE s 1 1 COUNT 1
        XREVRANGE s 1-1 1-1
        XREVRANGE none + -
        XRANGE s -
        XREVRANGE s +
        """,
    "delete": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XADD s 4-1 a 4
        XDEL s 2-1
        XINFO STREAM s
        XDEL s 2-1 9-9
        XDEL s 1-1 x
        XDEL s 1-1 1-1 4-1
        XINFO STREAM s
        XRANGE s - +
        XADD s 4-1 a 5
        XDEL s 3-1
        XLEN s
        EXISTS s
        XRANGE s - +
        XREVRANGE s + -
        XINFO STREAM s
        XADD s 5-1 a 5
        XINFO STREAM s
        XDEL s (5-1
        XDEL s -
        XDEL s 5
        XDEL none 1
        XDEL none x
        XDEL s
        """,
    "trim": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XADD s 4-1 a 4
        XTRIM s MAXLEN 9
        XTRIM s MAXLEN ~ 1
        XTRIM s MAXLEN = 3
        XTRIM s MINID 3
        XTRIM s MINID 3-2
        XINFO STREAM s
        XTRIM s MAXLEN 0
        XINFO STREAM s
        XTRIM none MAXLEN 0
        XTRIM s FOO 1
        XTRIM s MAXLEN
        XTRIM s MAXLEN x
        XTRIM s MAXLEN -1
        XTRIM s MAXLEN 1 FOO
        XTRIM s MAXLEN ~ 1 LIMIT 0
        XTRIM s MAXLEN 1 LIMIT 1
        XTRIM s LIMIT 1
        XTRIM s LIMIT 1 MAXLEN ~ 0
        XTRIM s NOMKSTREAM MAXLEN 1
        XTRIM s *
        XTRIM s MINID ~
        XTRIM s MINID +
        """,
    "set id": """
        XSETID none 1-1
        XSETID none x
        XADD s 1-1 a 1
        XADD s 5-1 a 1
        XADD s 6-1 a 1
        XDEL s 5-1
        XSETID s 6-0
        XSETID s 6-1
        XSETID s 9-1
        XADD s 8-1 a 1
        XADD s 9-* a 1
        XSETID s 10-1 ENTRIESADDED 2
        XSETID s 10-1 ENTRIESADDED 3
        XSETID s 10-1 ENTRIESADDED -1
        XSETID s 10-1 ENTRIESADDED x
        XSETID s 10-1 ENTRIESADDED
        XSETID s 10-1 FOO 1
        XSETID s 10-1 MAXDELETEDID 11-1
        XSETID s 10-1 MAXDELETEDID x
        XSETID s 10-1 MAXDELETEDID 7-1
        XSETID s 10-1 maxdeletedid 0-0 entriesadded 77
        XINFO STREAM s
        XTRIM s MAXLEN 0
        XSETID s 6-0
        XSETID s 7-1 ENTRIESADDED 0
        XINFO STREAM s
        XSETID s 0-0
        XSETID s -
        XSETID s
        XSETID s 18446744073709551615-18446744073709551615 ENTRIESADDED 9223372036854775807
        XADD s * a 1
        XADD s 5-5 a 1
        """,
    "another type": """
        SET str v
        XADD str 1-1 a 1
        XADD str NOMKSTREAM 1-1 a 1
        XADD str 0-0 a 1
        XADD str x a 1
        XLEN str
        XRANGE str - +
        XRANGE str x +
        XREVRANGE str + -
        XDEL str 1
        XDEL str x
        XTRIM str MAXLEN 1
        XTRIM str FOO 1
        XSETID str 1
        XINFO STREAM str
        XREAD STREAMS str 0
        XADD s 1-1 a 1
        GET s
        APPEND s x
        HGET s a
        INCR s
        SET s v
        GET s
        """,
    "as a value": """
        XADD s 1-1 a 1 b 2
        XADD s 2-1 a 1 c 3
        XADD s 3-1 z zz
        XDEL s 2-1
        OBJECT ENCODING s
        COPY s t
        XADD t 4-1 a 1
        XRANGE s - +
        XRANGE t - +
        XINFO STREAM t
        RENAME t u
        XLEN u
        EXPIREAT u 9999999999
        XADD u 5-1 a 1
        EXPIRETIME u
        SCAN 0 TYPE stream COUNT 100
        MOVE u 1
        EXISTS u
        DEL s
        XADD s 1-1 a 1
        """,
    "read": """
        XADD s 1-1 a 1
        XADD s 2-1 b 2 c 3
        XADD t 3-1 a 1
        XREAD STREAMS s 0
        XREAD STREAMS s t 0 0
        XREAD STREAMS s t 2-1 0
        XREAD STREAMS s none t 1 0 $
        XREAD STREAMS s s 0 1-1
        XREAD COUNT 1 STREAMS s t 0 0
        XREAD COUNT 0 STREAMS s 0
        XREAD COUNT -5 STREAMS s 0
        XREAD COUNT x STREAMS s 0
        XREAD STREAMS s $
        XREAD STREAMS none 0
        XREAD STREAMS none $
        XREAD STREAMS s >
        XREAD STREAMS s x
        XREAD STREAMS s -
        XREAD STREAMS s +
        XREAD STREAMS s 18446744073709551615-18446744073709551615
        XREAD STREAMS s t 0
        XREAD STREAMS s
        XREAD COUNT 1 s 0
        XREAD COUNT 1 BLOCK 5
        XREAD FOO STREAMS s 0
        XREAD NOACK STREAMS s 0
        XREAD GROUP g c STREAMS s 0
        XREAD BLOCK x STREAMS s 0
        XREAD BLOCK -1 STREAMS s 0
        XREAD BLOCK 1.5 STREAMS s 0
        XREAD BLOCK 1 STREAMS s 0
        XREAD BLOCK 1 STREAMS s 2-1
        XREAD BLOCK 1 STREAMS s $
        XREAD block 1 count 1 streams s $
        XREAD
        XDEL s 2-1
        XREAD STREAMS s 1-1
        SET str v
        XREAD STREAMS s str 0 0
        XREAD STREAMS str x
        XREAD STREAMS s str x 0
        """,
    "help": """
        XINFO HELP
        XINFO
        XINFO FOO
        XINFO HELP x
        XINFO STREAM
        XINFO STREAM none
        XINFO GROUPS none
        XADD s 1-1 a 1
        XINFO GROUPS s
        XINFO STREAM s FULL
        XINFO STREAM s FOO
        XINFO STREAM s FULL COUNT
        XINFO STREAM s FULL FOO 1
        XINFO STREAM s FULL COUNT x
        XINFO STREAM s FULL COUNT -1
        XINFO STREAM s FULL COUNT 1 2
        XINFO STREAM none FOO
        """,
}


test_replies_are_those_of_redis = replies_test(CASES)


@pytest.mark.parametrize("way", ["handlers", "server"])
@pytest.mark.parametrize("value_bytes", [1, 4, 40, 70, 500, 5_000, 20_000])
def test_whole_nodes_are_trimmed_as_in_redis(
    value_bytes: int, way: str, reference: Reference, handlers: Ours, served: Served
) -> None:
    sequence: list[Argv] = []
    for number in range(330):
        field = b"field" if number % 7 else b"other"
        value = (b"%d" % number * value_bytes)[:value_bytes]
        entry = b"%d-%d" % (1_000 + number * number, number % 3)
        sequence.append([b"XADD", b"s", entry, field, value, b"n", b"%d" % (number**3 - 5_000)])
        if number % 50 == 49:
            sequence.append(
                [b"XDEL", b"s", b"%d-%d" % (1_000 + (number - 9) ** 2, (number - 9) % 3)]
            )
            sequence.append([b"XINFO", b"STREAM", b"s"])
    for threshold in (320, 290, 210, 205, 100, 40, 3):
        sequence.append([b"XTRIM", b"s", b"MAXLEN", b"~", b"%d" % threshold])
        sequence.append([b"XINFO", b"STREAM", b"s"])
        sequence.append([b"XTRIM", b"s", b"MAXLEN", b"%d" % (threshold + 1)])
    check(sequence, 2, reference, handlers if way == "handlers" else served)


def test_a_limit_stops_between_nodes(reference: Reference, served: Served) -> None:
    sequence = [[b"XADD", b"s", b"%d-1" % number, b"a", b"b"] for number in range(1, 501)]
    for limit in (b"99", b"100", b"0", b"250"):
        sequence.append([b"XTRIM", b"s", b"MINID", b"~", b"401", b"LIMIT", limit])
    check(sequence, 2, reference, served)


keys = st.sampled_from([b"s", b"t"])
numbers = st.one_of(st.integers(0, 12), st.sampled_from([2**63, 2**64 - 1, 2**40]))
ids = st.tuples(numbers, st.one_of(numbers, st.just("*"))).map(lambda pair: b"%d-%s" % (
    pair[0], str(pair[1]).encode()
))  # fmt: skip
bounds = st.one_of(ids, ids.map(lambda entry: b"(" + entry), st.sampled_from([b"-", b"+", b"5"]))
values = st.one_of(
    st.sampled_from([b"0", b"-1", b"127", b"128", b"4096", b"-4097", b"70000", b"12345678901"]),
    st.sampled_from([b"x" * 63, b"x" * 64, b"x" * 125, b"y" * 1_500, b"01", b"-0", b"-"]),
    st.binary(max_size=9),
)
fields = st.sampled_from([b"a", b"b", b"12", b""])
pairs = st.lists(st.tuples(fields, values), min_size=1, max_size=3).map(
    lambda chosen: [text for pair in chosen for text in pair]
)
trims = st.one_of(
    st.tuples(
        st.just(b"MAXLEN"),
        st.sampled_from([b"=", b"~"]),
        st.integers(0, 9).map(lambda n: b"%d" % n),
    ),
    st.tuples(st.just(b"MINID"), st.sampled_from([b"=", b"~"]), ids),
).map(list)
adding = st.tuples(trims | st.just([]), ids, pairs).map(
    lambda parts: [*parts[0], parts[1], *parts[2]]
)
commands = st.one_of(
    call_with("XADD", keys, rest=adding),
    call_with("XADD", keys, rest=adding),
    call_with("XDEL", keys, rest=st.lists(ids, min_size=1, max_size=4)),
    call_with("XTRIM", keys, rest=trims),
    call("XRANGE", keys, bounds, bounds),
    call("XREVRANGE", keys, bounds, bounds),
    call("XRANGE", keys, bounds, bounds, st.just(b"COUNT"), st.sampled_from([b"1", b"3"])),
    call("XREVRANGE", keys, bounds, bounds, st.just(b"COUNT"), st.sampled_from([b"1", b"3"])),
    call("XSETID", keys, ids),
    call("XINFO", st.just(b"STREAM"), keys),
    call("XLEN", keys),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    call("DEL", keys),
)


test_sequences = sequences_test(st.lists(commands, max_size=60))


@shared
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30))
def test_ids_never_go_back(steps: list[tuple[int, int]]) -> None:
    """Whatever is deleted, and however time moves, an id is above all those given before."""
    ours = Ours()
    largest = (0, 0)
    for now_ms, kind in steps:
        ours.turn_to(1_000 + now_ms)
        if kind == 0 and largest > (0, 0):
            ours.call([b"XDEL", b"s", b"%d-%d" % largest])
        elif kind == 1:
            ours.call([b"XTRIM", b"s", b"MAXLEN", b"0"])
        reply = ours.call([b"XADD", b"s", b"*", b"a", b"b"])
        ms, _, sequence = reply.split(b"\r\n")[1].partition(b"-")
        assert (int(ms), int(sequence)) > largest
        largest = (int(ms), int(sequence))
    ours.check_replicas()


def test_no_access_walks_through_the_stream() -> None:
    """A range from anywhere looks at the nodes that it returns entries of, and no others."""
    stream = Stream()
    for number in range(1, 50_001):
        stream.append(number << 64, [b"a", b"b"])
    for node in stream.nodes[:200] + stream.nodes[202:]:
        node.text.clear()  # reading an entry of these would fail
    found = stream.range(20_051 << 64, (1 << 128) - 1, 100)
    assert [entry_id >> 64 for entry_id, _ in found] == list(range(20_051, 20_151))
    found = stream.reverse_range(0, 20_150 << 64, 100)
    assert [entry_id >> 64 for entry_id, _ in found] == list(range(20_150, 20_050, -1))
