"""The write-ahead log: one a node, one batch a turn, for all its partitions.

The caller adds records, `write`s them as one batch, syncs `sync_file` wherever it likes and
reports `synced`. Rules and layouts: `DESIGN.md` beside this file.
"""

import contextlib
import errno
from collections.abc import Callable
from typing import Final

from respkv.entry import Entry
from respkv.errors import InvariantViolation
from respkv.log.directory import (
    has_identity,
    refuse_missing_log,
    remove_unfinished,
    write_identity,
)
from respkv.log.filesystem import File, FileSystem, join
from respkv.log.partition import LoggedPartition, RecoveredPartition
from respkv.log.records import (
    BATCH_ALIGNMENT,
    BATCH_HEADER,
    DROPPED,
    DROPPED_BODY,
    ENTRY,
    FIRST_BATCH_AT,
    HARD_STATE,
    HARD_STATE_BODY,
    RESTART,
    SNAPSHOT,
    SNAPSHOT_BODY,
    SegmentHeader,
    pack_batch,
    pack_configuration,
    pack_entry_head,
    pack_segment_header,
)
from respkv.log.recovery import Recovery
from respkv.log.segment import Segment, segment_name
from respkv.log.spares import NoRoom, Spares, fill_with_zeros, is_no_room
from respkv.steps import Steps, finish

SEGMENT_BYTES: Final = 16 << 20
_SEGMENT_BYTES_MIN: Final = 2 * FIRST_BATCH_AT
_UNFINISHED: Final = "segment.new"
_NONE: Final[list[Entry]] = []

# A record's kind and partition, two numbers it carries, its entries, its place in the batch.
_Added = tuple[int, LoggedPartition, int, int, list[Entry], int]


