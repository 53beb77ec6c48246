"""Replies of very many items, which leave in slices: as redis-server's, and others go on meanwhile.

A client that does not read keeps its reply under way for as long as a test wants: it is larger than
what a Unix socket and the server's transport hold.
"""

import socket
from collections.abc import Iterator
from pathlib import Path

import hiredis
import pytest

from respkv.wire.run import encode_command
from tests.commands.comparing import comparable
from tests.commands.reference import Argv, RawConnection, Reference, Served
from tests.processes.trio import Trio, replies_of

COUNT = 21_000
ITEMS = [b"%d" % (number * 7_919 % COUNT * 1_000_003) for number in range(COUNT)]
PAIRS = [part for number in range(COUNT) for part in (b"%d.5" % (number % 9_000), ITEMS[number])]
FILLED: list[Argv] = [
    [b"RPUSH", b"l", *ITEMS],
    [b"SADD", b"s", *ITEMS],
    [b"SADD", b"s2", *ITEMS[:20_500], b"other"],
    [b"ZADD", b"z2", b"inf", b"other", b"-inf", ITEMS[9], *PAIRS[20:-800]],
    [b"HSET", b"h", *PAIRS[::-1]],
    [b"ZADD", b"z", *PAIRS],
    [b"MSET", *[part for item in ITEMS for part in (b"w" + item, item[::-1])]],
    *[[b"XADD", b"x", b"%d-1" % (at + 1), b"f", item] for at, item in enumerate(ITEMS)],
    [b"XDEL", b"x", *[b"%d-1" % at for at in range(1, 900, 3)]],
    [b"SET", b"large", b"0" * (3 << 20)],
    [b"XADD", b"x2", b"5-5", b"g", b"1", b"h", b"2"],
]
READS = """
    LRANGE l 0 -1
    SMEMBERS s
    SUNION s s2
    SINTER s s2
    SDIFF s2 none
    HGETALL h
    HKEYS h
    HVALS h
    ZRANGE z 0 -1
    ZRANGE z 0 -1 REV WITHSCORES
    ZRANGEBYSCORE z 1 8999 WITHSCORES
    ZUNION 2 z z WITHSCORES
    ZUNION 3 z s z2 WEIGHTS 2 -3 inf WITHSCORES
    ZUNION 2 z2 z WEIGHTS 2 1 AGGREGATE MAX WITHSCORES
    ZINTER 2 z z2 WEIGHTS 0.5 3 WITHSCORES
    ZINTER 3 s z z2 AGGREGATE MIN WITHSCORES
    ZINTER 2 z none
    ZINTERCARD 2 z z2
    ZINTERCARD 2 z2 z LIMIT 20100
    ZDIFF 2 z z2 WITHSCORES
    ZDIFF 2 z none
    ZDIFF 3 z none s
    SINTERCARD 2 s s2
    SINTERCARD 2 s2 s LIMIT 20100
    SINTERCARD 2 s2 s LIMIT 10
    SDIFF s s2 none
    SINTER s
    XRANGE x - +
    XRANGE x 150 (20900
    XRANGE x 20900 150
    XREVRANGE x 20990 300 COUNT 20050
    XREAD STREAMS x2 x none 0 200 0
    XREAD COUNT 20000 STREAMS x 0
    KEYS *
    SCAN 0 COUNT 100000
    SCAN 0 COUNT 100000 MATCH w*7
    SCAN 0 COUNT 100000 TYPE zset
    SSCAN s 0 COUNT 100000
    SSCAN s 0 COUNT 100000 MATCH *7
    HSCAN h 0 COUNT 100000
    HSCAN h 0 COUNT 100000 MATCH 1*
    ZSCAN z 0 COUNT 100000
    ZSCAN z2 0 COUNT 100000 MATCH *1*
    SRANDMEMBER s 100000
    SORT l
    SORT l DESC
    SORT l ALPHA
    SORT l ALPHA DESC LIMIT 10 20500
    SORT l LIMIT 20990 5
    SORT s
    SORT_RO z DESC
    SORT l BY nosort
    SORT z BY nosort DESC
    SORT l BY w* GET # GET w* LIMIT 0 20000
    SORT l BY w* ALPHA DESC
    SORT l GET none GET w*
    SORT h
    LRANGE none 0 -1
"""
LARGE: list[Argv] = [
    [b"SADD", b"ls", b"0" * (3 << 20), b"1" * (2 << 20), b"2"],
    [b"RPUSH", b"ll", b"0" * (3 << 20), b"1", b"2" * (2 << 20)],
    [b"HSET", b"lh", b"f", b"0" * (3 << 20), b"g", b"1", b"h" * (2 << 20), b"2"],
]
READS += """
    SMEMBERS ls
    LRANGE ll 0 -1
    LRANGE ll 1 1
    HGETALL lh
    HKEYS lh
    HVALS lh
    MGET w0 large none large
"""
COMMANDS = [line.split() for line in READS.encode().split(b"\n") if line.strip()]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Reference]]:
    served = Served(tmp_path_factory.mktemp("respkv"))
    reference = Reference(tmp_path_factory.mktemp("redis"))
    filled = b"".join(map(encode_command, FILLED + LARGE))
    filling = [server.connect() for server in (served, reference)]
    for connection in filling:
        connection.send_bytes(filled)
    for argv in FILLED + LARGE:
        assert filling[0].reply() == filling[1].reply(), argv[:3]
    for connection in filling:
        connection.close()
    yield served, reference
    served.close()
    reference.close()


