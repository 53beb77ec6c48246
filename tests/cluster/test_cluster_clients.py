"""Clients made for Redis Cluster, unchanged, against three nodes."""

import asyncio
import random
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from tests.patience import until, wait_until
from tests.processes.cluster_writers import ClusterClient
from tests.processes.connection import Connection
from tests.processes.trio import Trio

Client = Any  # redis-py's cluster clients have methods that differ in type only


@pytest.fixture(params=[2, 3])
def client(trio: Trio, request: pytest.FixtureRequest) -> Iterator[Client]:
    found = redis.RedisCluster("127.0.0.1", trio.nodes[0].port, protocol=request.param)
    yield found
    found.close()


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, check=False
    )


def command_line(*words: object) -> str:
    done = run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- redis-py ------------------------------------------------------------------------------------


def test_what_an_application_does_through_redis_py(client: Client) -> None:
    for number in range(50):
        assert client.set(f"key:{number}", number)
    assert [client.get(f"key:{number}") for number in range(50)] == [
        b"%d" % number for number in range(50)
    ]
    assert client.mset({"{tag}a": 1, "{tag}b": 2})
    assert client.mget("{tag}a", "{tag}b", "{tag}c") == [b"1", b"2", None]
    assert client.mget_nonatomic("key:1", "key:2") == [b"1", b"2"]
    assert client.incr("counter", 5) == 5
    assert client.delete(*[f"key:{number}" for number in range(10)]) == 10
    assert client.dbsize(target_nodes="primaries") == 43
    assert len(client.keys(target_nodes="primaries")) == 43
    assert client.exists("key:20", "key:21", "key:1") == 2
    assert client.randomkey() is not None
    assert client.flushall(target_nodes="primaries")
    assert client.dbsize(target_nodes="primaries") == 0


def test_a_pipeline_over_all_nodes_answers_in_order(client: Client) -> None:
    pipe = client.pipeline()
    for number in range(300):
        pipe.set(f"key:{number}", number).get(f"key:{number}").incr("counter")
    replies = pipe.execute()
    assert replies[0::3] == [True] * 300
    assert replies[1::3] == [b"%d" % number for number in range(300)]
    assert replies[2::3] == list(range(1, 301))


def test_scan_through_a_cluster_client_returns_every_key_once(client: Client) -> None:
    pipe = client.pipeline()
    for number in range(2000):
        pipe.set(f"key:{number}", number)
    pipe.execute()
    found = list(client.scan_iter(count=50))
    assert sorted(found) == sorted(b"key:%d" % number for number in range(2000))
    matched = list(client.scan_iter(match="key:1*", count=1000))
    assert len(matched) == len(set(matched)) == 1111


def test_a_transaction_of_one_slot(client: Client) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.set("{tag}a", 1).incr("{tag}a").get("{tag}a")
        assert pipe.execute() == [b"OK", 2, b"2"]
    with client.pipeline(transaction=True) as pipe:
        pipe.watch("{tag}a")
        client.set("{tag}a", "changed")
        pipe.multi()
        pipe.set("{tag}a", "lost")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert client.get("{tag}a") == b"changed"


def test_keys_of_several_slots_are_refused(client: Client) -> None:
    with pytest.raises(redis.exceptions.RedisClusterException):
        client.mget("a", "b")


@pytest.mark.parametrize("protocol", [2, 3])
async def test_the_asyncio_client(trio: Trio, protocol: int) -> None:
    node = trio.nodes[1]
    async with redis.asyncio.RedisCluster(
        "127.0.0.1", node.port, protocol=protocol, max_connections=200
    ) as client:
        await asyncio.gather(*(client.set(f"key:{number}", number) for number in range(200)))
        values = await asyncio.gather(*(client.get(f"key:{number}") for number in range(200)))
        assert values == [b"%d" % number for number in range(200)]
        assert await client.mget_nonatomic("key:1", "key:2") == [b"1", b"2"]
        pipe = client.pipeline()
        for number in range(200):
            pipe.incr(f"counter:{number % 7}")
        assert sum(1 for reply in await pipe.execute() if reply == 1) == 7
        found = [key async for key in client.scan_iter(count=20)]
        assert len(found) == len(set(found)) == 207
        assert await client.dbsize(target_nodes="primaries") == 207
        assert await client.flushall(target_nodes="primaries")
        assert await client.dbsize(target_nodes="primaries") == 0


