"""Pub/sub of one node beyond what scripts against the reference show: limits, orders, numbers."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import redis.asyncio

from respkv.wire.run import encode_command
from tests.commands.reference import RawConnection
from tests.conftest import ServerProcess
from tests.node.test_against_redis import Sockets, sockets

__all__ = ["sockets"]

PATIENCE_SECONDS = 20


@contextlib.contextmanager
def subscribed(server: ServerProcess, *channels: str) -> Iterator[socket.socket]:
    """A raw connection that has subscribed, with the confirmations read."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as connection:
        connection.sendall(encode_command([b"SUBSCRIBE", *map(str.encode, channels)]))
        confirmations = b""
        while confirmations.count(b"subscribe") < len(channels):
            confirmations += connection.recv(65536)
        yield connection


def closed_by_now(connection: socket.socket) -> bool:
    """Whether the server has hung up, once what it sent before has been read."""
    try:
        while connection.recv(1 << 20):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def numbers(client: redis.Redis) -> tuple[int, int, int]:
    stats = client.info("stats")
    return stats["pubsub_channels"], stats["pubsub_patterns"], stats["pubsubshard_channels"]


def test_tracking_tells_a_subscriber_of_resp2_by_messages(sockets: Sockets) -> None:
    heard = []
    for path in sockets:
        with contextlib.ExitStack() as stack:
            listener, reader, writer = [
                stack.enter_context(contextlib.closing(RawConnection(path))) for _ in range(3)
            ]
            number = listener.call([b"CLIENT", b"ID"])[1:-2]
            writer.call([b"SET", b"a", b"1"])
            reader.call([b"CLIENT", b"TRACKING", b"ON", b"REDIRECT", number])
            listener.call([b"SUBSCRIBE", b"__redis__:invalidate"])
            told = []
            for change in ([b"SET", b"a", b"2"], [b"FLUSHALL"]):
                reader.call([b"GET", b"a"])
                writer.call(change)
                told.append(listener.reply())
            listener.call([b"UNSUBSCRIBE"])
            reader.call([b"GET", b"a"])
            writer.call([b"SET", b"a", b"3"])
            told.append(listener.call([b"PING"]))
            heard.append(told)
    assert heard[1] == heard[0]


def test_a_subscriber_that_does_not_read_is_closed_at_its_limit(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "data") as server,
        redis.Redis(port=server.port) as publisher,
        subscribed(server, "news") as lazy,
        subscribed(server, "news") as reading,
    ):
        limits = publisher.config_get("client-output-buffer-limit")
        assert "pubsub 33554432 8388608 60" in limits["client-output-buffer-limit"]
        publisher.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")
        message = b"x" * 100_000
        until = time.monotonic() + PATIENCE_SECONDS
        while publisher.publish("news", message) == 2:
            read = 0
            while read < len(message):
                read += len(reading.recv(1 << 20))
            assert time.monotonic() < until
        assert closed_by_now(lazy)
        assert len(publisher.client_list(_type="pubsub")) == 1
        assert numbers(publisher) == (1, 0, 0)


def test_a_subscriber_over_the_soft_limit_for_too_long_is_closed(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "data") as server,
        redis.Redis(port=server.port) as publisher,
        subscribed(server, "news") as lazy,
    ):
        publisher.config_set("client-output-buffer-limit", "pubsub 0 256kb 1")
        publisher.publish("news", b"x" * (16 << 20))
        until = time.monotonic() + PATIENCE_SECONDS
        while publisher.client_list(_type="pubsub"):
            assert time.monotonic() < until
        assert closed_by_now(lazy)


def test_a_subscriber_is_not_closed_for_being_idle(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "data", "--timeout", "1") as server,
        subscribed(server, "news") as listener,
        socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as idle,
    ):
        assert idle.recv(1) == b""  # it was
        with redis.Redis(port=server.port) as publisher:
            assert publisher.publish("news", "x") == 1
        assert listener.recv(100).startswith(b"*3\r\n$7\r\nmessage\r\n")


