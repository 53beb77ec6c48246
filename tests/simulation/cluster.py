"""Three nodes, their users and their troubles, for one seed."""

from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk
from tests.simulation.checker import explain
from tests.simulation.invariants import Invariants
from tests.simulation.node import SimulatedNode
from tests.simulation.troubles import Troubles
from tests.simulation.users import User
from tests.simulation.workload import Workload
from tests.simulation.world import MILLISECOND, SECOND, Addressed, Network, Violation, World

USERS = 5
HEAL_SECONDS = 18  # of a run's end: by then everything has come back
QUIET_SECONDS = 6  # of a run's end: by then the users have stopped


class Cluster:
    """`run` drives everything; `world.counts` tells what happened."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.network = Network(self.world, self._deliver)
        self.invariants = Invariants(self)
        self.workload = Workload(self.world)
        self.troubles = Troubles(self)
        self.nodes = {number: SimulatedNode(self, number) for number in (1, 2, 3)}
        self.users = [User(self, number) for number in range(USERS)]

    # --- what nodes and users report ---------------------------------------------------------

    def outcome(self, ok: bool) -> None:
        """Count outcomes of the healthy phase apart."""
        if self.troubles.over:
            self.world.count("healthy ok" if ok else "healthy not ok")

    def node_died(self, node: SimulatedNode) -> None:
        """Every connection to a dead node breaks; some time later it is back."""
        for user in self.users:
            connection = user.connection
            if connection is not None and connection.node is node:
                self.world.after(MILLISECOND, connection.break_off)
        for other in self.nodes.values():
            if other.alive:
                other.peer_lost(node)
        self.world.after(self.troubles.restart_delay(), lambda: self.restart(node))

    def restart(self, node: SimulatedNode) -> None:
        """Start a node again, unless it runs, or is gone for good."""
        if not node.alive and not node.stopped:
            self.world.count("restarts")
            node.boot()

    def _deliver(self, message: Addressed) -> None:
        node = self.nodes[message.recipient]
        if node.alive:
            if isinstance(message, SnapshotChunk | SnapshotAck):
                self.world.count("snapshot chunks", isinstance(message, SnapshotChunk))
            node.handle(lambda: node.receive(message))

    # --- one run -----------------------------------------------------------------------------

    def run(self, seconds: int) -> None:
        """Run troubles, then peace.

        Raises:
            Violation: an invariant broke, a history is not linearizable, or no peace was found.
        """
        self.troubles.limits.apply()
        self.troubles.start()
        for node in self.nodes.values():
            node.boot()
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
        self._check_fresh_write()
        self._check_histories()

    def _check_peace(self) -> None:
        replicas = [node.replica for node in self.nodes.values() if not node.stopped]
        if sum(replica.serving for replica in replicas) != 1:
            raise Violation("after healing there is not one serving leader")
        deadline = self.world.now + SECOND  # a sweep may just be on its way
        while len({replica.applied_index for replica in replicas}) > 1:
            if self.world.now > deadline:
                applied = sorted(replica.applied_index for replica in replicas)
                raise Violation(f"after healing the replicas stand at {applied}")
            self.world.run_until(self.world.now + 10 * MILLISECOND)
        if len({replica.keyspace.digest() for replica in replicas}) != 1:
            raise Violation("after healing the replicas differ")
        if any(user.waits for user in self.users):
            raise Violation("after healing a user still waits")

    def _check_fresh_write(self) -> None:
        """Writes go on, also when the leader has just stopped for good, as long as two are left."""
        leader = next(node for node in self.nodes.values() if node.leads)
        if not any(node.stopped for node in self.nodes.values()):
            leader.stopped = True
            leader.crash(power_loss=False)
        before = self.world.counts.get("ok", 0)
        user = User(self, 0)
        self.users.append(user)
        user.start()
        self.world.run_until(self.world.now + 8 * SECOND)
        user.stopped = True
        self.world.run_until(self.world.now + 3 * SECOND)
        leaders = sum(node.leads for node in self.nodes.values())
        if leaders != 1 or self.world.counts.get("ok", 0) == before:
            raise Violation("after healing nothing succeeds")

    def _check_histories(self) -> None:
        leader = next(node for node in self.nodes.values() if node.leads)
        self.workload.appends.read_all(leader.replica.keyspace)
        self.workload.appends.check()
        for key, history in self.workload.histories.items():
            self.world.count("keys checked")
            broken = explain(history)
            if broken is not None:
                raise Violation(f"the history of {key!r} is not linearizable: {broken}")
