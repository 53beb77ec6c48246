"""Very long replies to commands in MULTI: made and sent in parts, each as of its own command."""

from pathlib import Path

import pytest
import redis

from tests.commands.reference import Argv, Reference, Served
from tests.conftest import ServerProcess

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


@pytest.mark.parametrize(
    "reading", [b"KEYS *", b"SORT list BY w_*", b"SCAN 0 COUNT 30000 MATCH w*"]
)
@pytest.mark.parametrize("way", ["MULTI", "EVAL"])
def test_writes_behind_a_long_read_of_other_keys_are_as_random_on_every_replica(
    tmp_path: Path, reading: bytes, way: str
) -> None:
    """What they pick follows from the log alone: who replays it has the same members left."""
    with ServerProcess(tmp_path / "data") as server:
        client = redis.Redis(port=server.port)
        client.rpush("list", *NUMBERS)
        client.mset({b"w_" + number: number for number in NUMBERS})
        client.sadd("set", *range(1_000))
        assert client.srandmember("set")  # reads are not in the log: their chance is another
        if way == "MULTI":
            with client.pipeline() as pipeline:
                pipeline.execute_command(*reading.split()).execute_command("SPOP", "set", 500)
                pipeline.execute()
        else:
            words = ", ".join(f"'{word}'" for word in reading.decode().split())
            script = f"redis.call({words}) return redis.call('SPOP', KEYS[1], 500)"
            client.eval(script, 1, "set")
        left = client.smembers("set")
        server.kill()
        server.launch()
        server.wait_ready()
        assert client.smembers("set") == left
        assert len(left) == 500
