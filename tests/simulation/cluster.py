"""Whole nodes, their users and their troubles, for one seed."""

from collections.abc import Callable

from respkv.cluster.forming import Answer
from respkv.keyspace.slots import SLOTS, slot_of
from respkv.replica.replica import Replica
from respkv.replica.snapshot_transfer import SnapshotChunk
from tests.simulation.checker import explain
from tests.simulation.invariants import Invariants
from tests.simulation.node import SimulatedNode
from tests.simulation.peers import Frame
from tests.simulation.scripts import SCRIPT_USERS, Scripts
from tests.simulation.troubles import Troubles, profile_of
from tests.simulation.users import User, Work
from tests.simulation.waiting import WAITING_USERS, Waiting
from tests.simulation.workload import Workload
from tests.simulation.world import MILLISECOND, SECOND, Addressed, Network, Violation, World

HEAL_SECONDS = 18  # of a run's end: by then everything has come back
QUIET_SECONDS = 6  # of a run's end: by then the users have stopped
NOT_BACK = 100 * MILLISECOND  # for so long, a lost connection with a peer says nothing
RESENT = 200 * MILLISECOND  # what TCP takes to repeat a lost packet

# Nodes, partitions, databases. Of five nodes some have no copy of some partition; a cluster has
# one database, but two make entries switch between them as on a standalone server.
SHAPES = ((3, 4, 1), (3, 1, 2), (3, 4, 1), (5, 4, 1), (3, 2, 1))
FEW_PARTITIONS = ((3, 1, 2), (3, 1, 2), (3, 2, 1))  # where trouble looks for one leader

REPLACED_USERS = 3  # by those whose calls wait

AT_LEADERS = ("depositions", "stalls", "amnesia")


