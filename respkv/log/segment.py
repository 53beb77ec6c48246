"""One segment file as it is found on disk, and what a snapshot builder reads from closed ones."""

import struct
from collections.abc import Iterator
from typing import Final

from respkv.entry import Entry
from respkv.log.damage import LogDamaged
from respkv.log.filesystem import FileSystem, join
from respkv.log.records import (
    BATCH_ALIGNMENT,
    BATCH_HEADER,
    FIRST_BATCH_AT,
    SALT_AT,
    SEGMENT_HEADER,
    Batch,
    LoggedEntry,
    SegmentHeader,
    unpack_batch,
    unpack_records,
    unpack_segment_header,
)

_PREFIX: Final = "wal-"
_DIGITS: Final = 16
_SALT: Final = struct.Struct("<Q")


def segment_name(number: int) -> str:
    """Return a segment's file name; names sort by number."""
    return f"{_PREFIX}{number:0{_DIGITS}x}"


def segment_number(name: str) -> int:
    """Return the number in a segment's file name, 0 when it is none."""
    digits = name.removeprefix(_PREFIX)
    if len(name) != len(_PREFIX) + _DIGITS or len(digits) != _DIGITS:
        return 0
    try:
        number = int(digits, 16)
    except ValueError:
        return 0
    return number if segment_name(number) == name else 0


def segment_names(fs: FileSystem, directory: str) -> list[str]:
    """Return the names of a log's segments, oldest first."""
    return [name for name in fs.names(directory) if segment_number(name)]


