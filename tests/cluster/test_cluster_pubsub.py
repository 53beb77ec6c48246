"""Pub/sub among three nodes: messages reach all of them, shard channels follow their slot."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hiredis
import pytest
import redis
import redis.asyncio

from respkv.wire.run import encode_command
from tests.patience import wait_until
from tests.processes.trio import Trio, TrioProcess

PATIENCE_SECONDS = 20


class Listener:
    """A connection to one node that says things and hears what is pushed."""

    def __init__(self, node: TrioProcess, resp: int = 2) -> None:
        self.connection = socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS)
        self._reader = hiredis.Reader()
        if resp == 3:
            self.say("HELLO", "3")

    def send(self, *words: bytes | str) -> None:
        argv = [word.encode() if isinstance(word, str) else word for word in words]
        self.connection.sendall(encode_command(argv))

    def hear(self) -> Any:
        while (heard := self._reader.gets()) is False:
            data = self.connection.recv(65536)
            if not data:
                return "closed"
            self._reader.feed(data)
        return heard

    def say(self, *words: bytes | str) -> Any:
        self.send(*words)
        return self.hear()


@contextlib.contextmanager
def listening(node: TrioProcess, *words: bytes | str, resp: int = 2) -> Iterator[Listener]:
    """A listener whose first command is answered."""
    listener = Listener(node, resp)
    with contextlib.closing(listener.connection):
        if words:
            listener.say(*words)
        yield listener


def info(node: TrioProcess, field: str) -> int:
    lines = node.call("INFO", "respkv").decode().splitlines()
    return next(int(line.split(":")[1]) for line in lines if line.startswith(f"{field}:"))


# --- PUBLISH -------------------------------------------------------------------------------------


def test_a_message_reaches_the_subscribers_of_every_node_and_counts_those_here(trio: Trio) -> None:
    with contextlib.ExitStack() as stack:
        listeners = [
            stack.enter_context(listening(node, "SUBSCRIBE", "news")) for node in trio.nodes
        ]
        patterns = stack.enter_context(listening(trio.nodes[2], "PSUBSCRIBE", "n*"))
        for sender in trio.nodes:
            assert sender.call("PUBLISH", "news", f"of {sender.port}") == 1 + (
                sender is trio.nodes[2]
            )
            text = b"of %d" % sender.port
            for listener in listeners:
                assert listener.hear() == [b"message", b"news", text]
            assert patterns.hear() == [b"pmessage", b"n*", b"news", text]


def test_what_a_script_publishes_is_heard_once_on_every_node(trio: Trio) -> None:
    script = "redis.call('PUBLISH', 'news', ARGV[1]); return redis.call('PUBLISH', 'news', 'more')"
    with contextlib.ExitStack() as stack:
        listeners = [
            stack.enter_context(listening(node, "SUBSCRIBE", "news")) for node in trio.nodes
        ]
        for number, keys in enumerate((["0"], ["1", "key"])):
            sender = trio.leader_of(b"key")
            assert sender.call("EVAL", script, *keys, f"number {number}") == 0
            for listener in listeners:
                assert listener.hear() == [b"message", b"news", b"number %d" % number]
                assert listener.hear() == [b"message", b"news", b"more"]
        for listener in listeners:
            assert listener.say("UNSUBSCRIBE") == [b"unsubscribe", b"news", 0]  # and nothing else


def test_messages_of_one_sender_keep_their_order_whatever_their_size(trio: Trio) -> None:
    """A large message travels in chunks, and many small ones in one frame."""
    sizes = [10, 3_000_000, 0, 262_144, 262_143, *[1] * 2_000, 1_000_000, 5]
    with listening(trio.nodes[1], "SUBSCRIBE", "sizes") as listener:
        with (
            redis.Redis(port=trio.nodes[0].port) as sender,
            sender.pipeline(transaction=False) as pipeline,
        ):
            for number, size in enumerate(sizes):
                pipeline.publish("sizes", b"%d:" % number + b"x" * size)
            assert pipeline.execute() == [0] * len(sizes)
        for number, size in enumerate(sizes):
            _, _, message = listener.hear()
            head, _, rest = message.partition(b":")
            assert (int(head), len(rest)) == (number, size)


def test_who_hears_of_a_write_reads_it_from_its_leader(trio: Trio) -> None:
    """The writer's commands go to one node, pipelined over keys of one partition and no key."""
    writer_node, listener_node = trio.nodes[0], trio.nodes[1]
    keys = trio.keys_led_by(writer_node, 3)
    with (
        redis.Redis(port=writer_node.port) as writer,
        listening(listener_node, "SUBSCRIBE", "changes") as listener,
        redis.Redis(port=writer_node.port) as reader,
    ):
        for number in range(100):
            with writer.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.set(key, number)
                pipeline.publish("changes", number)
                if number % 3 == 0:
                    pipeline.execute_command("MULTI")
                    pipeline.set(keys[0], number)
                    pipeline.publish("changes", number)
                    pipeline.execute_command("EXEC")
                pipeline.execute()
            for _ in range(1 + (number % 3 == 0)):
                _, _, told = listener.hear()
                assert [int(reader.get(key)) for key in keys] == [number] * 3
                assert int(told) == number


