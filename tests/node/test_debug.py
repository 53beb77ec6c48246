"""DEBUG, as far as test suites use it, against a real redis-server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.commands.reference import RawConnection, Reference, split
from tests.conftest import ServerProcess
from tests.patience import wait_until

Pair = tuple[Path, Path]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The sockets of a reference and of our server."""
    directory = tmp_path_factory.mktemp("pair")
    reference = Reference(directory)
    options = ("--unixsocket", str(directory / "ours.sock"), "--enable-debug-command", "local")
    with ServerProcess(directory / "data", *options):
        yield directory / "redis.sock", directory / "ours.sock"
    reference.close()


def replies_of(path: Path, lines: list[str], resp: int = 2) -> list[tuple[str, bytes]]:
    connection = RawConnection(path)
    if resp == 3:
        connection.call([b"HELLO", b"3"])
    replies = [(line, connection.call(split(line))) for line in lines]
    connection.close()
    return replies


DATA = """
FLUSHALL
SET s value
SET n 12345
APPEND s more
SETBIT bits 100 1
SET e expires EX 1000
RPUSH l a 1 b -7 9999999999
HSET h f v g 2
SADD ints 3 1 2
SADD members a b 17
ZADD z 1 a 2.5 b -inf c 0.1 d 1e300 17
XADD stream 1-1 f v g w
XADD stream 5-0 f v2
SELECT 3
SET other x
SELECT 0
""".strip().splitlines()

LINES = """
DEBUG DIGEST
DEBUG DIGEST-VALUE s n bits e l h ints members z stream nosuch
DEBUG DIGEST-VALUE
DEBUG DIGEST x
DEBUG JMAP
DEBUG SLEEP
DEBUG SLEEP 0
DEBUG SLEEP x
DEBUG SLEEP -1
DEBUG SLEEP nan
DEBUG OBJECT nosuch
DEBUG SET-ACTIVE-EXPIRE
DEBUG SET-ACTIVE-EXPIRE 0
DEBUG SET-ACTIVE-EXPIRE 1
DEBUG ERROR
DEBUG ERROR "ERR a b"
DEBUG ERROR abc
DEBUG ERROR "a\\nb"
DEBUG LOG hello
DEBUG RELOAD x
DEBUG RELOAD NOSAVE x
DEBUG RELOAD
DEBUG DIGEST
DEBUG QUICKLIST-PACKED-THRESHOLD x
DEBUG QUICKLIST-PACKED-THRESHOLD 5gb
DEBUG QUICKLIST-PACKED-THRESHOLD 200b
DEBUG LISTPACK nosuch
DEBUG LISTPACK h
DEBUG HTSTATS 99
DEBUG HTSTATS x
DEBUG PROTOCOL
DEBUG PROTOCOL x
DEBUG QUICKLIST l
DEBUG QUICKLIST l 1
DEBUG QUICKLIST l 1 2
DEBUG QUICKLIST h
DEBUG QUICKLIST nosuch
DEBUG LEAK
DEBUG LEAK text
DEBUG SET-DISABLE-DENY-SCRIPTS 1
DEBUG SET-DISABLE-DENY-SCRIPTS 0
DEBUG REPLYBUFFER
DEBUG REPLYBUFFER x 1
DEBUG REPLYBUFFER RESIZING 1
DEBUG REPLYBUFFER PEAK-RESET-TIME never
DEBUG REPLYBUFFER PEAK-RESET-TIME reset
DEBUG REPLYBUFFER PEAK-RESET-TIME 5000
DEBUG REPLYBUFFER PEAK-RESET-TIME x
DEBUG AOF-FLUSH-SLEEP 0
DEBUG AOF-FLUSH-SLEEP
DEBUG CHANGE-REPL-ID
DEBUG PAUSE-CRON 1
DEBUG PAUSE-CRON 0
DEBUG SET-SKIP-CHECKSUM-VALIDATION 1
DEBUG SET-SKIP-CHECKSUM-VALIDATION 0
DEBUG POPULATE x
DEBUG POPULATE 2 q -1
DEBUG POPULATE 3
DEBUG POPULATE 3 p 10
DEBUG POPULATE 2 p 1
GET key:2
GET p:1
DEBUG DIGEST
DBSIZE
MULTI
SET in-transaction 1
DEBUG DIGEST
DEBUG ERROR inside
EXEC
DEBUG
""".strip().splitlines()


