"""Consumer groups of streams against redis-server: replies, counters, and sequences."""

import re

import pytest
from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, check, replies_test, sequences_test
from tests.commands.reference import Ours, Reference, Served

CASES = {
    "create": """
        XGROUP CREATE s g 0
        XGROUP CREATE s g $ MKSTREAM
        XGROUP CREATE s g $ MKSTREAM
        XGROUP CREATE s g x
        XLEN s
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XGROUP CREATE s h $
        XGROUP CREATE s i 1-1
        XGROUP CREATE s j 1 ENTRIESREAD 1
        XGROUP CREATE s k 0 ENTRIESREAD -1
        XGROUP CREATE s l 0 ENTRIESREAD -2
        XGROUP CREATE s l 0 ENTRIESREAD x
        XGROUP CREATE s l 0 ENTRIESREAD
        XGROUP CREATE s l 0 FOO
        XGROUP CREATE s l -
        XGROUP CREATE s l +
        XGROUP CREATE s l (1
        XGROUP CREATE s l x
        XGROUP CREATE s l 0 ENTRIESREAD 9223372036854775807 mkstream
        XGROUP CREATE s m 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM
        XGROUP CREATE none m 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM
        XGROUP CREATE none m 0 FOO
        XGROUP CREATE none m x MKSTREAM
        XGROUP CREATE none m 0 ENTRIESREAD 5
        EXISTS none
        XGROUP CREATE s "" 99-99
        XGROUP CREATE s
        XGROUP CREATE s g
        XINFO GROUPS s
        XINFO STREAM s
        """,
    "set id and destroy": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XGROUP CREATE s g $
        XGROUP SETID s g 0
        XGROUP SETID s g 1-1 ENTRIESREAD 1
        XINFO GROUPS s
        XGROUP SETID s g $
        XGROUP SETID s g -
        XGROUP SETID s g +
        XINFO GROUPS s
        XGROUP SETID s g x
        XGROUP SETID s none 0
        XGROUP SETID s none x
        XGROUP SETID none g 0
        XGROUP SETID s g 0 MKSTREAM
        XGROUP SETID s g 0 ENTRIESREAD -5
        XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2
        XGROUP SETID s g
        XGROUP DESTROY s none
        XGROUP DESTROY s g
        XGROUP DESTROY s g
        XGROUP DESTROY none g
        XGROUP DESTROY s
        XINFO GROUPS s
        """,
    "consumers": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XGROUP CREATE s g 0
        XGROUP CREATECONSUMER s g b
        XGROUP CREATECONSUMER s g b
        XGROUP CREATECONSUMER s g a
        XGROUP CREATECONSUMER s none a
        XGROUP CREATECONSUMER none g a
        XGROUP CREATECONSUMER s g
        XREADGROUP GROUP g z STREAMS s >
        XGROUP DELCONSUMER s g z
        XGROUP DELCONSUMER s g z
        XGROUP DELCONSUMER s g b
        XGROUP DELCONSUMER s none b
        XGROUP DELCONSUMER none g b
        XPENDING s g
        XINFO CONSUMERS s none
        XINFO CONSUMERS none g
        XINFO GROUPS s
        """,
    "read": """
        XADD s 1-1 a 1
        XADD s 2-1 b 2 c 3
        XADD s 3-1 a 1
        XADD t 3-1 a 1
        XGROUP CREATE s g 0
        XGROUP CREATE t g 0
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XREADGROUP GROUP g c COUNT 1 STREAMS s t > >
        XREADGROUP GROUP g c STREAMS s 0
        XREADGROUP GROUP g c STREAMS s 1-1
        XREADGROUP GROUP g c STREAMS s t 0 0
        XREADGROUP GROUP g c COUNT 1 STREAMS s 0
        XREADGROUP GROUP g c STREAMS s 9
        XREADGROUP GROUP g d STREAMS s 0
        XREADGROUP GROUP g d STREAMS s >
        XREADGROUP GROUP g d STREAMS s >
        XREADGROUP GROUP g d STREAMS s s > >
        XADD s 4-1 a 1
        XREADGROUP GROUP g d STREAMS s s > 0
        XADD s 5-1 a 1
        XREADGROUP GROUP g d NOACK STREAMS s >
        XREADGROUP GROUP g new STREAMS s >
        XREADGROUP GROUP g new STREAMS s 18446744073709551615-18446744073709551615
        XREADGROUP GROUP g d BLOCK 1 STREAMS s t > 5
        XREADGROUP GROUP g d BLOCK 1 STREAMS s >
        XDEL s 1-1
        XREADGROUP GROUP g c STREAMS s 0
        XREADGROUP GROUP none c STREAMS s >
        XREADGROUP GROUP g c STREAMS none >
        XREADGROUP GROUP g c STREAMS s none > >
        XREADGROUP GROUP none c STREAMS s x
        XREADGROUP GROUP g c STREAMS s $
        XREADGROUP GROUP g c STREAMS s x
        XREADGROUP GROUP g c STREAMS s -
        XREADGROUP GROUP g c STREAMS s +
        XREADGROUP GROUP g c STREAMS s t >
        XREADGROUP GROUP g c COUNT x STREAMS s >
        XREADGROUP GROUP g c COUNT -1 STREAMS s 0
        XREADGROUP GROUP g c BLOCK x STREAMS s >
        XREADGROUP GROUP g c BLOCK -1 STREAMS s >
        XREADGROUP NOACK STREAMS s > 0
        XREADGROUP COUNT 1 NOACK STREAMS s >
        XREADGROUP GROUP g c COUNT 1 BLOCK 5
        XREADGROUP GROUP g STREAMS s >
        XREADGROUP GROUP g c FOO STREAMS s >
        XREADGROUP
        XPENDING s g
        XINFO GROUPS s
        """,
    "acknowledge": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c STREAMS s >
        XACK s g 2-1
        XACK s g 2-1
        XACK s g 1-1 x
        XACK s g 1-1 1-1 9-9 3-1
        XACK s none 1-1
        XACK s none x
        XACK none g x
        XACK s g
        XPENDING s g
        XREADGROUP GROUP g c STREAMS s 0
        """,
    "pending": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XADD s 4-1 a 4
        XGROUP CREATE s g 0
        XPENDING s g
        XPENDING s g - + 10
        XREADGROUP GROUP g b COUNT 2 STREAMS s >
        XREADGROUP GROUP g a COUNT 1 STREAMS s >
        XREADGROUP GROUP g empty STREAMS s 0
        XPENDING s g
        XPENDING s g IDLE 10000000 - + 10
        XPENDING s g - + 0
        XPENDING s g - + -1
        XPENDING s g - + x
        XPENDING s g x + 10
        XPENDING s g - x 10
        XPENDING s g (- + 10
        XPENDING s g (18446744073709551615-18446744073709551615 + 10
        XPENDING s g - (0-0 10
        XPENDING s g + - 10
        XPENDING s g - + 10 none
        XPENDING s g - + 10 empty
        XPENDING s g IDLE x - + 10
        XPENDING s g IDLE 1 - +
        XPENDING s g IDLE 1 -
        XPENDING s g IDLE 5 10
        XPENDING s g - +
        XPENDING s g -
        XPENDING s g - + 10 a b c d
        XPENDING s none
        XPENDING none g
        XPENDING none g - + x
        XPENDING s none - + 10
        XPENDING s
        """,
    "claim": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XADD s 4-1 a 4
        XGROUP CREATE s g 0
        XREADGROUP GROUP g a COUNT 3 STREAMS s >
        XCLAIM s g b 0 1-1
        XCLAIM s g b 10000000 2-1
        XCLAIM s g b -5 2-1 JUSTID
        XCLAIM s g b 0 2-1 3-1 9-9 4-1 JUSTID RETRYCOUNT 7
        XCLAIM s g b 0 4-1 FORCE
        XCLAIM s g c 0 9-9 FORCE
        XCLAIM s g c 0 4-1 4-1 FORCE JUSTID
        XDEL s 2-1
        XCLAIM s g c 0 2-1
        XCLAIM s g c 0 1-1 LASTID 9-9
        XCLAIM s g c 0 1-1 LASTID 3-3
        XCLAIM s g c 0 1-1 LASTID x
        XCLAIM s g c 0 1-1 LASTID
        XCLAIM s g c 0 1-1 IDLE x
        XCLAIM s g c 0 1-1 TIME x
        XCLAIM s g c 0 1-1 RETRYCOUNT x
        XCLAIM s g c 0 1-1 IDLE
        XCLAIM s g c 0 1-1 FOO
        XCLAIM s g c 0 FOO
        XCLAIM s g c 0 x 1-1
        XCLAIM s g c 0 1-1 x
        XCLAIM s g c x 1-1
        XCLAIM s g c x 1-1 FOO
        XCLAIM s g c 0 1-1 FORCE JUSTID force justid RETRYCOUNT 1 RETRYCOUNT -2 IDLE 5 TIME 1
        XCLAIM s g c 1000000000 1-1 TIME -1
        XCLAIM s g c 1000 1-1 IDLE 9223372036854775807
        XCLAIM s g c 0 1-1 IDLE 1000000000 RETRYCOUNT 9223372036854775807
        XCLAIM s g d 1000000 1-1 JUSTID
        XCLAIM s none c 0 1-1
        XCLAIM s none c x 1-1
        XCLAIM none g c 0 1-1
        XCLAIM s g c 0
        XPENDING s g
        XINFO GROUPS s
        """,
    "claim by scanning": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XADD s 4-1 a 4
        XADD s 5-1 a 5
        XGROUP CREATE s g 0
        XAUTOCLAIM s g b 0 0
        XREADGROUP GROUP g a COUNT 4 STREAMS s >
        XAUTOCLAIM s g b 10000000 0
        XAUTOCLAIM s g b 0 0 COUNT 2
        XAUTOCLAIM s g b 0 (2-1
        XAUTOCLAIM s g b 0 - JUSTID
        XAUTOCLAIM s g b 0 +
        XDEL s 2-1 3-1
        XAUTOCLAIM s g c 0 0 COUNT 2
        XAUTOCLAIM s g c 0 0 COUNT 2 JUSTID
        XAUTOCLAIM s g c 0 0 COUNT 0
        XAUTOCLAIM s g c 0 0 COUNT -1
        XAUTOCLAIM s g c 0 0 COUNT x
        XAUTOCLAIM s g c 0 0 COUNT 576460752303423488
        XAUTOCLAIM s g c 0 0 COUNT 9223372036854775808
        XAUTOCLAIM s g c 0 0 COUNT
        XAUTOCLAIM s g c 0 0 FOO
        XAUTOCLAIM s g c 0 x
        XAUTOCLAIM s g c 0 (
        XAUTOCLAIM s g c 0 (18446744073709551615-18446744073709551615
        XAUTOCLAIM s g c x 0
        XAUTOCLAIM s g c -5 0 COUNT 1
        XAUTOCLAIM s none c 0 0
        XAUTOCLAIM none g c 0 0
        XAUTOCLAIM none g c x 0
        XAUTOCLAIM s g c 0
        XPENDING s g
        XINFO GROUPS s
        """,
    "lag": """
        XGROUP CREATE s g 0 MKSTREAM
        XINFO GROUPS s
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XADD s 3-1 a 3
        XADD s 4-1 a 4
        XADD s 5-1 a 5
        XINFO GROUPS s
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XINFO GROUPS s
        XDEL s 3-1
        XINFO GROUPS s
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XINFO GROUPS s
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XINFO GROUPS s
        XTRIM s MAXLEN 1
        XINFO GROUPS s
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XINFO GROUPS s
        XGROUP CREATE s h 1-1
        XGROUP CREATE s i 4-9
        XGROUP CREATE s j 5-1
        XGROUP CREATE s k 9-1
        XINFO GROUPS s
        XTRIM s MAXLEN 0
        XINFO GROUPS s
        XADD s 6-1 a 6
        XINFO GROUPS s
        XSETID s 7-1 ENTRIESADDED 100 MAXDELETEDID 6-5
        XINFO GROUPS s
        XREADGROUP GROUP h c STREAMS s >
        XINFO GROUPS s
        """,
    "lag behind what was deleted before the first entry": """
        XADD s 1-1 a 1
        XADD s 2-1 a 2
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XDEL s 1-1
        XSETID s 2-1 ENTRIESADDED 50
        XINFO GROUPS s
        XADD s 3-1 a 3
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XINFO GROUPS s
        """,
    "another type": """
        SET str v
        XGROUP CREATE str g 0
        XGROUP CREATE str g 0 MKSTREAM
        XGROUP CREATE str g x
        XGROUP CREATE str g 0 FOO
        XGROUP SETID str g 0
        XGROUP DESTROY str g
        XGROUP CREATECONSUMER str g c
        XGROUP DELCONSUMER str g c
        XREADGROUP GROUP g c STREAMS str >
        XACK str g 1
        XACK str g x
        XPENDING str g
        XPENDING str g - + x
        XCLAIM str g c 0 1
        XCLAIM str g c x 1
        XAUTOCLAIM str g c 0 0
        XAUTOCLAIM str g c x 0
        XINFO GROUPS str
        XINFO CONSUMERS str g
        XINFO STREAM str FULL
        """,
    "help": """
        XGROUP HELP
        XGROUP
        XGROUP FOO
        XGROUP HELP x
        """,
}
# What the time of the call shows in: idle times, delivery times, when a consumer was seen.
TIMES = """
    XADD s 1-1 a 1
    XADD s 2-1 a 2
    XADD s 3-1 a 3
    XGROUP CREATE s g 0
    XGROUP CREATE s h 1-1
    XREADGROUP GROUP g b COUNT 2 STREAMS s >
    XREADGROUP GROUP g a STREAMS s >
    XGROUP CREATECONSUMER s g idle
    XREADGROUP GROUP g a STREAMS s 0
    XCLAIM s g a 0 1-1 IDLE 1000
    XCLAIM s g a 0 2-1 TIME 5 RETRYCOUNT 3
    XPENDING s g - + 10
    XPENDING s g - + 1
    XPENDING s g (1-1 + 10
    XPENDING s g - (3-1 10 a
    XPENDING s g IDLE 999 - + 10
    XPENDING s g IDLE 999 - + 1 a
    XPENDING s g IDLE -1 - + 10
    XINFO CONSUMERS s g
    XINFO CONSUMERS s h
    XINFO STREAM s FULL
    XINFO STREAM s FULL COUNT 1
    XINFO STREAM s FULL COUNT 0
    XINFO STREAM s full count -1
    COPY s t
    XINFO STREAM t FULL
    XINFO CONSUMERS t g
    XDEL s 1-1 2-1
    XINFO STREAM s FULL
    XCLAIM s g b 0 3-1 FORCE
    XPENDING s g - + 10
    """


