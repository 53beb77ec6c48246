"""When a partition's snapshot is due, what it frees, and how a lagging follower gets it."""

from collections.abc import Callable
from typing import Final

from respkv.consensus.configuration import decode_configuration
from respkv.consensus.raft import LEADER
from respkv.keyspace.keyspace import Keyspace
from respkv.log.filesystem import FileSystem
from respkv.log.snapshot import (
    SnapshotFile,
    SnapshotReceiver,
    read_snapshot,
    remove_older,
    snapshots,
)
from respkv.log.wal import Wal
from respkv.replica.log_writer import LogWriter
from respkv.replica.replica import Replica
from respkv.replica.runtime import Runtime
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk, SnapshotSender
from respkv.steps import Steps

LOG_BYTES_BETWEEN: Final = 128 << 20


class SnapshotJob:
    """What `snapshot_builder.build_snapshot` is asked for."""

    def __init__(self, partition: int, index: int, term: int, segments: list[str]) -> None:
        self.partition = partition
        self.index = index
        self.term = term
        self.segments = segments


def begin_snapshots(
    keepers: "list[SnapshotKeeper]",
    wal: Wal,
    log_writer: LogWriter,
    start: Callable[[list[SnapshotJob] | None], None],
) -> None:
    """Call `start` with a job for each that has news, once closed segments hold all they need.

    None: there is no room for another segment of the log, and snapshots need some as well.
    """

    def close_segment() -> None:
        due = [keeper for keeper in keepers if keeper.has_news()]
        if due and not wal.roll():
            start(None)
            return
        segments = wal.closed_segments()
        start([keeper.start(segments) for keeper in due])

    log_writer.call_when_written(close_segment)


