"""WAIT on three nodes: how many of them hold on disk what a connection wrote."""

import socket
from collections.abc import Iterator

import pytest

from respkv.wire.run import encode_command
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.trio import Trio, TrioProcess, replies_of


@pytest.fixture
def trio(shared_trio: Trio) -> Iterator[Trio]:
    yield shared_trio
    for node in shared_trio.nodes:
        node.resume()
    shared_trio.wait_ready()


class Conversation:
    """One connection."""

    def __init__(self, node: TrioProcess) -> None:
        self.socket = socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS)

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *lines: str) -> None:
        self.socket.sendall(b"".join(encode_command(line.encode().split()) for line in lines))

    def call(self, *lines: str) -> list[object]:
        self.send(*lines)
        return replies_of(self.socket, len(lines))


def blocked_clients(node: TrioProcess) -> int:
    line = next(
        line for line in node.call("INFO", "clients").splitlines() if b"blocked_clients" in line
    )
    return int(line.partition(b":")[2])


def test_both_followers_are_counted(trio: Trio) -> None:
    node = trio.nodes[0]
    keys = [key.decode() for key in trio.keys_led_by(node, 5)]
    with Conversation(node) as client:
        assert client.call("WAIT 0 0") == [2]  # nothing is written: so many others there are
        assert client.call(*[f"SET {key} v" for key in keys], "WAIT 2 0") == [*[b"OK"] * 5, 2]
        assert client.call("FLUSHALL", "WAIT 2 0", "PING") == [b"OK", 2, b"PONG"]


def test_a_paused_follower_is_not_counted(trio: Trio) -> None:
    node = trio.nodes[0]
    key = trio.key_led_by(node).decode()
    with Conversation(node) as client:
        trio.nodes[1].pause()
        assert client.call(f"SET {key} 1", "WAIT 1 0") == [b"OK", 1]
        assert client.call("WAIT 2 50", f"GET {key}") == [1, b"1"]
        in_transaction = ["MULTI", f"INCR {key}", "WAIT 2 0", "EXEC"]
        assert client.call(*in_transaction)[-1] == [2, 1]
        client.send("WAIT 2 0", f"INCR {key}")
        wait_until(lambda: blocked_clients(node))
        assert node.call("GET", key) == b"2"  # what is behind WAIT waits
        trio.nodes[1].resume()
        assert replies_of(client.socket, 2) == [2, 3]


def test_the_copies_of_several_partitions_are_the_fewest_of_them(trio: Trio) -> None:
    node = trio.nodes[0]
    keys = [key.decode() for key in trio.keys_led_by(node, 40)]
    with Conversation(node) as client:
        assert client.call(*[f"SET {key} v" for key in keys], "WAIT 2 0")[-1] == 2
        trio.nodes[2].pause()
        assert client.call(f"SET {keys[0]} v", "WAIT 2 20") == [b"OK", 1]
        assert client.call(f"SET {keys[1]} v", "WAIT 2 20") == [b"OK", 1]
        trio.nodes[2].resume()
        assert client.call("WAIT 2 0") == [2]


def test_a_client_that_leaves_meanwhile_is_freed(trio: Trio) -> None:
    node = trio.nodes[0]
    for _ in range(3):
        with Conversation(node) as client:
            client.send("WAIT 9 0", "PING", "PING")
            wait_until(lambda: blocked_clients(node))
    wait_until(lambda: not blocked_clients(node))


def test_whoever_loses_the_lead_tells_what_is_certain(trio: Trio) -> None:
    """The majority that committed the write: one of the others at least."""
    node = trio.nodes[0]
    key = trio.key_led_by(node, "lost").decode()
    with Conversation(node) as client:
        assert client.call(f"SET {key} v", "WAIT 2 0") == [b"OK", 2]
        client.send("WAIT 9 0")
        wait_until(lambda: blocked_clients(node))
        wait_until(lambda: trio.nodes[1].call("CLUSTER", "FAILOVER") == b"OK")
        assert replies_of(client.socket, 1)[0] in (1, 2)