test_replies_are_those_of_redis = replies_test(CASES)


def without_times(reply: bytes) -> bytes:
    """Return a reply with its times rounded: some are points in time, some small differences."""
    reply = re.sub(rb":1[0-9]{12}\r\n", b":TIME\r\n", reply)
    reply = re.sub(rb":1[0-9]{3}\r\n", b":1000\r\n", reply)
    reply = re.sub(rb"(idle\r\n):[0-9]+\r\n", rb"\1:IDLE\r\n", reply)
    return re.sub(rb"(\$1\r\n[ab]\r\n):[0-9]{1,2}(\r\n:[0-9]\r\n)", rb"\1:IDLE\2", reply)


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("through", ["handlers", "server"])
def test_times(
    through: str, resp: int, reference: Reference, handlers: Ours, served: Served
) -> None:
    ours = handlers if through == "handlers" else served
    for line in TIMES.strip().splitlines():
        argv = [word.encode() for word in line.split()]
        expected, reply = reference.call(argv, resp), ours.call(argv, resp)
        assert without_times(reply) == without_times(expected), argv
    handlers.check_replicas()


def test_idle_times_follow_the_time_of_the_log(handlers: Ours) -> None:
    handlers.turn_to(1_000)
    handlers.call([b"XADD", b"s", b"*", b"a", b"1"])
    handlers.call([b"XGROUP", b"CREATE", b"s", b"g", b"0"])
    handlers.call([b"XREADGROUP", b"GROUP", b"g", b"c", b"STREAMS", b"s", b">"])
    handlers.turn_to(1_250)
    claim = [b"XCLAIM", b"s", b"g", b"d", b"251", b"1000-0", b"JUSTID"]
    assert handlers.call(claim) == b"*0\r\n"
    claim[4] = b"250"
    assert handlers.call(claim) == b"*1\r\n$6\r\n1000-0\r\n"
    handlers.turn_to(1_300)
    pending = handlers.call([b"XPENDING", b"s", b"g", b"-", b"+", b"1"])
    assert pending == b"*1\r\n*4\r\n$6\r\n1000-0\r\n$1\r\nd\r\n:50\r\n:1\r\n"
    handlers.check_replicas()


