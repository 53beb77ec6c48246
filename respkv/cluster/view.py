"""What one node knows of its cluster: the nodes, and who leads each partition since which term.

Every node has its own view, and it may be behind: clients that follow it are told MOVED by the
node they reach. Only Raft decides who leads; a view never does.
"""

from typing import Final

from respkv.config import Config
from respkv.errors import InvariantViolation
from respkv.keyspace.slots import SLOTS

BUS_PORT_OFFSET: Final = 10_000
PORT_MAX: Final = 65_535


class NodeInfo:
    """One node as the others see it; an empty `host` is one that nobody has announced."""

    def __init__(
        self,
        node_id: str,
        host: str,
        port: int,
        bus_port: int = 0,
        hostname: str = "",
        zone: str = "",
    ) -> None:
        self.node_id = node_id  # 40 hexadecimal digits, for ever
        self.host = host
        self.port = port
        self.bus_port = bus_port or port + BUS_PORT_OFFSET
        self.hostname = hostname
        self.zone = zone
        self.up = True


def bus_port(config: Config) -> int:
    """Return where a node with these options listens for its peers, whatever it announces."""
    port: int = config["cluster-port"] or config["port"] + BUS_PORT_OFFSET
    return port


def announced_node(node_id: str, config: Config) -> NodeInfo:
    """Return what a node with these options says of itself."""
    port = config["cluster-announce-port"] or config["port"]
    return NodeInfo(
        node_id,
        config["cluster-announce-ip"],
        port,
        config["cluster-announce-bus-port"] or bus_port(config),
        config["cluster-announce-hostname"],
        config["cluster-zone"],
    )


def first_slot(partition: int, partitions: int) -> int:
    """Return where a partition's slots begin; they end where the next one's begin."""
    return partition * SLOTS // partitions


