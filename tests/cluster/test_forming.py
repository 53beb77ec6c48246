"""Forming with real processes: what does not fit is refused, by name, and changes nothing."""

import contextlib
import shutil
import socket
from pathlib import Path

import pytest

from tests.patience import wait_until
from tests.processes.trio import Trio, TrioProcess


def wait_for_log(node: TrioProcess, text: str) -> None:
    """Wait until a node has logged this."""
    wait_until(lambda: text in node.log_text(), lambda: f"{text!r} is not in:\n{node.log_text()}")


def launch(trio: Trio) -> None:
    for node in trio.nodes:
        node.launch()


def identities(trio: Trio) -> list[bytes]:
    return [node.call("CLUSTER", "MYID") for node in trio.nodes]


def is_loading(node: TrioProcess) -> bool:
    return str(node.call("GET", "key")).startswith("LOADING ")


def served_by(trio: Trio, node: TrioProcess) -> bool:
    """Return whether keys are written where a node says that they are led."""
    keys = [b"%d" % number for number in range(50)]
    return all(trio.at_leader(b"SET", key, b"v", asked=node) == b"OK" for key in keys)


def test_contradictory_peers_do_not_form_and_each_side_names_the_other(tmp_path: Path) -> None:
    trio = Trio(tmp_path)
    one, two, three = trio.nodes
    three.peers = f"127.0.0.1:{one.port} 127.0.0.1:{three.port}"
    try:
        launch(trio)
        wait_for_log(one, f"127.0.0.1:{three.port} refuses: ERR its cluster-peers are ")
        wait_for_log(two, f"127.0.0.1:{three.port} refuses: ERR its cluster-peers are ")
        wait_for_log(three, f"127.0.0.1:{one.port} refuses: ERR its cluster-peers are ")
        assert all(is_loading(node) for node in trio.nodes)
        three.kill()
        three.peers = one.peers
        three.launch()
        trio.wait_ready()
    finally:
        trio.__exit__()
    assert trio.faults_logged() == []


def test_all_that_disagree_are_named(tmp_path: Path) -> None:
    trio = Trio(tmp_path)
    one, two, three = trio.nodes
    two.peers = f"127.0.0.1:{one.port} 127.0.0.1:{two.port}"
    three.peers = f"127.0.0.1:{one.port} 127.0.0.1:{three.port}"
    try:
        launch(trio)
        for node in (two, three):
            wait_for_log(one, f"127.0.0.1:{node.port} refuses: ERR its cluster-peers are ")
            wait_for_log(node, f"127.0.0.1:{one.port} refuses: ERR its cluster-peers are ")
        assert all(is_loading(node) for node in trio.nodes)
    finally:
        trio.__exit__()
    assert trio.faults_logged() == []


def test_a_node_that_its_own_list_does_not_name_says_so(tmp_path: Path) -> None:
    trio = Trio(tmp_path)
    one, two, three = trio.nodes
    three.peers = f"127.0.0.1:{one.port} 127.0.0.1:{two.port}"
    for node in (one, two):
        node.peers = three.peers
    try:
        three.launch()
        one.launch()  # they cannot form before this one is asked
        two.launch()
        wait_for_log(three, "the cluster does not form: ")
        assert is_loading(three)
        for node in (one, two):
            wait_until(lambda node=node: not is_loading(node))
    finally:
        trio.__exit__()
    assert trio.faults_logged() == []


def test_a_node_that_is_named_twice_is_named_in_the_log(tmp_path: Path) -> None:
    trio = Trio(tmp_path)
    one = min(trio.nodes, key=lambda node: node.port)
    for node in trio.nodes:
        node.peers += f" localhost:{one.port}"
    try:
        launch(trio)
        twice = f"names one node twice: 127.0.0.1 and localhost, port {one.port}"
        wait_for_log(one, twice)
        assert all(is_loading(node) for node in trio.nodes)
    finally:
        trio.__exit__()
    assert trio.faults_logged() == []


