"""The write-ahead log: one a node, one batch a turn, for all its partitions.

The caller adds records, `write`s them as one batch, syncs `sync_file` wherever it likes and
reports `synced`. Rules and layouts: `DESIGN.md` beside this file.
"""

import contextlib
import errno
from collections.abc import Callable
from typing import Final

from respkv.entry import Entry
from respkv.log.filesystem import File, FileSystem, join
from respkv.log.records import (
    BATCH_HEADER,
    FIRST_BATCH_AT,
    HARD_STATE,
    HARD_STATE_BODY,
    SNAPSHOT,
    SNAPSHOT_BODY,
    Checkpoint,
    pack_batch,
    pack_checkpoint,
    pack_entry,
    pack_segment_header,
)
from respkv.log.recovery import LogDamaged, RecoveredPartition, Recovery, segment_name

SEGMENT_BYTES: Final = 16 << 20
SPARES_KEPT: Final = 2
ZERO_BYTES_PER_STEP: Final = 1 << 20
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_SPARE_PREFIX: Final = "spare-"
_UNFINISHED: Final = "spare.new"


class NoRoom(OSError):
    """The disk has no room for another segment. Nothing was written; try again later."""


class _Segment:
    """A segment in use: which partitions' entries it holds decides when it can go."""

    def __init__(self, number: int, last_indexes: dict[int, int]) -> None:
        self.number = number
        self.last_indexes = last_indexes