@pytest.mark.parametrize("resp", [2, 3])
def test_replies_and_digests_are_those_of_redis(pair: Pair, resp: int) -> None:
    theirs, ours = (replies_of(path, [*DATA, *LINES], resp) for path in pair)
    assert ours == theirs


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize(
    "kind",
    "string integer double bignum null array set map attrib push verbatim true false".split(),
)
def test_each_type_of_the_protocol_is_written_as_redis_does(
    pair: Pair, kind: str, resp: int
) -> None:
    received = []
    for path in pair:
        connection = RawConnection(path)
        if resp == 3:
            connection.call([b"HELLO", b"3"])
        connection.send([b"DEBUG", b"PROTOCOL", kind.encode()])
        connection.send([b"ECHO", b"the end"])
        data = b""
        while not data.endswith(b"the end\r\n"):
            data += connection.reply()
        received.append(data)
        connection.close()
    assert received[0] == received[1]


def test_sleep_keeps_only_its_own_client_waiting(pair: Pair) -> None:
    sleeping, awake = RawConnection(pair[1]), RawConnection(pair[1])
    sleeping.send([b"DEBUG", b"SLEEP", b"1000"])
    assert awake.call([b"SET", b"k", b"v"]) == b"+OK\r\n"
    assert awake.call([b"GET", b"k"]) == b"$1\r\nv\r\n"
    sleeping.close()
    awake.close()


def test_object_tells_the_encoding(pair: Pair) -> None:
    for path in pair:
        replies = replies_of(path, ["FLUSHALL", "RPUSH l a", "DEBUG OBJECT l", "DEBUG STRUCTSIZE"])
        assert replies[2][1].startswith(b"+Value at:0x")
        assert b" refcount:1 encoding:quicklist serializedlength:" in replies[2][1]
        assert b"bits:64 robj:" in replies[3][1]


def test_reload_keeps_every_value_deadline_and_waiting_call(pair: Pair) -> None:
    with redis.Redis(unix_socket_path=str(pair[1])) as client:
        client.flushall()
        client.set("s", "v", ex=1000)
        client.hset("h", mapping={"a": 1})
        client.zadd("z", {"m": 1.5})
        digest = client.execute_command("DEBUG", "DIGEST")
        waiting = RawConnection(pair[1])
        waiting.send([b"BLPOP", b"l", b"0"])
        wait_until(lambda: client.info("clients")["blocked_clients"])
        for name in ("RELOAD", "LOADAOF"):
            client.execute_command("DEBUG", name)
            assert client.execute_command("DEBUG", "DIGEST") == digest
        client.rpush("l", "pushed")
        assert waiting.reply() == b"*2\r\n$1\r\nl\r\n$6\r\npushed\r\n"
        waiting.close()
        assert 0 < client.ttl("s") <= 1000
        client.config_set("hash-max-listpack-entries", 0)
        assert client.object("encoding", "h") == b"hashtable"
        client.config_set("hash-max-listpack-entries", 512)


def test_expired_keys_stay_while_active_expiry_is_off(pair: Pair) -> None:
    with redis.Redis(unix_socket_path=str(pair[1])) as client:
        client.flushall()
        client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        client.set("k", "v", px=1)
        client.set("unswept", "v", px=1)
        wait_until(lambda: client.get("k") is None)
        assert client.dbsize() >= 1
        client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        wait_until(lambda: not client.dbsize())


def test_who_may_use_it_is_the_choice_of_the_configuration(tmp_path: Path) -> None:
    refusal = "DEBUG command not allowed"
    with ServerProcess(tmp_path / "no") as server, redis.Redis(port=server.port) as client:
        with pytest.raises(redis.ResponseError, match=refusal):
            client.execute_command("DEBUG", "DIGEST")
        with pytest.raises(redis.ResponseError, match="immutable"):
            client.config_set("enable-debug-command", "yes")
        pipeline = client.pipeline().set("k", "v").execute_command("DEBUG", "DIGEST")
        with pytest.raises(redis.ResponseError, match=refusal):
            pipeline.execute()
        assert client.get("k") is None
    for choice in ("local", "yes"):
        with (
            ServerProcess(tmp_path / choice, "--enable-debug-command", choice) as server,
            redis.Redis(port=server.port) as client,
        ):
            assert client.execute_command("DEBUG", "DIGEST") == b"0" * 40
