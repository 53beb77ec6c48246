"""A node that was away for longer than the others' logs reach back gets snapshots."""

import socket
from pathlib import Path

from respkv.wire.run import encode_command
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.trio import Trio, TrioProcess, replies_of


def wait_for_save(node: TrioProcess) -> None:
    wait_until(lambda: b"rdb_bgsave_in_progress:0" in node.call("INFO", "persistence"))


def write(trio: Trio, commands: list[list[bytes]]) -> None:
    """Have all answered with OK, by whoever leads: a node may ask for what it prefers to lead."""

    def are_taken() -> bool:
        address = ("127.0.0.1", trio.leader_of(b"{tag}").port)
        with socket.create_connection(address, PATIENCE_SECONDS) as connection:
            connection.sendall(b"".join(map(encode_command, commands)))
            return replies_of(connection, len(commands)) == [b"OK"] * len(commands)

    wait_until(are_taken)


def test_a_node_that_was_away_gets_a_snapshot_and_has_every_key(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", "2") as trio:
        away, one, other = trio.nodes
        away.kill()
        trio.wait_ready()
        slot = one.call("CLUSTER", "KEYSLOT", "{tag}")
        for number in range(0, 2000, 100):
            write(
                trio, [[b"SET", b"{tag}:%d" % n, b"v" * 1000] for n in range(number, number + 100)]
            )
        for node in (one, other):
            assert node.call("BGSAVE") == b"Background saving started"
            wait_for_save(node)
        away.start()
        wait_until(lambda: away.call("CLUSTER", "COUNTKEYSINSLOT", str(slot)) == 2000)
        # It saved none itself: a leader's becomes durable here.
        wait_until(lambda: b"snapshot_index:0\r\n" not in away.call("INFO", "respkv"))
        trio.wait_ready()
        write(trio, [[b"SET", b"{tag}:more", b"v"]])
        one.kill()
        other.kill()
        other.start()
        trio.wait_ready()
        assert trio.at_leader(b"GET", b"{tag}:more") == b"v"
        slot_at = trio.leader_of(b"{tag}")
        wait_until(lambda: slot_at.call("CLUSTER", "COUNTKEYSINSLOT", str(slot)) == 2001)
        assert trio.faults_logged() == []