class ClusterView:
    """Nodes have numbers from 1 (0: nobody), partitions from 0.

    `partition_of_slot`, `leaders` and `terms` are read directly for every command; they change
    through the methods alone.
    """

    def __init__(self, own_number: int, partitions: int, replication_factor: int) -> None:
        self.own_number = own_number
        self.partitions = partitions
        self.replication_factor = replication_factor
        self.nodes: dict[int, NodeInfo] = {}
        self.leaders: list[int] = [0] * partitions
        self.terms: list[int] = [0] * partitions
        # Who is shown as the leader: the last one known, also while an election is under way, since
        # clients take a slot that nobody serves for a broken cluster.
        self.shown: list[int] = [0] * partitions
        self.voters: list[tuple[int, ...]] = [()] * partitions
        self.partition_of_slot: list[int] = [
            partition
            for partition in range(partitions)
            for _ in range(first_slot(partition, partitions), first_slot(partition + 1, partitions))
        ]
        self._ranges: list[tuple[int, int, int]] | None = None

    # --- what is learned ---------------------------------------------------------------------

    def set_leader(self, partition: int, leader: int, term: int) -> bool:
        """Learn who leads a partition in a term (0: nobody is known); return whether that is news.

        News of an earlier term is old and changes nothing. In the same term the leader may become
        known, and may be lost again; it never becomes another.

        Raises:
            InvariantViolation: two leaders in one term.
        """
        if term < self.terms[partition]:
            return False
        if (leader, term) == (self.leaders[partition], self.terms[partition]):
            return False
        known = self.leaders[partition]
        if known and leader and known != leader and term == self.terms[partition]:
            raise InvariantViolation(
                f"nodes {known} and {leader} both lead partition {partition} in term {term}"
            )
        self.leaders[partition] = leader
        self.terms[partition] = term
        if leader:
            self.shown[partition] = leader
        self._ranges = None
        return True

    def show(self, partition: int, leader: int) -> None:
        """Show a node as the leader until one is known: clients take no map that lacks slots."""
        self.shown[partition] = leader
        self._ranges = None

    # --- what is asked -----------------------------------------------------------------------

    @property
    def own(self) -> NodeInfo:
        """This node."""
        return self.nodes[self.own_number]

    def leader_of_slot(self, slot: int) -> int:
        """Return the number of the node that leads a slot; 0: none is known, or it is down."""
        return self.live_leader(self.partition_of_slot[slot])

    def live_leader(self, partition: int) -> int:
        """Return the number of the node that leads a partition; 0: none is known, or it is down."""
        leader = self.leaders[partition]
        node = self.nodes.get(leader)
        return leader if node is not None and node.up else 0

    def ranges(self) -> list[tuple[int, int, int]]:
        """Return (first slot, last slot, leader) of all slots whose leader is or was known.

        In order, and the longest there are: neighbours of one leader are one range.
        """
        if self._ranges is None:
            leaders: list[tuple[int, ...]] = [(leader,) if leader else () for leader in self.shown]
            self._ranges = [(first, last, by[0]) for first, last, by in self._merged(leaders)]
        nodes = self.nodes
        return [(first, last, leader) for first, last, leader in self._ranges if leader in nodes]

    def ranges_with_followers(self, all_: bool) -> list[tuple[int, int, tuple[int, ...]]]:
        """Return (first slot, last slot, leader and the followers that are up), as `ranges` does.

        Neighbours of one leader are apart where their followers differ. Unless `all_`, only nodes
        that lead nothing count as followers.
        """
        nodes = self.nodes
        leading = set() if all_ else set(self.shown)
        served_by: list[tuple[int, ...]] = []
        for leader, voters in zip(self.shown, self.voters, strict=True):
            followers = [
                number
                for number in voters
                if number != leader
                and number not in leading
                and number in nodes
                and nodes[number].up
            ]
            served_by.append((leader, *followers) if leader in nodes else ())
        return self._merged(served_by)

    def _merged(self, served_by: list[tuple[int, ...]]) -> list[tuple[int, int, tuple[int, ...]]]:
        """Return the longest ranges served by the same nodes; `served_by` is per partition."""
        ranges: list[tuple[int, int, tuple[int, ...]]] = []
        for partition, by in enumerate(served_by):
            first = first_slot(partition, self.partitions)
            last = first_slot(partition + 1, self.partitions) - 1
            if not by:
                continue
            if ranges and ranges[-1][2] == by and ranges[-1][1] == first - 1:
                first = ranges.pop()[0]
            ranges.append((first, last, by))
        return ranges

    def ranges_of(self, number: int) -> list[tuple[int, int]]:
        """Return (first slot, last slot) of the ranges that a node leads."""
        return [(first, last) for first, last, leader in self.ranges() if leader == number]

    def number_of(self, node_id: str) -> int:
        """Return the number of the node with this id; 0: there is none."""
        for number, node in self.nodes.items():
            if node.node_id == node_id:
                return number
        return 0

    def epoch(self) -> int:
        """Return the highest term there is (Redis: the current epoch)."""
        return max(self.terms)

    def epoch_of(self, number: int) -> int:
        """Return the highest term that a node leads in, 0 when it leads nothing."""
        led = [
            term for leader, term in zip(self.leaders, self.terms, strict=True) if leader == number
        ]
        return max(led, default=0)

    def slots_led(self) -> int:
        """Return how many slots are shown with a leader."""
        return sum([last - first + 1 for first, last, _ in self.ranges()])

    def slots_down(self) -> int:
        """Return how many of them have a leader that is down, or none at the moment."""
        return sum(
            [
                first_slot(partition + 1, self.partitions) - first_slot(partition, self.partitions)
                for partition, shown in enumerate(self.shown)
                if shown in self.nodes and not self.live_leader(partition)
            ]
        )

    def is_ok(self) -> bool:
        """Return whether every slot has a known leader; one that is only shown does not count."""
        return all(leader in self.nodes for leader in self.leaders)

    def leading_nodes(self) -> int:
        """Return how many nodes lead slots (Redis: the size of the cluster)."""
        return len({leader for _, _, leader in self.ranges()})

    def followed(self) -> list[int]:
        """Return the partitions that this node votes in and does not lead."""
        own = self.own_number
        return [
            partition
            for partition, voters in enumerate(self.voters)
            if own in voters and self.leaders[partition] != own
        ]
