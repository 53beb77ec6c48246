"""Clients made for Redis Cluster: leaders move behind their backs, and one is killed under them."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio

from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.trio import Trio, TrioProcess

KEYS = [f"key:{number}" for number in range(60)]  # each node leads some

Client = Any  # cluster clients have methods that differ in type only


def move_leaders(trio: Trio) -> None:
    """Leaders are elsewhere than a client has seen."""
    for node in trio.nodes[1:]:
        wait_until(lambda node=node: node.call("CLUSTER", "FAILOVER") == b"OK")
    trio.wait_ready()


@contextlib.contextmanager
def killed(trio: Trio) -> Iterator[TrioProcess]:
    """A leader is killed; afterwards it is there again."""
    node = next(node for node in trio.nodes if node.port in trio.leaders())
    node.kill()
    try:
        yield node
    finally:
        node.start()
        trio.wait_ready()


async def write_until_taken(write: Callable[[str, str], Awaitable[object]], value: str) -> None:
    """Write all keys, each again until somebody leads its slot."""
    until = time.monotonic() + PATIENCE_SECONDS
    for key in KEYS:
        while True:
            try:
                await write(key, value)
                break
            except Exception as error:
                assert time.monotonic() < until, error


async def follow_and_outlive(
    trio: Trio,
    write: Callable[[str, str], Awaitable[object]],
    read: Callable[[str], Awaitable[bytes]],
    pipeline: Callable[[str], Awaitable[list[bytes]]],
) -> None:
    """Write and read all keys before leaders move, afterwards, and without one of the nodes."""
    for key in KEYS:
        await write(key, "before")
    await asyncio.to_thread(move_leaders, trio)
    for key in KEYS:
        await write(key, "redirected")
        assert await read(key) == b"redirected"
    assert await pipeline("in one piece") == [b"in one piece"] * len(KEYS)
    with killed(trio):
        await write_until_taken(write, "after")
        assert [await read(key) for key in KEYS] == [b"after"] * len(KEYS)
        assert await pipeline("in one piece") == [b"in one piece"] * len(KEYS)


async def test_redis_py(trio: Trio) -> None:
    client: Client = redis.RedisCluster("127.0.0.1", trio.nodes[0].port)

    def pipeline(value: str) -> list[bytes]:
        pipe = client.pipeline()
        for key in KEYS:
            pipe.set(key, value).get(key)
        return list(pipe.execute()[1::2])

    await follow_and_outlive(
        trio,
        lambda key, value: asyncio.to_thread(client.set, key, value),
        lambda key: asyncio.to_thread(client.get, key),
        lambda value: asyncio.to_thread(pipeline, value),
    )
    client.close()


async def test_redis_py_asyncio(trio: Trio) -> None:
    async with redis.asyncio.RedisCluster("127.0.0.1", trio.nodes[0].port) as client:

        async def pipeline(value: str) -> list[bytes]:
            pipe = client.pipeline()
            for key in KEYS:
                pipe.set(key, value).get(key)
            return list((await pipe.execute())[1::2])

        await follow_and_outlive(trio, client.set, client.get, pipeline)


async def test_coredis(trio: Trio) -> None:
    coredis = pytest.importorskip("coredis", reason="it is one of the extra `test`")
    async with coredis.RedisCluster("127.0.0.1", trio.nodes[0].port) as client:
        assert await client.mset({"{tag}a": "1", "{tag}b": "2"})
        assert await client.mget(["{tag}a", "{tag}b"]) == (b"1", b"2")

        async def pipeline(value: str) -> list[bytes]:
            async with client.pipeline() as pipe:
                replies = []
                for key in KEYS:
                    pipe.set(key, value)
                    replies.append(pipe.get(key))
            return [await reply for reply in replies]

        await follow_and_outlive(trio, client.set, client.get, pipeline)


# --- programs that come with Redis -----------------------------------------------------------------


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, check=False
    )


async def test_redis_cli(trio: Trio) -> None:
    asked = trio.nodes[0].port

    async def ask(*words: str) -> str:
        return (await asyncio.to_thread(run, "redis-cli", "-c", "-p", asked, *words)).stdout

    keys = KEYS[:12]
    for key in keys:
        assert await ask("SET", key, "before") == "OK\n"
    await asyncio.to_thread(move_leaders, trio)
    for key in keys:
        assert await ask("GET", key) == "before\n"
    with killed(trio) as node:
        asked = next(other.port for other in trio.nodes if other is not node)
        until = time.monotonic() + PATIENCE_SECONDS
        for key in keys:
            while await ask("SET", key, "after") != "OK\n":
                assert time.monotonic() < until
            assert await ask("GET", key) == "after\n"


def test_redis_cli_checks_a_cluster_whose_leader_was_killed(trio: Trio) -> None:
    with killed(trio) as node:
        trio.wait_ready()
        asked = next(other.port for other in trio.nodes if other is not node)
        for verb in ("check", "info"):
            done = run("redis-cli", "--cluster", verb, f"127.0.0.1:{asked}")
            assert "in 2 masters" in done.stdout, done
        called = run("redis-cli", "--cluster", "call", f"127.0.0.1:{asked}", "PING")
        assert called.stdout.count("PONG") == 2
    healthy = "[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered."

    def is_healthy() -> bool:  # not while the node that is back asks for what it should lead
        done = run("redis-cli", "--cluster", "check", f"127.0.0.1:{asked}")
        return all(line in done.stdout for line in healthy)

    wait_until(is_healthy)


def test_redis_benchmark_follows_leaders_that_move(tmp_path: Path) -> None:
    """Three new nodes: it does not take in a node that leads nothing when it starts."""
    options = ("-n", 10_000_000, "-c", 12, "-P", 4, "-r", 1000, "-q", "-t", "set")
    with Trio(tmp_path) as trio, (tmp_path / "output").open("wb") as output:
        words = ["redis-benchmark", "--cluster", "-p", trio.nodes[0].port, *options]
        benchmark = subprocess.Popen(
            [str(word) for word in words], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_until_all_are_written(trio, benchmark)
            move_leaders(trio)
            for node in trio.nodes:
                assert node.call("FLUSHALL") == b"OK"
            wait_until_all_are_written(trio, benchmark)
        finally:
            benchmark.kill()
            benchmark.wait()
        assert b"slots configuration changed" in (tmp_path / "output").read_bytes()


def wait_until_all_are_written(trio: Trio, benchmark: "subprocess.Popen[bytes]") -> None:
    """Wait until every node that leads something holds keys."""
    wait_until(
        lambda: (
            benchmark.poll() is not None
            or all(node.call("DBSIZE") for node in trio.nodes if node.port in trio.leaders())
        )
    )
    assert benchmark.poll() is None


def test_redis_benchmark_runs_without_a_killed_leader(trio: Trio) -> None:
    """One that is running then ends, as it does with Redis: it reconnects to nobody."""
    with killed(trio) as node:
        trio.wait_ready()
        asked = next(other.port for other in trio.nodes if other is not node)
        options = ("-n", 2000, "-q", "-t", "set,get", "-P", 4)
        done = run("redis-benchmark", "--cluster", "-p", asked, *options)
        assert done.returncode == 0, done
        assert done.stdout.count("requests per second") == 2, done