@pytest.mark.parametrize("through", ["handlers", "server"])
def test_many_pending_entries(
    through: str, reference: Reference, handlers: Ours, served: Served
) -> None:
    sequence = [[b"XADD", b"s", b"%d-1" % number, b"a", b"b"] for number in range(1, 1_501)]
    sequence.append([b"XGROUP", b"CREATE", b"s", b"g", b"0"])
    sequence.append(
        [b"XREADGROUP", b"GROUP", b"g", b"c", b"COUNT", b"1400", b"STREAMS", b"s", b">"]
    )
    sequence += [[b"XACK", b"s", b"g", b"%d-1" % (7 * number)] for number in range(200)]
    sequence.append([b"XGROUP", b"SETID", b"s", b"g", b"0"])
    sequence.append([b"XREADGROUP", b"GROUP", b"g", b"d", b"COUNT", b"700", b"STREAMS", b"s", b">"])
    sequence += [[b"XDEL", b"s", b"%d-1" % (11 * number)] for number in range(130)]
    sequence.append([b"XPENDING", b"s", b"g"])
    sequence.append([b"XREADGROUP", b"GROUP", b"g", b"d", b"STREAMS", b"s", b"0"])
    sequence.append([b"XAUTOCLAIM", b"s", b"g", b"e", b"0", b"600", b"COUNT", b"300", b"JUSTID"])
    sequence.append([b"XAUTOCLAIM", b"s", b"g", b"e", b"100000", b"0", b"COUNT", b"20", b"JUSTID"])
    sequence.append([b"XAUTOCLAIM", b"s", b"g", b"e", b"100000", b"0", b"COUNT", b"9", b"JUSTID"])
    sequence.append([b"XPENDING", b"s", b"g"])
    sequence.append([b"XGROUP", b"DELCONSUMER", b"s", b"g", b"d"])
    sequence.append([b"XPENDING", b"s", b"g"])
    sequence.append([b"XINFO", b"GROUPS", b"s"])
    check(sequence, 2, reference, handlers if through == "handlers" else served)


