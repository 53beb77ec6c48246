"""INFO and `respkv cluster status --json` on three nodes, one of which has stopped."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.patience import wait_until
from tests.processes.trio import Trio, TrioProcess


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with Trio(tmp_path_factory.mktemp("trio"), "--read-consistency", "lease") as three:
        yield three
        assert three.faults_logged() == []


def info(node: TrioProcess, section: str) -> dict[str, str]:
    lines = node.call("INFO", section).decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def fields(text: str) -> dict[str, str]:
    return dict(field.split("=", 1) for field in text.split(","))


def test_followers_are_shown_as_redis_shows_replicas(trio: Trio) -> None:
    node = trio.nodes[0]
    shown = info(node, "replication")
    assert (shown["role"], shown["connected_slaves"]) == ("master", "2")
    ports = {fields(shown[f"slave{number}"])["port"] for number in (0, 1)}
    assert ports == {str(other.port) for other in trio.nodes[1:]}
    assert set(fields(shown["slave0"])) == {"ip", "port", "state", "offset", "lag"}


def behind(node: TrioProcess, follower: TrioProcess) -> tuple[int, int]:
    """Return how many entries and seconds a node shows another to be behind."""
    shown = info(node, "replication")
    slave = next(
        fields(text)
        for name, text in shown.items()
        if name.startswith("slave") and fields(text)["port"] == str(follower.port)
    )
    return int(shown["master_repl_offset"]) - int(slave["offset"]), int(slave["lag"])


def entries_lacked(node: TrioProcess) -> list[int]:
    """Return how many entries each of its followers lacks, as a node sees it."""
    shown = info(node, "respkv").items()
    return [int(fields(text)["lag_entries"]) for name, text in shown if "follower_" in name]


def test_who_has_stopped_falls_behind(trio: Trio) -> None:
    node, stopped = trio.nodes[0], trio.nodes[2]
    key = trio.key_led_by(node)
    stopped.pause()
    try:
        assert node.call("SET", key, "v") == b"OK"
        assert behind(node, stopped)[0] > 0
        wait_until(lambda: behind(node, stopped)[1])
        # What the paused one led is taken over meanwhile, and its entries are new to all.
        wait_until(lambda: sorted(lag > 0 for lag in entries_lacked(node)) == [False, True])
    finally:
        stopped.resume()
    wait_until(lambda: behind(node, stopped) == (0, 0))
    trio.wait_ready()


def pongs(node: TrioProcess) -> list[int]:
    """Return when a node last heard each of the three, in order of time."""
    return sorted(int(line.split()[5]) for line in node.call("CLUSTER", "NODES").splitlines())


def test_nodes_tells_when_each_other_node_was_heard(trio: Trio) -> None:
    node = trio.nodes[0]
    wait_until(lambda: pongs(node)[1])
    own, *heard = pongs(node)
    assert own == 0
    wait_until(lambda: all(later > max(heard) for later in pongs(node)[1:]))


def test_links_tells_of_both_directions_and_since_when(trio: Trio) -> None:
    node, *others = trio.nodes
    ids = {other.call("CLUSTER", "MYID") for other in others}

    def links() -> list[dict[bytes, bytes]]:
        found = node.call("CLUSTER", "LINKS")
        return [dict(zip(words[::2], words[1::2], strict=True)) for words in found]

    wait_until(lambda: len(links()) == 4)
    for direction in (b"to", b"from"):
        chosen = [link for link in links() if link[b"direction"] == direction]
        assert {link[b"node"] for link in chosen} == ids
    clock = info(node, "server")
    since_s = int(clock["server_time_usec"]) // 1_000_000 - int(clock["uptime_in_seconds"])
    assert all(int(link[b"create-time"]) // 1000 >= since_s - 1 for link in links())


def offsets(node: TrioProcess) -> dict[int, int]:
    """Return the replication offset that CLUSTER SHARDS tells of each node, by its port."""
    found = {}
    for shard in node.call("CLUSTER", "SHARDS"):
        words = shard[3][0]
        fields = dict(zip(words[::2], words[1::2], strict=True))
        found[fields[b"port"]] = fields[b"replication-offset"]
    return found


def test_shards_tells_how_far_each_node_is(trio: Trio) -> None:
    for node in trio.nodes:
        for key in trio.keys_led_by(node, 5):
            assert trio.at_leader(b"SET", key, b"v") == b"OK"

    def agree() -> bool:  # once no leader changes
        own = {
            node.port: int(info(node, "replication")["master_repl_offset"]) for node in trio.nodes
        }
        return all(own.values()) and all(offsets(node) == own for node in trio.nodes)

    wait_until(agree, lambda: str([offsets(node) for node in trio.nodes]))


def test_the_section_of_our_own_counts_terms_entries_and_elections(trio: Trio) -> None:
    node, *others = trio.nodes

    def numbers() -> dict[str, int]:
        names = ("term", "elections_started", "commit_index", "applied_index", "partitions_led")
        return {name: int(info(node, "respkv")[name]) for name in names}

    before = numbers()
    for key in trio.keys_led_by(node, 5):
        assert trio.at_leader(b"SET", key, b"v") == b"OK"
    assert numbers()["commit_index"] >= before["commit_index"] + 5
    wait_until(lambda: numbers()["applied_index"] == numbers()["commit_index"])
    for other in others:
        other.pause()
    try:
        wait_until(lambda: numbers()["partitions_led"] == 0)
        assert node.call("CLUSTER", "FAILOVER", "FORCE") == b"OK"
        wait_until(lambda: numbers()["elections_started"] > before["elections_started"])
    finally:
        for other in others:
            other.resume()
    trio.wait_ready()
    assert numbers()["term"] > before["term"]


def test_status_tells_of_each_partition(trio: Trio) -> None:
    node = trio.nodes[0]
    run = subprocess.run(
        [sys.executable, "-m", "respkv", "cluster", "status", "--json", "--port", str(node.port)],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    partitions = json.loads(run.stdout)["partitions"]
    assert len(partitions) == int(info(node, "respkv")["partitions"])
    led = [partition for partition in partitions if partition["role"] == "leader"]
    assert len({partition["leader"] for partition in led}) == 1
    assert all(len(partition["lag"]) == 2 for partition in led)
    assert all(partition["applied"] <= partition["commit"] for partition in partitions)


def test_a_lease_serves_reads_without_asking_each_time(trio: Trio) -> None:
    node = trio.nodes[0]
    key = trio.key_led_by(node)
    assert node.call("SET", key, "1") == b"OK"
    wait_until(lambda: node.call("GET", key) == b"1" and int(info(node, "respkv")["lease_reads"]))
    assert info(node, "respkv")["read_consistency"] == "lease"


def test_leadership_given_up_is_counted(trio: Trio) -> None:
    node = trio.nodes[0]
    trio.key_led_by(node)
    before = int(info(node, "respkv")["transfers"])
    wait_until(lambda: trio.nodes[1].call("CLUSTER", "FAILOVER") == b"OK")
    wait_until(lambda: int(info(node, "respkv")["transfers"]) > before)
