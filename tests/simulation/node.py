"""One simulated node: a whole replica (log, Raft, keyspace) on a faulty disk and a skewed clock."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from respkv.clock import SeededChance
from respkv.consensus.messages import VOTE, VOTE_REPLY, Message
from respkv.consensus.pair_heartbeat import PairHeartbeats, PairMessage
from respkv.consensus.raft import LEADER
from respkv.log.damage import LogDamaged
from respkv.log.segment import segment_names
from respkv.log.wal import Wal
from respkv.replica.client import Client
from respkv.replica.log_writer import LogWriter
from respkv.replica.recover import recovering_replica
from respkv.replica.snapshot_builder import build_snapshot
from respkv.replica.snapshot_keeper import SnapshotJob, SnapshotKeeper, begin_snapshots
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk
from respkv.steps import Steps, finish
from tests.faulty_disk import FaultyDisk, SimulatedCrash
from tests.simulation.world import MILLISECOND

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

DIRECTORY = "data"
SEGMENT_BYTES = 16 << 10
LOG_BYTES_BETWEEN_SNAPSHOTS = 64 << 10
DATABASES = 2
DISK_FULL = b"MISCONF no room for another segment of the log"
WALL_AT_START_MS = 1_700_000_000_000


class SimulatedNode:
    """Implements `respkv.replica.runtime.Runtime`; `incarnation` tells its lives apart."""

    def __init__(self, cluster: "Cluster", number: int) -> None:
        self.cluster = cluster
        self.world = cluster.world
        self.id = number
        self.chance = SeededChance(cluster.world.chance.below(1 << 62))
        self.disk = FaultyDisk(SeededChance(cluster.world.chance.below(1 << 62)))
        self.alive = False
        self.paused = False
        self.stopped = False  # for good
        self.lost_disk: FaultyDisk | None = None  # what was durable when the log was destroyed
        self.incarnation = 0
        self.skew_ms = 0
        self.speed_per_mille = 1000
        self.sync_us = (50, 2000)
        self.wal: Wal
        self.log_writer: LogWriter
        self.keeper: SnapshotKeeper
        self.booted = False
        self._turn_requested = False
        self._ready_clients: list[Client] = []
        self._delayed: list[Callable[[], None]] = []

    # --- Runtime -----------------------------------------------------------------------------

    def now_ms(self) -> int:
        """A wall clock that is off, and jumps."""
        return WALL_AT_START_MS + self.world.now // MILLISECOND + self.skew_ms

    def monotonic_ms(self) -> int:
        """A clock that never goes back and runs a little fast or slow."""
        return self.world.now * self.speed_per_mille // (1000 * MILLISECOND)

    def send(self, message: Any) -> None:
        """Hand a message to the network."""
        if isinstance(message, Message):
            if message.kind == VOTE:
                self.cluster.invariants.voted(self, message.term, self.id)
            elif message.kind == VOTE_REPLY and not message.reject:
                self.cluster.invariants.voted(self, message.term, message.recipient)
                self.cluster.troubles.voted(self)
        self.cluster.network.send(message)

    def request_end_of_turn(self) -> None:
        """End the turn at this same time, behind what else happens now."""
        if not self._turn_requested:
            self._turn_requested = True
            self._later(0, self._end_turn)

    def start_sync(self, lsn: int) -> None:
        """The disk takes its time; it may crash before it is done."""
        file = self.wal.sync_file

        def complete() -> None:
            file.datasync()
            self.log_writer.synced(lsn)

        self._later(self.world.between(*self.sync_us), complete)

    def run_steps(self, steps: Steps[None]) -> None:
        """Other things happen between them."""
        if next(steps, None) is not None:
            self._later(self.world.between(100, MILLISECOND), lambda: self.run_steps(steps))

    def replies_ready(self, client: Client) -> None:
        """Send when the turn ends."""
        self._ready_clients.append(client)
        self.request_end_of_turn()

    def leader_changed(self, leader_id: int, term: int) -> None:
        """Nobody needs to know."""

    def redirection(self, client: Client, leader_id: int, argv: list[bytes]) -> bytes:
        """Name the leader by its number."""
        return b"MOVED 0 %d" % leader_id if leader_id else b"CLUSTERDOWN no leader"

    # --- life and death ----------------------------------------------------------------------

    def boot(self) -> None:
        """Recover from the disk and join."""
        self.incarnation += 1
        self.alive = True
        self.booted = False
        self.paused = False
        self._turn_requested = False
        self._ready_clients = []
        self._delayed = []
        self.guard(self._boot)

    def _boot(self) -> None:
        try:
            self._recover()
        except LogDamaged:
            if self.lost_disk is None:
                raise
            self.world.count("destroyed logs refused")
            self.alive = False
            self.stopped = True
            return
        self.cluster.invariants.watch(self)
        self.booted = True
        self._later(self.world.between(0, 100 * MILLISECOND), self._tick)

    def _recover(self) -> None:
        self.wal = Wal.open(self.disk, DIRECTORY, SEGMENT_BYTES)
        self.log_writer = LogWriter(self.wal, self, wait_for_sync=True)
        self.replica = finish(
            recovering_replica(
                self.disk,
                DIRECTORY,
                self.wal,
                self.log_writer,
                self,
                partition=0,
                node_id=self.id,
                voters=[1, 2, 3],
                databases=DATABASES,
            )
        )
        self.replica.raft.offers_lease = self.cluster.troubles.leases
        self.keeper = SnapshotKeeper(
            self.replica, self.wal, self.log_writer, self, self.disk, DIRECTORY
        )
        self.pairs = PairHeartbeats(self.id, lambda _, message: self.replica.step(message))
        self.pairs.add(0, self.replica.raft)
        self.keeper.log_bytes_between = LOG_BYTES_BETWEEN_SNAPSHOTS

    def crash(self, power_loss: bool) -> None:
        """Stop here and now; what the disk keeps depends on how."""
        if not self.alive:
            return
        self.world.count("power losses" if power_loss else "kills")
        self.count_events()
        self.alive = False
        self.booted = False
        self.disk = self.disk.after_power_loss() if power_loss else self.disk.after_kill()
        self.world.count("torn writes", self.disk.torn_writes)
        self.world.count("lost writes", self.disk.lost_writes)
        self.disk.torn_writes = self.disk.lost_writes = 0
        self.cluster.node_died(self)

    def destroy_log(self) -> None:
        """Somebody deletes the segments and leaves the rest: this voter must never come back."""
        self.crash(power_loss=False)
        self.lost_disk = self.disk.durable_image()
        for name in segment_names(self.disk, DIRECTORY):
            self.disk.remove(f"{DIRECTORY}/{name}")
        self.disk.sync_directory(DIRECTORY)
        self.world.count("logs destroyed")

    def count_events(self) -> None:
        """Add up what this life has seen, for the report."""
        if self.booted:
            self.world.count("elections", self.replica.raft.elections_started)
            self.world.count("reads in a lease", self.replica.lease_reads)
            self.world.count("truncations", self.replica.raft.truncations)
            self.world.count("snapshots installed", self.keeper.installed)

    def guard(self, call: Callable[[], None]) -> None:
        """Run something that may crash at a disk operation, or fail on the disk."""
        try:
            call()
        except SimulatedCrash:
            self.crash(power_loss=self.world.happens(700))
        except OSError:
            self.world.count("disk errors")
            self.crash(power_loss=False)  # a failed disk stops the node, it is never worked around
        else:
            self.cluster.invariants.check(self)

    def _later(self, delay: int, call: Callable[[], None]) -> None:
        incarnation = self.incarnation

        def run() -> None:
            if self.alive and incarnation == self.incarnation:
                self.handle(call)

        self.world.after(delay, run)

    def handle(self, call: Callable[[], None]) -> None:
        """Run something now, or when the node goes on after a pause."""
        if self.paused:
            self._delayed.append(call)
        else:
            self.guard(call)

    def resume(self) -> None:
        """Go on after a pause, with all that has piled up."""
        if self.alive and self.paused:
            self.paused = False
            delayed, self._delayed = self._delayed, []
            incarnation = self.incarnation
            for call in delayed:
                if self.alive and incarnation == self.incarnation:
                    self.guard(call)

    def peer_lost(self, peer: "SimulatedNode") -> None:
        """The connection with a dead node has closed: is it back within 100 ms?"""

        def look() -> None:
            if not peer.alive and self.replica.raft.leader_id == peer.id:
                self.replica.raft.leader_lost()

        self._later(100 * MILLISECOND, look)

    @property
    def leads(self) -> bool:
        """Whether this node takes itself for the leader."""
        return self.booted and self.replica.raft.role == LEADER

    def hand_over(self, to: int) -> None:
        """The operator wants another node to lead."""
        self.replica.raft.transfer(to)
        self.log_writer.touch(self.replica)

    # --- turns -------------------------------------------------------------------------------

    def receive(self, message: Any) -> None:
        """Take a message of a peer."""
        if isinstance(message, SnapshotChunk):
            self.keeper.take_chunk(message)
        elif isinstance(message, SnapshotAck):
            self.keeper.take_ack(message)
        elif isinstance(message, PairMessage):
            answer = self.pairs.step(message)
            if answer is not None:
                self.send(answer)
        else:
            self.replica.step(message)

    def _end_turn(self) -> None:
        self._turn_requested = False
        self.log_writer.end_turn()
        ready, self._ready_clients = self._ready_clients, []
        for client in ready:
            client.send_replies()

    def _tick(self) -> None:
        self._later(100 * MILLISECOND * 1000 // self.speed_per_mille, self._tick)
        if self.log_writer.idle:
            self.wal.seal()
        else:
            self.request_end_of_turn()  # what found no room before may be written now
        for beat in self.pairs.beats():
            self.send(beat)
        self.replica.tick()
        self.keeper.tick()
        self._keep_spare()
        if self.keeper.due():
            begin_snapshots([self.keeper], self.wal, self.log_writer, self._snapshot)

    def _keep_spare(self) -> None:
        """Have a spare segment, or refuse writes while there is no room for one."""
        path = self.wal.begin_spare()
        if path is not None:
            failure = None
            try:
                self.wal.fill_spare(path)
            except OSError as error:
                failure = error
            self.wal.end_spare(path, failure)
        if self.wal.full and not self.replica.write_refusal:
            self.world.count("disks full")
        self.replica.refuse_writes(DISK_FULL if self.wal.full else b"")

    # --- snapshots ---------------------------------------------------------------------------

    def _snapshot(self, jobs: list[SnapshotJob] | None) -> None:
        """Build in steps, as the child process does beside the running server."""
        if not jobs:
            return
        (job,) = jobs
        steps = build_snapshot(
            self.disk, DIRECTORY, job.segments, job.partition, job.index, job.term, DATABASES
        )
        self._snapshot_step(steps, job.index)

    def _snapshot_step(self, steps: Iterator[None], index: int) -> None:
        try:
            next(steps)
        except StopIteration as end:
            self.world.count("snapshots built")
            self.cluster.invariants.state_seen(self, index, end.value)
            self.keeper.ended(True, _nothing)
        except OSError:
            self.world.count("snapshots failed")
            self.keeper.ended(False, _nothing)
        else:
            delay = self.world.between(100, 5 * MILLISECOND)
            self._later(delay, lambda: self._snapshot_step(steps, index))


def _nothing() -> None:
    """Nobody waits for this snapshot."""
