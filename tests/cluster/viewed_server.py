"""`respkv server` in cluster mode with a view that a file holds: what clients see of a cluster.

python -m tests.cluster.viewed_server VIEW.json OPTIONS OF respkv server

Its leaders change by CLUSTER FAILOVER alone, and its one replica is every partition's.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

from respkv.cli.server import parse_arguments
from respkv.cluster.view import ClusterView, NodeInfo
from respkv.keyspace.keyspace import Keyspace
from respkv.node import server
from respkv.node.cluster_service import Follower, Link, Publications


def read_view(path: Path) -> ClusterView:
    """Return what a file describes: see `tests.cluster.views`."""
    described = json.loads(path.read_text())
    view = ClusterView(described["own"], len(described["leaders"]), 3)
    for number, fields in described["nodes"].items():
        up = fields.pop("up", True)
        view.nodes[int(number)] = NodeInfo(**fields)
        view.nodes[int(number)].up = up
    for partition, leader in enumerate(described["leaders"]):
        view.set_leader(partition, leader, 7)
        view.voters[partition] = tuple(view.nodes)
    return view


class ViewedCluster:
    """A cluster service on a view; no other node is ever spoken to."""

    messages_sent = 12
    messages_received = 34
    publications = Publications(0, 0, 0)

    def __init__(self, node: server.Node, view: ClusterView) -> None:
        self.view = view
        self._node = node

    def transfer(self, partition: int, to: int, forced: bool) -> None:
        self.view.set_leader(partition, to, self.view.terms[partition] + (2 if forced else 1))

    def publish(self, channel: bytes, message: bytes) -> None:
        """There is nobody to send it to."""

    def keyspace(self, partition: int) -> Keyspace | None:
        led = self.view.leaders[partition] == self.view.own_number
        return self._node.replica.keyspace if led else None

    def followers(self) -> list[Follower]:
        return []

    def replication_offset(self, number: int) -> int:
        return 0

    def heard_ms(self, number: int) -> int:
        return 0

    def links(self) -> list[Link]:
        others = [number for number in self.view.nodes if number != self.view.own_number]
        return [Link(number, to, 1_000_000, 0) for number in others for to in (True, False)]


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM."""
    view = read_view(Path(arguments[0]))
    config = parse_arguments(arguments[1:])
    logging.basicConfig(level=logging.INFO)

    class ViewedNode(server.Node):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.cluster = ViewedCluster(self, view)

    server.Node = ViewedNode  # type: ignore[misc]
    server.serve(config)


if __name__ == "__main__":
    main(sys.argv[1:])
