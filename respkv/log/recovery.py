"""What a node's segments say after any crash: the state they hold, a torn tail, or damage.

The rules (R1 ...) are those of `DESIGN.md` beside this file.
"""

import struct
from collections.abc import Iterator

from respkv.entry import Entry
from respkv.log.filesystem import FileSystem, join
from respkv.log.records import (
    FIRST_BATCH_AT,
    SALT_AT,
    SEGMENT_HEADER,
    Batch,
    Checkpoint,
    HardState,
    LoggedEntry,
    Record,
    SnapshotMark,
    unpack_batch,
    unpack_records,
    unpack_segment_header,
)
from respkv.steps import Steps, finish

SEGMENT_PREFIX = "wal-"


class LogDamaged(Exception):
    """The log lost something that was durable: nothing here may be guessed."""

    def __init__(self, file: str, offset: int, why: str) -> None:
        super().__init__(
            f"{file} is damaged at byte {offset}: {why}. Restore the file, or see what a repair "
            f"would lose with: respkv wal salvage DIR"
        )
        self.file = file
        self.offset = offset
        self.why = why


class RecoveredPartition:
    """One partition's durable state; `entries` follow the snapshot without a gap."""

    def __init__(self) -> None:
        self.term = 0
        self.vote = 0
        self.snapshot_index = 0
        self.snapshot_term = 0
        self.entries: list[Entry] = []
        self.base_index = 0  # the entry before `entries[0]`

    @property
    def last_index(self) -> int:
        """Index of the last entry."""
        return self.base_index + len(self.entries)

    def apply(self, record: Record) -> None:
        """Take one record, in LSN order.

        Raises:
            ValueError: it does not fit what came before.
        """
        if isinstance(record, LoggedEntry):
            entry = record.entry
            if entry.index > self.last_index + 1 or entry.index <= self.snapshot_index:
                raise ValueError(f"entry {entry.index} does not follow {self.last_index}")
            if entry.index <= self.base_index:
                # It replaces entries of a recycled segment; a snapshot mark that follows covers it.
                self.base_index = entry.index - 1
                self.entries = []
            del self.entries[entry.index - self.base_index - 1 :]
            self.entries.append(entry)
        elif isinstance(record, HardState):
            self.term, self.vote = record.term, record.vote
        elif isinstance(record, SnapshotMark):
            self._cover(record.index, record.term)
        else:
            self._check(record)

    def _cover(self, index: int, term: int) -> None:
        position = index - self.base_index - 1
        if 0 <= position < len(self.entries) and self.entries[position].term == term:
            del self.entries[: position + 1]
            self.base_index = index
        elif index > self.base_index:
            self.entries = []  # installed from a leader: the log restarts behind it
            self.base_index = index
        if index > self.snapshot_index:
            self.snapshot_index, self.snapshot_term = index, term

    def _check(self, checkpoint: Checkpoint) -> None:
        if not self.base_index and not self.entries and not self.term:
            self.base_index = checkpoint.last_index
        elif checkpoint.term != self.term:
            raise ValueError(f"a checkpoint says term {checkpoint.term}, the log {self.term}")
        self.term, self.vote = checkpoint.term, checkpoint.vote
        if checkpoint.snapshot_index > self.snapshot_index:
            self.snapshot_index = checkpoint.snapshot_index
            self.snapshot_term = checkpoint.snapshot_term


class Segment:
    """One segment file as found on disk."""

    def __init__(self, name: str, number: int, salt: int) -> None:
        self.name = name
        self.number = number
        self.salt = salt  # 0: no valid header
        self.batches: list[Batch] = []
        self.end = FIRST_BATCH_AT  # where the valid batches end
        self.size = 0
        self.later: list[Batch] = []  # valid batches behind an invalid one
        self.last_indexes: dict[int, int] = {}  # partition → highest index here


def segment_name(number: int) -> str:
    """Return a segment's file name."""
    return f"{SEGMENT_PREFIX}{number:016x}"


def read_segment(fs: FileSystem, directory: str, name: str) -> Segment:
    """Read one segment's batches up to the first that does not fit, and what fits behind it."""
    file = fs.open(join(directory, name))
    try:
        data = file.read_at(0, file.size())
    finally:
        file.close()
    number = int(name.removeprefix(SEGMENT_PREFIX), 16)
    header = unpack_segment_header(data)
    if header is None and any(data[: SEGMENT_HEADER.size]):
        # It is synced before the first batch and lies in one sector, so no crash leaves this.
        raise LogDamaged(join(directory, name), 0, "its header is not readable")
    if header is None or header[0] != number:
        segment = Segment(name, number, 0)
        segment.size = len(data)
        return segment
    if header[2] != len(data):
        raise LogDamaged(join(directory, name), len(data), f"it should have {header[2]} bytes")
    segment = Segment(name, number, header[1])
    segment.size = len(data)
    expected_lsn = 0
    while True:
        batch = unpack_batch(data, segment.end, segment.salt)
        if batch is None or (expected_lsn and batch.lsn != expected_lsn):
            break
        segment.batches.append(batch)
        segment.end = batch.end
        expected_lsn = batch.lsn + 1
    segment.later = list(_later_batches(data, segment.end, segment.salt))
    return segment


