"""KEYS over many keys, in slices: whole replies; `long_replies` shows that nobody is elected."""

import socket
from pathlib import Path

from respkv.wire.run import encode_command
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.long_replies import ask_while_writing
from tests.processes.trio import Trio, replies_of


def test_every_round_names_every_key_while_others_write(tmp_path: Path) -> None:
    asked = ask_while_writing(tmp_path, 40_000, 1, 4)
    assert asked.rounds > 0
    # A busy machine may make nodes elect others meanwhile: then a round asks for some keys twice.
    assert asked.keys == 40_000 or asked.elections


def test_keys_keeps_its_place_matches_and_leaves_out_what_has_expired(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", "2") as trio:
        node = trio.leader_of(b"{tag}")
        with socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS) as connection:
            commands = [[b"SET", b"{tag}:%d" % key, b"v"] for key in range(5_000)]
            commands += [[b"SET", b"{tag}:gone", b"v", b"PX", b"1"]]
            connection.sendall(b"".join(map(encode_command, commands)))
            assert replies_of(connection, 5_001) == [b"OK"] * 5_001
            wait_until(lambda: node.call("EXISTS", "{tag}:gone") == 0)
            commands = [[b"ECHO", b"a"], [b"KEYS", b"*"], [b"KEYS", b"*:4?99"], [b"ECHO", b"b"]]
            connection.sendall(b"".join(map(encode_command, commands)))
            first, every, matched, last = replies_of(connection, 4)
        assert (first, last) == (b"a", b"b")
        assert sorted(every) == sorted([b"{tag}:%d" % key for key in range(5_000)])
        assert sorted(matched) == [b"{tag}:4%d99" % digit for digit in range(10)]


def test_a_client_that_leaves_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", "2") as trio:
        node = trio.leader_of(b"{tag}")
        with socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS) as connection:
            commands = [[b"SET", b"{tag}:%d" % key, b"v"] for key in range(20_000)]
            connection.sendall(b"".join(map(encode_command, commands)))
            assert replies_of(connection, 20_000) == [b"OK"] * 20_000
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS) as connection:
                connection.sendall(encode_command([b"KEYS", b"*"]))
        wait_until(lambda: b"connected_clients:1\r\n" in node.call("INFO", "clients"))
        assert len(node.call("KEYS", "{tag}:1999?")) == 10
        assert trio.faults_logged() == []