class Cluster:
    """`run` drives everything; `world.counts` tells what happened."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        shapes = FEW_PARTITIONS if profile_of(seed) in AT_LEADERS else SHAPES
        self.size, self.partitions, self.databases = shapes[self.world.chance.below(len(shapes))]
        self.voters: list[tuple[int, ...]] = [()] * self.partitions
        self.network = Network(self.world, self._deliver, self.size)
        self.invariants = Invariants(self)
        self.workload = Workload(self.world)
        self.workload.databases = self.databases
        if self.partitions > 1:
            self.workload.families *= 2
        self.troubles = Troubles(self)
        self.nodes = {number: SimulatedNode(self, number) for number in range(1, self.size + 1)}
        self.waiting = Waiting(self.world, self.databases)
        self.scripts = Scripts(self.world, self.databases)
        works: list[Work] = [self.workload] * self.workload.users
        if self.troubles.with_waiting:
            works[-REPLACED_USERS:] = [self.waiting] * WAITING_USERS
        elif self.troubles.with_scripts:
            works[-SCRIPT_USERS:] = [self.scripts] * SCRIPT_USERS
        self.users = [User(self, number, work) for number, work in enumerate(works)]
        self.places = {number: number for number in self.nodes}  # where each member runs
        self.let_in: set[str] = set()  # ids of nodes that may take the places of others
        self.served: set[int] = set()  # partitions in which something has succeeded lately

    def partition_of(self, key: bytes) -> int:
        """Return a key's partition."""
        return slot_of(key) * self.partitions // SLOTS

    def copies(self, partition: int) -> list[Replica]:
        """Return the replicas of a partition on the nodes that run."""
        return [
            node.partitions[partition]
            for node in self.nodes.values()
            if node.booted and partition in node.partitions
        ]

    # --- what nodes and users report ---------------------------------------------------------

    def outcome(self, ok: bool) -> None:
        """Count outcomes of the healthy phase apart."""
        if self.troubles.over:
            self.world.count("healthy ok" if ok else "healthy not ok")

    def joining(self, node: SimulatedNode) -> None:
        """A node knows the cluster, and the ring who votes where; both stay as they are."""
        self.voters = [
            tuple(self.places[number] for number in voters) for voters in node.member.view.voters
        ]

    def node_joined(self, node: SimulatedNode) -> None:
        """Its peers reach it, and it reaches those that run."""
        self.world.count("nodes joined")
        for number in node.member.network.links:
            other = self.nodes[self.places[number]]
            is_there = other.booted and other.number == number
            node.member._peer_state(number, is_there)
            if is_there:
                other.later(MILLISECOND, lambda o=other: self._link_opens(o, node))
                self.tell(node, number, node.member.network.announcement)

    def _link_opens(self, node: SimulatedNode, peer: SimulatedNode) -> None:
        """A member that runs hears of one that has started, if it knows it for one."""
        node.member._peer_state(peer.number, True)
        self.tell(node, peer.number, node.member.network.announcement)

    def tell(self, node: SimulatedNode, number: int, announcement: bytes) -> None:
        """Carry an announcement to a member, if nothing is cut."""
        target = self.nodes[self.places[number]]

        def arrive() -> None:
            if target.booted and target.number == number:
                target.handle(lambda: target.member._take_announcement(announcement))

        if announcement and (node.id, target.id) not in self.network.cut:
            self.world.after(MILLISECOND, arrive)

    def leading(self, partition: int) -> list[Replica]:
        """Return the replicas of a partition that serve as its leader: one, in peace."""
        return [replica for replica in self.copies(partition) if replica.serving]

    def node_died(self, node: SimulatedNode, power_loss: bool) -> None:
        """Every connection to a dead node breaks; some time later it is back."""
        for user in self.users:
            connection = user.connection
            if connection is not None and connection.node is node:
                self.world.after(MILLISECOND, connection.break_off)
        number = node.number
        delay = NOT_BACK if power_loss else MILLISECOND  # a machine that runs refuses at once

        def look(other: SimulatedNode) -> None:
            if not (node.booted and node.number == number):
                other.member._peer_state(number, False)

        for other in self.nodes.values():
            if other.booted:
                other.later(delay, lambda o=other: look(o))
        self.world.after(self.troubles.restart_delay(), lambda: self.restart(node))

    def restart(self, node: SimulatedNode) -> None:
        """Start a node again, unless it runs, or is gone for good."""
        if not (node.alive or node.stopped):
            self.world.count("restarts")
            node.boot()

    def ask(
        self,
        asker: SimulatedNode,
        number: int,
        argv: list[bytes],
        take: Callable[[Answer], None],
    ) -> None:
        """Carry a question to a node's client port, and its answer back, if nothing is cut."""
        world, network = self.world, self.network
        incarnation = asker.incarnation

        def way(sender: int, recipient: int, call: Callable[[], None]) -> None:
            delay = world.between(200, 2 * MILLISECOND)
            if world.happens(network.loss):
                delay += RESENT
            if (sender, recipient) not in network.cut:
                world.after(delay, call)

        def back(answer: Answer) -> None:
            if asker.alive and asker.incarnation == incarnation:
                asker.handle(lambda: take(answer))

        def arrive() -> None:
            target = self.nodes[number]

            def reply() -> None:
                answer = target.answer(argv)
                way(number, asker.id, lambda: back(answer))

            if target.alive:
                target.handle(reply)
            else:
                way(number, asker.id, lambda: back(None))

        world.count("forming questions")
        way(asker.id, number, arrive)

    def _deliver(self, frame: Addressed) -> None:
        assert isinstance(frame, Frame)
        node = self.nodes[frame.recipient]
        if node.alive:
            chunks = sum(isinstance(message, SnapshotChunk) for _, message in frame.messages)
            self.world.count("snapshot chunks", chunks)
            node.handle(lambda: node.receive(frame))

    # --- one run -----------------------------------------------------------------------------

    def run(self, seconds: int) -> None:
        """Run troubles, then peace.

        Raises:
            Violation: an invariant broke, a history is not linearizable, or no peace was found.
        """
        self.troubles.limits.apply()
        self.troubles.start()
        for node in self.nodes.values():
            self.world.after(self.world.between(0, 300 * MILLISECOND), node.boot)
        for user in self.users:
            user.start()
        end = seconds * SECOND
        self.world.run_until(end - HEAL_SECONDS * SECOND)
        self.troubles.end()
        self.world.run_until(end - QUIET_SECONDS * SECOND)
        for user in self.users:
            user.stopped = True
        self.world.run_until(end)
        for node in self.nodes.values():
            node.count_events()
        self._check_peace()
        self.invariants.check_durability()
        self._check_fresh_writes()
        self._check_histories()

    def _check_peace(self) -> None:
        for node in self.nodes.values():
            if node.booted == node.is_lost:
                raise Violation(f"after healing node {node.id} is not where it should be")
        for partition, voters in enumerate(self.voters):
            copies = self.copies(partition)
            lost = sum(self.nodes[voter].is_lost for voter in voters)
            if len(copies) + lost != len(voters):
                raise Violation(f"partition {partition} has {len(copies)} replicas")
            if len(self.leading(partition)) != 1:
                raise Violation(f"after healing partition {partition} has not one serving leader")
            deadline = self.world.now + SECOND  # a sweep may just be on its way
            while len({replica.applied_index for replica in copies}) > 1:
                if self.world.now > deadline:
                    applied = sorted(replica.applied_index for replica in copies)
                    raise Violation(f"after healing the replicas of {partition} stand at {applied}")
                self.world.run_until(self.world.now + 10 * MILLISECOND)
            if len({replica.keyspace.digest() for replica in copies}) != 1:
                raise Violation(f"after healing the replicas of partition {partition} differ")
        if any(user.waits for user in self.users):
            raise Violation("after healing a user still waits")

    def _check_fresh_writes(self) -> None:
        """Something must succeed in every partition, also when a leader has just gone for good."""
        if not any(node.is_lost for node in self.nodes.values()):
            leader = max(self.nodes.values(), key=lambda node: len(node.led))
            leader.stopped = True
            leader.crash(power_loss=False)
        self.served.clear()
        self.workload.probe(self.partitions, self.partition_of)
        user = User(self, 0, self.workload)
        self.users.append(user)
        user.start()
        deadline = self.world.now + 10 * SECOND
        while len(self.served) < self.partitions:
            if self.world.now > deadline:
                raise Violation(f"after healing only the partitions {self.served} serve")
            self.world.run_until(self.world.now + 100 * MILLISECOND)
        user.stopped = True
        self.world.run_until(self.world.now + SECOND)
        for partition in range(self.partitions):
            if len(self.leading(partition)) != 1:
                raise Violation(f"after a leader stopped partition {partition} has not one")

    def _check_histories(self) -> None:
        appends = self.workload.appends
        appends.read_all(lambda key: self.leading(self.partition_of(key))[0].keyspace)
        appends.check()
        self.waiting.check(lambda key: self.leading(self.partition_of(key))[0].keyspace)
        self.scripts.check(lambda key: self.leading(self.partition_of(key))[0].keyspace)
        for key, history in self.workload.histories.items():
            self.world.count("keys checked")
            broken = explain(history)
            if broken is not None:
                raise Violation(f"the history of {key!r} is not linearizable: {broken}")
