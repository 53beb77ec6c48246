"""READONLY: a connection that reads what followers have applied."""

import socket
from collections.abc import Iterator

import pytest
import redis
from redis.cluster import LoadBalancingStrategy

from respkv.keyspace.slots import slot_of
from respkv.wire.run import encode_command
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.trio import Trio, TrioProcess, replies_of


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with Trio(tmp_path_factory.mktemp("trio"), "--cluster-announce-replicas", "yes") as three:
        yield three
        assert three.faults_logged() == []


def replicated(trio: Trio, key: bytes, value: bytes) -> None:
    """Write a key, and wait until all have applied it."""
    assert trio.at_leader(b"SET", key, value) == b"OK"
    for node in trio.nodes:
        wait_until(lambda node=node: read_only(node, [b"GET", key])[-1] == value)


def send(connection: socket.socket, *commands: list[bytes]) -> None:
    connection.sendall(b"".join(map(encode_command, commands)))


def read_only(node: TrioProcess, *commands: list[bytes]) -> list[object]:
    with socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS) as connection:
        send(connection, [b"READONLY"], *commands)
        return replies_of(connection, 1 + len(commands))[1:]


def texts(replies: list[object]) -> list[str]:
    return [str(reply).split(" ")[0] for reply in replies]


def test_followers_serve_reads_and_redirect_writes(trio: Trio) -> None:
    replicated(trio, b"{a}k", b"v")
    leader = trio.leader_of(b"{a}k")
    for node in trio.nodes:
        if node is leader:
            continue
        replies = read_only(
            node, [b"GET", b"{a}k"], [b"MGET", b"{a}k", b"{a}none"], [b"SET", b"{a}k", b"w"],
            [b"READWRITE"], [b"GET", b"{a}k"], [b"READONLY"], [b"GET", b"{a}k"], [b"RESET"],
            [b"GET", b"{a}k"],
        )  # fmt: skip
        assert replies[:2] == [b"v", [b"v", None]]
        assert texts(replies[2:]) == [
            "MOVED",
            "b'OK'",
            "MOVED",
            "b'OK'",
            "b'v'",
            "b'RESET'",
            "MOVED",
        ]
    assert read_only(leader, [b"GET", b"{a}k"], [b"SET", b"{a}k", b"w"]) == [b"v", b"OK"]


def test_a_transaction_that_only_reads_runs_on_a_follower(trio: Trio) -> None:
    replicated(trio, b"{b}k", b"v")
    follower = next(node for node in trio.nodes if node is not trio.leader_of(b"{b}k"))
    reads = [[b"MULTI"], [b"GET", b"{b}k"], [b"EXISTS", b"{b}k"], [b"EXEC"]]
    assert read_only(follower, *reads)[-1] == [b"v", 1]
    writes = [[b"MULTI"], [b"GET", b"{b}k"], [b"SET", b"{b}k", b"w"], [b"EXEC"]]
    assert texts(read_only(follower, *writes)) == ["b'OK'", "b'QUEUED'", "MOVED", "EXECABORT"]


def test_without_it_every_read_is_redirected_to_the_preferred_endpoint(trio: Trio) -> None:
    replicated(trio, b"{c}k", b"v")
    leader = trio.leader_of(b"{c}k")
    follower = next(node for node in trio.nodes if node is not leader)
    for endpoint, host in (("ip", "127.0.0.1"), ("unknown-endpoint", "")):
        assert follower.call("CONFIG", "SET", "cluster-preferred-endpoint-type", endpoint) == b"OK"
        moved = f"MOVED {slot_of(b'{c}k')} {host}:{leader.port}"
        assert str(follower.call("GET", "{c}k")) == moved
    assert follower.call("CONFIG", "SET", "cluster-preferred-endpoint-type", "ip") == b"OK"


def test_a_value_expires_on_a_follower_by_log_time(trio: Trio) -> None:
    assert trio.at_leader(b"SET", b"{d}k", b"v", b"PX", b"1") == b"OK"
    wait_until(lambda: trio.at_leader(b"EXISTS", b"{d}k") == 0)  # log time is past the deadline
    for node in trio.nodes:
        wait_until(lambda node=node: read_only(node, [b"GET", b"{d}k"])[0] is None)


def test_who_hears_no_leader_serves_nothing_old(trio: Trio) -> None:
    left = trio.nodes[2]
    others = trio.nodes[:2]
    for node in others:
        node.pause()
    try:
        wait_until(lambda: texts(read_only(left, [b"GET", b"{e}k"])) == ["CLUSTERDOWN"])
    finally:
        for node in others:
            node.resume()
    trio.wait_ready()


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py_reads_from_replicas(trio: Trio, protocol: int) -> None:
    client = redis.RedisCluster(
        "127.0.0.1",
        trio.nodes[0].port,
        protocol=protocol,
        load_balancing_strategy=LoadBalancingStrategy.ROUND_ROBIN,
    )
    with client:
        for number in range(30):
            assert client.set(f"key:{number}", number)
        for number in range(30):
            value = b"%d" % number  # a follower may be a moment behind
            wait_until(lambda key=f"key:{number}", value=value: client.get(key) == value)
    served = [node.call("INFO", "commandstats") for node in trio.nodes]
    assert all(b"cmdstat_readonly" in text for text in served)
