"""What goes wrong in a run: each seed has a profile, and each profile its favourite troubles."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from respkv.consensus.messages import TIMEOUT_NOW, Message
from respkv.replica.memory_guard import NO_EVICTION
from respkv.replica.replica import Replica
from tests.simulation.limits import Limits
from tests.simulation.world import MILLISECOND, SECOND

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster
    from tests.simulation.node import SimulatedNode

EIO = 5
ENOSPC = 28
# Of five seeds of each profile, one has nodes short of memory, one users whose calls wait, and one
# users that run scripts.
SHARES = ("", "shortages", "waiting", "scripts", "")


class Troubles:
    """Rates are per mille of the chances a trouble gets, which is about four times a second."""

    def __init__(self, cluster: "Cluster") -> None:
        self.cluster = cluster
        self.world = cluster.world
        self.over = False
        pick = self.world.chance.below
        self.crashes = (0, 30, 80, 200)[pick(4)]
        self.pauses = (0, 20, 60)[pick(3)]
        self.cuts = (0, 30, 90)[pick(3)]
        self.jumps = (0, 20, 60)[pick(3)]
        self.disk_errors = (0, 0, 8)[pick(3)]
        self.full_disks = (0, 0, 15)[pick(3)]
        self.slow_disks = (0, 20)[pick(2)]
        self.losses = (0, 5, 30)[pick(3)]
        self.duplications = (0, 10, 50)[pick(3)]
        self.straggles = (0, 10, 50)[pick(3)]
        self.splits = (0, 100)[pick(2)]
        self.depositions = 0  # of a node that has just become leader
        self.transfers = 100  # of leadership, when the node that is looked at has it
        self.destructions = (0, 0, 2)[pick(3)]  # of one node's log
        self.overtakings = 0  # of a leader whose disk is busy
        self.stalls = False  # of leaders that do not notice that they are deposed
        self.forming_crashes = (0, 600)[pick(2)]  # at a disk operation, of starts before forming
        self.wipes = pick(8) == 0  # one node comes back with an empty directory
        self.amnesia_tests = 0  # power losses of a node that has just voted
        self.skew_ms = 5000
        self.drift_per_mille = 30
        self.sync_us = (50, 2000)
        self.quick_syncs = 200  # per mille
        self.limits = Limits()
        share = share_of(self.world.seed)
        self.with_waiting = share == "waiting"
        self.with_scripts = share == "scripts"
        self.shortages = {"shortages": 60, "scripts": 20}.get(share, 0)  # of a node's memory
        if self.with_scripts:
            self.limits.script_steps, self.limits.script_calls = 20_000, 5
        self.leases = self.world.seed // len(PROFILES) % 2 == 1  # reads trust the leader's lease
        self._isolated: list[set[tuple[int, int]]] = []
        self.profile = profile_of(self.world.seed)
        PROFILES[self.profile](self)

    def start(self) -> None:
        """Set the scene, and let a few seconds pass in peace."""
        world = self.world
        network = self.cluster.network
        network.loss = self.losses
        network.duplication = self.duplications
        network.straggling = self.straggles
        network.splitting = self.splits
        for node in self.cluster.nodes.values():
            node.skew_ms = world.between(-self.skew_ms, self.skew_ms)
            node.speed_per_mille = 1000 + world.between(-self.drift_per_mille, self.drift_per_mille)
            node.sync_us = self.sync_us
        world.after(3 * SECOND, self._next)
        if self.stalls:
            world.after(3 * SECOND, self._stall_a_leader)
        if self.wipes:
            world.after(world.between(4000, 36_000) * MILLISECOND, self._wipe)

    def end(self) -> None:
        """Everything comes back."""
        self.over = True
        network = self.cluster.network
        network.cut.clear()
        network.loss = network.duplication = network.straggling = network.splitting = 0
        for node in self.cluster.nodes.values():
            node.disk.crash_at = -1
            node.disk.fail_next = 0
            node.disk.capacity = 1 << 40
            node.sync_us = (50, 2000)
            node.resume()
            self.cluster.restart(node)

    def restart_delay(self) -> int:
        """Return how long a dead node stays dead."""
        if self.amnesia_tests:
            return self.world.between(1, 60) * MILLISECOND
        return self.world.between(20, 4000) * MILLISECOND

    # --- at any time -------------------------------------------------------------------------

    def _next(self) -> None:
        if self.over:
            return
        world = self.world
        world.after(world.between(50, 400) * MILLISECOND, self._next)
        node = self._any_node()
        if world.happens(self.crashes) and node.alive:
            if world.happens(500):
                node.crash(power_loss=world.happens(700))
            else:
                node.disk.crash_at = node.disk.operations + world.between(0, 6)
        if world.happens(self.pauses):
            self._pause(node, world.between(100, 3000))
        if world.happens(self.cuts):
            self._cut_link()
        if world.happens(self.transfers) and node.led:
            world.count("transfers")
            led, to = self._transfer_of(node)
            node.handle(lambda: node.hand_over(led.partition, to))
            if self.leases and world.happens(500):
                self._deafen(node)
        if world.happens(self.overtakings) and node.led:
            self._overtake(node)
        if world.happens(self.jumps):
            world.count("clock jumps")
            node.skew_ms += world.between(-20_000, 20_000)
        if world.happens(self.disk_errors) and node.alive:
            node.disk.fail_next = (EIO, ENOSPC)[world.chance.below(2)]
        if world.happens(self.destructions) and self._may_lose(node):
            node.destroy_log()
        if world.happens(self.full_disks):
            self._fill_disk(node)
        if world.happens(self.shortages) and node.booted:
            self._shorten_memory(node)
        if world.happens(self.slow_disks):
            node.sync_us = (50, world.between(2000, 300_000))

    def _transfer_of(self, node: "SimulatedNode") -> tuple[Replica, int]:
        """Choose a partition that a node leads, and who shall lead it."""
        below = self.world.chance.below
        led = node.led[below(len(node.led))]
        others = [voter for voter in led.raft.voters if voter != node.number]
        return led, others[below(len(others))]

    def _any_node(self) -> "SimulatedNode":
        return self.cluster.nodes[self.world.between(1, self.cluster.size)]

    def booting(self, node: "SimulatedNode") -> None:
        """A node starts: it may crash at any of the disk operations that forming takes."""
        if not self.over and not node.told and self.world.happens(self.forming_crashes):
            node.disk.crash_at = node.disk.operations + self.world.between(0, 30)

    def _wipe(self) -> None:
        """Once the cluster has formed, a node loses its disk for good; the others go on."""
        node = self._any_node()
        if self._may_lose(node):
            node.wipe()
        elif not self.over:
            self.world.after(SECOND, self._wipe)

    def _may_lose(self, node: "SimulatedNode") -> bool:
        """One disk, the others go on; two might be a majority."""
        lost = any(other.is_lost for other in self.cluster.nodes.values())
        return node.booted and not (lost or self.over)

    def _pause(self, node: "SimulatedNode", milliseconds: int) -> None:
        if node.alive and not node.paused:
            self.world.count("pauses")
            node.paused = True
            self.world.after(milliseconds * MILLISECOND, node.resume)

    def _cut_link(self) -> None:
        world = self.world
        one = self._any_node().id
        if world.happens(300):
            links = {(one, 1 + one % self.cluster.size)}
            self.cluster.network.cut |= links
            world.count("one-way cuts")
        else:
            links = self.cluster.network.isolate(one)
            world.count("isolations")
        world.after(
            world.between(100, 5000) * MILLISECOND, lambda: self.cluster.network.mend(links)
        )

    def _deafen(self, node: "SimulatedNode") -> None:
        """For a while it does not hear what its transfer has led to."""
        self.world.count("one-way cuts")
        links = {(other, node.id) for other in self.cluster.nodes if other != node.id}
        self.cluster.network.cut |= links
        self.world.after(
            self.world.between(50, 800) * MILLISECOND, lambda: self.cluster.network.mend(links)
        )

    def _fill_disk(self, node: "SimulatedNode") -> None:
        """For a while, little or nothing more fits."""
        world = self.world
        node.disk.capacity = node.disk.used + world.between(0, 40_000)

        def make_room() -> None:
            node.disk.capacity = 1 << 40

        world.after(world.between(500, 5000) * MILLISECOND, make_room)

    def _shorten_memory(self, node: "SimulatedNode") -> None:
        """For a while a node holds too much: it evicts keys that expire, or refuses writes."""
        world = self.world
        world.count("memory shortages")
        policy = ("volatile-random", "volatile-ttl")[world.chance.below(2)]
        node.limit_memory(max(1, node.memory.used_bytes() * 9 // 10), policy)
        end = world.between(100, 1500) * MILLISECOND
        world.after(end, lambda: node.limit_memory(0, NO_EVICTION))

    def _overtake(self, node: "SimulatedNode") -> None:
        """Another one is elected, and replaces what a leader with a busy disk is still syncing."""
        world = self.world
        network = self.cluster.network
        led, to = self._transfer_of(node)
        if led.raft.offers_lease:
            return  # a leader that has given such an order has no lease
        heir = self.cluster.nodes[self.cluster.places[to]]
        world.count("overtakings")
        node.sync_us = (200_000, 400_000)
        heir.sync_us = (20_000, 60_000)
        links = {(node.id, other) for other in self.cluster.nodes}
        network.cut.update(links)

        def stand() -> None:
            """An order of the leader comes late: it has given up waiting and appended since."""
            copy = heir.partitions.get(led.partition)
            if copy is not None:
                order = Message(TIMEOUT_NOW, node.number, to, copy.raft.term)
                order.index = copy.raft.last_index
                copy.step(order)

        def relax() -> None:
            network.mend(links)
            node.sync_us = heir.sync_us = self.sync_us

        world.after(30 * MILLISECOND, lambda: heir.booted and heir.handle(stand))
        world.after(300 * MILLISECOND, relax)

    # --- at the worst time -------------------------------------------------------------------

    def new_leader(self, node: "SimulatedNode") -> None:
        """Depose it at once or soon, as in figure 8 of the Raft paper; the others come back."""
        world = self.world
        if self.over:
            return
        if world.happens(self.depositions):
            delay = 0 if world.happens(400) else world.between(0, 40 * MILLISECOND)
            if world.happens(300):
                delay = world.between(0, 800 * MILLISECOND)
            world.after(delay, lambda: self._isolate_only(node))

    def _isolate_only(self, node: "SimulatedNode") -> None:
        if self.over:
            return
        self.world.count("isolations")
        self.cluster.network.cut.clear()
        self.cluster.network.isolate(node.id)
        if self.world.happens(200) and node.alive:
            node.crash(power_loss=True)

    def _stall_a_leader(self) -> None:
        """Stop a leader that others replace meanwhile; its clients' commands wait for it.

        First it hears nothing while its appends still arrive: they commit without its knowledge.
        """
        if self.over:
            return
        world = self.world
        network = self.cluster.network
        leaders = [node for node in self.cluster.nodes.values() if node.led]
        if not leaders:
            world.after(100 * MILLISECOND, self._stall_a_leader)
            return
        node = max(leaders, key=lambda leader: max(one.raft.term for one in leader.led))
        deaf_ms = world.between(100, 500)
        pause_ms = world.between(1800, 3200)
        mended_ms = deaf_ms + pause_ms + world.between(20, 400)
        world.count("isolations")
        links = network.isolate(node.id)
        network.cut -= {(node.id, other) for other in self.cluster.nodes}
        for user in self.cluster.users:
            user.look_again(node, deaf_ms + pause_ms - world.between(10, 600))

        def stop() -> None:
            if not self.over:
                network.cut |= links
                self._pause(node, pause_ms)

        world.after(deaf_ms * MILLISECOND, stop)
        world.after(mended_ms * MILLISECOND, lambda: network.mend(links))
        world.after((mended_ms + world.between(300, 1500)) * MILLISECOND, self._stall_a_leader)

    def voted(self, node: "SimulatedNode") -> None:
        """A vote is leaving: lose the power right behind it."""
        if not self.over and self.world.happens(self.amnesia_tests):
            incarnation = node.incarnation

            def lose_power() -> None:
                if node.incarnation == incarnation:
                    node.crash(power_loss=True)

            self.world.after(self.world.between(0, MILLISECOND), lose_power)


def _mixed(troubles: Troubles) -> None:
    """Everything, as the seed's chance has it."""


