"""`respkv dev-cluster`: real processes, orders from another terminal, and nothing left behind."""

import json
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry

from tests.cli.dev import DevCluster, free_ports, is_alive, respkv
from tests.patience import PATIENCE_SECONDS, wait_until

needs_redis_cli = pytest.mark.skipif(
    shutil.which("redis-cli") is None, reason="redis-cli is not installed"
)


def redis_cli(port: int, *command: str) -> str:
    cli = ["redis-cli", "-c", "-p", str(port), *command]
    return subprocess.run(cli, capture_output=True, text=True, timeout=60, check=True).stdout


def status(cluster: DevCluster) -> dict[int, str]:
    """Return each node's state, by its number."""
    done = respkv("dev-cluster", "status", "--json", "--port", str(cluster.port))
    return {node["node"]: node["state"] for node in json.loads(done.stdout)["nodes"]}


def state_file(directory: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((directory / "dev-cluster.json").read_text())
    return content


# --- the demo ------------------------------------------------------------------------------------


def test_it_prints_a_line_for_each_node_and_ready(tmp_path: Path) -> None:
    with DevCluster("--dir", str(tmp_path)) as cluster:
        *nodes, ready = cluster.lines
        assert [line.split("  ")[:2] for line in nodes] == [
            [f"node {number}", f"127.0.0.1:{port}"] for number, port in enumerate(cluster.ports, 1)
        ]
        assert ready == f"ready: 3 nodes, data in {tmp_path}"
        assert status(cluster) == {1: "running", 2: "running", 3: "running"}


@needs_redis_cli
def test_redis_cli_finds_what_was_acknowledged_after_its_leader_was_killed() -> None:
    with DevCluster("--ephemeral") as cluster:
        assert redis_cli(cluster.port, "SET", "balance", "100") == "OK\n"
        killed, led, *_ = cluster.order("kill-leader", "balance").splitlines()
        assert killed.endswith("the leader of balance (slot 5824)")
        leader = int(led.split()[0].rpartition(":")[2])
        assert leader in cluster.ports
        assert redis_cli(leader, "GET", "balance") == "100\n"


@needs_redis_cli
def test_when_the_first_node_is_killed_the_others_are_named() -> None:
    """A client that names no other port starts there: the README's demo would end here."""
    with DevCluster("--ephemeral") as cluster:

        def owner(key: str) -> int:
            arguments = ("cluster", "owner", key, "--json", "--port", str(cluster.port))
            port: int = json.loads(respkv(*arguments).stdout)["owner"]["port"]
            return port

        key = next(f"key:{n}" for n in range(1000) if owner(f"key:{n}") == cluster.port)
        assert redis_cli(cluster.port, "SET", key, "100") == "OK\n"
        *_, hint = cluster.order("kill-leader", key).splitlines()
        assert hint.startswith("node 1 is down: reach the others by redis-cli -c -p ")
        other = int(hint.partition(" -p ")[2].partition(",")[0])
        assert other in cluster.ports[1:]
        assert redis_cli(other, "GET", key) == "100\n"
        assert cluster.order(*hint.rpartition("dev-cluster ")[2].split()[:2])
        assert redis_cli(cluster.port, "GET", key) == "100\n"


def test_a_cluster_client_goes_on_while_leaders_are_killed_and_started_again() -> None:
    with DevCluster("--ephemeral") as cluster:
        nodes = [ClusterNode("127.0.0.1", port) for port in cluster.ports]
        retry = Retry(ConstantBackoff(0.1), 50)
        with RedisCluster(startup_nodes=nodes, retry=retry, decode_responses=True) as client:
            for turn in range(3):
                assert client.set("k", f"written {turn}")
                number = cluster.order("kill-leader", "k").split()[2]
                assert client.get("k") == f"written {turn}"
                assert status(cluster)[int(number)] == "killed"
                assert f"node {number} " in cluster.order("start", number)
                assert status(cluster) == {1: "running", 2: "running", 3: "running"}


def test_a_paused_node_loses_its_leadership_and_comes_back() -> None:
    with DevCluster("--ephemeral") as cluster:
        cluster.order("pause", "2")
        assert status(cluster)[2] == "paused"

        def others_lead_all() -> bool:
            done = respkv("cluster", "status", "--json", "--port", str(cluster.port))
            nodes = respkv("cluster", "nodes", "--json", "--port", str(cluster.port))
            led = {node["port"]: node["slots"] for node in json.loads(nodes.stdout)}
            return done.returncode == 0 and led[cluster.ports[1]] == 0

        wait_until(others_lead_all)
        cluster.order("resume", str(cluster.ports[1]))  # by its port
        assert status(cluster)[2] == "running"
        with Redis(port=cluster.ports[1]) as client:
            assert client.ping()


def test_orders_find_the_cluster_by_its_directory(tmp_path: Path) -> None:
    with DevCluster("--dir", str(tmp_path)) as cluster:
        assert respkv("dev-cluster", "kill", "3", "--dir", str(tmp_path)).returncode == 0
        assert status(cluster)[3] == "killed"


# --- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_node_outlives_it(tmp_path: Path, number: signal.Signals) -> None:
    """Neither a running one nor a paused one, even when it is killed itself."""
    with DevCluster("--dir", str(tmp_path)) as cluster:
        cluster.order("pause", "2")
        assert all(map(is_alive, cluster.pids()))
        cluster.process.send_signal(number)
        assert cluster.process.wait(PATIENCE_SECONDS) == (
            -number if number == signal.SIGKILL else 0
        )
        wait_until(lambda: not any(map(is_alive, cluster.pids())))
        assert respkv("dev-cluster", "status", "--port", str(cluster.port)).returncode == 1


def test_stop_ends_it_and_the_state_file_says_so(tmp_path: Path) -> None:
    with DevCluster("--dir", str(tmp_path)) as cluster:
        state = state_file(tmp_path)
        assert state["pid"] == cluster.process.pid
        assert [(node["port"], node["pid"]) for node in state["nodes"]] == list(
            zip(cluster.ports, cluster.pids(), strict=True)
        )
        assert cluster.order("stop") == "stopped\n"
        assert cluster.process.wait(PATIENCE_SECONDS) == 0
        state = state_file(tmp_path)
        assert state["pid"] == 0
        assert [node["pid"] for node in state["nodes"]] == [0, 0, 0]
        assert not any(map(is_alive, cluster.pids()))


def test_a_kept_cluster_starts_again_with_its_data(tmp_path: Path) -> None:
    port = free_ports(3)
    for turn in range(2):
        with (
            DevCluster("--dir", str(tmp_path), port=port),
            RedisCluster(host="127.0.0.1", port=port, decode_responses=True) as client,
        ):
            if turn == 0:
                client.set("k", "kept")
            assert client.get("k") == "kept"


def test_an_ephemeral_cluster_leaves_nothing() -> None:
    with DevCluster("--ephemeral") as cluster:
        directory = Path(cluster.lines[-1].rpartition(" ")[2])
        assert (directory / "dev-cluster.json").exists()
    assert not directory.exists()


# --- what it refuses -----------------------------------------------------------------------------


def refusal(*arguments: str) -> str:
    done = respkv("dev-cluster", *arguments)
    assert done.returncode == 1
    return done.stderr


def test_orders_that_make_no_sense_say_what_does() -> None:
    with DevCluster("--ephemeral") as cluster:
        port = str(cluster.port)
        assert f"1 to 3, or its port, {port} to" in refusal("kill", "9", "--port", port)
        assert "can take kill or pause" in refusal("start", "1", "--port", port)
        assert "can take kill or pause" in refusal("resume", "1", "--port", port)
        cluster.order("kill", "1")
        assert "it can take start" in refusal("pause", "1", "--port", port)
        assert f"stop --port {port}" in refusal("--port", port, "--ephemeral")


def test_without_a_cluster_orders_say_how_to_start_one(tmp_path: Path) -> None:
    port = str(free_ports(3))
    assert f"start one with respkv dev-cluster --port {port}" in refusal("stop", "--port", port)
    assert "no dev-cluster runs with --dir" in refusal("status", "--dir", str(tmp_path))


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    port = free_ports(3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 10_001))
        taken.listen()
        text = refusal("--port", str(port), "--dir", str(tmp_path / "data"))
    assert f"port {port + 10_001} of node 2 (for other nodes) is not free" in text
    assert "choose another --port" in text


