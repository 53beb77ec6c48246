"""MIGRATE between two servers of ours, and to and from redis-server, over TCP."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from respkv.commands import describe
from respkv.errors import CommandError
from respkv.node import migrate as _declares_it  # noqa: F401
from respkv.wire.reply import encode
from tests.commands.reference import Reference, split
from tests.conftest import ServerProcess
from tests.processes.ports import listening_port


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with ServerProcess(tmp_path_factory.mktemp("source")) as server:
        yield redis.Redis(port=server.port)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis.Redis]:
    with ServerProcess(tmp_path_factory.mktemp("target"), "--requirepass", "secret") as server:
        yield redis.Redis(port=server.port, password="secret")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    server = Reference(tmp_path_factory.mktemp("redis"), port=listening_port())
    yield server
    server.close()


@pytest.fixture(scope="module")
def reference(redis_server: Reference) -> redis.Redis:
    return redis.Redis(port=redis_server.port)


@pytest.fixture(autouse=True)
def empty(source: redis.Redis, target: redis.Redis, reference: redis.Redis) -> None:
    for server in (source, target, reference):
        server.flushall()


def port(server: redis.Redis) -> int:
    return int(server.connection_pool.connection_kwargs["port"])


def migrate(source: redis.Redis, to: int | redis.Redis, rest: str, host: str = "127.0.0.1") -> Any:
    """Return the reply, an error as its text."""
    argv = ["MIGRATE", host, port(to) if isinstance(to, redis.Redis) else to, *split(rest)]
    try:
        return source.execute_command(*argv)
    except redis.ResponseError as error:
        return str(error)


FILL = """
SET s text
RPUSH l a b 3
HSET h a 1 b 2
SADD set a b c
ZADD z 1 a 2.5 b
PFADD hll a b c
GEOADD geo 13.36 38.11 a
XADD x 1-1 a 1
XADD x 2-1 a 2
XGROUP CREATE x g 0
XREADGROUP GROUP g c COUNT 1 STREAMS x >
"""
KEYS = b"s l h set z hll geo x".split()


def fill(server: redis.Redis) -> None:
    for line in FILL.strip().splitlines():
        server.execute_command(*split(line))


def assert_holds_what_was_filled(server: redis.Redis) -> None:
    assert server.get("s") == b"text"
    assert server.lrange("l", 0, -1) == [b"a", b"b", b"3"]
    assert server.hgetall("h") == {b"a": b"1", b"b": b"2"}
    assert server.smembers("set") == {b"a", b"b", b"c"}
    assert server.zrange("z", 0, -1, withscores=True) == [(b"a", 1.0), (b"b", 2.5)]
    assert server.pfcount("hll") == 3
    assert server.geopos("geo", "a") != [None]
    assert server.xrange("x") == [(b"1-1", {b"a": b"1"}), (b"2-1", {b"a": b"2"})]
    (group,) = server.xinfo_groups("x")
    assert (group["pending"], group["last-delivered-id"], group["entries-read"]) == (1, b"1-1", 1)


def test_a_key_of_each_type_moves(source: redis.Redis, reference: redis.Redis) -> None:
    fill(source)
    for key in KEYS:
        assert migrate(source, reference, f"{key.decode()} 0 5000") == b"OK"
        assert not source.exists(key)
    assert_holds_what_was_filled(reference)


def test_redis_migrates_to_us(source: redis.Redis, reference: redis.Redis) -> None:
    fill(reference)
    everything = "'' 0 5000 COPY {} KEYS " + b" ".join(KEYS).decode()
    assert migrate(reference, source, everything.format("")) == b"OK"
    assert_holds_what_was_filled(source)
    busy = migrate(reference, source, everything.format(""))
    assert busy == "Target instance replied with error: BUSYKEY Target key name already exists."
    source.set("l", "another type")
    assert migrate(reference, source, everything.format("REPLACE")) == b"OK"
    assert_holds_what_was_filled(source)
    assert reference.dbsize() == len(KEYS)
    assert migrate(reference, source, everything.replace("COPY", "REPLACE").format("")) == b"OK"
    assert reference.dbsize() == 0


def test_redis_migrates_to_us_with_a_password(target: redis.Redis, reference: redis.Redis) -> None:
    reference.set("s", "v")
    refused = "Target instance replied with error: "
    assert str(migrate(reference, target, "s 0 5000")).startswith(refused + "NOAUTH")
    assert str(migrate(reference, target, "s 0 5000 AUTH no")).startswith(refused + "WRONGPASS")
    assert migrate(reference, target, "s 0 5000 COPY AUTH secret") == b"OK"
    assert migrate(reference, target, "s 0 5000 REPLACE AUTH2 default secret") == b"OK"
    assert target.get("s") == b"v"
    assert not reference.exists("s")


def test_deadlines_go_along(source: redis.Redis, reference: redis.Redis) -> None:
    source.set("s", "v", px=100_000)
    source.set("forever", "v")
    assert migrate(source, reference, "'' 0 5000 KEYS s forever") == b"OK"
    assert 90_000 < reference.pttl("s") <= 100_000
    assert reference.pttl("forever") == -1


def test_options(source: redis.Redis, reference: redis.Redis) -> None:
    source.set("s", "new")
    reference.set("s", "old")
    busy = "Target instance replied with error: BUSYKEY Target key name already exists."
    assert migrate(source, reference, "s 0 5000") == busy
    assert source.get("s") == b"new"
    assert migrate(source, reference, "s 0 5000 COPY REPLACE") == b"OK"
    assert source.get("s") == reference.get("s") == b"new"
    assert migrate(source, reference, "s 0 5000 replace") == b"OK"
    assert not source.exists("s")
    source.mset({"a": 1, "s": 2, "b": 3})
    assert migrate(source, reference, "'' 0 0 KEYS a s none b a") == busy
    assert source.keys() == [b"s"]  # the others were acknowledged
    assert reference.mget("a", "b") == [b"1", b"3"]
    assert migrate(source, reference, "s 99 5000") == (
        "Target instance replied with error: ERR DB index is out of range"
    )
    assert source.get("s") == b"2"


def test_passwords(source: redis.Redis, target: redis.Redis) -> None:
    source.set("s", "v")
    assert migrate(source, target, "s 0 5000").startswith(
        "Target instance replied with error: NOAUTH"
    )
    for wrong in ("AUTH wrong", "AUTH2 default wrong", "AUTH2 nobody secret"):
        assert migrate(source, target, f"s 0 5000 {wrong}").startswith(
            "Target instance replied with error: WRONGPASS"
        )
    assert source.get("s") == b"v"
    assert migrate(source, target, "s 0 5000 COPY AUTH secret") == b"OK"
    assert migrate(source, target, "s 0 5000 REPLACE AUTH2 default secret") == b"OK"
    assert target.get("s") == b"v"
    assert not source.exists("s")


@pytest.mark.parametrize(
    "rest",
    ["none 0 1000", "'' 0 1000 KEYS none nope", "k x 1000", "k 0 x", "k x y", "k 0 1000 NOSUCH", "k 0 1000 AUTH",
     "k 0 1000 AUTH2 a", "k 0 1000 KEYS a", "'' 0 1000 KEYS"],
)  # fmt: skip
def test_wrong_calls_as_redis_answers_them(
    rest: str, source: redis.Redis, reference: redis.Redis
) -> None:
    source.set("k", "v")
    reference.set("k", "v")
    assert migrate(source, 1, rest) == migrate(reference, 1, rest)


def test_a_target_that_is_not_there(source: redis.Redis, reference: redis.Redis) -> None:
    source.set("k", "v")
    reference.set("k", "v")
    closed = listening_port()
    for host, to in (("127.0.0.1", closed), ("no.such.host.invalid", 1)):
        expected = migrate(reference, to, "k 0 200", host)
        assert migrate(source, to, "k 0 200", host) == expected
        assert expected.startswith("IOERR error or timeout ")
    assert source.get("k") == b"v"


class Deaf:
    """A target under the test's hand: it answers each request only when told what."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(30)
        self.port = int(self._listener.getsockname()[1])
        self.connection = socket.socket()

    def accept(self) -> bytes:
        """Return the first bytes of a migration, once its last RESTORE has come."""
        self.connection, _ = self._listener.accept()
        self.connection.settimeout(30)
        received = b""
        while b"RESTORE" not in received:
            received += self.connection.recv(65_536)
        return received

    def close(self) -> None:
        self.connection.close()
        self._listener.close()


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    target = Deaf()
    yield target
    target.close()