def _depositions(troubles: Troubles) -> None:
    """Leaders fall as soon as they are elected, and appends travel one entry at a time."""
    troubles.depositions = 900
    troubles.splits = 1000
    troubles.limits.append_entries = 1
    troubles.crashes = (0, 30)[troubles.world.chance.below(2)]
    troubles.pauses = troubles.cuts = troubles.full_disks = troubles.disk_errors = 0


def _stalls(troubles: Troubles) -> None:
    """Leaders stop without noticing, with clients that go on talking to them."""
    troubles.stalls = True
    workload = troubles.cluster.workload
    workload.families = b"rcw"
    workload.users = 8  # some wait for the stalled leader, others write through the next one
    workload.calls_max, workload.chunks, workload.late_chunks = 8, 700, 500
    workload.patience_ms = (5000, 600, 4000)
    troubles.pauses = troubles.cuts = troubles.crashes = 0
    troubles.quick_syncs = troubles.losses = 0


def _amnesia(troubles: Troubles) -> None:
    """Voters lose power right after a vote and are back at once; disks are slow."""
    troubles.amnesia_tests = 300
    troubles.crashes = troubles.pauses = 0
    troubles.depositions = 300
    troubles.overtakings = 300
    troubles.losses = troubles.straggles = 100
    troubles.sync_us = (1000, 200_000)


