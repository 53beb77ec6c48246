"""Three nodes, their users and their troubles, for one seed."""

from typing import Any

from respkv.errors import CommandError
from tests.simulation.checker import Operation, explain
from tests.simulation.clients import OPERATIONS_PER_KEY_MAX, User
from tests.simulation.invariants import Invariants, Violation
from tests.simulation.node import SimulatedNode
from tests.simulation.world import MILLISECOND, SECOND, Network, World

USERS = 5
HEAL_SECONDS = 12


class Cluster:
    """`run` drives everything; `world.counts` tells what happened."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.network = Network(self.world, self._deliver)
        self.invariants = Invariants(self)
        self.nodes = {number: SimulatedNode(self, number) for number in (1, 2, 3)}
        self.users = [User(self, number) for number in range(USERS)]
        self.healthy = False
        self.histories: dict[bytes, list[Operation]] = {}
        self._keys = [b"r1", b"r2", b"c1", b"t1", b"t2", b"w1"]
        self._next_value = 0
        self._next_key = 3
        # A seed's character: how often each trouble comes, per mille of the chances it gets.
        pick = self.world.chance.below
        self._crashes = (0, 30, 80, 200)[pick(4)]
        self._pauses = (0, 20, 60)[pick(3)]
        self._cuts = (0, 30, 90)[pick(3)]
        self._jumps = (0, 20, 60)[pick(3)]
        self._disk_errors = (0, 0, 8)[pick(3)]
        self._slow_disks = (0, 20)[pick(2)]

    # --- what users ask ----------------------------------------------------------------------

    def pick_key(self, family: bytes = b"") -> bytes:
        """Return a key of the family (w: only for swaps), a new one where histories get long."""
        choices = [
            number
            for number, key in enumerate(self._keys)
            if (key[:1] == family if family else key[:1] != b"w")
        ]
        number = choices[self.world.chance.below(len(choices))]
        key = self._keys[number]
        if len(self.histories.get(key, ())) >= OPERATIONS_PER_KEY_MAX:
            self._next_key += 1
            key = self._keys[number] = key[:1] + b"%d" % self._next_key
        return key

    def unique_value(self) -> bytes:
        """Return a value nobody has written before."""
        self._next_value += 1
        return b"v%d" % self._next_value

    def history(self, operation: Operation) -> None:
        """Put an operation into its key's history."""
        key, operation.argument = operation.argument
        if operation.name == "delete" and operation.known:
            operation.result = bool(operation.result)
        self.histories.setdefault(key, []).append(operation)

    def ok_or_not(self, ok: bool) -> None:
        """Count outcomes of healthy phases apart."""
        if self.healthy:
            self.world.count("healthy ok" if ok else "healthy not ok")

    def disconnect(self, node: SimulatedNode) -> None:
        """Every connection to a dead node breaks."""
        for user in self.users:
            connection = user._connection
            if connection is not None and connection.node is node:
                self.world.after(MILLISECOND, user.disconnected_from(connection))
        self.world.after(self.world.between(20, 4000) * MILLISECOND, lambda: self._restart(node))

    def _restart(self, node: SimulatedNode) -> None:
        if not node.alive:
            self.world.count("restarts")
            node.boot()

    def _deliver(self, message: Any) -> None:
        node = self.nodes[message.recipient]
        if node.alive:
            node.handle(lambda: node.receive(message))

    # --- troubles ----------------------------------------------------------------------------

    def _trouble(self) -> None:
        if self.healthy:
            return
        self.world.after(self.world.between(50, 400) * MILLISECOND, self._trouble)
        world = self.world
        node = self.nodes[world.between(1, 3)]
        if world.happens(self._crashes) and node.alive:
            if world.happens(500):
                node.crash(power_loss=world.happens(700))
            else:
                node.disk.crash_at = node.disk.operations + world.between(0, 6)
        if world.happens(self._pauses) and node.alive and not node.paused:
            world.count("pauses")
            node.paused = True
            world.after(world.between(100, 3000) * MILLISECOND, node.resume)
        if world.happens(self._cuts):
            self._cut_link()
        if world.happens(self._jumps):
            world.count("clock jumps")
            node.skew_ms += world.between(-20_000, 20_000)
        if world.happens(self._disk_errors) and node.alive:
            node.disk.fail_next = (5, 28)[world.chance.below(2)]
        if world.happens(self._slow_disks):
            node.sync_us = (50, world.between(2000, 300_000))

    def _cut_link(self) -> None:
        world = self.world
        one = world.between(1, 3)
        other = 1 + one % 3
        if world.happens(300):
            links = {(one, other)}
        else:
            links = {(one, peer) for peer in self.nodes} | {(peer, one) for peer in self.nodes}
        world.count("link cuts")
        self.network.cut |= links
        world.after(
            world.between(100, 5000) * MILLISECOND,
            lambda: self.network.cut.difference_update(links),
        )

    def _start(self) -> None:
        world = self.world
        self.network.loss = (0, 5, 30)[world.chance.below(3)]
        self.network.duplication = (0, 10, 50)[world.chance.below(3)]
        self.network.straggling = (0, 10, 50)[world.chance.below(3)]
        for node in self.nodes.values():
            node.skew_ms = world.between(-5000, 5000)
            node.speed_per_mille = world.between(970, 1030)
            node.boot()
        for user in self.users:
            user.start()
        world.after(3 * SECOND, self._trouble)

    def heal(self) -> None:
        """No more troubles: everything comes back."""
        self.healthy = True
        self.network.cut.clear()
        self.network.loss = self.network.duplication = self.network.straggling = 0
        for node in self.nodes.values():
            node.disk.crash_at = -1
            node.disk.fail_next = 0
            node.sync_us = (50, 2000)
            node.resume()
            if not node.alive:
                self._restart(node)

    # --- one run -----------------------------------------------------------------------------

    def run(self, seconds: int) -> None:
        """Run troubles, then peace.

        Raises:
            Violation: an invariant broke, a history is not linearizable, or no peace was found.
        """
        self._start()
        end = seconds * SECOND
        while self.world.now < end - 2 * HEAL_SECONDS * SECOND:
            self.world.run_until(self.world.now + SECOND)
        self.heal()
        self.world.run_until(end - HEAL_SECONDS * SECOND // 2)
        for user in self.users:
            user.stopped = True
        self.world.run_until(end)
        self._check_peace()
        self._check_histories()
        for node in self.nodes.values():
            self.world.count("elections", node.replica.raft.elections_started)
            self.world.count("truncations", node.replica.raft.truncations)
            self.world.count("snapshots installed", node.keeper.installed)
            self.world.count("torn writes", node.disk.torn_writes)
            self.world.count("lost writes", node.disk.lost_writes)

    def _check_peace(self) -> None:
        replicas = [node.replica for node in self.nodes.values()]
        if sum(replica.serving for replica in replicas) != 1:
            raise Violation("after healing there is not one serving leader")
        applied = {replica.applied_index for replica in replicas}
        if len(applied) != 1:
            raise Violation(f"after healing the replicas stand at {sorted(applied)}")
        if len({replica.keyspace.digest() for replica in replicas}) != 1:
            raise Violation("after healing the replicas differ")
        if any(user._waiting for user in self.users):
            raise Violation("after healing a user still waits")
        self._check_fresh_write()

    def _check_fresh_write(self) -> None:
        user = User(self, 0)
        self.users.append(user)
        before = self.world.counts.get("ok", 0)
        user.start()
        self.world.run_until(self.world.now + 3 * SECOND)
        user.stopped = True
        self.world.run_until(self.world.now + SECOND)
        if self.world.counts.get("ok", 0) == before:
            raise Violation("after healing nothing succeeds")

    def _check_histories(self) -> None:
        for key, history in self.histories.items():
            self.world.count("keys checked")
            broken = explain(history)
            if broken is not None:
                raise Violation(f"the history of {key!r} is not linearizable: {broken}")


__all__ = ["Cluster", "CommandError", "Violation"]