def test_info_counts_and_forgets_who_leaves(server: ServerProcess) -> None:
    with redis.Redis(port=server.port) as client:
        before = numbers(client)
        with contextlib.closing(client.pubsub()) as listener:
            listener.subscribe("one", "two")
            listener.psubscribe("p*")
            listener.ssubscribe("s")
            until = time.monotonic() + PATIENCE_SECONDS
            while numbers(client) != (before[0] + 2, before[1] + 1, before[2] + 1):
                assert time.monotonic() < until
        while numbers(client) != before:
            assert time.monotonic() < until


def test_a_thousand_subscribers_hear_every_message(server: ServerProcess) -> None:
    with contextlib.ExitStack() as stack, redis.Redis(port=server.port) as publisher:
        listeners = [stack.enter_context(subscribed(server, "crowd")) for _ in range(1_000)]
        for number in range(3):
            assert publisher.publish("crowd", f"message {number}") == 1_000
        expected = b"".join(
            encode_command([b"message", b"crowd", b"message %d" % number]) for number in range(3)
        )
        for listener in listeners:
            heard = b""
            while len(heard) < len(expected):
                heard += listener.recv(65536)
            assert heard == expected


def test_ten_thousand_patterns_are_told_apart(server: ServerProcess) -> None:
    with redis.Redis(port=server.port) as client, contextlib.closing(client.pubsub()) as listener:
        listener.psubscribe(*[f"user:{number}:*" for number in range(10_000)])
        while listener.get_message(timeout=PATIENCE_SECONDS)["data"] < 10_000:
            pass
        assert client.publish("user:77:login", "x") == 1
        assert listener.get_message(timeout=PATIENCE_SECONDS)["pattern"] == b"user:77:*"
        assert client.publish("user:10000:login", "x") == 0


def test_a_pattern_that_is_too_long_subscribes_to_nothing(server: ServerProcess) -> None:
    with redis.Redis(port=server.port) as client:
        patterns = client.pubsub_numpat()
        with pytest.raises(redis.ResponseError, match="pattern is longer"):
            client.execute_command("PSUBSCRIBE", "short*", "x" * 70_000)
        assert client.pubsub_numpat() == patterns


def test_who_hears_of_a_write_reads_it(server: ServerProcess) -> None:
    """PUBLISH behind a write, pipelined and in a transaction, waits until it is committed."""
    with (
        redis.Redis(port=server.port) as writer,
        redis.Redis(port=server.port) as reader,
        contextlib.closing(reader.pubsub(ignore_subscribe_messages=True)) as listener,
    ):
        listener.subscribe("changes")
        listener.get_message(timeout=PATIENCE_SECONDS)
        for number in range(50):
            with writer.pipeline(transaction=number % 2 == 1) as pipeline:
                pipeline.set("written", number)
                pipeline.publish("changes", number)
                pipeline.set("later", number)
                pipeline.execute()
            message = listener.get_message(timeout=PATIENCE_SECONDS)
            assert message is not None
            assert int(message["data"]) == number
            assert int(reader.get("written")) >= number


async def test_the_asyncio_client_hears_channels_and_patterns(server: ServerProcess) -> None:
    async with (
        redis.asyncio.Redis(port=server.port) as client,
        client.pubsub(ignore_subscribe_messages=True) as listener,
    ):
        await listener.subscribe("news")
        await listener.psubscribe("n*")
        for _ in range(2):
            await listener.get_message(timeout=PATIENCE_SECONDS)
        assert await client.publish("news", "hello") == 2
        heard = [await listener.get_message(timeout=PATIENCE_SECONDS) for _ in range(2)]
        assert [message["type"] for message in heard] == ["message", "pmessage"]
        await listener.unsubscribe()
        await listener.punsubscribe()
