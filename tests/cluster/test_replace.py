"""`respkv cluster replace` with real processes: the way in for a node whose data is lost."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from respkv.cluster.view import BUS_PORT_OFFSET
from tests.cluster.test_forming import is_loading, wait_for_log
from tests.patience import wait_until
from tests.processes.ports import listening_port
from tests.processes.trio import Trio, TrioProcess

REPLACED_BY_SECONDS = 120


def node_id(node: TrioProcess) -> str:
    found = node.call("CLUSTER", "MYID")
    assert isinstance(found, bytes)
    return found.decode()


def replace(asked: TrioProcess, old_id: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the operator's command against a running node."""
    command = [sys.executable, "-m", "respkv", "cluster", "replace", old_id]
    command += ["--port", str(asked.port), "--timeout", str(REPLACED_BY_SECONDS), *options]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=2 * REPLACED_BY_SECONDS, check=False
    )


def write_keys(trio: Trio, name: str) -> list[bytes]:
    """Write some keys of many partitions, and return them; the value is the key."""
    keys = [f"{name}:{number}".encode() for number in range(60)]
    for key in keys:
        assert trio.at_leader(b"SET", key, key) == b"OK"
    return keys


def assert_kept(trio: Trio, keys: list[bytes]) -> None:
    for key in keys:
        assert trio.at_leader(b"GET", key) == key


def wipe(node: TrioProcess) -> None:
    node.kill()
    shutil.rmtree(node.directory)


