"""maxmemory in a cluster: each node's limit, over all partitions it holds a copy of."""

import hiredis
import redis

from tests.patience import wait_until
from tests.processes.trio import Trio, TrioProcess

VALUE = b"x" * 1_000


def used_bytes(node: TrioProcess) -> int:
    lines = node.call("INFO", "memory").splitlines()
    return next(int(line.split(b":")[1]) for line in lines if line.startswith(b"used_memory:"))


def limit(trio: Trio, size: int, policy: str) -> None:
    for node in trio.nodes:
        argv = ("CONFIG", "SET", "maxmemory", str(size), "maxmemory-policy", policy)
        assert node.call(*argv) == b"OK"


def test_leaders_evict_and_every_copy_shrinks_alike(trio: Trio) -> None:
    before = max(map(used_bytes, trio.nodes))
    size = before + 500_000
    limit(trio, size, "allkeys-lru")
    with redis.RedisCluster(host="127.0.0.1", port=trio.nodes[0].port) as client:
        for number in range(1_500):
            client.set(f"k{number}", VALUE)
    wait_until(lambda: all(used_bytes(node) <= size for node in trio.nodes))
    assert 300 < sum(node.call("DBSIZE") for node in trio.nodes) < 500
    limit(trio, 0, "noeviction")
    assert min(map(used_bytes, trio.nodes)) > before + 300_000


def test_the_leader_refuses_and_others_still_redirect(trio: Trio) -> None:
    limit(trio, 1, "noeviction")
    first_words = [str(node.call("SET", "k", "v")).split()[0] for node in trio.nodes]
    assert sorted(first_words) == ["MOVED", "MOVED", "OOM"]
    assert isinstance(trio.nodes[0].call("LPUSH", "l", "x"), hiredis.ReplyError)
    limit(trio, 0, "noeviction")
