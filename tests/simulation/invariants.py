"""What must hold after every step, whatever has happened (Raft paper, figure 3, and DESIGN.md)."""

from typing import TYPE_CHECKING
from zlib import crc32

from respkv.consensus.raft import LEADER
from respkv.entry import Entry
from respkv.log.partition import RecoveredPartition
from respkv.log.recovery import recover
from respkv.replica.replica import LEASE_MS, Replica
from tests.simulation.world import Violation

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster
    from tests.simulation.node import SimulatedNode

DIGEST_EVERY = 8  # entries: a digest costs as much as applying some ten of them
COMPLETIONS_AFTER_TRUNCATION = 3  # are looked at: the first may belong to what was truncated
DURABILITY_EVERY = 50  # entries of all partitions: reading all disks back is dear as well


class PartitionInvariants:
    """Compares the replicas of one partition with each other."""

    def __init__(self, cluster: "Cluster", partition: int) -> None:
        self.cluster = cluster
        self.partition = partition
        self.leaders: dict[int, int] = {}  # term → member
        self.applied: dict[int, tuple[int, int, int]] = {}  # index → (term, time, checksum)
        self.applied_index = 0
        self._committed_in: dict[int, int] = {}  # index → a term in which it was committed
        self.digests: dict[int, bytes] = {}
        self._votes: dict[int, tuple[int, int]] = {}  # member → term and vote it has told others

    def watch(self, node: "SimulatedNode", replica: Replica) -> None:
        """See every entry that this life of a replica applies, and what it takes for durable."""
        self._check_memory(node, replica)
        apply = replica._apply

        def applying(entry: Entry) -> int:
            self._check_entry(node, replica, entry)
            applied = apply(entry)
            if entry.index % DIGEST_EVERY == 0:
                self.state_seen(node, entry.index, replica.keyspace.digest())
            return applied

        replica._apply = applying  # type: ignore[method-assign]
        persisted = replica.persisted
        truncations, unchecked = replica.raft.truncations, 0

        def persisting(term: int, index: int) -> bool:
            nonlocal truncations, unchecked
            has_work = persisted(term, index)
            if replica.raft.truncations != truncations:
                truncations, unchecked = replica.raft.truncations, COMPLETIONS_AFTER_TRUNCATION
            if unchecked:
                unchecked -= 1
                self._check_durable(node, replica)
            return has_work

        replica.persisted = persisting  # type: ignore[method-assign]

    def _check_entry(self, node: "SimulatedNode", replica: Replica, entry: Entry) -> None:
        """State-machine safety: one index, one entry; and log time goes on."""
        seen = (entry.term, entry.time_ms, crc32(entry.payload))
        if self.applied.setdefault(entry.index, seen) != seen:
            raise Violation(f"{self._name(node)} applies another entry at {entry.index}: {entry}")
        self._committed_in.setdefault(entry.index, replica.raft.term)
        earlier = self.applied.get(entry.index - 1)
        if earlier is not None and earlier[1] > entry.time_ms:
            raise Violation(f"log time goes back at {entry.index} of partition {self.partition}")
        if entry.index > self.applied_index:
            self.applied_index = entry.index
            self.cluster.invariants.entry_committed()

    def _check_durable(self, node: "SimulatedNode", replica: Replica) -> None:
        """What a voter counts as durable on its own disk is there, and nothing else instead."""
        raft = replica.raft
        index = raft._persisted_index
        if index <= raft.log.base_index:
            return
        held = recover(node.disk.durable_image(), "data").partitions[self.partition]
        if index > raft.last_index or not _holds(held, index, raft.term_at(index)):
            raise Violation(f"{self._name(node)} takes entry {index} for durable, and it is not")

    def voted(self, node: "SimulatedNode", term: int, candidate: int) -> None:
        """One vote a term, whatever happens to the voter."""
        known = self._votes.get(node.number)
        if known is not None and known[0] == term and known[1] != candidate:
            raise Violation(
                f"{self._name(node)} votes for {known[1]} and {candidate} in term {term}"
            )
        self._votes[node.number] = (term, candidate)

    def _check_memory(self, node: "SimulatedNode", replica: Replica) -> None:
        """A node that starts again knows the vote that it has told others."""
        term, candidate = self._votes.get(node.number, (0, 0))
        raft = replica.raft
        if raft.term < term or (raft.term == term and raft.vote != candidate):
            raise Violation(
                f"{self._name(node)} has forgotten its vote for {candidate} in term {term}"
            )

    def check_leases(self, term: int) -> None:
        """While anybody has a lease, nobody leads in a later term."""
        for node in self.cluster.nodes.values():
            replica = node.partitions.get(self.partition) if node.booted else None
            if replica is not None and replica.raft.term < term:
                from_ms = replica.raft.read_rounds.lease_from_ms
                if from_ms and node.monotonic_ms() < from_ms + LEASE_MS:
                    raise Violation(f"{self._name(node)} has a lease while {term} has a leader")

    def _name(self, node: "SimulatedNode") -> str:
        return f"node {node.id}, partition {self.partition},"

    def state_seen(self, node: "SimulatedNode", index: int, digest: bytes) -> None:
        """Equal logs give equal states, in memory and in snapshots."""
        self.cluster.world.count("digests compared")
        if self.digests.setdefault(index, digest) != digest:
            raise Violation(f"{self._name(node)} has another state at {index}")

    def check_leader(self, node: "SimulatedNode", replica: Replica) -> None:
        """Election safety, leader completeness and log matching, when a leader is new."""
        raft = replica.raft
        known = self.leaders.get(raft.term)
        if known == node.number:
            return
        if known is not None:
            raise Violation(f"term {raft.term} has two leaders: {known} and {self._name(node)}")
        self.leaders[raft.term] = node.number
        self.cluster.world.count("leaders")
        for index in range(max(raft.log.base_index, 1), self.applied_index + 1):
            seen = self.applied.get(index)
            if seen is None or raft.term <= self._committed_in[index]:
                continue  # under a snapshot, or newer than this leader, who wakes up deposed
            if raft.term_at(index) != seen[0]:
                raise Violation(f"{self._name(node)} leads {raft.term} without {seen[0]}.{index}")
        self._check_log_matching()
        self.cluster.troubles.new_leader(node)

    def _check_log_matching(self) -> None:
        logs = [replica.raft.log for replica in self.cluster.copies(self.partition)]
        for number, one in enumerate(logs):
            for other in logs[number + 1 :]:
                first = max(one.first_index, other.first_index)
                for index in range(min(one.last_index, other.last_index), first, -1):
                    if one.term_at(index) == other.term_at(index):
                        mine, theirs = one.slice(first, index), other.slice(first, index)
                        if mine != theirs:
                            raise Violation(f"logs agree at {index} but not before")
                        break

    def holds_all(self, held: RecoveredPartition | None) -> bool:
        """Return whether a disk has everything that was ever applied."""
        index = self.applied_index
        if index == 0:
            return True
        return held is not None and _holds(held, index, self.applied[index][0])