# --- programs that come with Redis -----------------------------------------------------------------


def test_redis_cli_follows_redirections(trio: Trio) -> None:
    for node in trio.nodes:
        for number in range(5):
            assert "OK" in command_line(
                "redis-cli", "-c", "-p", node.port, "SET", f"k{number}", "v"
            )
    sizes = [node.call("DBSIZE") for node in trio.nodes]
    assert sum(sizes) == 5


def test_redis_cli_checks_the_cluster(trio: Trio) -> None:
    address = f"127.0.0.1:{trio.nodes[0].port}"
    healthy = "[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered."

    def is_healthy() -> bool:  # nodes may still ask for what they should lead
        done = run("redis-cli", "--cluster", "check", address)
        return all(line in done.stdout for line in healthy)

    wait_until(is_healthy)
    assert "[OK] 0 keys in 3 masters." in command_line("redis-cli", "--cluster", "info", address)
    called = command_line("redis-cli", "--cluster", "call", address, "PING")
    assert called.count("PONG") == 3


def test_redis_benchmark_ends_cleanly(trio: Trio) -> None:
    text = command_line(
        "redis-benchmark", "--cluster", "-p", trio.nodes[0].port,
        "-n", 1500, "-c", 12, "-P", 4, "-r", 1000, "-q", "-t", "set,get,incr,mset",
    )  # fmt: skip
    assert text.count("requests per second") == 4, text
    assert "rror" not in text


# --- leaders that change ---------------------------------------------------------------------------


async def test_watch_never_loses_an_update_while_leaders_change(trio: Trio) -> None:
    """Eight clients count with WATCH, GET, MULTI, SET, EXEC; only EXEC's outcome may be unknown.

    Raw connections: redis-py repeats a redirected GET on another node without its WATCH.
    """
    ports = [node.port for node in trio.nodes]
    stop = asyncio.Event()
    sure = unknown = 0

    async def count(port: int) -> None:
        nonlocal sure, unknown
        connection = await Connection.open(port)
        while not stop.is_set():
            is_executing = False
            try:
                watched, value = await connection.call([b"WATCH", b"counter"], [b"GET", b"counter"])
                errors = [reply for reply in (watched, value) if isinstance(reply, Exception)]
                reply: object = errors[0] if errors else None
                if not errors:
                    after = b"%d" % (int(value or 0) + 1)
                    is_executing = True
                    replies = await connection.call(
                        [b"MULTI"], [b"SET", b"counter", after], [b"EXEC"]
                    )
                    reply = replies[-1]
                    if isinstance(reply, list):
                        sure += 1
                    if isinstance(replies[1], Exception):
                        reply = replies[1]
                else:
                    await connection.call([b"UNWATCH"])
            except OSError:
                unknown += is_executing
                connection = await Connection.open(port)
                continue
            if str(reply).startswith("MOVED "):
                connection.close()
                connection = await Connection.open(int(str(reply).rpartition(":")[2]))
        connection.close()

    tasks = [asyncio.create_task(count(ports[number % 3])) for number in range(8)]
    try:
        for node in [*trio.nodes, *trio.nodes, *trio.nodes]:
            enough = sure + 30
            await asyncio.to_thread(node.call, "CLUSTER", "FAILOVER")
            await until(lambda: sure >= enough or any(task.done() for task in tasks))  # noqa: B023
            assert not any(task.done() for task in tasks)
    finally:
        stop.set()
        await asyncio.gather(*tasks)
    counted = (await ClusterClient(ports, random.Random(0)).call(b"counter", [b"GET", b"counter"]))[
        0
    ]
    assert sure <= int(counted) <= sure + unknown


def test_failover_is_not_noticed_by_a_retrying_client(trio: Trio) -> None:
    client: Client = redis.RedisCluster("127.0.0.1", trio.nodes[0].port)
    written = 0
    for node in [*trio.nodes, *trio.nodes]:
        led = False  # for a while: preferred leaders ask for their partitions again
        while not led or written % 20:
            if not led and written % 20 == 0:
                node.call("CLUSTER", "FAILOVER")
            led = led or not isinstance(node.call("GET", "key:0"), Exception)
            written += 1
            assert client.set(f"key:{written % 50}", written)
            assert client.get(f"key:{written % 50}") == b"%d" % written
    client.close()