class Call(threading.Thread):
    """A MIGRATE of another client, under way."""

    def __init__(self, source: redis.Redis, to: int, rest: str) -> None:
        super().__init__()
        self._arguments = (redis.Redis(port=port(source)), to, rest)
        self.reply: Any = None
        self.start()

    def run(self) -> None:
        self.reply = migrate(*self._arguments)

    def result(self) -> Any:
        self.join(30)
        return self.reply


def test_others_are_served_and_a_changed_key_stays(source: redis.Redis, deaf: Deaf) -> None:
    source.mset({"a": 1, "b": 2})
    call = Call(source, deaf.port, "'' 0 30000 KEYS a b")
    deaf.accept()
    assert source.incr("a") == 2
    deaf.connection.sendall(b"+OK\r\n+OK\r\n+OK\r\n")
    assert call.result() == ("1 of the keys changed while they were migrated and were not deleted")
    assert source.mget("a", "b") == [b"2", None]


def test_a_key_that_came_back_the_same_counts_as_changed(source: redis.Redis, deaf: Deaf) -> None:
    source.set("a", 1)
    call = Call(source, deaf.port, "a 0 30000")
    deaf.accept()
    source.set("a", 2)
    source.set("a", 1)
    deaf.connection.sendall(b"+OK\r\n+OK\r\n")
    assert "changed" in call.result()
    assert source.get("a") == b"1"


