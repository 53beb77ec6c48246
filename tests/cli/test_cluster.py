"""`respkv cluster`: the same facts as a table and as JSON, from any node."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from redis.cluster import RedisCluster

from tests.cli.dev import DevCluster, respkv
from tests.conftest import ServerProcess
from tests.patience import wait_until


@pytest.fixture(scope="module")
def cluster() -> Iterator[DevCluster]:
    with DevCluster("--ephemeral") as running:
        yield running


def ask(port: int, *arguments: str) -> str:
    done = respkv("cluster", *arguments, "--port", str(port))
    assert done.returncode == 0, done.stderr
    return done.stdout


def facts(port: int, *arguments: str) -> Any:
    return json.loads(ask(port, *arguments, "--json"))


def test_status_says_that_every_slot_is_served(cluster: DevCluster) -> None:
    for port in cluster.ports:
        found = facts(port, "status")
        assert (found["state"], found["nodes"], found["nodes_up"]) == ("ok", 3, 3)
        assert (found["slots_led"], found["down"]) == (16384, [])
        lines = ask(port, "status").splitlines()
        assert lines[:2] == [f"state  ok, as 127.0.0.1:{port} sees it", "nodes  3 of 3 up"]


def test_nodes_has_a_row_for_each(cluster: DevCluster) -> None:
    nodes = facts(cluster.port, "nodes")
    assert [node["port"] for node in nodes] == cluster.ports
    assert sum(node["slots"] for node in nodes) == 16384
    _, *rows, _ = ask(cluster.port, "nodes").splitlines()
    for node, row in zip(nodes, rows, strict=True):
        shown = row.replace(" *", "").split()
        assert shown == [
            f"127.0.0.1:{node['port']}", "up", str(node["slots"]), str(len(node["ranges"])),
            str(node["term"]), node["id"],
        ]  # fmt: skip


@pytest.mark.parametrize("key", ["k", "{tag}k", "", "schlüssel", "a b"])
def test_every_node_names_the_owner_that_clients_are_sent_to(cluster: DevCluster, key: str) -> None:
    with RedisCluster(host="127.0.0.1", port=cluster.port) as client:
        leader = client.get_node_from_key(key)
        slot = client.keyslot(key)
    assert leader is not None
    for port in cluster.ports:
        found = facts(port, "owner", key)
        assert (found["key"], found["slot"]) == (key, slot)
        assert found["owner"]["port"] == leader.port
        assert ask(port, "owner", key).startswith(f"slot {slot}: led by 127.0.0.1:{leader.port},")


def test_without_a_majority_the_status_is_fail_and_says_who_is_down() -> None:
    with DevCluster("--ephemeral") as cluster:
        cluster.order("kill", "2")
        cluster.order("kill", "3")
        arguments = ("cluster", "status", "--json", "--port", str(cluster.port))
        found: dict[str, object] = {}

        def has_failed() -> bool:
            done = respkv(*arguments)
            found.update(json.loads(done.stdout))
            assert done.returncode == (found["state"] == "fail")
            return found["state"] == "fail" and found["nodes_up"] == 1

        wait_until(has_failed)
        assert found["down"] == [f"127.0.0.1:{port}" for port in cluster.ports[1:]]


def test_a_server_outside_a_cluster_says_so(server: ServerProcess) -> None:
    done = respkv("cluster", "status", "--port", str(server.port))
    assert done.returncode == 1
    assert "This instance has cluster support disabled" in done.stderr


def test_nobody_there_is_an_answer() -> None:
    done = respkv("cluster", "nodes", "--port", "1")
    assert done.returncode == 1
    assert "--host and --port" in done.stderr
