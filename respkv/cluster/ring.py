"""Which nodes hold which partition: virtual nodes on a ring, with bounded load. A pure function.

Every node's *tokens* (virtual nodes) and every partition's point lie on a ring of 64-bit numbers.
A partition's voters are the next distinct nodes clockwise from its point, in distinct zones where
nodes are labelled, leaving out nodes that already hold their share (consistent hashing with
bounded loads, Mirrokni, Thorup and Zadimoghaddam 2017). Tokens live in 64-bit space: hashed
straight onto 16,384 slots they come out uneven.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from math import ceil
from typing import Final

TOKENS_PER_WEIGHT: Final = 256  # 64 move a tenth more partitions when a node joins
LOAD_FACTOR: Final = 1.25  # of the mean, for replicas


class RingNode:
    """A node as the ring sees it; `zone` may be empty, `weight` is relative to the others'."""

    def __init__(self, node_id: str, zone: str = "", weight: float = 1.0) -> None:
        self.node_id = node_id
        self.zone = zone
        self.weight = weight


class Placement:
    """For each partition its voters in ring order, and the one that should lead."""

    def __init__(self, voters: list[list[str]], leaders: list[str]) -> None:
        self.voters = voters
        self.leaders = leaders


def partitions_for(nodes: int) -> int:
    """Return how many partitions a new cluster gets: a power of two, fixed from then on."""
    for nodes_max, partitions in ((4, 16), (6, 32), (16, 64), (64, 256)):
        if nodes <= nodes_max:
            return partitions
    return 1024


def place(nodes: Sequence[RingNode], partitions: int, replication_factor: int) -> Placement:
    """Return who holds and who should lead each partition; the order of `nodes` does not matter.

    No node holds more than ceil(1.25 × mean) replicas, or leads more than ceil(mean) partitions, in
    proportion to its weight: leading can move without data, so it need not keep to where it was.
    Only distinct zones come before that: where zones are of very different size, the nodes of a
    small one hold and lead more.
    """
    ordered = sorted(nodes, key=lambda node: node.node_id)
    copies = min(replication_factor, len(ordered))
    ring = _Ring(ordered)
    total_weight = sum(node.weight for node in ordered)
    replicas_max = _shares(ordered, partitions * copies / total_weight, LOAD_FACTOR)
    load = dict.fromkeys(replicas_max, 0)
    voters: list[list[str]] = [[] for _ in range(partitions)]
    points = [_point(partition) for partition in range(partitions)]
    # In ring order: the order of the numbers would let one partition push many others along.
    for partition in sorted(range(partitions), key=points.__getitem__):
        chosen = ring.next_nodes(points[partition], copies, load, replicas_max)
        for node_id in chosen:
            load[node_id] += 1
        voters[partition] = chosen
    leaders_max = _shares(ordered, partitions / total_weight, 1.0)
    return Placement(voters, _leaders(voters, leaders_max))


def _shares(
    nodes: Sequence[RingNode], mean_per_weight: float, load_factor: float
) -> dict[str, int]:
    return {node.node_id: ceil(load_factor * mean_per_weight * node.weight) for node in nodes}


class _Ring:
    """The tokens of all nodes, sorted."""

    def __init__(self, nodes: Sequence[RingNode]) -> None:
        mean_weight = sum(node.weight for node in nodes) / len(nodes)
        tokens = [
            (_hash(f"{node.node_id} token {number}"), node)
            for node in nodes
            for number in range(max(1, round(TOKENS_PER_WEIGHT * node.weight / mean_weight)))
        ]
        tokens.sort(key=lambda token: (token[0], token[1].node_id))
        self._points = [point for point, _ in tokens]
        self._owners = [node for _, node in tokens]
        self._nodes = len(nodes)

    def clockwise(self, point: int) -> Iterator[RingNode]:
        """Yield all nodes in the order their first token comes behind `point`."""
        start = bisect_left(self._points, point)
        seen: set[str] = set()
        for at in range(start, start + len(self._owners)):
            node = self._owners[at % len(self._owners)]
            if node.node_id not in seen:
                seen.add(node.node_id)
                yield node
                if len(seen) == self._nodes:
                    return

    def next_nodes(
        self, point: int, copies: int, load: dict[str, int], load_max: dict[str, int]
    ) -> list[str]:
        """Return `copies` node ids clockwise from `point`.

        What cannot be had is given up in this order: room under `load_max`, then new zones.
        """
        chosen: list[RingNode] = []
        for distinct_zones, bounded in ((True, True), (True, False), (False, True), (False, False)):
            for node in self.clockwise(point):  # mostly a few of them
                full = load[node.node_id] >= load_max[node.node_id]
                zones = [_zone(other) for other in chosen]
                if not (
                    node in chosen
                    or (bounded and full)
                    or (distinct_zones and _zone(node) in zones)
                ):
                    chosen.append(node)
                    if len(chosen) == copies:
                        break
            if len(chosen) == copies:
                break
        in_order = (node.node_id for node in self.clockwise(point) if node in chosen)
        return list(islice(in_order, len(chosen)))


def _zone(node: RingNode) -> str:
    return node.zone or node.node_id


def _leaders(voters: list[list[str]], leaders_max: dict[str, int]) -> list[str]:
    """Choose one voter of each partition, none more often than its share: a matching.

    Each partition asks its voters in ring order; where all are full, one of them hands another
    partition on (an augmenting path, found breadth first).
    """
    leaders = [""] * len(voters)
    led: dict[str, list[int]] = {node_id: [] for node_id in leaders_max}
    for partition in range(len(voters)):
        came_from: dict[str, tuple[int, str]] = {}  # node → partition it would take, from whom
        queue = [(partition, "")]
        free = ""
        while queue and not free:
            wanted, holder = queue.pop(0)
            for node_id in voters[wanted]:
                if node_id in came_from or node_id == holder:
                    continue
                came_from[node_id] = (wanted, holder)
                if len(led[node_id]) < leaders_max[node_id]:
                    free = node_id
                    break
                queue += [(other, node_id) for other in led[node_id]]
        if not free:
            # Zones of very different size leave some partition without a voter that has room.
            free = min(voters[partition], key=lambda node_id: len(led[node_id]))
            came_from = {free: (partition, "")}
        while free:
            taken, holder = came_from[free]
            led[free].append(taken)
            leaders[taken] = free
            if holder:
                led[holder].remove(taken)
            free = holder
    return leaders


def _point(partition: int) -> int:
    """Return where a partition lies: evenly spread, whatever their number, but for a small jitter.

    Bits in reverse order (van der Corput), so neighbours by number are far apart. Points that are
    hashed instead move a tenth more partitions when a node joins.
    """
    return int(f"{partition:010b}"[::-1], 2) << 54 | _hash(f"partition {partition}") >> 10


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