class Wal:
    """Open it with `Wal.open`; one writer at a time (the directory's lock sees to that)."""

    def __init__(self, fs: FileSystem, directory: str, segment_bytes: int) -> None:
        if segment_bytes < _SEGMENT_BYTES_MIN:
            raise ValueError(
                f"segments of {segment_bytes} bytes: {_SEGMENT_BYTES_MIN} is the least"
            )
        self.recovered: dict[int, RecoveredPartition] = {}
        self.next_lsn = 1
        self.durable_lsn = 0
        self.when_full: Callable[[], None] = lambda: None  # called each time `full` is found out
        self.sync_file: File
        self._fs = fs
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._partitions: dict[int, LoggedPartition] = {}
        self.written_bytes = 0  # of records, by the last `write`
        self._records: list[bytes] = []  # their buffers: a large payload is one of its own
        self._records_count = 0
        self._records_bytes = 0
        self._added: list[_Added] = []
        self._configurations: list[tuple[LoggedPartition, int, bytes]] = []  # added
        self._segments: list[Segment] = []  # oldest first; the last one is written to
        self._salt = 0
        self._offset = 0
        self._file_bytes = 0
        self._release_lsn = 0  # the batch that made earlier segments needless
        self._sealed = False
        self._failed = False
        self._spares = Spares(fs, directory, segment_bytes)

    # --- opening and closing -----------------------------------------------------------------

    @staticmethod
    def open(fs: FileSystem, directory: str, segment_bytes: int = SEGMENT_BYTES) -> "Wal":
        """Lock the directory, recover what it holds and go on behind it.

        Raises:
            DirectoryLocked: another server uses it.
            LogDamaged: something durable is missing or altered.
            UnknownFormat: a newer version wrote it.
        """
        return finish(Wal.opening(fs, directory, segment_bytes))

    @staticmethod
    def opening(fs: FileSystem, directory: str, segment_bytes: int = SEGMENT_BYTES) -> "Steps[Wal]":
        """Do what `open` does in steps: the directory is locked after the first."""
        fs.make_directory(directory)
        fs.lock(directory)
        yield 0
        wal = Wal(fs, directory, segment_bytes)
        try:
            yield from wal._recover()
        except BaseException:
            fs.unlock(directory)
            raise
        return wal

    def _recover(self) -> Steps[None]:
        fs, directory = self._fs, self._directory
        identity = has_identity(fs, directory)
        recovery = Recovery(fs, directory)
        yield from recovery.steps()
        if not recovery.segments:
            refuse_missing_log(fs, directory, identity)
        self.recovered = recovery.partitions
        # What was read may be in the page cache only; what is said to be there must be on disk.
        for segment in recovery.segments:
            file = fs.open(join(directory, segment.name))
            if segment is recovery.torn:
                # Else a batch that is cut now could fit behind one that is written later (rule 4).
                file.write_at(segment.end, bytes(segment.size - segment.end))
            file.datasync()
            file.close()
        for name in recovery.unused:
            fs.remove(join(directory, name))
        remove_unfinished(fs, directory)
        self._spares.find()
        fs.sync_directory(directory)
        self._segments = recovery.segments
        for number, partition in recovery.partitions.items():
            self._partitions[number] = LoggedPartition(number, partition)
        self.next_lsn = recovery.last_lsn + 1
        self.durable_lsn = recovery.last_lsn
        if self._segments:
            last = self._segments[-1]
            self.sync_file = fs.open_log(join(directory, last.name))
            self._salt, self._offset, self._file_bytes = last.salt, last.end, last.size
        else:
            self._begin_segment(1, 0)
            self.sync()
        if not identity:
            write_identity(fs, directory)

    def close(self) -> None:
        """Sync, close, and let another one open the directory."""
        try:
            self.sync()
        finally:
            self.sync_file.close()
            self._fs.unlock(self._directory)

    # --- writing -----------------------------------------------------------------------------

    def add_hard_state(self, partition: int, term: int, vote: int) -> None:
        """Add a voter's term and vote to the next batch."""
        state = self._partition(partition)
        self._add(HARD_STATE_BODY.pack(HARD_STATE, partition, term, vote))
        self._added.append((HARD_STATE, state, term, vote, _NONE, 0))

    def add_entries(self, partition: int, entries: list[Entry]) -> None:
        """Add entries to the next batch; the first replaces all from its index on.

        Raises:
            InvariantViolation: they do not follow the partition's log.
        """
        state = self._partition(partition)
        state.check_entries(entries)
        size = 0
        records = self._records
        for entry in entries:
            head, payload = pack_entry_head(partition, entry), entry.payload
            records.append(head)
            records.append(payload)
            size += len(head) + len(payload)
        self._records_count += len(entries)
        self._records_bytes += size
        self._added.append((ENTRY, state, size, 0, entries, 0))

    def add_snapshot(self, partition: int, index: int, term: int) -> None:
        """Add that a durable snapshot covers the partition's log up to (index, term).

        When the log has no such entry, it restarts behind the snapshot (Raft paper, section 7).
        """
        state = self._partition(partition)
        state.added_index = max(state.added_index or state.last_index, index)
        self._added.append((SNAPSHOT, state, index, term, _NONE, len(self._records)))
        self._add(SNAPSHOT_BODY.pack(SNAPSHOT, partition, index, term))

    def add_configuration(self, partition: int, index: int, payload: bytes) -> None:
        """Add the configuration as of a snapshot that came from a leader, behind the snapshot."""
        state = self._partition(partition)
        self._add(pack_configuration(partition, index, payload))
        self._configurations.append((state, index, payload))

    def drop_partition(self, partition: int) -> None:
        """Add that the partition has left this node for good, its vote included.

        It may come back in the batch after this one.
        """
        state = self._partition(partition)
        state.dropped = True
        self._add(DROPPED_BODY.pack(DROPPED, partition))
        self._added.append((DROPPED, state, 0, 0, _NONE, 0))

    def copy_forward(self, partition: int, entries: list[Entry]) -> None:
        """Add all entries behind the snapshot anew, so that a quiet partition pins no segment.

        Raises:
            InvariantViolation: these are not all of them.
        """
        state = self._partition(partition)
        expected = range(state.snapshot_index + 1, state.last_index + 1)
        if not entries or [entry.index for entry in entries] != list(expected):
            raise InvariantViolation(f"partition {partition}: {expected} is to be copied forward")
        self.add_entries(partition, entries)

    def write(self, stage: bool = False) -> int:
        """Write all that was added as one batch and return its LSN; not yet durable.

        With `stage` it may be written by the sync that must follow.

        Raises:
            NoRoom: what was added is kept for the next call.
            OSError: the log can no longer be trusted; the node stops.
        """
        if self._failed:
            raise OSError(errno.EIO, "an earlier write or sync of the log failed")
        size = BATCH_HEADER.size + self._records_bytes + BATCH_ALIGNMENT
        if self._offset + size > self._file_bytes:
            self._roll(size)
        lsn = self.next_lsn
        for added in self._added:
            self._take(added, lsn)
        records, count = self._records, self._records_count
        self.written_bytes = self._records_bytes
        self._records = []
        self._records_count = self._records_bytes = 0
        self._added = []
        for state, index, payload in self._configurations:
            state.take_configuration(index, payload)
        self._configurations = []
        self._write_batch(records, count, stage)
        self._sealed = False
        return lsn

    @property
    def sealed(self) -> bool:
        """Whether nothing has been written behind the last seal."""
        return self._sealed

    def seal(self) -> None:
        """Write an empty batch behind an unsealed last one, so that only this could be cut."""
        if not self._sealed and not self._records and self.durable_lsn == self.next_lsn - 1:
            with contextlib.suppress(NoRoom):  # it is only tidiness
                self.write()
                self._sealed = True

    def synced(self, lsn: int) -> None:
        """Everything up to `lsn` is durable; later batches will say so."""
        self.durable_lsn = max(self.durable_lsn, lsn)

    def sync(self) -> None:
        """Make all that was written durable, here and now.

        Raises:
            OSError: it may be lost already: a sync that fails is never tried again (rule 6).
        """
        if self._failed:
            raise OSError(errno.EIO, "an earlier write or sync of the log failed")
        try:
            self.sync_file.datasync()
        except OSError:
            self._failed = True
            raise
        self.synced(self.next_lsn - 1)

    def _partition(self, partition: int) -> LoggedPartition:
        state = self._partitions.get(partition)
        if state is None:
            state = LoggedPartition(partition, RecoveredPartition())
            self._partitions[partition] = state
        if state.dropped:
            raise InvariantViolation(f"partition {partition} is being dropped by the next batch")
        return state

    def _add(self, record: bytes) -> None:
        self._records.append(record)
        self._records_count += 1
        self._records_bytes += len(record)

    def _write_batch(self, records: list[bytes], count: int, stage: bool) -> None:
        data = pack_batch(self._offset, self._salt, self.next_lsn, self.durable_lsn, records, count)
        try:
            if stage:
                self.sync_file.stage_at(self._offset, data)
            else:
                self.sync_file.write_at(self._offset, data)
        except OSError:
            self._failed = True
            raise
        self._offset += len(data)
        self.next_lsn += 1

    def _take(self, added: _Added, lsn: int) -> None:
        """Change what the next checkpoint says, and what the segments are still needed for."""
        kind, state, first, second, entries, position = added
        state.added_index = 0
        if kind == ENTRY:
            state.take_entries(entries)
            if entries[0].index == state.snapshot_index + 1:
                self._release(state.partition, lsn)  # all that is needed follows here
            self._segments[-1].note_entries(state.partition, state.last_index, first)
        elif kind == HARD_STATE:
            state.term, state.vote = first, second
        elif kind == SNAPSHOT:
            self._release_lsn = lsn
            if state.cover(first, second):
                self._release(state.partition, lsn)
                record = SNAPSHOT_BODY.pack(RESTART, state.partition, first, second)
                self._records[position] = record
        else:
            del self._partitions[state.partition]
            self._release(state.partition, lsn)

    def _release(self, partition: int, lsn: int) -> None:
        for segment in self._segments:
            segment.forget(partition)
        self._release_lsn = lsn

    # --- segments ----------------------------------------------------------------------------

    def roll(self) -> bool:
        """Close the current segment, so that a snapshot can be built from closed ones.

        It is for between two batches. False: the disk has no room for another segment.
        """
        if self._segments[-1].entry_bytes:
            try:
                self._roll(0)
            except NoRoom:
                return False
        return True

    def _roll(self, batch_bytes: int) -> None:
        # Unsynced batches of the old segment would not be covered by a sync of the new one.
        self.sync()
        try:
            self._begin_segment(self._segments[-1].number + 1, batch_bytes)
        except NoRoom:
            self._found_full()
            raise
        except OSError:
            self._failed = True
            raise
        self._spares.look_for_room()
        if self._spares.full:
            self._found_full()

    def _begin_segment(self, number: int, batch_bytes: int) -> None:
        fs, directory = self._fs, self._directory
        records = [record for state in self._partitions.values() for record in state.checkpoint()]
        overhead = FIRST_BATCH_AT + BATCH_HEADER.size + BATCH_ALIGNMENT
        needed = overhead + sum(map(len, records)) + batch_bytes
        name = segment_name(number)
        path = join(directory, name)
        size = self._segment_bytes
        if needed > size or not self._spares.take(path):
            size = max(needed, size)
            self._make_segment(path, size)
        file = fs.open_log(path)
        segment = Segment(name, size)
        segment.salt = fs.random_salt()
        segment.first_lsn = self.next_lsn
        header = SegmentHeader(number, segment.salt, size, self.next_lsn)
        file.write_at(0, pack_segment_header(header))
        file.datasync()
        fs.sync_directory(directory)
        if self._segments:
            self.sync_file.close()
        self.sync_file = file
        self._segments.append(segment)
        self._salt, self._offset, self._file_bytes = segment.salt, FIRST_BATCH_AT, size
        self._write_batch(records, len(records), False)

    def _make_segment(self, path: str, size: int) -> None:
        """Make a segment's file on the spot; it gets its name at full size, so that a short one
        is damage."""
        unfinished = join(self._directory, _UNFINISHED)
        file = self._fs.open(unfinished, create=True)
        try:
            if size > self._segment_bytes:  # for a large batch, which fills it at once
                file.allocate(size)
            else:
                fill_with_zeros(file, size)
            file.datasync()
            self._fs.rename(unfinished, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._fs.remove(unfinished)
            if is_no_room(error):
                raise NoRoom(error.errno, "no room for another segment of the log", path) from None
            raise
        finally:
            file.close()

    def closed_segments(self) -> list[str]:
        """Return the names of all segments but the current one, oldest first."""
        return [segment.name for segment in self._segments[:-1]]

    def recycle(self) -> None:
        """Free the oldest segments whose entries durable snapshots cover.

        On return the log says durably what the added snapshots cover, so that older snapshots
        may be removed as well.
        """
        free = 0
        while free < len(self._segments) - 1 and self._is_covered(self._segments[free]):
            free += 1
        needed_lsn = self._release_lsn
        if free:
            needed_lsn = max(needed_lsn, self._segments[-1].first_lsn)  # the checkpoint
        if self.durable_lsn < needed_lsn:
            self.sync()
        for segment in self._segments[:free]:
            path = join(self._directory, segment.name)
            if segment.size == self._segment_bytes and self._spares.wanted:
                self._spares.add(path)
            else:
                self._fs.remove(path)
        if free:
            del self._segments[:free]
            self._fs.sync_directory(self._directory)

    def _is_covered(self, segment: Segment) -> bool:
        for partition, index in segment.last_indexes.items():
            state = self._partitions.get(partition)
            if state is None or index > state.snapshot_index:
                return False
        return True

    def pinning(self) -> list[int]:
        """Return the partitions that need the oldest closed segment: snapshot, or copy forward."""
        if len(self._segments) == 1:
            return []
        return [
            partition
            for partition, index in self._segments[0].last_indexes.items()
            if partition in self._partitions and index > self._partitions[partition].snapshot_index
        ]

    # --- room --------------------------------------------------------------------------------

    def bytes_held(self) -> int:
        """Return how many bytes all segments hold, spares left out."""
        return sum(segment.size for segment in self._segments[:-1]) + self._offset

    @property
    def full(self) -> bool:
        """Whether there is no room for another segment: refuse writes before one is missing."""
        return self._spares.full

    def begin_spare(self) -> str | None:
        """Return the path to `fill_spare`, None when there are enough spares."""
        return self._spares.begin()

    def fill_spare(self, path: str) -> None:
        """Make a spare segment; touches nothing else of the log, so a thread may do it."""
        self._spares.fill(path)

    def end_spare(self, path: str, failure: OSError | None) -> None:
        """Take the spare in, or learn that there is no room for it (`full`)."""
        self._spares.end(path, failure)
        if self.full:
            self.when_full()

    def _found_full(self) -> None:
        self._spares.full = True
        self.when_full()