@pytest.mark.parametrize("line", ["DEL s", "XGROUP DESTROY s g", "SET s v"])
def test_many_pending_entries_are_freed_in_slices(line: str, handlers: Ours) -> None:
    for number in range(1, 1_001):
        handlers.call([b"XADD", b"s", b"%d-1" % number, b"a", b"b"])
    handlers.call([b"XGROUP", b"CREATE", b"s", b"g", b"0"])
    handlers.call([b"XREADGROUP", b"GROUP", b"g", b"c", b"STREAMS", b"s", b">"])
    handlers.call([b"XTRIM", b"s", b"MAXLEN", b"0"])
    handlers.call(line.encode().split())
    slices = 0
    while handlers.keyspace.free_some(100):
        slices += 1
    assert slices >= 20  # the group's and the consumer's references


def test_a_consumer_with_much_pending_is_deleted(handlers: Ours) -> None:
    for number in range(1, 3_001):
        handlers.call([b"XADD", b"s", b"%d-1" % number, b"a", b"b"])
    handlers.call([b"XGROUP", b"CREATE", b"s", b"g", b"0"])
    for name, count in ((b"one", b"500"), (b"two", b"2000"), (b"one", b"500")):
        read = [b"XREADGROUP", b"GROUP", b"g", name, b"COUNT", count, b"STREAMS", b"s", b">"]
        handlers.call(read)
    assert handlers.call([b"XGROUP", b"DELCONSUMER", b"s", b"g", b"two"]) == b":2000\r\n"
    pending = b"*4\r\n:1000\r\n$3\r\n1-1\r\n$6\r\n3000-1\r\n*1\r\n*2\r\n$3\r\none\r\n$4\r\n1000\r\n"
    assert handlers.call([b"XPENDING", b"s", b"g"]) == pending
    assert handlers.call([b"XACK", b"s", b"g", b"2500-1", b"2501-1"]) == b":1\r\n"
    handlers.check_replicas()


