"""Clusters to look at: three redis-servers that have met, and servers of ours with the same view."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from tests.commands.reference import ClusterReference, Served
from tests.patience import wait_until

LEADERS = [1, 1, 2, 3, 2, 1, 3, 3]  # of 8 partitions
View = dict[str, Any]


def describe_node(node_id: str, port: int, **more: object) -> dict[str, object]:
    """Return a node of a view file; no host is announced unless `more` says one."""
    return {"node_id": node_id, "host": "", "port": port, **more}


def write_view(directory: Path, view: View) -> Path:
    """Write a view file: own number, nodes by number, leaders by partition."""
    path = directory / "view.json"
    path.write_text(json.dumps(view))
    return path


def serve_view(directory: Path, view: View, *options: str) -> Served:
    """Return a running server with this view; the caller closes it."""
    program = ("tests.cluster.viewed_server", str(write_view(directory, view)))
    return Served(directory, "--cluster-enabled", "yes", *options, program=program)


@contextmanager
def three_redis_servers(directory: Path) -> Iterator[list[ClusterReference]]:
    """Three that know each other, and whose slots are those of LEADERS; the second has a name."""
    with ExitStack() as stack:
        servers = []
        for number in (1, 2, 3):
            (directory / f"{number}").mkdir()
            server = ClusterReference(directory / f"{number}", "--cluster-node-timeout", "1000")
            servers.append(stack.enter_context(closing(server)))
        for partition, leader in enumerate(LEADERS):
            first, last = b"%d" % (partition * 2048), b"%d" % (partition * 2048 + 2047)
            servers[leader - 1].call([b"CLUSTER", b"ADDSLOTSRANGE", first, last])
        servers[1].call([b"CONFIG", b"SET", b"cluster-announce-hostname", b"two.example"])
        for other in servers[1:]:
            address = [b"127.0.0.1", b"%d" % other.port, b"%d" % other.bus_port]
            servers[0].call([b"CLUSTER", b"MEET", *address])
        wait_until(lambda: _formed(servers[0].call([b"CLUSTER", b"NODES"])))
        wait_until(lambda: b"cluster_state:ok" in servers[0].call([b"CLUSTER", b"INFO"]))
        yield servers


def _formed(nodes: bytes) -> bool:
    return (
        nodes.count(b" connected ") == 3
        and b"two.example" in nodes
        and b"handshake" not in nodes
        and b" :" not in nodes
    )


def same_view(servers: list[ClusterReference]) -> View:
    """Return the first server's view of the three."""
    ids = [server.call([b"CLUSTER", b"MYID"]).split(b"\r\n")[1].decode() for server in servers]
    nodes = {
        number: describe_node(node_id, server.port, bus_port=server.bus_port)
        for number, (node_id, server) in enumerate(zip(ids, servers, strict=True), 1)
    }
    nodes[2]["hostname"] = "two.example"
    return {"own": 1, "nodes": nodes, "leaders": LEADERS}
