"""Very long replies to commands in MULTI: made and sent in parts, each as of its own command."""

import pytest

from tests.commands.reference import Argv, Reference, Served

COUNT = 25_000  # items of which replies are made in parts
NUMBERS = [b"%d" % (number * 7_919 % 30_011) for number in range(COUNT)]

FILLED: list[Argv] = [
    [b"RPUSH", b"list", *NUMBERS],
    [b"RPUSH", b"texts", *NUMBERS, b"text"],
    [b"SADD", b"set", *NUMBERS],
    [b"ZADD", b"zset", *[word for number in NUMBERS for word in (number, b"m" + number)]],
    *([b"XADD", b"stream", b"%d-1" % (at + 1), b"f", NUMBERS[at]] for at in range(COUNT)),
    [b"MSET", b"w_1", b"3", b"w_2", b"2", b"w_3", b"1"],
]
QUEUED = [
    line.split()
    for line in (
        b"SORT list",
        b"GET w_1",
        b"SORT texts",
        b"SORT list DESC BY w_* LIMIT 0 3",
        b"SORT list LIMIT 0 20500 GET w_*",
        b"LRANGE list 0 -1",
        b"ZUNION 2 zset set WITHSCORES",
        b"XRANGE stream - +",
        b"SETRANGE w_2 1 00",
        b"GET w_2",
        b"MSET w_1 100 w_3 changed",
        b"DEL zset set stream",
        b"LPUSH list new",
        b"SORT list LIMIT 0 24000 ALPHA",
        b"PING",
    )
]


def filled(server: Reference | Served) -> None:
    server.clear()
    for argv in FILLED:
        server.call(argv)


@pytest.mark.parametrize("resp", [2, 3])
def test_replies_are_those_of_redis(reference: Reference, served: Served, resp: int) -> None:
    replies: list[bytes] = []
    for server in (reference, served):
        filled(server)
        server.call([b"MULTI"], resp)
        for argv in QUEUED:
            assert server.call(argv, resp) == b"+QUEUED\r\n"
        replies.append(server.call([b"EXEC"], resp))
    assert len(replies[1]) > 1_000_000
    assert replies[1] == replies[0]
    assert served.call([b"LLEN", b"list"], resp) == b":%d\r\n" % (COUNT + 1)