def test_a_transaction_without_keys_publishes_behind_what_came_before(trio: Trio) -> None:
    key = trio.key_led_by(trio.nodes[0])
    with listening(trio.nodes[1], "SUBSCRIBE", "t") as listener, listening(trio.nodes[0]) as sender:
        for number in range(30):
            sender.send("SET", key, str(number))
            sender.send("MULTI")
            sender.send("PUBLISH", "t", str(number))
            sender.send("EXEC")
            assert listener.hear() == [b"message", b"t", b"%d" % number]
            assert int(trio.nodes[0].call("GET", key)) == number
            assert [sender.hear() for _ in range(4)] == [b"OK", b"OK", b"QUEUED", [0]]


def test_who_leaves_before_its_transaction_subscribes_is_no_subscriber(tmp_path: Path) -> None:
    """EXEC waits for a majority meanwhile."""
    with Trio(tmp_path) as trio:
        leader, *others = trio.nodes
        key = trio.key_led_by(leader)
        with listening(leader) as leaving:
            number = leaving.say("CLIENT", "ID")
            try:
                for node in others:
                    node.pause()
                for words in (("MULTI",), ("SET", key, "done"), ("SUBSCRIBE", "left"), ("EXEC",)):
                    leaving.send(*words)
                for _ in range(3):
                    leaving.hear()
                at_once = struct.pack("ii", 1, 0)  # half closed, it would still be answered
                leaving.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                leaving.connection.close()
                wait_until(lambda: b"id=%d " % number not in leader.call("CLIENT", "LIST"))
            finally:
                for node in others:
                    node.resume()
        trio.wait_ready()
        wait_until(lambda: trio.leader_of(key).call("GET", key) == b"done")
        assert leader.call("PUBSUB", "NUMSUB", "left") == [b"left", 0]


