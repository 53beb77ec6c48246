"""Calls that wait for a key, in a cluster of real nodes that are killed, paused and replaced."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.test_catching_up import wait_for_save
from tests.patience import PATIENCE_SECONDS, until, wait_until
from tests.processes.connection import Connection
from tests.processes.queue_workers import Workers
from tests.processes.trio import Trio, TrioProcess

UNBLOCKED = (
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
)


@pytest.fixture
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with Trio(tmp_path_factory.mktemp("trio")) as three:
        yield three
        assert three.faults_logged() == []


class Waiting:
    """A connection to a node in a call that waits there."""

    def __init__(self, connection: Connection, reply: asyncio.Task[list[object]]) -> None:
        self._connection = connection
        self._reply = reply

    @staticmethod
    async def begin(node: TrioProcess, *argv: bytes) -> "Waiting":
        """Send a command and return once it waits."""
        before = blocked(node)
        connection = await Connection.open(node.port)
        reply = asyncio.create_task(connection.call(list(argv)))
        await until(lambda: reply.done() or blocked(node) > before)
        assert not reply.done(), reply.result()
        return Waiting(connection, reply)

    async def reply(self) -> object:
        """Return the reply, "closed" when the connection was closed instead."""
        try:
            return (await asyncio.wait_for(self._reply, PATIENCE_SECONDS))[0]
        except ConnectionError:
            return "closed"
        finally:
            self._connection.close()


def blocked(node: TrioProcess) -> int:
    """Return how many clients of a node wait."""
    info: bytes = node.call("INFO", "clients")
    return int(info.partition(b"blocked_clients:")[2].partition(b"\r\n")[0])


async def call(node: TrioProcess, *argv: bytes) -> object:
    """Call once, beside what waits."""
    return await asyncio.to_thread(node.call, *argv)


async def run_at_leader(trio: Trio, *argv: bytes) -> object:
    """Send a command to whoever leads its key, until it has run."""
    return await asyncio.to_thread(trio.at_leader, *argv)


async def test_a_push_sent_through_another_node_serves_who_waits(trio: Trio) -> None:
    leader, other, _ = trio.nodes
    key = trio.key_led_by(leader)
    redirected = await call(other, b"BLPOP", key, b"0")
    assert str(redirected).startswith("MOVED "), redirected
    assert str(redirected).endswith(f":{leader.port}")
    waiting = await Waiting.begin(leader, b"BLPOP", key, b"0")
    redirected = await call(other, b"RPUSH", key, b"x", b"y")
    assert str(redirected).endswith(f":{leader.port}")
    assert await call(leader, b"RPUSH", key, b"x", b"y") == 2
    assert await waiting.reply() == [key, b"x"]
    assert await call(leader, b"LRANGE", key, b"0", b"-1") == [b"y"]


async def test_waits_for_keys_of_one_slot_and_of_several(trio: Trio) -> None:
    leader = trio.nodes[0]
    tag = b"{" + trio.key_led_by(leader) + b"}"
    first, second = [trio.keys_led_by(leader, 2)[at] for at in (0, 1)]
    for argv in (
        [b"BLPOP", first, second, b"0"],
        [b"BLMOVE", first, second, b"LEFT", b"LEFT", b"0"],
        [b"BLMPOP", b"0", b"2", first, second, b"LEFT"],
    ):
        assert str(await call(leader, *argv)).startswith("CROSSSLOT ")
    waits = [
        await Waiting.begin(leader, b"BLMPOP", b"0", b"2", tag + b"1", tag + b"2", b"LEFT"),
        await Waiting.begin(leader, b"BLMOVE", tag + b"2", tag + b"3", b"LEFT", b"LEFT", b"0"),
        await Waiting.begin(leader, b"BRPOP", tag + b"3", tag + b"4", b"0"),
    ]
    connection = await Connection.open(leader.port)
    pushes = [[b"RPUSH", tag + b"2", b"a", b"b"], [b"RPUSH", tag + b"4", b"c"]]
    replies = await connection.call([b"MULTI"], *pushes, [b"EXEC"])
    assert replies[-1] == [2, 1]
    assert [await each.reply() for each in waits] == [
        [tag + b"2", [b"a"]],
        b"b",
        [tag + b"4", b"c"],  # it was ready before the move made tag3 so
    ]
    assert await connection.call([b"LRANGE", tag + b"3", b"0", b"-1"]) == [[b"b"]]
    connection.close()


async def test_a_new_leader_takes_over_without_those_who_waited(trio: Trio) -> None:
    leader, other, _ = trio.nodes
    key = trio.key_led_by(leader)
    waits = [
        await Waiting.begin(leader, b"BLPOP", key, b"0"),
        await Waiting.begin(leader, b"BLMOVE", key, key, b"LEFT", b"LEFT", b"0"),
    ]
    assert await call(other, b"CLUSTER", b"FAILOVER") == b"OK"
    assert [str(await each.reply()) for each in waits] == [UNBLOCKED] * 2
    assert blocked(leader) == 0
    assert await run_at_leader(trio, b"RPUSH", key, b"x") == 1
    assert await run_at_leader(trio, b"BLPOP", key, b"0") == [key, b"x"]


async def test_nobody_who_waited_at_a_killed_leader_takes_an_element(trio: Trio) -> None:
    leader = trio.nodes[0]
    key = trio.key_led_by(leader)
    waits = [await Waiting.begin(leader, b"BLPOP", key, b"0") for _ in range(3)]
    leader.kill()
    assert [await each.reply() for each in waits] == ["closed"] * 3
    assert await run_at_leader(trio, b"RPUSH", key, b"x", b"y") == 2
    assert await run_at_leader(trio, b"LRANGE", key, b"0", b"-1") == [b"x", b"y"]
    leader.start()
    trio.wait_ready()
    assert await run_at_leader(trio, b"LRANGE", key, b"0", b"-1") == [b"x", b"y"]


async def test_who_waits_at_a_leader_without_followers_is_let_go(trio: Trio) -> None:
    leader, *others = trio.nodes
    key = trio.key_led_by(leader)
    waits = [
        await Waiting.begin(leader, b"BLPOP", key, b"0"),
        await Waiting.begin(leader, b"BRPOP", key, b"0.2"),  # nor can this end be agreed on
    ]
    for node in others:
        node.pause()
    replies = [str(await each.reply()) for each in waits]
    for node in others:
        node.resume()
    assert set(replies) <= {"closed", UNBLOCKED, "None"}
    assert replies[0] != "None"
    assert await run_at_leader(trio, b"RPUSH", key, b"x") == 1


async def test_a_follower_that_began_with_a_snapshot_has_served_the_same(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", "1") as trio:
        leader = trio.leader_of(b"k")
        away, other = [node for node in trio.nodes if node is not leader]
        away.kill()
        connection = await Connection.open(leader.port)
        for _ in range(20):
            sets = [[b"SET", b"{k}:%d" % number, b"v" * 1000] for number in range(100)]
            assert await connection.call(*sets) == [b"OK"] * 100
        connection.close()
        waits = [
            await Waiting.begin(leader, b"BLPOP", b"k", b"0"),
            await Waiting.begin(leader, b"BLMOVE", b"k", b"{k}:to", b"LEFT", b"LEFT", b"0"),
            await Waiting.begin(leader, b"BLMPOP", b"0", b"1", b"k", b"RIGHT", b"COUNT", b"2"),
        ]
        for node in (leader, other):
            await call(node, b"BGSAVE")
            wait_for_save(node)
        away.start()
        # The leader's, in which they all wait.
        wait_until(lambda: b"snapshot_index:0\r\n" not in away.call("INFO", "respkv"))
        assert await call(leader, b"RPUSH", b"k", b"a", b"b", b"c", b"d", b"e") == 5
        assert [await each.reply() for each in waits] == [[b"k", b"a"], b"b", [b"k", [b"e", b"d"]]]
        leader.kill()
        await call(away, b"CLUSTER", b"FAILOVER", b"FORCE")
        trio.wait_ready()

        def leads() -> bool:
            away.call("CLUSTER", "FAILOVER")
            return trio.leader_of(b"k") is away

        wait_until(leads)
        assert await run_at_leader(trio, b"LRANGE", b"k", b"0", b"-1") == [b"c"]
        assert await run_at_leader(trio, b"LRANGE", b"{k}:to", b"0", b"-1") == [b"b"]
        assert trio.faults_logged() == []


async def test_queues_through_faults_lose_and_double_nothing(trio: Trio) -> None:
    workers = Workers([node.port for node in trio.nodes], seed=1)
    workers.start()
    try:
        for node in trio.nodes:
            await workers.taken_more(200)
            await asyncio.to_thread(node.kill)
            await workers.taken_more(200)
            await asyncio.to_thread(node.start)
            await asyncio.to_thread(trio.wait_ready)
            await call(node, b"CLUSTER", b"FAILOVER")
            await workers.taken_more(200)
            node.pause()
            await workers.taken_more(200)
            node.resume()
            await asyncio.to_thread(trio.wait_ready)
    finally:
        await workers.stop()
    await workers.check()
