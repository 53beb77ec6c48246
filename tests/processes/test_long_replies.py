"""KEYS over many keys, in slices: whole replies, and no leader is lost over them."""

import socket
from pathlib import Path

from respkv.wire.run import encode_command
from tests.processes.long_replies import ask_while_writing
from tests.processes.trio import Trio, replies_of


def test_every_round_names_every_key_and_nobody_is_elected(tmp_path: Path) -> None:
    asked = ask_while_writing(tmp_path, 40_000, 3, 4)
    assert asked.keys == 40_000
    assert asked.rounds > 0
    assert asked.elections == 0


def test_keys_keeps_its_place_matches_and_leaves_out_what_has_expired(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", "2") as trio:
        node = trio.leader_of(b"{tag}")
        with socket.create_connection(("127.0.0.1", node.port), 10) as connection:
            commands = [[b"SET", b"{tag}:%d" % key, b"v"] for key in range(5_000)]
            commands += [[b"SET", b"{tag}:gone", b"v", b"PX", b"1"]]
            connection.sendall(b"".join(map(encode_command, commands)))
            assert replies_of(connection, 5_001) == [b"OK"] * 5_001
            while node.call("EXISTS", "{tag}:gone"):
                assert node.is_running
            commands = [[b"ECHO", b"a"], [b"KEYS", b"*"], [b"KEYS", b"*:4?99"], [b"ECHO", b"b"]]
            connection.sendall(b"".join(map(encode_command, commands)))
            first, every, matched, last = replies_of(connection, 4)
        assert (first, last) == (b"a", b"b")
        assert sorted(every) == sorted([b"{tag}:%d" % key for key in range(5_000)])
        assert sorted(matched) == [b"{tag}:4%d99" % digit for digit in range(10)]


def test_a_client_that_leaves_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-partitions", "2") as trio:
        node = trio.leader_of(b"{tag}")
        with socket.create_connection(("127.0.0.1", node.port), 10) as connection:
            commands = [[b"SET", b"{tag}:%d" % key, b"v"] for key in range(20_000)]
            connection.sendall(b"".join(map(encode_command, commands)))
            assert replies_of(connection, 20_000) == [b"OK"] * 20_000
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", node.port), 10) as connection:
                connection.sendall(encode_command([b"KEYS", b"*"]))
        while b"connected_clients:1\r\n" not in node.call("INFO", "clients"):
            assert node.is_running
        assert len(node.call("KEYS", "{tag}:1999?")) == 10
        assert trio.faults_logged() == []
