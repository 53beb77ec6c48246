"""What must hold after every step, whatever has happened (Raft paper, figure 3, and DESIGN.md)."""

from typing import TYPE_CHECKING
from zlib import crc32

from respkv.consensus.raft import LEADER
from respkv.entry import Entry
from respkv.log.recovery import recover
from respkv.replica.replica import LEASE_MS
from tests.simulation.world import Violation

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster
    from tests.simulation.node import SimulatedNode

DIGEST_EVERY = 8  # entries: a digest costs as much as applying some ten of them
COMPLETIONS_AFTER_TRUNCATION = 3  # are looked at: the first may belong to what was truncated
DURABILITY_EVERY = 40  # acknowledgements: reading three disks back is dear as well


class Invariants:
    """Compares the replicas with each other and with what clients were told."""

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster
        self.leaders: dict[int, int] = {}  # term → node
        self.applied: dict[int, tuple[int, int, int]] = {}  # index → (term, time, checksum)
        self._committed_in: dict[int, int] = {}  # index → a term in which it was committed
        self.digests: dict[int, bytes] = {}
        self.acknowledged_index = 0
        self._acknowledged = 0
        self._votes: dict[int, tuple[int, int]] = {}  # node → term and vote it has told others

    def watch(self, node: "SimulatedNode") -> None:
        """See every entry that this life of a node applies."""
        replica = node.replica
        self._check_memory(node)
        apply = replica._apply

        def applying(entry: Entry) -> int:
            self._check_entry(node, entry)
            applied = apply(entry)
            if entry.index % DIGEST_EVERY == 0:
                self._check_state(node, entry.index)
            return applied

        replica._apply = applying  # type: ignore[method-assign]
        persisted = replica.persisted
        truncations, unchecked = replica.raft.truncations, 0

        def persisting(term: int, index: int) -> None:
            nonlocal truncations, unchecked
            persisted(term, index)
            if replica.raft.truncations != truncations:
                truncations, unchecked = replica.raft.truncations, COMPLETIONS_AFTER_TRUNCATION
            if unchecked:
                unchecked -= 1
                self._check_durable(node)

        replica.persisted = persisting  # type: ignore[method-assign]

    def _check_entry(self, node: "SimulatedNode", entry: Entry) -> None:
        """State-machine safety: one index, one entry; and log time goes on."""
        seen = (entry.term, entry.time_ms, crc32(entry.payload))
        if self.applied.setdefault(entry.index, seen) != seen:
            raise Violation(f"node {node.id} applies another entry at {entry.index}: {entry}")
        self._committed_in.setdefault(entry.index, node.replica.raft.term)
        earlier = self.applied.get(entry.index - 1)
        if earlier is not None and earlier[1] > entry.time_ms:
            raise Violation(f"log time goes back at {entry.index}")

    def _check_leases(self, term: int) -> None:
        """While anybody has a lease, nobody leads in a later term."""
        for node in self.cluster.nodes.values():
            if node.booted and node.replica.raft.term < term:
                from_ms = node.replica.raft.lease_from_ms
                if from_ms and node.monotonic_ms() < from_ms + LEASE_MS:
                    raise Violation(f"node {node.id} has a lease while term {term} has a leader")

    def _check_durable(self, node: "SimulatedNode") -> None:
        """What a voter counts as durable on its own disk is there, and nothing else instead."""
        raft = node.replica.raft
        index = raft._persisted_index
        if index <= raft.log.base_index:
            return
        partition = recover(node.disk.durable_image(), "data").partitions[0]
        terms = {entry.index: entry.term for entry in partition.entries}
        held = index <= partition.snapshot_index or terms.get(index, 0) == raft.term_at(index)
        if index > raft.last_index or not held:
            raise Violation(f"node {node.id} takes entry {index} for durable, and it is not")

    def _check_state(self, node: "SimulatedNode", index: int) -> None:
        self.state_seen(node, index, node.replica.keyspace.digest())

    def state_seen(self, node: "SimulatedNode", index: int, digest: bytes) -> None:
        """Equal logs give equal states, in memory and in snapshots."""
        self.cluster.world.count("digests compared")
        if self.digests.setdefault(index, digest) != digest:
            raise Violation(f"node {node.id} has another state at {index}")

    def check(self, node: "SimulatedNode") -> None:
        """Election safety, leader completeness and log matching, when a leader is new."""
        raft = node.replica.raft
        if raft.role != LEADER:
            return
        if self.cluster.troubles.leases:
            self._check_leases(raft.term)
        known = self.leaders.get(raft.term)
        if known == node.id:
            return
        if known is not None:
            raise Violation(f"term {raft.term} has two leaders: {known} and {node.id}")
        self.leaders[raft.term] = node.id
        self.cluster.world.count("leaders")
        for index, (term, _, _) in self.applied.items():
            if index < raft.log.base_index or raft.term <= self._committed_in[index]:
                continue  # under a snapshot, or newer than this leader, who wakes up deposed
            if raft.term_at(index) != term:
                raise Violation(f"leader {node.id} of term {raft.term} lacks entry {term}.{index}")
        self._check_log_matching()
        self.cluster.troubles.new_leader(node)

    def _check_log_matching(self) -> None:
        logs = [other.replica.raft.log for other in self.cluster.nodes.values() if other.booted]
        for one in logs:
            for other in logs:
                first = max(one.first_index, other.first_index)
                for index in range(min(one.last_index, other.last_index), first, -1):
                    if one.term_at(index) == other.term_at(index):
                        mine, theirs = one.slice(first, index), other.slice(first, index)
                        if mine != theirs:
                            raise Violation(f"logs agree at {index} but not before")
                        break

    def voted(self, node: "SimulatedNode", term: int, candidate: int) -> None:
        """One vote a term, whatever happens to the voter."""
        known = self._votes.get(node.id)
        if known is not None and known[0] == term and known[1] != candidate:
            raise Violation(f"node {node.id} votes for {known[1]} and {candidate} in term {term}")
        self._votes[node.id] = (term, candidate)

    def _check_memory(self, node: "SimulatedNode") -> None:
        """A node that starts again knows the vote that it has told others."""
        raft = node.replica.raft
        term, candidate = self._votes.get(node.id, (0, 0))
        if raft.term < term or (raft.term == term and raft.vote != candidate):
            raise Violation(f"node {node.id} has forgotten its vote for {candidate} in term {term}")

    def write_acknowledged(self, index: int) -> None:
        """Acknowledged implies on a majority of disks, were all power lost now."""
        self._acknowledged += 1
        if index <= self.acknowledged_index or self._acknowledged % DURABILITY_EVERY:
            return
        self.acknowledged_index = index
        self.cluster.world.count("durability checks")
        holders = 0
        for node in self.cluster.nodes.values():
            disk = node.disk.durable_image() if node.lost_disk is None else node.lost_disk
            recovery = recover(disk, "data")
            partition = recovery.partitions.get(0)
            if partition is not None and partition.last_index >= index:
                terms = {entry.index: entry.term for entry in partition.entries}
                if index <= partition.snapshot_index or terms[index] == self.applied[index][0]:
                    holders += 1
        if holders < 2:
            raise Violation(f"entry {index} was acknowledged and is on {holders} disks")
