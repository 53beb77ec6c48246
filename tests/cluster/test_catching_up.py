"""A node that was away for longer than the others' logs reach back gets snapshots."""

import socket
from pathlib import Path

from respkv.wire.run import encode_command
from tests.processes.trio import Trio, TrioProcess, replies_of


def wait_for_save(node: TrioProcess) -> None:
    while b"rdb_bgsave_in_progress:1" in node.call("INFO", "persistence"):
        assert node.is_running


def write(trio: Trio, commands: list[list[bytes]]) -> None:
    """Have all answered with OK, by whoever leads: a node may ask for what it prefers to lead."""
    replies: list[object] = []
    while replies != [b"OK"] * len(commands):
        address = ("127.0.0.1", trio.leader_of(b"{tag}").port)
        with socket.create_connection(address, 20) as connection:
            connection.sendall(b"".join(map(encode_command, commands)))
            replies = replies_of(connection, len(commands))


def test_a_node_that_was_away_gets_a_snapshot_and_has_every_key(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", "2") as trio:
        away, leader, other = trio.nodes
        leader.call("CLUSTER", "FAILOVER")
        while len(trio.leaders()) > 1 or not leader.call("INFO", "respkv").count(b"_led:2"):
            assert leader.is_running
        away.kill()
        slot = leader.call("CLUSTER", "KEYSLOT", "{tag}")
        for number in range(0, 2000, 100):
            write(
                trio, [[b"SET", b"{tag}:%d" % n, b"v" * 1000] for n in range(number, number + 100)]
            )
        for node in (leader, other):
            assert node.call("BGSAVE") == b"Background saving started"
            wait_for_save(node)
        away.start()
        while away.call("CLUSTER", "COUNTKEYSINSLOT", str(slot)) != 2000:
            assert away.is_running
        while b"snapshot_index:0\r\n" in away.call("INFO", "respkv"):
            assert away.is_running  # it saved none itself: a leader's becomes durable here
        write(trio, [[b"SET", b"{tag}:more", b"v"]])
        leader.kill()
        other.kill()
        other.start()
        trio.wait_ready()
        assert trio.leader_of(b"{tag}").call("GET", "{tag}:more") == b"v"
        assert sum(node.call("DBSIZE") for node in trio.running()) == 2001
        assert trio.faults_logged() == []