def _holds(held: RecoveredPartition, index: int, term: int) -> bool:
    if index <= held.snapshot_index:
        return True
    return held.last_index >= index and held.entries[index - held.last_index - 1].term == term


class Invariants:
    """Those of every partition, of the disks, and of how the cluster came to be."""

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster
        self.partitions = {
            partition: PartitionInvariants(cluster, partition)
            for partition in range(cluster.partitions)
        }
        self.genesis = b""  # the one that was confirmed
        self._committed = 0

    # --- partitions --------------------------------------------------------------------------

    def watch(self, node: "SimulatedNode") -> None:
        """A node knows its cluster and joins it; see every entry that it applies from now on."""
        self._check_genesis(node)
        for partition, replica in node.partitions.items():
            self.partitions[partition].watch(node, replica)

    def check(self, node: "SimulatedNode") -> None:
        """Look at the leaders on a node, after each of its steps."""
        for partition, replica in node.partitions.items():
            raft = replica.raft
            if raft.role == LEADER:
                partition_invariants = self.partitions[partition]
                if self.cluster.troubles.leases:
                    partition_invariants.check_leases(raft.term)
                if partition_invariants.leaders.get(raft.term) != node.number:
                    partition_invariants.check_leader(node, replica)

    def state_seen(self, node: "SimulatedNode", partition: int, index: int, digest: bytes) -> None:
        """A snapshot has told its digest."""
        self.partitions[partition].state_seen(node, index, digest)

    # --- disks -------------------------------------------------------------------------------

    def entry_committed(self) -> None:
        """An entry is applied, so its clients are answered: it must be on a majority of disks."""
        self._committed += 1
        if self._committed % DURABILITY_EVERY == 0:
            self.check_durability()

    def check_durability(self) -> None:
        """Whatever was applied anywhere would be there, were all power lost now."""
        self.cluster.world.count("durability checks")
        disks = {node.id: self._kept(node) for node in self.cluster.nodes.values()}
        for partition, one in self.partitions.items():
            voters = self.cluster.voters[partition]
            missing = [
                voter
                for voter in voters
                if not any(one.holds_all(disk.get(partition)) for disk in disks[voter])
            ]
            if len(missing) > (len(voters) - 1) // 2:
                raise Violation(
                    f"entry {one.applied_index} of partition {partition} was acknowledged and is "
                    f"not on the disks of nodes {missing}"
                )

    def _kept(self, node: "SimulatedNode") -> list[dict[int, RecoveredPartition]]:
        """Return what is on a node's disk, and what was on the one that it has lost."""
        disks = [] if node.lost_disk is None else [node.lost_disk]
        if not node.is_lost:
            disks.append(node.disk.durable_image())
        return [recover(disk, "data").partitions for disk in disks]

    # --- forming -----------------------------------------------------------------------------

    def told(self, node: "SimulatedNode") -> None:
        """Others may have heard what a node keeps."""
        kept = node.member.membership
        node.told_id = kept.node_id
        node.told = b"" if kept.genesis is None else kept.genesis.encode()

    def read_back(self, node: "SimulatedNode") -> None:
        """What others have heard that a node keeps, it keeps for ever."""
        kept = node.member.membership
        genesis = b"" if kept.genesis is None else kept.genesis.encode()
        if node.told_id not in ("", kept.node_id) or node.told not in (b"", genesis):
            raise Violation(f"node {node.id} has forgotten who it is, or its cluster")

    def _check_genesis(self, node: "SimulatedNode") -> None:
        """A cluster forms once and never twice, and of those who were there at its genesis."""
        self.told(node)
        node.let_in = node.let_in or node.told_id in self.cluster.let_in
        if node.is_lost:
            raise Violation(f"node {node.id} has forgotten what it promised and takes part again")
        self.genesis = self.genesis or node.told
        if node.told != self.genesis:
            raise Violation(f"node {node.id} is in a second cluster")
        for other in self.cluster.nodes.values():
            if not other.is_lost and other.told != self.genesis:
                raise Violation(f"node {node.id} takes part, but {other.id} keeps no genesis yet")
        self.cluster.joining(node)
