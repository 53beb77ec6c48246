"""What commands ask of a node in cluster mode; `node.cluster` is one, None without that mode."""

from typing import TYPE_CHECKING, Protocol

from respkv.cluster.view import ClusterView
from respkv.errors import ClusterDisabled
from respkv.keyspace.keyspace import Keyspace

if TYPE_CHECKING:
    from respkv.node.connection import Connection


class Link:
    """One direction of the connection with another node."""

    def __init__(self, node: int, to: bool, created_ms: int, buffered_bytes: int = 0) -> None:
        self.node = node
        self.to = to  # this node opened it
        self.created_ms = created_ms
        self.buffered_bytes = buffered_bytes


class Follower:
    """Another node, as a follower of what this one leads."""

    def __init__(self, node: int, partitions: int, lag_entries: int, lag_seconds: int) -> None:
        self.node = node
        self.partitions = partitions
        self.lag_entries = lag_entries  # not known to be on its disk, over all its partitions
        self.lag_seconds = lag_seconds  # since it was heard


class Publications:
    """Messages of PUBLISH between this node and others, each counted once for each of them."""

    def __init__(self, sent: int, received: int, dropped: int) -> None:
        self.sent = sent
        self.received = received
        self.dropped = dropped


class ClusterService(Protocol):
    """The running cluster side of a node."""

    view: ClusterView

    @property
    def messages_sent(self) -> int:
        """How many messages went to other nodes since the start."""

    @property
    def messages_received(self) -> int:
        """How many messages of other nodes came since the start."""

    @property
    def publications(self) -> Publications:
        """How many messages of PUBLISH went to and came from other nodes since the start."""

    def transfer(self, partition: int, to: int, forced: bool) -> None:
        """Begin to make node `to` the leader of a partition, and return at once.

        The leader hands over once `to` has its whole log; where another node leads, it is asked
        to. With `forced` it is not: `to`, which is this node, calls an election, without pre-vote.
        What cannot be done (the leader is gone meanwhile, the log is too far behind) is given up
        without a word, and the leader stays.
        """

    def publish(self, channel: bytes, message: bytes) -> None:
        """Send a message to the subscribers at all other nodes, as far as they are reached."""

    def keyspace(self, partition: int) -> Keyspace | None:
        """Return this node's copy of a partition; None when it has none."""

    def followers(self) -> list[Follower]:
        """Return the nodes that follow a partition led here, by their numbers."""

    def replication_offset(self, number: int) -> int:
        """Return how many entries there are, as far as known here, in what a node leads."""

    def heard_ms(self, number: int) -> int:
        """Return when another node last sent anything, Unix milliseconds; 0: never."""

    def links(self) -> list[Link]:
        """Return the connections with other nodes that are open."""


def cluster_of(session: "Connection") -> ClusterService:
    """Return the node's cluster.

    Raises:
        ClusterDisabled: it is not in one.
    """
    cluster = session.node.cluster
    if cluster is None:
        raise ClusterDisabled()
    return cluster


def local_host(session: "Connection") -> str:
    """Return the address at which the session's client has reached this node."""
    return "127.0.0.1" if session.is_unix else session.local.rpartition(":")[0]