def test_messages_that_a_node_cannot_take_are_dropped_and_counted(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-peer-queue-bytes", "1mb") as trio:
        sender, paused = trio.nodes[0], trio.nodes[2]
        dropped = info(sender, "publications_dropped")
        paused.pause()
        with redis.Redis(port=sender.port) as client:
            wait_until(
                lambda: (
                    client.publish("flood", b"x" * 1_000_000) == 0
                    and info(sender, "publications_dropped") > dropped
                )
            )
        # What matters goes on, and the other node hears all.
        assert sender.call("SET", trio.key_led_by(sender), "v") == b"OK"
        with listening(trio.nodes[1], "SUBSCRIBE", "news") as listener:
            sender.call("PUBLISH", "news", "still here")
            assert listener.hear() == [b"message", b"news", b"still here"]
        paused.resume()
        trio.wait_ready()
        with listening(paused, "SUBSCRIBE", "news") as listener:
            wait_until(
                lambda: (
                    sender.call("PUBLISH", "news", "again") == 0
                    and info(paused, "publications_received") > 0
                )
            )
            assert listener.hear() == [b"message", b"news", b"again"]
        assert trio.faults_logged() == []


# --- shard channels ------------------------------------------------------------------------------


@pytest.mark.parametrize("resp", [2, 3])
def test_shard_channels_are_served_where_their_slot_is_led(trio: Trio, resp: int) -> None:
    leader, other = trio.nodes[0], trio.nodes[1]
    channel = trio.key_led_by(leader, "channel")
    with listening(leader, resp=resp) as listener, listening(other) as lost:
        assert listener.say("SSUBSCRIBE", channel) == [b"ssubscribe", channel, 1]
        assert leader.call("SPUBLISH", channel, "hello") == 1
        assert listener.hear() == [b"smessage", channel, b"hello"]
        for command in (("SSUBSCRIBE", channel), ("SUNSUBSCRIBE", channel)):
            refusal = lost.say(*command)
            assert isinstance(refusal, hiredis.ReplyError)
            assert str(refusal).startswith("MOVED ")
            assert str(refusal).endswith(f":{leader.port}")
        assert str(other.call("SPUBLISH", channel, "x")).startswith("MOVED ")
        several = trio.keys_led_by(leader, 2, "channel")
        assert str(listener.say("SSUBSCRIBE", *several)).startswith("CROSSSLOT ")
        assert listener.say("SUNSUBSCRIBE") == [b"sunsubscribe", channel, 0]
        assert lost.say("SUNSUBSCRIBE") == [b"sunsubscribe", None, 0]
        assert leader.call("SPUBLISH", channel, "x") == 0


def test_a_transaction_on_a_slot_publishes_to_its_shard_channel(trio: Trio) -> None:
    leader, other = trio.nodes[0], trio.nodes[1]
    key = trio.key_led_by(leader)
    channel = b"channel:{%b}" % key
    with (
        listening(leader, "SSUBSCRIBE", channel) as listener,
        redis.Redis(port=leader.port) as client,
    ):
        with client.pipeline() as pipeline:
            pipeline.set(key, "told")
            pipeline.execute_command("SPUBLISH", channel, "look")
            assert pipeline.execute() == [True, 1]
        assert listener.hear() == [b"smessage", channel, b"look"]
        with client.pipeline() as pipeline:
            pipeline.set(key, "x")
            pipeline.execute_command("SPUBLISH", trio.key_led_by(leader, "elsewhere"), "x")
            with pytest.raises(redis.exceptions.ResponseError, match="same slot"):
                pipeline.execute()
    with redis.Redis(port=other.port) as client, client.pipeline() as pipeline:
        pipeline.execute_command("SPUBLISH", channel, "x")
        with pytest.raises(redis.exceptions.MovedError):
            pipeline.execute()


def test_a_script_publishes_to_shard_channels_of_its_slot(trio: Trio) -> None:
    leader = trio.nodes[0]
    key = trio.key_led_by(leader)
    channel = b"channel:{%b}" % key
    script = "return redis.call('SPUBLISH', ARGV[1], 'look')"
    with listening(leader, "SSUBSCRIBE", channel) as listener:
        assert leader.call("EVAL", script, "1", key, channel) == 0
        assert listener.hear() == [b"smessage", channel, b"look"]
        for keys in (["1", key], ["0"]):
            refusal = leader.call("EVAL", script, *keys, trio.key_led_by(leader, "elsewhere"))
            assert "non local key" in str(refusal)
        assert listener.say("SUNSUBSCRIBE") == [b"sunsubscribe", channel, 0]  # and nothing else


def test_who_listens_to_a_slot_is_told_when_its_leader_changes(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio, contextlib.ExitStack() as stack:
        leader, follower, sender = trio.nodes
        channel = trio.key_led_by(leader, "moving")
        listeners = [
            stack.enter_context(listening(leader, "SSUBSCRIBE", channel, resp=resp))
            for resp in (2, 3)
        ]
        for listener in listeners:
            listener.say("SUBSCRIBE", "all")
        assert follower.call("CLUSTER", "FAILOVER") == b"OK"
        for listener in listeners:
            assert listener.hear() == [b"sunsubscribe", channel, 0]
        assert leader.call("PUBSUB", "SHARDCHANNELS") == []
        moved = stack.enter_context(listening(follower))
        wait_until(lambda: moved.say("SSUBSCRIBE", channel) == [b"ssubscribe", channel, 1])
        assert follower.call("SPUBLISH", channel, "here now") == 1
        assert moved.hear() == [b"smessage", channel, b"here now"]
        assert sender.call("PUBLISH", "all", "still") == 0
        for listener in listeners:  # other channels stay
            assert listener.hear() == [b"message", b"all", b"still"]


# --- a node is killed ----------------------------------------------------------------------------


def test_clients_that_subscribe_anew_hear_on_after_a_kill(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        killed, other, sender = trio.nodes
        channel = trio.key_led_by(killed, "shard")
        with (
            listening(killed, "SUBSCRIBE", "news") as lost,
            listening(killed, "SSUBSCRIBE", channel) as lost_shard,
            listening(other, "SUBSCRIBE", "news") as listener,
        ):
            sender.call("PUBLISH", "news", "before")
            assert lost.hear() == listener.hear() == [b"message", b"news", b"before"]
            killed.kill()
            assert lost.hear() == lost_shard.hear() == "closed"
            sender.call("PUBLISH", "news", "while it is gone")
            assert listener.hear() == [b"message", b"news", b"while it is gone"]
            leader = killed
            with contextlib.ExitStack() as stack:
                moved: list[Listener] = []

                def resubscribed() -> bool:
                    nonlocal leader
                    leader = trio.leader_of(channel)
                    if leader is killed:
                        return False
                    moved.append(stack.enter_context(listening(leader)))
                    return moved[-1].say("SSUBSCRIBE", channel) == [b"ssubscribe", channel, 1]

                wait_until(resubscribed)
                assert leader.call("SPUBLISH", channel, "anew") == 1
                assert moved[-1].hear() == [b"smessage", channel, b"anew"]
            killed.start()
            trio.wait_ready()
            with listening(killed, "SUBSCRIBE", "news") as back:
                heard = info(killed, "publications_received")
                wait_until(
                    lambda: (
                        sender.call("PUBLISH", "news", "it is back") == 0
                        and info(killed, "publications_received") > heard
                    )
                )
                assert back.hear() == [b"message", b"news", b"it is back"]
        assert trio.faults_logged() == []


# --- redis-py ------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py_cluster_listens_to_channels_and_shard_channels(trio: Trio, protocol: int) -> None:
    client: Any = redis.RedisCluster("127.0.0.1", trio.nodes[0].port, protocol=protocol)
    channels = [trio.key_led_by(node, "shard").decode() for node in trio.nodes]
    with contextlib.closing(client), contextlib.closing(client.pubsub()) as listener:
        listener.subscribe("news")
        wait_until(lambda: listener.get_message(timeout=1))
        for node in trio.nodes:
            node.call("PUBLISH", "news", "hello")
            heard = listener.get_message(timeout=PATIENCE_SECONDS)
            assert (heard["type"], heard["data"]) == ("message", b"hello")
        for channel in channels:
            listener.ssubscribe(channel)
        confirmed: list[bytes] = []

        def next_confirmed() -> bool:
            heard = listener.get_sharded_message(timeout=0.1)
            if heard is not None:
                assert heard["type"] == "ssubscribe"
                confirmed.append(heard["channel"].decode())
            return len(confirmed) == 3

        wait_until(next_confirmed)
        assert sorted(confirmed) == sorted(channels)
        for channel in channels:
            assert client.spublish(channel, f"to {channel}") == 1
            message: list[Any] = []

            def next_message(found: list[Any] = message) -> bool:
                heard = listener.get_sharded_message(timeout=0.1)
                found.extend([heard] if heard is not None else [])
                return bool(found)

            wait_until(next_message)
            assert message[0]["data"] == f"to {channel}".encode()


async def test_redis_py_asyncio_hears_messages_of_other_nodes(trio: Trio) -> None:
    async with (
        redis.asyncio.Redis(port=trio.nodes[0].port) as here,
        redis.asyncio.Redis(port=trio.nodes[1].port) as there,
        here.pubsub(ignore_subscribe_messages=True) as listener,
    ):
        await listener.subscribe("news")
        await listener.get_message(timeout=PATIENCE_SECONDS)
        assert await there.publish("news", "hello") == 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (heard := await listener.get_message(timeout=1)) is None:
                pass
        assert heard["data"] == b"hello"
