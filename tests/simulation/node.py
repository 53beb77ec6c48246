"""One simulated node: log, forming, replicas and router on a faulty disk and a skewed clock."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from respkv.clock import SeededChance
from respkv.cluster.forming import Answer, Question
from respkv.cluster.genesis import Genesis
from respkv.errors import CommandError
from respkv.log.damage import LogDamaged
from respkv.log.segment import segment_names
from respkv.log.wal import Wal
from respkv.node import cluster as product
from respkv.replica.log_writer import LogWriter
from respkv.replica.replica import Replica
from respkv.replica.snapshot_builder import build_snapshot
from respkv.replica.snapshot_keeper import SnapshotJob, SnapshotKeeper, begin_snapshots
from respkv.steps import Steps, finish
from tests.faulty_disk import FaultyDisk, SimulatedCrash
from tests.simulation.host import PORT_BASE, Host
from tests.simulation.peers import Frame, SimulatedPeers
from tests.simulation.process import Process
from tests.simulation.world import MILLISECOND, SECOND

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

DIRECTORY = "data"
SEGMENT_BYTES = 16 << 10
LOG_BYTES_BETWEEN_SNAPSHOTS = 64 << 10
DISK_FULL = b"MISCONF no room for another segment of the log"
ASK_AGAIN = 50 * MILLISECOND
NEWCOMER_ASKS_AGAIN = 500 * MILLISECOND
ANSWER_TIMEOUT = 2 * SECOND
SAMPLES = 5  # of keys, when one is to be evicted


class Member(product.Cluster):
    """The product's own cluster side, on a simulated network."""

    def _new_network(self, genesis: Genesis, introduction: bytes) -> Any:
        return SimulatedPeers(self.node)  # type: ignore[arg-type]

    def _forget_peer(self, number: int) -> None:
        self.network.links.pop(number, None)