keys = st.sampled_from([b"s", b"s", b"t"])
groups = st.sampled_from([b"g", b"g", b"h"])
consumers = st.sampled_from([b"a", b"b", b"c"])
ids = st.integers(0, 15).map(lambda number: b"%d-1" % number)
several = st.lists(ids, min_size=1, max_size=4)
read_ids = st.one_of(st.just(b">"), st.just(b">"), ids)
counts = st.sampled_from([b"1", b"2", b"100"])
just_ids = st.sampled_from([[], [b"JUSTID"]])
entries_read = st.one_of(
    st.just([]), st.integers(-1, 12).map(lambda number: [b"ENTRIESREAD", b"%d" % number])
)
claims = st.lists(
    st.sampled_from(
        [[b"FORCE"], [b"JUSTID"], [b"RETRYCOUNT", b"4"], [b"LASTID", b"9-1"], [b"IDLE", b"100000"]]
    ),
    max_size=3,
).map(lambda chosen: [word for words in chosen for word in words])
commands = st.one_of(
    call("XADD", keys, ids, st.just(b"a"), st.just(b"1")),
    call("XADD", keys, st.just(b"5-*"), st.just(b"a"), st.just(b"1")),
    call("XADD", keys, ids, st.just(b"a"), st.just(b"1")),
    call_with("XDEL", keys, rest=several),
    call("XTRIM", keys, st.just(b"MAXLEN"), st.sampled_from([b"0", b"1", b"3"])),
    call("XGROUP", st.just(b"CREATE"), keys, groups, ids, st.just(b"MKSTREAM")),
    call_with("XGROUP", st.just(b"SETID"), keys, groups, ids, rest=entries_read),
    call("XGROUP", st.just(b"DESTROY"), keys, groups),
    call("XGROUP", st.just(b"CREATECONSUMER"), keys, groups, consumers),
    call("XGROUP", st.just(b"DELCONSUMER"), keys, groups, consumers),
    *[
        call_with(
            "XREADGROUP",
            st.just(b"GROUP"), groups, consumers, st.just(b"COUNT"), counts,
            rest=st.tuples(
                st.sampled_from([[], [b"NOACK"]]), st.just([b"STREAMS"]), keys, read_ids
            ).map(lambda parts: [*parts[0], *parts[1], parts[2], parts[3]]),
        )
        for _ in range(3)
    ],
    call_with("XACK", keys, groups, rest=several),
    call("XPENDING", keys, groups),
    call("XPENDING", keys, groups, st.just(b"-"), ids, st.just(b"0")),
    call_with(
        "XCLAIM", keys, groups, consumers, st.sampled_from([b"0", b"90000"]),
        rest=st.tuples(several, claims).map(lambda parts: parts[0] + parts[1]),
    ),
    call_with(
        "XAUTOCLAIM", keys, groups, consumers, st.sampled_from([b"0", b"90000"]), ids,
        st.just(b"COUNT"), counts, rest=just_ids,
    ),
    call("XINFO", st.just(b"GROUPS"), keys),
    call("XINFO", st.just(b"STREAM"), keys),
    call("XSETID", keys, ids),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    call("DEL", keys),
)  # fmt: skip


GROUP = [b"XGROUP", b"CREATE", b"s", b"g", b"0", b"MKSTREAM"]
test_sequences = sequences_test(
    st.lists(commands, max_size=60).map(lambda sequence: [GROUP, *sequence])
)
