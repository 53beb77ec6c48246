"""Commands that wait for a leader: all are answered, in order, also when there never is one."""

import socket
from collections.abc import Iterator

import pytest

from respkv.wire.run import encode_command
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.trio import Trio, TrioProcess, replies_of


@pytest.fixture
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with Trio(tmp_path_factory.mktemp("trio"), "--cluster-hold-ms", "600") as three:
        yield three
        assert three.faults_logged() == []


def without_majority(trio: Trio) -> TrioProcess:
    """Kill two nodes, and return the third once it leads nothing any more."""
    for node in trio.nodes[:2]:
        node.kill()
    left = trio.nodes[2]
    wait_until(lambda: b"cluster_slots_ok:0" in left.call("CLUSTER", "INFO"))
    return left


def send(connection: socket.socket, *commands: list[bytes]) -> None:
    connection.sendall(b"".join(map(encode_command, commands)))


def test_a_pipeline_is_answered_in_full_when_no_leader_comes(trio: Trio) -> None:
    """It waits for cluster-hold-ms once, not once for each command."""
    left = without_majority(trio)
    commands: list[list[bytes]] = [[b"ECHO", b"first"]]
    for number in range(20):
        commands += [[b"SET", b"key:%d" % number, b"v"], [b"GET", b"key:%d" % number]]
    commands += [[b"MULTI"], [b"SET", b"a", b"v"], [b"EXEC"], [b"DBSIZE"], [b"WATCH", b"a"]]
    commands += [[b"ECHO", b"last"]]
    with socket.create_connection(("127.0.0.1", left.port), PATIENCE_SECONDS) as connection:
        send(connection, *commands)
        replies = replies_of(connection, len(commands))
    assert (replies[0], replies[-1]) == (b"first", b"last")
    down = "CLUSTERDOWN Hash slot not served"
    aborted = "EXECABORT Transaction discarded because of previous errors."
    assert [str(reply) for reply in replies[1:41]] == [down] * 40
    assert [str(reply) for reply in replies[41:-1]] == [
        str(b"OK"), down, aborted, down, down,
    ]  # fmt: skip


def test_what_is_held_runs_in_order_once_there_is_a_leader(trio: Trio) -> None:
    left = without_majority(trio)
    assert left.call("CONFIG", "SET", "cluster-hold-ms", "60000") == b"OK"
    with socket.create_connection(("127.0.0.1", left.port), PATIENCE_SECONDS) as connection:
        commands: list[list[bytes]] = []
        for number in range(10):
            commands += [[b"INCR", b"{tag}:%d" % (number % 2)], [b"ECHO", b"%d" % number]]
        send(connection, *commands)
        for node in trio.nodes[:2]:
            node.launch()
        replies = replies_of(connection, 20)
    assert replies[1::2] == [b"%d" % number for number in range(10)]
    ran = [reply for reply in replies[0::2] if isinstance(reply, int)]
    moved = [reply for reply in replies[0::2] if str(reply).startswith("MOVED ")]
    assert ran in ([], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5])  # one leader has both keys
    assert len(ran) + len(moved) == 10
    trio.wait_ready()


def test_clients_that_leave_while_their_commands_are_held_leave_nothing(trio: Trio) -> None:
    left = without_majority(trio)
    for number in range(30):
        with socket.create_connection(("127.0.0.1", left.port), PATIENCE_SECONDS) as connection:
            send(connection, [b"INCR", b"never:%d" % number], [b"DBSIZE"], [b"GET", b"key"])
    for node in trio.nodes[:2]:
        node.launch()
    for node in trio.nodes:
        node.wait_ready()
    trio.wait_ready()
    wait_until(lambda: b"connected_clients:1\r\n" in left.call("INFO", "clients"))
    # What they sent may have run, and nobody was told.
    assert sum(node.call("DBSIZE") for node in trio.nodes) <= 30


def test_a_write_of_a_leader_that_lost_its_followers_is_held_as_long_for_its_outcome(
    trio: Trio,
) -> None:
    node, *others = trio.nodes
    assert node.call("CONFIG", "SET", "cluster-hold-ms", "60000") == b"OK"
    key = trio.key_led_by(node)
    with socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS) as connection:
        for other in others:
            other.pause()
        send(connection, [b"SET", key, b"v"])
        wait_until(lambda: b"cluster_slots_ok:0" in node.call("CLUSTER", "INFO"))
        lost = uptime(node)
        wait_until(lambda: uptime(node) > lost + 2)  # more than it would be by default
        for other in others:
            other.resume()
        reply = replies_of(connection, 1)[0]
    assert reply == b"OK" or str(reply).startswith("MOVED ")
    trio.wait_ready()


def uptime(node: TrioProcess) -> int:
    lines = node.call("INFO", "server").splitlines()
    return next(int(line.partition(b":")[2]) for line in lines if b"uptime_in_seconds" in line)


def test_without_holding_its_outcome_is_unknown_at_once(trio: Trio) -> None:
    node, *others = trio.nodes
    assert node.call("CONFIG", "SET", "cluster-hold-ms", "0") == b"OK"
    key = trio.key_led_by(node)
    with socket.create_connection(("127.0.0.1", node.port), PATIENCE_SECONDS) as connection:
        for other in others:
            other.pause()
        send(connection, [b"SET", key, b"v"])
        assert replies_of(connection, 1) == ["closed"]
        assert str(node.call("GET", key)) == "CLUSTERDOWN Hash slot not served"
        for other in others:
            other.resume()
    trio.wait_ready()