def test_a_wiped_node_comes_back_under_a_new_id_and_counts_again(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        keys = write_keys(trio, "before")
        lost, second, third = trio.nodes
        old_id = node_id(lost)
        wipe(lost)
        lost.launch()
        wait_for_log(lost, f"respkv cluster replace {old_id} --with ")
        assert is_loading(lost)
        trio.nodes = [second, third]
        trio.wait_ready()
        keys += write_keys(trio, "without")
        done = replace(second, old_id, "--json")
        assert done.returncode == 0, done.stderr + lost.log_text() + second.log_text()
        facts = json.loads(done.stdout)
        assert facts["done"] == facts["partitions"] > 0
        trio.nodes = [lost, second, third]
        lost.wait_ready()
        trio.wait_ready()
        assert node_id(lost) == facts["new"] != old_id
        keys += write_keys(trio, "after")
        third.kill()  # what was acknowledged since is on the newcomer
        trio.wait_ready()
        assert_kept(trio, keys)
        keys += write_keys(trio, "at last")
        third.launch()
        third.wait_ready()
        trio.wait_ready()
        for node in trio.nodes:  # the members are known after a restart as well
            node.kill()
            node.launch()
        trio.wait_ready()
        assert_kept(trio, keys)
        again = replace(third, old_id)
        assert again.returncode == 0
        assert trio.faults_logged() == []


def test_a_damaged_log_is_refused_with_the_way_back(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        keys = write_keys(trio, "before")
        damaged, second, third = trio.nodes
        old_id = node_id(damaged)
        damaged.kill()
        segment = min(damaged.directory.glob("wal-*"))
        data = bytearray(segment.read_bytes())
        data[1000] ^= 4
        segment.write_bytes(data)
        damaged.launch()
        damaged.process.wait(30)
        text = damaged.log_text()
        assert str(segment) in text
        assert "at byte" in text
        assert f"respkv cluster replace {old_id}" in text
        salvage = [sys.executable, "-m", "respkv", "wal", "salvage", str(damaged.directory)]
        refused = subprocess.run(
            [*salvage, "--accept-loss"], capture_output=True, text=True, check=False
        )
        assert refused.returncode == 1
        assert "must not forget" in refused.stdout
        damaged.directory.rename(tmp_path / "damaged")
        damaged.launch()
        wait_for_log(damaged, f"respkv cluster replace {old_id} --with ")
        trio.nodes = [second, third]
        trio.wait_ready()
        done = replace(third, old_id)
        assert done.returncode == 0, done.stderr
        assert "done" in done.stdout
        trio.nodes = [damaged, second, third]
        damaged.wait_ready()
        second.kill()
        trio.wait_ready()
        assert_kept(trio, keys)
        assert trio.faults_logged() == []


def test_a_replaced_node_that_comes_back_is_refused_for_ever(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        keys = write_keys(trio, "before")
        lost, second, third = trio.nodes
        old_id = node_id(lost)
        lost.kill()
        lost.directory.rename(tmp_path / "old")
        lost.launch()
        wait_for_log(lost, "respkv cluster replace")
        assert replace(second, old_id).returncode == 0
        lost.kill()
        lost.directory.rename(tmp_path / "new")
        (tmp_path / "old").rename(lost.directory)
        lost.launch()
        wait_for_log(second, "replaced node id")
        wait_for_log(lost, "by the other side: replaced node id")
        trio.nodes = [second, third]
        trio.wait_ready()
        assert_kept(trio, keys)
        trio.nodes = [lost, second, third]
        assert trio.faults_logged() == []


def test_what_cannot_be_replaced_is_said(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        one, two, _ = trio.nodes
        connected = replace(one, node_id(two))
        assert connected.returncode == 1
        assert "is connected; stop it first" in connected.stderr
        nobody = replace(one, "0" * 40)
        assert "no node of this cluster has the id" in nobody.stderr
        old_id = node_id(two)
        two.kill()
        trio.wait_ready()
        alone = replace(one, old_id)
        assert "waits to join" in alone.stderr
        two.launch()
        two.wait_ready()
        assert trio.faults_logged() == []


@pytest.mark.parametrize("moved", ["port", "bus port"])
def test_a_node_that_restarts_elsewhere_is_found_again(tmp_path: Path, moved: str) -> None:
    with Trio(tmp_path) as trio:
        node, *others = trio.nodes
        keys = write_keys(trio, "before")
        node.kill()
        fresh = TrioProcess(tmp_path / "unused")
        if moved == "port":
            node.port = fresh.port
        else:
            node.bus_port = fresh.bus_port
        node.options = ("--cluster-announce-hostname", "moved.example")
        node.launch()
        node.wait_ready()
        trio.wait_ready()
        for other in others:
            wait_for_log(other, f"node {node_id(node)} is connected")
            line = next(
                line for line in other.call("CLUSTER", "NODES").decode().splitlines()
                if line.startswith(node_id(node))
            )  # fmt: skip
            assert f"127.0.0.1:{node.port}@{node.bus_port},moved.example" in line
        assert_kept(trio, keys)
        assert trio.faults_logged() == []


def test_two_nodes_that_move_at_once_are_told_of_each_other_by_the_third(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        *moving, third = trio.nodes
        keys = write_keys(trio, "before")
        for node in moving:
            node.kill()
        for node in moving:
            fresh = TrioProcess(tmp_path / "unused")
            node.port, node.bus_port = fresh.port, fresh.bus_port
            node.launch()
        for node in moving:
            node.wait_ready()
        trio.wait_ready()
        third.kill()
        trio.wait_ready()  # the two are a majority, if they reach each other
        assert_kept(trio, keys)
        assert trio.faults_logged() == []


def test_what_a_running_node_announces_anew_is_shown_by_all(tmp_path: Path) -> None:
    """As in Redis, where all of these can change by CONFIG SET."""
    with Trio(tmp_path) as trio:
        node, other, _ = trio.nodes
        keys = write_keys(trio, "before")

        def shown(by: TrioProcess) -> str:
            lines = by.call("CLUSTER", "NODES").decode().splitlines()
            return next(line.split()[1] for line in lines if line.startswith(node_id(node)))

        before = shown(other)
        changes = ["ip", "127.0.0.9", "port", "7777", "hostname", "new.example"]
        names = [f"cluster-announce-{word}" if at % 2 == 0 else word
                 for at, word in enumerate(changes)]  # fmt: skip
        assert node.call("CONFIG", "SET", *names) == b"OK"
        announced = f"127.0.0.9:7777@{node.bus_port},new.example"
        for each in trio.nodes:
            wait_until(lambda each=each: shown(each) == announced)
        slots = other.call("CLUSTER", "SLOTS")
        assert [b"127.0.0.9", 7777] in [leader[:2] for _, _, leader in slots]
        back = ["cluster-announce-ip", "", "cluster-announce-port", "0"]
        assert node.call("CONFIG", "SET", *back, "cluster-announce-hostname", "") == b"OK"
        for each in trio.nodes:
            wait_until(lambda each=each: shown(each) == before)
        trio.wait_ready()
        assert_kept(trio, keys)
        assert trio.faults_logged() == []


def test_a_node_that_moves_to_another_port_is_found_there(tmp_path: Path) -> None:
    """Its port for other nodes moves with it, and they connect to it there."""
    with Trio(tmp_path) as trio:
        node, second, third = trio.nodes
        keys = write_keys(trio, "before")
        node.stop()
        node.port, taken, free = [listening_port(BUS_PORT_OFFSET) for _ in range(3)]
        node.options = ("--cluster-port", "0")
        node.launch()
        node.wait_ready()
        with socket.create_server(("127.0.0.1", taken + BUS_PORT_OFFSET)):
            refusal = node.call("CONFIG", "SET", "port", str(taken))
            assert "Unable to listen on this port" in str(refusal)
        assert node.call("CONFIG", "SET", "port", str(free)) == b"OK"
        node.port, old = free, node.port
        for other in (second, third):
            wait_until(lambda other=other: b"%d" % old not in other.call("CLUSTER", "NODES"))
        third.kill()
        trio.wait_ready()  # the two are a majority, if they reach each other
        third.launch()
        third.wait_ready()
        trio.wait_ready()
        assert_kept(trio, keys)
        assert trio.faults_logged() == []


def test_a_copied_directory_is_refused_by_those_who_know_the_original(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        original, second, third = trio.nodes
        keys = write_keys(trio, "before")
        original.kill()
        copy = TrioProcess(tmp_path / "copy")
        copy.peers = original.peers
        shutil.copytree(original.directory, copy.directory, dirs_exist_ok=True)
        original.launch()
        original.wait_ready()
        trio.wait_ready()
        try:
            copy.launch()
            wait_for_log(copy, "by the other side: copied data directory")
            for node in (second, third):
                wait_for_log(node, "copied data directory")
                assert node.log_text().count("copied data directory") == 1
            trio.wait_ready()
            assert_kept(trio, keys)
        finally:
            copy.kill()
        assert trio.faults_logged() == []


def test_a_newcomer_elsewhere_takes_the_place_among_five(tmp_path: Path) -> None:
    """Not every node votes in the partition that decides; all of them learn of it."""
    with Trio(tmp_path, count=5) as five:
        keys = write_keys(five, "before")
        *kept, lost = five.nodes
        old_id = node_id(lost)
        lost.kill()
        newcomer = TrioProcess(tmp_path / "newcomer")
        newcomer.peers = lost.peers.replace(f":{lost.port}", f":{newcomer.port}")
        five.nodes = [*kept, newcomer]
        newcomer.launch()
        wait_for_log(newcomer, "respkv cluster replace OLD_NODE_ID --with ")
        unnamed = replace(kept[0], old_id)
        assert "waits to join" in unnamed.stderr
        new_id = newcomer.log_text().rpartition("--with ")[2].split()[0]
        done = replace(kept[0], old_id, "--with", new_id)
        assert done.returncode == 0, done.stderr
        newcomer.wait_ready()
        five.wait_ready()
        for node in five.nodes:
            lines = node.call("CLUSTER", "NODES").decode().splitlines()
            assert {line.split()[0] for line in lines} == {node_id(each) for each in five.nodes}
        assert_kept(five, keys)
        assert five.faults_logged() == []