class SnapshotKeeper:
    """One partition's snapshots on one node; the node runs the jobs it hands out."""

    def __init__(
        self,
        replica: Replica,
        wal: Wal,
        log_writer: LogWriter,
        runtime: Runtime,
        fs: FileSystem,
        directory: str,
    ) -> None:
        self.partition = replica.partition
        self.installed = 0  # snapshots taken over from a leader
        self.job: SnapshotJob | None = None  # the one under way
        self.log_bytes_between = LOG_BYTES_BETWEEN
        self._replica = replica
        self._wal = wal
        self._log_writer = log_writer
        self._runtime = runtime
        self._fs = fs
        self._directory = directory
        self._senders: dict[int, SnapshotSender] = {}
        self._receiver: SnapshotReceiver | None = None
        self._is_installing = False
        self.snapshot_index = replica.raft.log.base_index

    # --- building ----------------------------------------------------------------------------

    def due(self) -> bool:
        """Return whether the log has grown enough for the next snapshot."""
        return self._wal.bytes_held() >= self.log_bytes_between and self.has_news()

    def has_news(self) -> bool:
        """Return whether a snapshot would hold more than the last one, or the one under way."""
        return self.job is None and self._replica.applied_index > self.snapshot_index

    def start(self, segments: list[str]) -> SnapshotJob:
        """Return what to build: all that is applied now, which these closed segments lead to."""
        replica = self._replica
        self.job = SnapshotJob(
            replica.partition, replica.applied_index, replica.applied_term, segments
        )
        return self.job

    def ended(self, ok: bool, then: Callable[[], None]) -> None:
        """The job's file is durable, or has failed; `then` is called once the log says so too."""
        job, self.job = self.job, None
        if job is None or not ok or job.index <= self.snapshot_index:
            then()
            return

        def covered() -> None:
            self._covered(job.index)
            then()

        self._log_writer.add_snapshot(job.partition, job.index, job.term, covered)

    def _covered(self, index: int) -> None:
        """The log says durably that a snapshot covers it: what lies before can go."""
        if index <= self.snapshot_index:
            return
        self.snapshot_index = index
        self._wal.recycle()
        self._replica.snapshot_index = index
        self._log_writer.touch(self._replica)  # it may forget what the snapshot covers
        if not self._senders:
            remove_older(self._fs, self._directory, self._replica.partition, index)

    # --- sending -----------------------------------------------------------------------------

    def tick(self) -> None:
        """One heartbeat interval: start transfers that are asked for, repeat lost chunks."""
        raft = self._replica.raft
        for peer in self._replica.take_snapshot_peers():
            if peer not in self._senders:
                self._start_sending(peer)
        for peer, sender in list(self._senders.items()):
            if raft.role != LEADER:  # one that is not serving yet may need this very follower
                self._stop_sending(peer, False)
            elif sender.tick():
                self._runtime.send(sender.chunk(raft.node_id, raft.term))

    def _start_sending(self, peer: int) -> None:
        raft = self._replica.raft
        found = snapshots(self._fs, self._directory, self._replica.partition)
        if not found or found[-1].index < raft.log.base_index:
            raft.snapshot_sent(peer, 0, False)
            return
        source = SnapshotFile(self._fs, self._directory, found[-1])
        configuration = raft.configuration_at(source.index).encode()
        sender = SnapshotSender(source, peer, configuration)
        self._senders[peer] = sender
        self._runtime.send(sender.chunk(raft.node_id, raft.term))

    def _stop_sending(self, peer: int, ok: bool) -> None:
        sender = self._senders.pop(peer)
        sender.source.close()
        self._replica.raft.snapshot_sent(peer, sender.source.index, ok)
        self._log_writer.touch(self._replica)

    def take_ack(self, ack: SnapshotAck) -> None:
        """Take a follower's acknowledgement: done, or the next chunk."""
        sender = self._senders.get(ack.sender)
        raft = self._replica.raft
        if sender is None or ack.index != sender.source.index or ack.term != raft.term:
            return
        if ack.done:
            self._stop_sending(ack.sender, True)
        elif sender.acknowledged(ack):
            self._runtime.send(sender.chunk(raft.node_id, raft.term))

    # --- receiving ---------------------------------------------------------------------------

    def take_chunk(self, chunk: SnapshotChunk) -> None:
        """Take a chunk from the leader; install the snapshot when it is whole."""
        replica = self._replica
        if chunk.term != replica.raft.term or chunk.sender != replica.raft.leader_id:
            return
        if chunk.index <= replica.applied_index:
            self._acknowledge(chunk, chunk.size, done=True)
            return
        if self._is_installing:
            return  # it is asked again when this is done
        receiver = self._receiver
        if receiver is None or (receiver.index, receiver.term) != (chunk.index, chunk.log_term):
            if receiver is not None:
                receiver.abandon()
            receiver = self._receiver = SnapshotReceiver(
                self._fs, self._directory, replica.partition, chunk.index, chunk.log_term
            )
        if chunk.offset == receiver.offset:
            receiver.write(chunk.data)
        if receiver.offset < chunk.size:
            self._acknowledge(chunk, receiver.offset, done=False)
            return
        receiver.finish()
        self._receiver = None
        self._is_installing = True
        self._runtime.run_steps(self._installing(chunk, receiver.name))

    def _installing(self, chunk: SnapshotChunk, name: str) -> Steps[None]:
        """Load the file, a chunk a step, then go on from it."""
        replica = self._replica
        keyspace = yield from Keyspace.loading(read_snapshot(self._fs, self._directory, name))
        self._is_installing = False
        configuration = decode_configuration(chunk.configuration) if chunk.configuration else None
        if replica.raft.role == LEADER or not replica.raft.install_snapshot(
            chunk.index, chunk.log_term, keyspace.now_ms, configuration
        ):
            self._acknowledge(chunk, chunk.size, done=False)
            return
        replica.snapshot_installed(keyspace, chunk.index, chunk.log_term)
        self.installed += 1

        def durable() -> None:
            self._covered(chunk.index)
            self._acknowledge(chunk, chunk.size, done=True)

        self._log_writer.add_snapshot(
            replica.partition, chunk.index, chunk.log_term, durable, chunk.configuration
        )

    def _acknowledge(self, chunk: SnapshotChunk, offset: int, done: bool) -> None:
        raft = self._replica.raft
        self._runtime.send(
            SnapshotAck(raft.node_id, chunk.sender, raft.term, chunk.index, offset, done)
        )