def _expiry(troubles: Troubles) -> None:
    """Short lifetimes on right clocks: values go exactly when they should."""
    workload = troubles.cluster.workload
    workload.families = b"rctttw"
    workload.lifetime_ms_max = 400
    workload.exact_expiry = True
    troubles.shortages = 0  # nothing goes before its time
    troubles.jumps = troubles.skew_ms = troubles.drift_per_mille = 0
    troubles.slow_disks = 100


def _clocks(troubles: Troubles) -> None:
    """Wall clocks that agree on nothing."""
    troubles.cluster.workload.families = b"rctttw"
    troubles.jumps = 150
    troubles.skew_ms = 60_000
    troubles.drift_per_mille = 60


def _disks(troubles: Troubles) -> None:
    """Crashes at disk operations, errors, full disks, and snapshots in many chunks."""
    troubles.crashes = 250
    troubles.disk_errors = 15
    troubles.full_disks = 40
    troubles.destructions = 15
    troubles.limits.snapshot_chunk_bytes = 2048


def _weather(troubles: Troubles) -> None:
    """A network that loses, doubles and reorders a great deal."""
    troubles.losses = troubles.duplications = troubles.straggles = 150
    troubles.cuts = 120
    troubles.splits = 500
    troubles.limits.append_entries = 2


PROFILES: dict[str, Callable[[Troubles], None]] = {
    "mixed": _mixed,
    "depositions": _depositions,
    "stalls": _stalls,
    "amnesia": _amnesia,
    "expiry": _expiry,
    "clocks": _clocks,
    "disks": _disks,
    "weather": _weather,
}


def profile_of(seed: int) -> str:
    """Return what kind of trouble a seed brings."""
    return list(PROFILES)[seed % len(PROFILES)]


def share_of(seed: int) -> str:
    """Return what else a seed has, whatever its profile."""
    return SHARES[seed // len(PROFILES) % len(SHARES)]