class Segment:
    """One segment file; `salt` is 0 when this use of it never began."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.number = segment_number(name)
        self.size = size
        self.salt = 0
        self.first_lsn = 0
        self.batches: list[Batch] = []
        self.end = FIRST_BATCH_AT  # where the valid batches end
        self.later: list[Batch] = []  # valid batches behind one that does not fit
        self.stray_lsn = 0  # of a first batch whose segment header is not there
        self.last_indexes: dict[int, int] = {}  # partition → highest index here
        self.entry_bytes: dict[int, int] = {}  # partition → payload bytes of its entries here

    def note_entries(self, partition: int, last_index: int, size: int) -> None:
        """Entries of the partition were written here: until they are covered, this cannot go."""
        if last_index > self.last_indexes.get(partition, 0):
            self.last_indexes[partition] = last_index
        self.entry_bytes[partition] = self.entry_bytes.get(partition, 0) + size

    def forget(self, partition: int) -> None:
        """The partition needs nothing here any more."""
        self.last_indexes.pop(partition, None)
        self.entry_bytes.pop(partition, None)


def read_segment(fs: FileSystem, directory: str, name: str) -> Segment:
    """Read one segment's batches up to the first that does not fit, and what fits behind it.

    Raises:
        LogDamaged: no crash leaves a file like this.
    """
    path = join(directory, name)
    data = _read(fs, path)
    segment = Segment(name, len(data))
    if len(data) <= FIRST_BATCH_AT + BATCH_HEADER.size:
        raise LogDamaged(path, len(data), "it is cut short")  # it got its name at full size
    header = unpack_segment_header(data)
    if header is None and any(data[: SEGMENT_HEADER.size]):
        raise LogDamaged(path, 0, "its header is not readable")
    if header is None or header.number != segment.number:
        # A spare that got its name; its header, which is synced before the first batch, is not
        # here. What a recycled file still holds of its earlier use has lower LSNs.
        salt = _SALT.unpack_from(data, FIRST_BATCH_AT + SALT_AT)[0]
        stray = unpack_batch(data, FIRST_BATCH_AT, salt)
        segment.stray_lsn = stray.lsn if stray is not None else 0
        return segment
    if header.size != len(data):
        raise LogDamaged(path, len(data), f"it should have {header.size} bytes")
    _find_batches(segment, data, header)
    return segment


def mend_segment(fs: FileSystem, directory: str, name: str) -> Segment:
    """Read what there is of a segment, whatever is wrong with its header and length.

    `salt` is 0 when nothing can be read. A lost header follows from the first batch, which carries
    the salt and is checked with it.
    """
    data = _read(fs, join(directory, name))
    segment = Segment(name, len(data))
    header = unpack_segment_header(data)
    if header is None or header.number != segment.number:
        header = None
        if len(data) > FIRST_BATCH_AT + BATCH_HEADER.size:
            salt = _SALT.unpack_from(data, FIRST_BATCH_AT + SALT_AT)[0]
            batch = unpack_batch(data, FIRST_BATCH_AT, salt)
            if batch is not None:
                header = SegmentHeader(segment.number, salt, len(data), batch.lsn)
    if header is not None:
        segment.size = header.size
        _find_batches(segment, data, header)
    return segment


def _read(fs: FileSystem, path: str) -> bytes:
    file = fs.open(path)
    try:
        return file.read_at(0, file.size())
    finally:
        file.close()


def _find_batches(segment: Segment, data: bytes, header: SegmentHeader) -> None:
    segment.salt = header.salt
    segment.first_lsn = expected_lsn = header.first_lsn
    while True:
        batch = unpack_batch(data, segment.end, segment.salt)
        if batch is None or batch.lsn != expected_lsn:
            break
        segment.batches.append(batch)
        segment.end = batch.end
        expected_lsn += 1
    segment.later = list(_later_batches(data, segment.end, segment.salt))


def _later_batches(data: bytes, after: int, salt: int) -> Iterator[Batch]:
    """Find batches of this use of the segment anywhere behind `after`, by their salt."""
    needle = _SALT.pack(salt)
    at = data.find(needle, after)
    while at >= 0:
        start = at - SALT_AT
        if start % BATCH_ALIGNMENT == 0 and start >= after:
            batch = unpack_batch(data, start, salt)
            if batch is not None:
                yield batch
        at = data.find(needle, at + 1)


def read_closed(fs: FileSystem, directory: str, names: list[str]) -> Iterator[Segment]:
    """Yield closed segments, which were synced whole, one in memory at a time.

    Raises:
        LogDamaged: a batch of them is not there.
    """
    expected_lsn = 0
    for name in names:
        segment = read_segment(fs, directory, name)
        path = join(directory, name)
        if segment.later or not segment.batches:
            raise LogDamaged(path, segment.end, "a batch of a closed segment does not fit")
        if expected_lsn and segment.first_lsn != expected_lsn:
            raise LogDamaged(path, 0, f"it begins with batch {segment.first_lsn}")
        expected_lsn = segment.batches[-1].lsn + 1
        yield segment


def read_entries(
    fs: FileSystem,
    directory: str,
    names: list[str],
    partition: int,
    after_index: int,
    up_to_index: int,
) -> Iterator[Entry]:
    """Yield a partition's entries (after_index, up_to_index] from closed segments.

    It reads them twice: which entries were replaced later is known only at the end, and holding
    all of them meanwhile would double the memory a snapshot takes.

    Raises:
        LogDamaged: the segments do not hold all of these.
    """
    final_lsns: list[int] = []  # of each index behind `after_index`, the batch that holds it
    for segment in read_closed(fs, directory, names):
        for batch in segment.batches:
            for entry in _entries_of(batch, partition):
                position = entry.index - after_index - 1
                del final_lsns[max(0, position) :]
                if position < 0:
                    continue
                if position == len(final_lsns):
                    final_lsns.append(batch.lsn)
                else:  # of a log that was dropped or restarted: what is needed comes after it
                    final_lsns.clear()
    if after_index + len(final_lsns) < up_to_index:
        last = after_index + len(final_lsns)
        raise LogDamaged(directory, 0, f"the closed segments end at entry {last}")
    next_index = after_index + 1
    for segment in read_closed(fs, directory, names):
        for batch in segment.batches:
            for entry in _last_of_each(_entries_of(batch, partition)):
                if next_index > up_to_index:
                    return
                if (
                    entry.index == next_index
                    and batch.lsn == final_lsns[next_index - after_index - 1]
                ):
                    next_index += 1
                    yield entry


def _entries_of(batch: Batch, partition: int) -> list[Entry]:
    return [
        record.entry
        for record in unpack_records(batch.records)
        if isinstance(record, LoggedEntry) and record.partition == partition
    ]


def _last_of_each(entries: list[Entry]) -> list[Entry]:
    """Return a batch's entries without those that a later one of the same batch replaces."""
    kept: list[Entry] = []
    for entry in entries:
        while kept and kept[-1].index >= entry.index:
            kept.pop()
        kept.append(entry)
    return kept