class SimulatedNode(Host):
    """`incarnation` tells its lives apart; `booted` says that it serves."""

    def __init__(self, cluster: "Cluster", number: int) -> None:
        super().__init__(cluster, number)
        self.alive = False
        self.paused = False
        self.booted = False
        self.number = number  # of the member that runs here: another one once it is replaced
        self.stopped = False  # for good
        # What was durable when its disk was lost: from then on it must never take part again.
        self.lost_disk: FaultyDisk | None = None
        self.let_in = False  # unless an operator has given it its place back
        self.incarnation = 0
        self.power_losses = 700  # per mille: of crashes at a disk operation
        self.complaint = ""  # why it cannot form
        self.told = b""  # the genesis that others have heard this node keeps
        self.told_id = ""
        self.member: Member
        self._delayed: list[Callable[[], None]] = []
        self._saving = False

    @property
    def is_lost(self) -> bool:
        """Whether its disk has forgotten what it promised."""
        return self.lost_disk is not None and not self.let_in

    @property
    def keepers(self) -> dict[int, SnapshotKeeper]:
        """The snapshots of each partition."""
        return self.member.keepers

    @property
    def partitions(self) -> dict[int, Replica]:
        """The replicas by partition."""
        return self.member.replicas

    def replicas(self) -> list[Replica]:
        """Return the replicas on this node."""
        return list(self.member.replicas.values())

    # --- life and death ----------------------------------------------------------------------

    def boot(self) -> None:
        """Recover from the disk, form the cluster if that is still to be done, and join."""
        self.reset()
        self.incarnation += 1
        self.alive = True
        self.booted = self.paused = self._saving = False
        self.complaint = ""
        self._delayed = []
        self.simulation.troubles.booting(self)
        self.guard(self._boot)

    def _boot(self) -> None:
        """Peers' questions about forming are answered while the log is still being read."""
        opening = Wal.opening(self.disk, DIRECTORY, SEGMENT_BYTES)
        next(opening)
        self.member = Member(self, self.disk, DIRECTORY)  # type: ignore[arg-type]
        self.simulation.invariants.read_back(self)
        self.later(self.world.between(0, 10 * MILLISECOND), lambda: self._open(opening))

    def _open(self, opening: Steps[Wal]) -> None:
        self.wal = finish(opening)
        self.log_writer = LogWriter(self.wal, self, wait_for_sync=True)
        self.wal.when_full = self._refuse_writes_when_full
        self._form()

    def _join(self) -> None:
        member = self.member
        member.take_roster()
        self.number = member.view.own_number
        finish(member.recovering())
        for keeper in member.keepers.values():
            keeper.log_bytes_between = LOG_BYTES_BETWEEN_SNAPSHOTS
        self.simulation.invariants.watch(self)
        self.router = member.start()
        member._follow_roster()
        self.cluster = member
        if self.simulation.databases > 1:  # no cluster mode for connections
            self.router, self.cluster = member.replicas[0], None
        self.loading = self.guarded = False
        self.booted = True
        self.simulation.node_joined(self)
        self.later(self.world.between(0, 100 * MILLISECOND), self._tick)

    def crash(self, power_loss: bool) -> None:
        """Stop here and now; what the disk keeps depends on how."""
        if not self.alive:
            return
        self.world.count("power losses" if power_loss else "kills")
        if not (self.booted or self.told):
            self.world.count("crashes while forming")
        self.count_events()
        self.alive = False
        self.booted = False
        self.disk = self.disk.after_power_loss() if power_loss else self.disk.after_kill()
        self.world.count("torn writes", self.disk.torn_writes)
        self.world.count("lost writes", self.disk.lost_writes)
        self.disk.torn_writes = self.disk.lost_writes = 0
        self.simulation.node_died(self, power_loss)

    def wipe(self) -> None:
        """Somebody replaces the machine, and keeps its address."""
        self.world.count("wiped nodes")
        self.crash(power_loss=True)
        self.lost_disk = self.disk.durable_image()
        self.disk = FaultyDisk(SeededChance(self.world.chance.below(1 << 62)))
        self.told, self.told_id = b"", ""
        self.let_in = False

    def destroy_log(self) -> None:
        """Somebody deletes the segments and leaves the rest: this voter must never come back."""
        self.world.count("logs destroyed")
        self.crash(power_loss=False)
        self.lost_disk = self.disk.durable_image()
        for name in segment_names(self.disk, DIRECTORY):
            self.disk.remove(f"{DIRECTORY}/{name}")
        self.disk.sync_directory(DIRECTORY)

    def count_events(self) -> None:
        """Add up what this life has seen, for the report."""
        if self.booted:
            for replica in self.replicas():
                self.world.count("keys evicted", replica.keyspace.evicted)
                self.world.count("elections", replica.raft.elections_started)
                self.world.count("reads in a lease", replica.lease_reads)
                self.world.count("truncations", replica.raft.truncations)
            for keeper in self.keepers.values():
                self.world.count("snapshots installed", keeper.installed)
            self.world.count("connections closed with an unknown outcome", self.unknown_outcomes)

    def guard(self, call: Callable[[], None]) -> None:
        """Run something that may crash at a disk operation, or fail on the disk."""
        try:
            self.process.run(call)
        except SimulatedCrash:
            self.crash(power_loss=self.world.happens(self.power_losses))
        except OSError:
            self.world.count("disk errors")
            self.crash(power_loss=False)  # a failed disk stops the node, it is never worked around
        except LogDamaged:
            if not self.is_lost:
                raise
            self.world.count("destroyed logs refused")
            self.alive = False
            self.stopped = True
        else:
            if self.booted:
                self.simulation.invariants.check(self)

    def later(self, delay: int, call: Callable[[], None]) -> None:
        """Call something of this life of the node."""
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

    @property
    def led(self) -> list[Replica]:
        """The replicas here that take themselves for leaders."""
        return [replica for replica in self.replicas() if replica.leads] if self.booted else []

    def hand_over(self, partition: int, to: int) -> None:
        """The operator wants another node to lead a partition."""
        self.member.transfer(partition, to, False)

    # --- forming -----------------------------------------------------------------------------

    def _form(self) -> None:
        """Ask until the membership is confirmed, as node/forming does."""
        forming = self.member.forming
        if forming.kept.is_confirmed:
            self._join()
            return
        questions = forming.round()
        self._ask(questions, next(questions))

    def _ask(self, questions: Any, question: Question) -> None:
        forming = self.member.forming
        argv = forming.command(question)
        answers: list[Answer] = [None] * len(forming.peers)
        missing = set(range(len(answers)))

        def take(position: int, answer: Answer) -> None:
            if position in missing:
                answers[position] = answer
                missing.discard(position)
                if not missing:
                    self._answered(questions, answers)

        for position, (_, port) in enumerate(forming.peers):
            self.simulation.ask(
                self, port - PORT_BASE, argv, lambda answer, at=position: take(at, answer)
            )
            self.later(ANSWER_TIMEOUT, lambda at=position: take(at, None))

    def _answered(self, questions: Any, answers: list[Answer]) -> None:
        try:
            question = questions.send(answers)
        except StopIteration as end:
            self.complaint = "; ".join(end.value)
            if self.complaint:
                self.world.count("forming refused")
            if self.member.forming.kept.is_confirmed:
                self._form()
            else:
                newcomer = self.member.forming.is_newcomer
                self.later(NEWCOMER_ASKS_AGAIN if newcomer else ASK_AGAIN, self._form)
        else:
            self._ask(questions, question)

    def answer(self, argv: list[bytes]) -> Answer:
        """Answer a peer's question about forming."""
        try:
            answer: Answer = self.member.forming.answer(argv, self.monotonic_ms()) or b"+OK"
        except CommandError as error:
            answer = b"-" + error.text
        self.simulation.invariants.told(self)
        return answer

    # --- turns -------------------------------------------------------------------------------

    def receive(self, frame: Frame) -> None:
        """Take what a peer said in one turn."""
        if self.booted:
            for partition, message in frame.messages:
                if message.recipient == self.number:  # and not who was here before
                    self.member._take_message(partition, message)

    def on_end_of_turn(self) -> None:
        """Answer those in WAIT, and look at the memory."""
        self.member.end_turn()
        if self.memory.limit_bytes:
            self.memory.end_turn()

    def limit_memory(self, limit_bytes: int, policy: str) -> None:
        """CONFIG SET maxmemory."""
        if self.booted:
            self.handle(lambda: self.memory.limit(limit_bytes, policy, SAMPLES))

    def _tick(self) -> None:
        self.later(100 * MILLISECOND * 1000 // self.speed_per_mille, self._tick)
        if self.log_writer.idle:
            self.wal.seal()
        else:
            self.request_end_of_turn()  # what found no room before may be written now
        self.member.tick()
        self._snapshot_if_due()
        self._keep_spare()
        self.close_answered()

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
        self._refuse_writes_when_full()

    def _refuse_writes_when_full(self) -> None:
        refusal = DISK_FULL if self.wal.full else b""
        replicas = self.replicas()
        if refusal and any(not replica.refusals.all_writes for replica in replicas):
            self.world.count("disks full")
        for replica in replicas:
            replica.refusals.refuse_writes(refusal)

    # --- snapshots ---------------------------------------------------------------------------

    def _snapshot_if_due(self) -> None:
        if self._saving:
            return
        pinning = self.wal.pinning()
        due = [keeper for number, keeper in self.keepers.items() if number in pinning]
        due = [keeper for keeper in due if keeper.due()]
        if due:
            self._saving = True
            child = Process()
            begin_snapshots(
                due, self.wal, self.log_writer, lambda jobs: self._build_next(jobs, child)
            )

    def _build_next(self, jobs: list[SnapshotJob] | None, child: Process) -> None:
        """One partition after the other, as the child process does beside the running server."""
        if not jobs:
            self._saving = False
            return
        job = jobs[0]
        steps = build_snapshot(
            self.disk, DIRECTORY, job.segments, job.partition, job.index, job.term,
            self.simulation.databases,
        )  # fmt: skip
        self._build(steps, jobs, child)

    def _build(self, steps: Iterator[None], jobs: list[SnapshotJob], child: Process) -> None:
        job = jobs[0]
        keeper = self.keepers[job.partition]
        try:
            child.run(lambda: next(steps))
        except StopIteration as end:
            self.world.count("snapshots built")
            self.simulation.invariants.state_seen(self, job.partition, job.index, end.value)
            keeper.ended(True, lambda: self._build_next(jobs[1:], child))
        except OSError:
            self.world.count("snapshots failed")
            keeper.ended(False, lambda: self._build_next(jobs[1:], child))
        else:
            delay = self.world.between(100, 5 * MILLISECOND)
            self.later(delay, lambda: self._build(steps, jobs, child))