def _later_batches(data: bytes, after: int, salt: int) -> Iterator[Batch]:
    """Find batches of this use of the segment anywhere behind `after`, by their salt."""
    needle = struct.pack("<Q", salt)
    at = data.find(needle, after)
    while at >= 0:
        if (at - SALT_AT) % 8 == 0 and at - SALT_AT >= after:
            batch = unpack_batch(data, at - SALT_AT, salt)
            if batch is not None:
                yield batch
        at = data.find(needle, at + 1)


class Recovery:
    """The segments in order, the partitions they describe, and where writing goes on.

    Complete once `steps` has run to its end; `recover` does that at once.
    """

    def __init__(self, fs: FileSystem, directory: str) -> None:
        self.partitions: dict[int, RecoveredPartition] = {}
        self.last_lsn = 0
        self.durable_lsn = 0  # the highest LSN that a valid batch calls durable
        self.segments: list[Segment] = []
        self.unused: list[Segment] = []  # made, but nothing in them was ever durable
        self.torn: list[Segment] = []  # have remains of batches that were cut
        self._fs = fs
        self._directory = directory

    def steps(self) -> Steps[None]:
        """Read the segments, then replay them, one a step; both count a segment's bytes.

        Raises:
            LogDamaged: something durable is missing or altered.
        """
        for name in self._fs.names(self._directory):
            if name.startswith(SEGMENT_PREFIX):
                segment = read_segment(self._fs, self._directory, name)
                self.segments.append(segment)
                yield segment.size
        self._drop_unused()
        yield from self._replay(self._directory)

    def _drop_unused(self) -> None:
        while self.segments and not self.segments[-1].batches and not self.segments[-1].later:
            self.unused.append(self.segments.pop())

    def _replay(self, directory: str) -> Steps[None]:
        everything = [b for s in self.segments for b in (*s.batches, *s.later)]
        self.durable_lsn = max((batch.durable_lsn for batch in everything), default=0)
        kept: list[Segment] = []
        cut_at: tuple[Segment, int] | None = None
        previous: Segment | None = None
        for segment in self.segments:
            path = join(directory, segment.name)
            if previous is not None and segment.number != previous.number + 1:
                raise LogDamaged(path, 0, f"the segment before it, {previous.number + 1}, is gone")
            previous = segment
            if cut_at is None:
                self._replay_segment(segment, path)
                kept.append(segment)
                yield segment.size
                # A segment that was filled and left has its successor's batch next.
                follows = self.segments.index(segment) + 1
                next_first = (
                    self.segments[follows].batches[:1] if follows < len(self.segments) else []
                )
                if segment.later or (
                    follows < len(self.segments)
                    and (not next_first or next_first[0].lsn != self.last_lsn + 1)
                ):
                    cut_at = (segment, segment.end)
            else:
                self.unused.append(segment)
        if cut_at is not None:
            segment, offset = cut_at
            if self.durable_lsn > self.last_lsn:
                raise LogDamaged(
                    join(directory, segment.name),
                    offset,
                    f"batch {self.last_lsn + 1} does not fit, but a later one says that it was "
                    f"durable (up to {self.durable_lsn})",
                )
            self.torn.append(segment)
        self.segments = kept

    def _replay_segment(self, segment: Segment, path: str) -> None:
        for batch in segment.batches:
            if self.last_lsn and batch.lsn != self.last_lsn + 1:
                raise LogDamaged(path, batch.offset, f"batch {batch.lsn} after {self.last_lsn}")
            try:
                for record in unpack_records(batch.records):
                    partition = self.partitions.setdefault(record.partition, RecoveredPartition())
                    partition.apply(record)
                    if isinstance(record, LoggedEntry):
                        segment.last_indexes[record.partition] = max(
                            segment.last_indexes.get(record.partition, 0), record.entry.index
                        )
            except (ValueError, struct.error) as error:
                raise LogDamaged(path, batch.offset, str(error)) from error
            self.last_lsn = batch.lsn
        for number, partition in self.partitions.items():
            if partition.base_index > partition.snapshot_index and segment is self.segments[-1]:
                raise LogDamaged(
                    path, 0, f"partition {number} has no entries before {partition.base_index + 1}"
                )


def recover(fs: FileSystem, directory: str) -> Recovery:
    """Return what a directory's log holds.

    Raises:
        LogDamaged: something durable is missing or altered.
    """
    recovery = Recovery(fs, directory)
    finish(recovery.steps())
    return recovery


def read_entries(
    fs: FileSystem, directory: str, names: list[str], partition: int, after_index: int
) -> list[Entry]:
    """Return a partition's entries behind `after_index` from closed segments, replaced ones gone.

    Raises:
        LogDamaged: the segments do not hold all of them up to their last.
    """
    entries: list[Entry] = []
    for name in names:
        for batch in read_segment(fs, directory, name).batches:
            for record in unpack_records(batch.records):
                if isinstance(record, LoggedEntry) and record.partition == partition:
                    entry = record.entry
                    if entry.index <= after_index:
                        entries = []
                        continue
                    del entries[max(0, entry.index - after_index - 1) :]
                    if entry.index != after_index + len(entries) + 1:
                        raise LogDamaged(
                            join(directory, name), batch.offset, f"entry {entry.index} follows none"
                        )
                    entries.append(entry)
    return entries