class Wal:
    """Open it with `Wal.open`; one writer at a time (the directory's lock sees to that)."""

    def __init__(self, fs: FileSystem, directory: str, segment_bytes: int) -> None:
        self.recovered: dict[int, RecoveredPartition] = {}
        self.next_lsn = 1
        self.durable_lsn = 0
        self.full = False  # no room for another segment: refuse writes before anything is lost
        self.when_full: Callable[[], None] = lambda: None  # called each time `full` is found out
        self.sync_file: File
        self._fs = fs
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._states: dict[int, Checkpoint] = {}
        self._records: list[bytes] = []
        self._pending: list[tuple[int, int, int, int]] = []  # see _note
        self._segments: list[_Segment] = []
        self._salt = 0
        self._offset = 0
        self._file_bytes = 0
        self._sealed = True
        self._failed = False
        self._spares: list[str] = []
        self._spare_number = 0

    # --- opening -----------------------------------------------------------------------------

    @staticmethod
    def open(fs: FileSystem, directory: str, segment_bytes: int = SEGMENT_BYTES) -> "Wal":
        """Lock the directory, recover what it holds and go on behind it.

        Raises:
            DirectoryLocked: another server uses it.
            LogDamaged: something durable is missing or altered.
        """
        fs.make_directory(directory)
        fs.lock(directory)
        wal = Wal(fs, directory, segment_bytes)
        recovery = Recovery(fs, directory)
        wal.recovered = recovery.partitions
        wal._start(recovery)
        return wal

    def _start(self, recovery: Recovery) -> None:
        fs, directory = self._fs, self._directory
        for name in fs.names(directory):
            if name == _UNFINISHED:
                fs.remove(join(directory, name))
            elif name.startswith(_SPARE_PREFIX):
                self._spares.append(name)
                self._spare_number = max(self._spare_number, int(name[len(_SPARE_PREFIX) :]))
        # What was read may be in the page cache only; what is said to be there must be on disk.
        for segment in recovery.segments:
            file = fs.open(join(directory, segment.name))
            for torn in recovery.torn:
                if torn is segment:
                    file.write_at(torn.end, bytes(torn.size - torn.end))
            file.datasync()
            file.close()
            self._segments.append(_Segment(segment.number, dict(segment.last_indexes)))
        for unused in recovery.unused:
            fs.remove(join(directory, unused.name))
        self.next_lsn = recovery.last_lsn + 1
        self.durable_lsn = recovery.last_lsn
        for number, partition in recovery.partitions.items():
            self._states[number] = Checkpoint(
                number,
                partition.term,
                partition.vote,
                partition.snapshot_index,
                partition.snapshot_term,
                partition.last_index,
            )
        if recovery.segments:
            last = recovery.segments[-1]
            self.sync_file = fs.open(join(directory, last.name))
            self._salt, self._offset, self._file_bytes = last.salt, last.end, last.size
            self._sealed = False
        else:
            self._open_segment(1, FIRST_BATCH_AT)
            self.sync_file.datasync()
            self.durable_lsn = self.next_lsn - 1
        fs.sync_directory(directory)

    # --- writing -----------------------------------------------------------------------------

    def add_hard_state(self, partition: int, term: int, vote: int) -> None:
        """Add a voter's term and vote to the next batch."""
        self._records.append(HARD_STATE_BODY.pack(HARD_STATE, partition, term, vote))
        self._pending.append((HARD_STATE, partition, term, vote))

    def add_entries(self, partition: int, entries: list[Entry]) -> None:
        """Add entries to the next batch; the first replaces all from its index on."""
        for entry in entries:
            self._records.append(pack_entry(partition, entry))
        self._pending.append((0, partition, entries[-1].index, 0))

    def add_snapshot(self, partition: int, index: int, term: int) -> None:
        """Add that a durable snapshot covers the partition's log up to (index, term)."""
        self._records.append(SNAPSHOT_BODY.pack(SNAPSHOT, partition, index, term))
        self._pending.append((SNAPSHOT, partition, index, term))

    @property
    def has_records(self) -> bool:
        """Whether anything was added since the last write."""
        return bool(self._records)

    def write(self) -> int:
        """Write all that was added as one batch and return its LSN; not yet durable.

        Raises:
            NoRoom: what was added is kept for the next call.
            OSError: the log can no longer be trusted; the node stops.
        """
        if self._failed:
            raise OSError(errno.EIO, "an earlier write of the log failed")
        try:
            records = b"".join(self._records)
            size = BATCH_HEADER.size + len(records) + 8
            if self._offset + size > self._file_bytes:
                self._roll(size)
            lsn = self._write_batch(records, len(self._records))
        except NoRoom:
            raise
        except OSError:
            self._failed = True
            raise
        self._records = []
        for pending in self._pending:
            self._note(pending)
        self._pending = []
        self._sealed = False
        return lsn

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
        """Make all that was written durable, here and now."""
        try:
            self.sync_file.datasync()
        except OSError:
            self._failed = True
            raise
        self.synced(self.next_lsn - 1)

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        self.sync_file.close()

    def _write_batch(self, records: bytes, count: int) -> int:
        lsn = self.next_lsn
        data = pack_batch(self._offset, self._salt, lsn, self.durable_lsn, records, count)
        self.sync_file.write_at(self._offset, data)
        self._offset += len(data)
        self.next_lsn = lsn + 1
        return lsn

    def _note(self, pending: tuple[int, int, int, int]) -> None:
        """Keep what the next checkpoint says of a partition."""
        kind, partition, first, second = pending
        state = self._states.get(partition)
        if state is None:
            state = self._states[partition] = Checkpoint(partition, 0, 0, 0, 0, 0)
        if kind == HARD_STATE:
            state.term, state.vote = first, second
        elif kind == SNAPSHOT:
            if first > state.snapshot_index:
                state.snapshot_index, state.snapshot_term = first, second
                state.last_index = max(state.last_index, first)
        else:
            state.last_index = first
            last_indexes = self._segments[-1].last_indexes
            last_indexes[partition] = max(last_indexes.get(partition, 0), first)

    # --- segments ----------------------------------------------------------------------------

    def _roll(self, batch_bytes: int) -> None:
        # Unsynced batches of the old segment would not be covered by a sync of the new one.
        self.sync()
        closed = self.sync_file
        self._open_segment(self._segments[-1].number + 1, batch_bytes)
        closed.close()

    def roll(self) -> None:
        """Close the current segment, so that a snapshot can be built from closed ones.

        Raises:
            NoRoom: it stays open.
        """
        self._roll(FIRST_BATCH_AT)

    def _open_segment(self, number: int, batch_bytes: int) -> None:
        fs, directory = self._fs, self._directory
        checkpoint = b"".join(pack_checkpoint(state) for state in self._states.values())
        needed = FIRST_BATCH_AT + BATCH_HEADER.size + len(checkpoint) + 8 + batch_bytes
        path = join(directory, segment_name(number))
        if self._spares and needed <= self._segment_bytes:
            fs.rename(join(directory, self._spares.pop(0)), path)
            file = fs.open(path)
        else:
            file = self._create_segment(path, max(needed, self._segment_bytes))
        self._salt = fs.random_salt()
        self._file_bytes = file.size()
        file.write_at(0, pack_segment_header(number, self._salt, self._file_bytes))
        file.datasync()
        fs.sync_directory(directory)
        self.sync_file = file
        self._offset = FIRST_BATCH_AT
        self._segments.append(_Segment(number, {}))
        missing = SPARES_KEPT - len(self._spares)
        if number > 1 and fs.free_bytes(directory) < missing * self._segment_bytes:
            self._found_full()
        self._write_batch(checkpoint, len(self._states))

    def _create_segment(self, path: str, size: int) -> File:
        file = self._fs.open(path, create=True)
        try:
            fill_with_zeros(file, size)
            file.datasync()  # the header comes last, so a whole header means a whole file
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            file.close()
            self._fs.remove(path)
            self._found_full()
            raise NoRoom(error.errno, "no room for another segment of the log", path) from None
        return file

    def closed_segments(self) -> list[str]:
        """Return the names of all segments but the current one, oldest first."""
        return [segment_name(segment.number) for segment in self._segments[:-1]]

    def bytes_held(self) -> int:
        """Return about how many bytes all segments hold."""
        return (len(self._segments) - 1) * self._segment_bytes + self._offset

    def recycle(self) -> None:
        """Free the oldest segments whose entries durable snapshots cover.

        Call it once the batch with the snapshots' records is durable.
        """
        changed = False
        while len(self._segments) > 1 and self._is_covered(self._segments[0]):
            path = join(self._directory, segment_name(self._segments.pop(0).number))
            changed = True
            file = self._fs.open(path)
            size = file.size()
            file.close()
            if size == self._segment_bytes and len(self._spares) < SPARES_KEPT:
                self._add_spare(path)
            else:
                self._fs.remove(path)
        if changed:
            self._fs.sync_directory(self._directory)

    def _is_covered(self, segment: _Segment) -> bool:
        return all(
            index <= self._states[partition].snapshot_index
            for partition, index in segment.last_indexes.items()
        )

    def _add_spare(self, path: str) -> None:
        self._spare_number += 1
        name = f"{_SPARE_PREFIX}{self._spare_number}"
        self._fs.rename(path, join(self._directory, name))
        self._spares.append(name)
        if len(self._spares) >= SPARES_KEPT:
            self.full = False

    def _found_full(self) -> None:
        self.full = True
        self.when_full()

    def begin_spare(self) -> str | None:
        """Return the path to `fill_spare`, None when there are enough spares.

        A segment that was zeroed and synced before makes later syncs about half as long.
        """
        if len(self._spares) >= SPARES_KEPT:
            return None
        return join(self._directory, _UNFINISHED)

    def fill_spare(self, path: str) -> None:
        """Make a spare segment; touches nothing else of the log, so a thread may do it."""
        file = self._fs.open(path, create=True)
        try:
            fill_with_zeros(file, self._segment_bytes)
            file.datasync()
        finally:
            file.close()

    def end_spare(self, path: str, failure: OSError | None) -> None:
        """Take the spare in, or learn that there is no room for it."""
        if failure is None:
            self._add_spare(path)
            self._fs.sync_directory(self._directory)
            self.full = False
        else:
            self._fs.remove(path)
            if failure.errno not in _NO_ROOM:
                raise failure
            # A spare that is left is for what is on its way already.
            self._found_full()

    def prepare_spares(self) -> None:
        """Make all spares now."""
        path = self.begin_spare()
        while path is not None:
            failure = None
            try:
                self.fill_spare(path)
            except OSError as error:
                failure = error
            self.end_spare(path, failure)
            path = None if failure else self.begin_spare()


def fill_with_zeros(file: File, size: int) -> None:
    """Write `size` zero bytes, so that later writes need neither room nor metadata."""
    for offset in range(0, size, ZERO_BYTES_PER_STEP):
        file.write_at(offset, bytes(min(ZERO_BYTES_PER_STEP, size - offset)))


__all__ = ["LogDamaged", "NoRoom", "RecoveredPartition", "Wal"]