def test_a_directory_of_other_nodes_is_refused(tmp_path: Path) -> None:
    with DevCluster("--dir", str(tmp_path)) as cluster:
        pass
    text = refusal("--dir", str(tmp_path), "--nodes", "5")
    assert f"holds a cluster of --nodes 3 --port {cluster.port}" in text


@pytest.mark.parametrize("name", ["file", "file/below", "/proc/nothing"])
def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    directory = tmp_path / name
    text = refusal("--dir", str(directory), "--port", str(free_ports(3)))
    assert text.startswith(f"respkv dev-cluster: {directory}: ")
    assert "choose another --dir" in text


@pytest.mark.parametrize("name", ["/proc/nothing", "long" * 30])
def test_a_place_for_its_socket_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / name))
    for arguments in (("--dir", str(tmp_path)), ("status",)):
        text = refusal(*arguments, "--port", str(free_ports(3)))
        assert "Traceback" not in text
        assert f"{tmp_path / name}/respkv-dev-" in text
        assert "set TMPDIR to" in text


@pytest.mark.parametrize("options", [("--nodes", "0"), ("--port", "60000"), ("--nodes", "99")])
def test_numbers_out_of_range_are_refused(options: tuple[str, ...]) -> None:
    assert options[0] in refusal(*options, "--ephemeral")
