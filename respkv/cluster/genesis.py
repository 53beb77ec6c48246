"""How a cluster comes to be: one genesis, agreed on once and never again (sans-io).

Each node persists its own id first. The first address of the sorted list of peers collects all ids
and sends one genesis; each node keeps the first it sees for ever and refuses any other, and takes
part in elections only once it knows that all of them keep it. So two clusters never form from one
list, whatever crashes on the way.
"""

import json
from hashlib import blake2b
from typing import Any

from respkv.cluster.ring import RingNode, place

FORMAT = 1


class Member:
    """A node as the genesis names it; its number is its place in the list, from 1.

    Clients are told `host`, nodes use `peer_host`: the name in cluster-peers, which all of them
    have reached while forming.
    """

    def __init__(
        self, node_id: str, host: str, port: int, bus_port: int, zone: str, peer_host: str = ""
    ) -> None:
        self.node_id = node_id
        self.host = host
        self.port = port
        self.bus_port = bus_port
        self.zone = zone
        self.peer_host = peer_host

    def fields(self) -> dict[str, Any]:
        """Return what JSON holds of it."""
        return {
            "node_id": self.node_id,
            "host": self.host,
            "port": self.port,
            "bus_port": self.bus_port,
            "zone": self.zone,
            "peer_host": self.peer_host,
        }


class Genesis:
    """Everything that is decided when a cluster forms."""

    def __init__(
        self, cluster_id: str, partitions: int, replication_factor: int, members: list[Member]
    ) -> None:
        self.cluster_id = cluster_id
        self.partitions = partitions
        self.replication_factor = replication_factor
        self.members = members

    def encode(self) -> bytes:
        """Return it as JSON, the same bytes on every node."""
        fields = {
            "format": FORMAT,
            "cluster_id": self.cluster_id,
            "partitions": self.partitions,
            "replication_factor": self.replication_factor,
            "members": [member.fields() for member in self.members],
        }
        return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()

    @staticmethod
    def decode(data: bytes) -> "Genesis":
        """Return what `encode` wrote.

        Raises:
            ValueError: it is not one, or of a newer format.
        """
        try:
            fields = json.loads(data)
            if fields["format"] != FORMAT:
                raise ValueError(f"a genesis of format {fields['format']}")
            members = [Member(**member) for member in fields["members"]]
            return Genesis(
                fields["cluster_id"], fields["partitions"], fields["replication_factor"], members
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a genesis: {error}") from None

    def number_of(self, node_id: str) -> int:
        """Return a member's number, 0 when it is none."""
        for number, member in enumerate(self.members, 1):
            if member.node_id == node_id:
                return number
        return 0

    def placement(self) -> tuple[list[tuple[int, ...]], list[int]]:
        """Return each partition's voters and who should lead it, as numbers."""
        nodes = [RingNode(member.node_id, member.zone) for member in self.members]
        placed = place(nodes, self.partitions, self.replication_factor)
        voters = [tuple(map(self.number_of, ids)) for ids in placed.voters]
        return voters, [self.number_of(node_id) for node_id in placed.leaders]


def peers_digest(peers: list[tuple[str, int]]) -> str:
    """Return a short name of a list of peers: equal exactly when the lists are."""
    return blake2b(repr(peers).encode(), digest_size=8).hexdigest()
