"""What clients of one node are told, and can do, where a cluster of ours is not Redis'."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from redis import Redis, ResponseError
from redis.cluster import RedisCluster

from tests.cluster.views import LEADERS, View, describe_node, write_view
from tests.conftest import ServerProcess
from tests.processes.ports import listening_port

IDS = {number: f"{number}" * 40 for number in (1, 2, 3)}


class Node:
    """A server process with a view, and a client of it."""

    def __init__(self, directory: Path, own: int, ports: list[int], leaders: list[int]) -> None:
        nodes = {number: describe_node(IDS[number], port) for number, port in enumerate(ports, 1)}
        view: View = {"own": own, "nodes": nodes, "leaders": leaders}
        program = ("tests.cluster.viewed_server", str(write_view(directory, view)))
        self.process = ServerProcess(
            directory / "data", "--cluster-enabled", "yes", program=program
        )
        self.process.port = ports[own - 1]
        self.process.start()
        self.client = Redis(port=self.process.port)

    def close(self) -> None:
        """Stop the process."""
        self.client.close()
        self.process.__exit__()


def ports_of(nodes: int) -> list[int]:
    """Return a free port for each node."""
    return [listening_port() for _ in range(nodes)]


Start = Callable[[int, list[int], list[int]], Node]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a node with its number, all ports, and the leaders; all are stopped in the end."""
    with ExitStack() as stack:

        def start_node(own: int, ports: list[int], leaders: list[int]) -> Node:
            directory = tmp_path / f"{own}"
            directory.mkdir()
            return stack.enter_context(closing(Node(directory, own, ports, leaders)))

        yield start_node


def raw(node: Node, line: str) -> str:
    """Return the reply as redis-cli prints it."""
    cli = ["redis-cli", "-p", str(node.process.port), *line.split()]
    return subprocess.run(cli, capture_output=True, text=True, check=True, timeout=30).stdout


def test_hosts_that_nobody_announced_are_where_the_client_has_reached_this_node(
    start: Start,
) -> None:
    ports = ports_of(3)
    node = start(1, ports, LEADERS)
    for line in ("CLUSTER SLOTS", "CLUSTER SHARDS"):
        assert raw(node, line).count("127.0.0.1\n") >= 3
    for number, port in enumerate(ports, 1):
        assert f"{IDS[number]} 127.0.0.1:{port}@{port + 10000} " in raw(node, "CLUSTER NODES")


def test_followers_are_named_on_request(start: Start) -> None:
    ports = ports_of(3)
    node = start(1, ports, LEADERS)
    assert node.client.config_set("cluster-announce-replicas", "yes")
    with RedisCluster(host="127.0.0.1", port=ports[0]) as client:
        slots = client.nodes_manager.slots_cache
        assert [server.port for server in slots[0]] == [ports[0], ports[1], ports[2]]
        assert [server.port for server in slots[16383]] == [ports[2], ports[0], ports[1]]


def test_failover_makes_this_node_the_leader_of_all_it_votes_in(start: Start) -> None:
    node = start(1, ports_of(3), LEADERS)
    assert raw(node, "CLUSTER FAILOVER") == "OK\n"
    shown = raw(node, "CLUSTER NODES").splitlines()
    assert shown[0].startswith(f"{IDS[1]} ")
    assert shown[0].endswith(" 8 connected 0-16383")
    assert [line.split()[-1] for line in shown[1:]] == ["connected", "connected"]
    for option in ("", " FORCE", " TAKEOVER"):
        reply = raw(node, "CLUSTER FAILOVER" + option)
        assert reply.startswith("ERR You should send CLUSTER FAILOVER to a replica")


def test_failover_of_partitions_without_a_leader_needs_force(start: Start) -> None:
    node = start(1, ports_of(3), [1, 1, 1, 1, 1, 1, 1, 0])
    assert raw(node, "CLUSTER FAILOVER").startswith("ERR Master is down or failed, please use ")
    assert "cluster_state:fail" in raw(node, "CLUSTER INFO")
    assert "cluster_slots_assigned:14336" in raw(node, "CLUSTER INFO")
    assert raw(node, "CLUSTER FAILOVER FORCE") == "OK\n"
    assert "cluster_state:ok" in raw(node, "CLUSTER INFO")
    assert raw(node, "CLUSTER NODES").splitlines()[0].endswith(" 9 connected 0-16383")


def test_takeover_is_refused_since_it_could_lose_acknowledged_writes(start: Start) -> None:
    node = start(1, ports_of(3), LEADERS)
    before = raw(node, "CLUSTER NODES")
    assert raw(node, "CLUSTER FAILOVER TAKEOVER").startswith("ERR CLUSTER FAILOVER TAKEOVER would")
    assert raw(node, "CLUSTER NODES") == before


REFUSED = {
    "MEET 127.0.0.1 7000": "cluster-peers",
    "FORGET x": "respkv cluster replace",
    "RESET HARD": "FLUSHALL",
    "REPLICATE x": "cluster-replication-factor",
    "ADDSLOTS 1 2": "respkv cluster status",
    "ADDSLOTSRANGE 1 2": "respkv cluster status",
    "DELSLOTS 1": "respkv cluster status",
    "DELSLOTSRANGE 1 2": "respkv cluster status",
    "FLUSHSLOTS": "respkv cluster status",
    "SETSLOT 1 STABLE": "respkv cluster status",
    "BUMPEPOCH": "CLUSTER FAILOVER",
    "SET-CONFIG-EPOCH 5": "CLUSTER FAILOVER",
    "SAVECONFIG": "on disk",
}


def test_what_consensus_decides_is_refused_and_the_refusal_says_what_to_use_instead(
    start: Start,
) -> None:
    node = start(1, ports_of(3), LEADERS)
    before = raw(node, "CLUSTER NODES")
    for line, instead in REFUSED.items():
        with pytest.raises(ResponseError) as refused:
            node.client.execute_command("CLUSTER", *line.split())
        text = str(refused.value)
        assert text.startswith(f"CLUSTER {line.split()[0]} is not taken here: ")
        assert instead in text
    assert raw(node, "CLUSTER NODES") == before


def test_cluster_clients_work_through_what_they_are_shown(start: Start) -> None:
    node = start(1, ports_of(1), [1] * 8)
    with RedisCluster(host="127.0.0.1", port=node.process.port) as client:
        assert client.set("{user}1", "one")
        assert client.mget("{user}1", "{user}2") == [b"one", None]
        assert [found.port for found in client.get_nodes()] == [node.process.port]
        assert client.cluster_countkeysinslot(client.keyslot("{user}1")) == 1
        assert client.cluster_get_keys_in_slot(client.keyslot("user"), 10) == ["{user}1"]
    assert raw(node, "-c GET {user}1") == "one\n"
    with RedisCluster(host="127.0.0.1", port=node.process.port, protocol=3) as client:
        assert client.get("{user}1") == b"one"
        shards = client.cluster_shards()
        assert len(shards) == 1


def test_redis_cli_finds_nothing_wrong_with_three_nodes(start: Start) -> None:
    ports = ports_of(3)
    for own in (1, 2, 3):
        start(own, ports, LEADERS)
    for command in ("check", "info"):
        done = subprocess.run(
            ["redis-cli", "--cluster", command, f"127.0.0.1:{ports[0]}"],
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        assert "3 masters" in done.stdout
        if command == "check":
            assert "[OK] All nodes agree about slots configuration." in done.stdout
            assert "[OK] All 16384 slots covered." in done.stdout
    with RedisCluster(host="127.0.0.1", port=ports[0]) as client:
        assert sorted(found.port for found in client.get_nodes()) == sorted(ports)