@pytest.mark.parametrize("says", [b"HTTP/1.1 400 Bad Request\r\n", b"*2\r\n$x\r\n", b"$-1\r\n"])
def test_an_address_where_something_else_answers_is_named(tmp_path: Path, says: bytes) -> None:
    trio = Trio(tmp_path)
    one, two, three = trio.nodes

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(says)

    with socket.create_server(("127.0.0.1", three.port)) as server:
        server.settimeout(0.1)
        try:
            one.launch()
            two.launch()
            named = f"what answers at 127.0.0.1:{three.port} is no respkv"

            def is_named() -> bool:
                with contextlib.suppress(TimeoutError):
                    answer(server.accept()[0])
                return all(named in node.log_text() for node in (one, two))

            wait_until(is_named)
            assert is_loading(one)
        finally:
            trio.__exit__()
    assert not any("Traceback" in node.log_text() for node in (one, two))


def test_a_wrong_secret_is_refused(tmp_path: Path) -> None:
    trio = Trio(tmp_path, "--cluster-secret", "right")
    three = trio.nodes[2]
    three.options = ("--cluster-secret", "wrong")
    try:
        launch(trio)
        for node in trio.nodes[:2]:
            wait_for_log(node, f"127.0.0.1:{three.port} refuses: ERR its cluster-secret is another")
        assert all(is_loading(node) for node in trio.nodes)
        assert "wrong" not in three.log_text()
    finally:
        trio.__exit__()
    assert trio.faults_logged() == []


def test_a_secret_that_is_changed_later_is_refused_by_the_peers(tmp_path: Path) -> None:
    with Trio(tmp_path, "--cluster-secret", "right") as trio:
        three = trio.nodes[2]
        three.kill()
        three.options = ("--cluster-secret", "wrong")
        three.launch()
        trio.nodes[0].call("PING")
        wait_for_log(trio.nodes[0], "secret")
        key = trio.key_led_by(trio.nodes[0])
        assert trio.at_leader(b"SET", key, b"v") == b"OK"
        assert trio.faults_logged() == []


@pytest.mark.parametrize("number", [0, 1])
def test_a_wiped_node_is_refused_and_told_the_way_in(tmp_path: Path, number: int) -> None:
    """Its vote may have elected leaders that its empty log would now contradict."""
    with Trio(tmp_path) as trio:
        # Who is first in the sorted list of peers has a part of its own in forming.
        node = sorted(trio.nodes, key=lambda node: node.port)[number]
        others = [other for other in trio.nodes if other is not node]
        node.kill()
        shutil.rmtree(node.directory)
        node.launch()
        wait_for_log(node, "respkv cluster replace")
        assert is_loading(node)
        assert served_by(trio, others[0])
        assert trio.faults_logged() == []


def test_a_directory_of_another_cluster_is_refused(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with Trio(tmp_path / "first") as first:
        directory = first.nodes[0].directory
    with Trio(tmp_path / "second") as second:
        node = second.nodes[0]
        node.kill()
        shutil.rmtree(node.directory)
        shutil.copytree(directory, node.directory)
        node.launch()
        for other in second.nodes[1:]:
            wait_for_log(other, "is not reached")
            wait_for_log(other, "by the other side: wrong cluster id")
        wait_for_log(node, "refused: wrong cluster id")
        assert node.log_text().count("wrong cluster id") == 1
        other = second.nodes[1]
        assert served_by(second, other)
        assert second.faults_logged() == []


def test_nodes_restarted_at_once_are_the_same_cluster(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        before = identities(trio)
        keys = [trio.key_led_by(node) for node in trio.nodes]
        for node, key in zip(trio.nodes, keys, strict=True):
            assert node.call("SET", key, b"kept by " + key) == b"OK"
        for node in trio.nodes:
            node.process.kill()
        for node in trio.nodes:
            node.process.wait()
            node.launch()
        for node in trio.nodes:
            node.wait_ready()
        trio.wait_ready()
        assert identities(trio) == before
        for key in keys:
            assert trio.at_leader(b"GET", key) == b"kept by " + key


def test_a_node_alone_says_whom_it_waits_for_and_stops_at_once(tmp_path: Path) -> None:
    trio = Trio(tmp_path)
    node, *others = trio.nodes
    try:
        node.launch()
        wait_until(lambda: node.ask(b"GET key").startswith(b"-LOADING "))
        missing = ", ".join(sorted(f"127.0.0.1:{other.port}" for other in others))
        wait_for_log(node, f"the cluster does not form: it waits for {missing}: no answer yet")
        assert node.stop() == 0
    finally:
        trio.__exit__()