@pytest.mark.parametrize("resp", [2, 3])
def test_long_replies_are_those_of_redis(both: tuple[Served, Reference], resp: int) -> None:
    ours, theirs = both
    for argv in COMMANDS:
        mine, other = ours.call(argv, resp), theirs.call(argv, resp)
        if mine != other:
            assert comparable(argv, mine, resp) == comparable(argv, other, resp), argv


def test_long_replies_inside_a_transaction_are_those_of_redis(
    both: tuple[Served, Reference],
) -> None:
    ours, theirs = both
    for lines in (
        b"WATCH l|MULTI|LRANGE l 0 -1|XRANGE x - +|SORT l|SORT z DESC|SORT h|ZRANGE z 0 -1|EXEC",
    ):
        for line in lines.split(b"|"):
            assert ours.call(line.split()) == theirs.call(line.split())


def test_replies_keep_the_order_of_a_pipeline(both: tuple[Served, Reference]) -> None:
    pipeline: list[Argv] = [
        [b"ECHO", b"a"], [b"LRANGE", b"l", b"0", b"-1"], [b"LRANGE", b"l", b"0", b"-1"],
        [b"HELLO", b"3"], [b"SORT", b"l"], [b"ECHO", b"b"], [b"HGETALL", b"h"], [b"HELLO", b"2"],
        [b"MULTI"], [b"LLEN", b"l"], [b"EXEC"], [b"ZRANGE", b"z", b"0", b"-1"], [b"QUIT"],
    ]  # fmt: skip
    data = b"".join(map(encode_command, pipeline))
    replies = []
    for server in both:
        connection = server.connect()
        connection.send_bytes(data)
        replies.append([connection.reply() for _ in pipeline] + [connection.reply()])
        connection.close()
    for place in (3, 7):  # HELLO tells who answers
        replies[0][place] = replies[1][place] = b""
    assert comparable([b"HGETALL"], replies[0].pop(6), 3) == comparable(
        [b"HGETALL"], replies[1].pop(6), 3
    )
    assert replies[0] == replies[1]


def begin(server: Served, argv: Argv) -> RawConnection:
    """Return a connection whose long reply has begun, and stays under way until it is read."""
    connection = server.connect()
    connection.send(argv)
    while not connection.has_reply():
        assert server.call([b"PING"]) == b"+PONG\r\n"
    return connection


@pytest.mark.parametrize("command", [b"LRANGE copy 0 -1", b"SORT copy", b"SORT copy BY w*"])
def test_others_are_served_meanwhile_and_what_they_write_is_not_in_it(
    both: tuple[Served, Reference], command: bytes
) -> None:
    served, reference = both
    for server in both:
        assert server.call([b"COPY", b"l", b"copy", b"REPLACE"]) == b":1\r\n"
    reading = begin(served, command.split())
    assert served.call([b"LPUSH", b"copy", b"0"]) == b":%d\r\n" % (COUNT + 1)
    assert served.call([b"DEL", b"copy"]) == b":1\r\n"
    assert reading.reply() == reference.call(command.split())
    reading.close()


def connected(server: Served) -> int:
    info = server.call([b"INFO", b"clients"])
    return int(info.partition(b"connected_clients:")[2].split(b"\r\n")[0])


def test_a_client_that_leaves_or_is_killed_ends_its_reply(both: tuple[Served, Reference]) -> None:
    served, _ = both
    before = connected(served)
    begin(served, [b"SORT", b"l"]).close()
    killed = served.connect()
    number = killed.call([b"CLIENT", b"ID"])[1:-2]
    killed.send([b"HGETALL", b"h"])
    while not killed.has_reply():
        assert served.call([b"PING"]) == b"+PONG\r\n"
    assert served.call([b"CLIENT", b"KILL", b"ID", number]) == b":1\r\n"
    while connected(served) > before:
        assert served.call([b"PING"]) == b"+PONG\r\n"
    killed.close()


def test_a_client_that_does_not_read_it_is_closed_at_the_output_limit(tmp_path: Path) -> None:
    limited = Served(tmp_path, "--client-output-buffer-limit", "normal 100kb 0 0")
    try:
        limited.call([b"RPUSH", b"l", *ITEMS])
        before = connected(limited)
        slow = begin(limited, [b"LRANGE", b"l", b"0", b"-1"])
        while connected(limited) > before:
            assert limited.call([b"PING"]) == b"+PONG\r\n"
        slow.close()
    finally:
        limited.close()


def test_a_leader_that_hands_over_finishes_what_it_has_begun(tmp_path: Path) -> None:
    items = [b"%0300d" % number for number in range(COUNT)]
    with Trio(tmp_path, "--cluster-partitions", "2") as trio:
        leader = trio.leader_of(b"l")
        with socket.socket() as reading:
            reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            reading.settimeout(30)
            reading.connect(("127.0.0.1", leader.port))
            for start in range(0, COUNT, 7_000):
                reading.sendall(encode_command([b"RPUSH", b"l", *items[start : start + 7_000]]))
                assert replies_of(reading, 1) == [start + 7_000]
            reading.sendall(encode_command([b"LRANGE", b"l", b"0", b"-1"]))
            head = reading.recv(10, socket.MSG_PEEK)
            assert head.startswith(b"*21000\r\n")
            other = next(node for node in trio.nodes if node is not leader)
            while trio.leader_of(b"l") is leader:
                other.call("CLUSTER", "FAILOVER")
            deleted = trio.leader_of(b"l").call("DEL", "l")
            while isinstance(deleted, hiredis.ReplyError):  # it has moved on, or back
                assert str(deleted).startswith("MOVED")
                deleted = trio.leader_of(b"l").call("DEL", "l")
            assert deleted == 1
            assert replies_of(reading, 1) == [items]