def test_only_what_was_acknowledged_is_deleted(source: redis.Redis, deaf: Deaf) -> None:
    source.mset({"a": 1, "b": 2})
    call = Call(source, deaf.port, "'' 0 30000 KEYS a b")
    deaf.accept()
    deaf.connection.sendall(b"+OK\r\n+OK\r\n")
    deaf.connection.close()
    assert call.result() == "IOERR error or timeout reading from target instance"
    assert source.mget("a", "b") == [None, b"2"]


def test_a_target_that_says_nothing(source: redis.Redis, deaf: Deaf) -> None:
    source.set("a", 1)
    assert migrate(source, deaf.port, "a 0 200") == (
        "IOERR error or timeout reading from target instance"
    )
    assert source.get("a") == b"1"


@pytest.mark.parametrize("noise", [b"\0" * 300_000, b"*3\r\n" * 3, b"$-1\r\n$-1\r\n", b"-\r\n" * 3])
def test_a_target_that_speaks_something_else(noise: bytes, source: redis.Redis, deaf: Deaf) -> None:
    source.set("a", 1)
    call = Call(source, deaf.port, "a 0 2000")
    deaf.accept()
    deaf.connection.sendall(noise)
    deaf.connection.close()
    assert isinstance(call.result(), str)
    assert source.get("a") == b"1"


def test_the_client_s_own_commands_keep_their_order(
    source: redis.Redis, reference: redis.Redis
) -> None:
    pipeline = source.pipeline(transaction=False)
    pipeline.set("a", 1)
    pipeline.execute_command("MIGRATE", "127.0.0.1", port(reference), "a", 0, 5000)
    pipeline.get("a")
    pipeline.set("a", 2)
    assert pipeline.execute() == [True, b"OK", None, True]
    assert reference.get("a") == b"1"


def test_not_inside_multi(source: redis.Redis) -> None:
    pipeline = source.pipeline(transaction=True)
    pipeline.execute_command("MIGRATE", "127.0.0.1", 1, "a", 0, 5000)
    with pytest.raises(redis.ResponseError, match="not allowed inside a transaction"):
        pipeline.execute()


@pytest.mark.parametrize(
    "line",
    ["MIGRATE h 1 k 0 5", "MIGRATE h 1 '' 0 5 KEYS a b", "MIGRATE h 1 '' 0 5 AUTH keys KEYS a",
     "MIGRATE h 1 '' 0 5 AUTH2 a KEYS COPY KEYS a b", "MIGRATE h 1 k 0 5 KEYS a"],
)  # fmt: skip
def test_where_its_keys_are(line: str, redis_server: Reference) -> None:
    argv = split(line)
    try:
        reply: Any = describe.getkeys_reply(argv)
    except CommandError as error:
        reply = error
    assert encode(reply, 2) == redis_server.call([b"COMMAND", b"GETKEYS", *argv])


def test_its_description(redis_server: Reference) -> None:
    for subcommand, reply in (
        (b"INFO", describe.info_reply([b"migrate"])),
        (b"DOCS", describe.docs_reply([b"migrate"])),
    ):
        assert encode(reply, 3) == redis_server.call([b"COMMAND", subcommand, b"migrate"], 3)


def test_many_keys_and_a_large_one(source: redis.Redis, reference: redis.Redis) -> None:
    names = [f"key{number}" for number in range(500)]
    source.mset({name: name * 10 for name in names})
    source.set("large", "x" * 5_000_000)
    assert source.execute_command(
        "MIGRATE", "127.0.0.1", port(reference), "", 0, 20_000, "KEYS", "large", *names
    ) == b"OK"  # fmt: skip
    assert source.dbsize() == 0
    assert reference.dbsize() == 501
    assert reference.strlen("large") == 5_000_000
