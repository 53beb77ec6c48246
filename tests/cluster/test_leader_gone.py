"""What survivors tell clients about a node that has just been killed, or is stopping."""

import socket
from pathlib import Path

from respkv.wire.run import encode_command
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.trio import Trio, TrioProcess, replies_of

SENT_TO_THE_DEAD_MAX = 5  # until the survivor has dialed it again


def test_a_survivor_holds_commands_instead_of_sending_them_to_a_dead_node(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        dead, survivor = trio.nodes[:2]
        key = trio.key_led_by(dead)
        with socket.create_connection(("127.0.0.1", survivor.port), PATIENCE_SECONDS) as connection:
            dead.kill()
            replies = []
            while not replies or f":{dead.port}" in replies[-1]:
                connection.sendall(encode_command([b"SET", key, b"v"]))
                replies.append(str(replies_of(connection, 1)[0]))
        assert len(replies) <= SENT_TO_THE_DEAD_MAX, replies
        assert replies[-1] == "b'OK'" or replies[-1].startswith("MOVED "), replies


def test_a_node_that_starts_while_another_is_away_does_not_show_it(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        dead, starting = trio.nodes[:2]
        dead.kill()
        starting.kill()
        starting.start()
        trio.wait_ready()
        wait_until(lambda: f":{dead.port}@" not in connected_nodes(starting))
        shown = starting.call("CLUSTER", "SLOTS")
        assert dead.port not in {node[1] for _, _, *nodes in shown for node in nodes}


def connected_nodes(node: TrioProcess) -> str:
    lines = node.call("CLUSTER", "NODES").decode().splitlines()
    return "\n".join(line for line in lines if " connected" in line)


def test_a_stopping_node_redirects_until_its_clients_know_and_nobody_shows_it(
    tmp_path: Path,
) -> None:
    with Trio(tmp_path) as trio:
        stopping, other = trio.nodes[:2]
        keys = trio.keys_led_by(stopping, 20)
        with socket.create_connection(("127.0.0.1", stopping.port), PATIENCE_SECONDS) as connection:
            stopping.process.terminate()
            moved = []
            while len(moved) < 20:
                connection.sendall(encode_command([b"SET", keys[len(moved)], b"v"]))
                reply = str(replies_of(connection, 1)[0])
                assert reply == "b'OK'" or reply.startswith("MOVED "), reply
                if reply.startswith("MOVED "):
                    moved.append(reply)
        assert not any(reply.endswith(f":{stopping.port}") for reply in moved)
        assert stopping.process.wait(PATIENCE_SECONDS) == 0
        ports = {leader[1] for _, _, leader, *_ in other.call("CLUSTER", "SLOTS")}
        assert stopping.port not in ports
        assert trio.faults_logged() == []
