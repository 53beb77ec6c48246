"""Byte layouts of the log, little-endian; `DESIGN.md` beside this file draws them."""

import struct
from typing import Final
from zlib import crc32

from respkv.entry import Entry

SEGMENT_MAGIC: Final = b"RESPKVW1"
SEGMENT_HEADER: Final = struct.Struct("<8sQQQQI")  # magic number salt, size, first LSN, crc32
FIRST_BATCH_AT: Final = 512  # a sector of its own: a torn batch cannot take the header with it

BATCH_HEADER: Final = struct.Struct(
    "<IIQQQII"
)  # magic, crc, salt, LSN, durable LSN, bytes, records
BATCH_MAGIC: Final = 0x48435442  # "BTCH"
BATCH_ALIGNMENT: Final = 8
SALT_AT: Final = 8  # where the salt lies in a batch header
_BATCH_CHECKED: Final = struct.Struct("<QQQQII")  # offset, salt, LSN, durable LSN, bytes, records

ENTRY: Final = 1
HARD_STATE: Final = 2
SNAPSHOT: Final = 3
CHECKPOINT: Final = 4
DROPPED: Final = 5
RESTART: Final = 6
CONFIGURATION: Final = 7

ENTRY_HEAD: Final = struct.Struct("<BIQQQBHI")  # type partition term index time kind semantics size
HARD_STATE_BODY: Final = struct.Struct("<BIQQ")  # type, partition, term, vote
SNAPSHOT_BODY: Final = struct.Struct("<BIQQ")  # type (SNAPSHOT or RESTART), partition, index, term
CHECKPOINT_BODY: Final = struct.Struct("<BIQQQQQ")  # ..., term, vote, snapshot index, term, last
DROPPED_BODY: Final = struct.Struct("<BI")  # type, partition
CONFIGURATION_HEAD: Final = struct.Struct("<BIQI")  # type, partition, index, size


class HardState:
    """A voter's term and vote."""

    def __init__(self, partition: int, term: int, vote: int) -> None:
        self.partition = partition
        self.term = term
        self.vote = vote


class SnapshotMark:
    """A durable snapshot covers the partition's log up to (index, term).

    `restarts`: it came from a leader and is no part of the log before it, which ends here.
    """

    def __init__(self, partition: int, index: int, term: int, restarts: bool) -> None:
        self.partition = partition
        self.index = index
        self.term = term
        self.restarts = restarts


class Checkpoint:
    """Everything about a partition that earlier segments said, but its entries."""

    def __init__(
        self,
        partition: int,
        term: int,
        vote: int,
        snapshot_index: int,
        snapshot_term: int,
        last_index: int,
    ) -> None:
        self.partition = partition
        self.term = term
        self.vote = vote
        self.snapshot_index = snapshot_index
        self.snapshot_term = snapshot_term
        self.last_index = last_index


class Dropped:
    """The partition has left this node: nothing said of it so far counts any more."""

    def __init__(self, partition: int) -> None:
        self.partition = partition


class ConfigurationMark:
    """The partition's configuration from `index` on, which is in no entry that is still here.

    They follow a checkpoint, and a snapshot that came from a leader.
    """

    def __init__(self, partition: int, index: int, payload: bytes) -> None:
        self.partition = partition
        self.index = index
        self.payload = payload


class LoggedEntry:
    """An entry of a partition; it replaces all with the same or a higher index."""

    def __init__(self, partition: int, entry: Entry) -> None:
        self.partition = partition
        self.entry = entry


Record = LoggedEntry | HardState | SnapshotMark | Checkpoint | Dropped | ConfigurationMark


def pack_entry_head(partition: int, entry: Entry) -> bytes:
    """Return the bytes of an entry's record that its payload follows."""
    head: bytes = ENTRY_HEAD.pack(
        ENTRY,
        partition,
        entry.term,
        entry.index,
        entry.time_ms,
        entry.kind,
        entry.semantics,
        len(entry.payload),
    )
    return head


def pack_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint's record."""
    return CHECKPOINT_BODY.pack(
        CHECKPOINT,
        checkpoint.partition,
        checkpoint.term,
        checkpoint.vote,
        checkpoint.snapshot_index,
        checkpoint.snapshot_term,
        checkpoint.last_index,
    )


def pack_configuration(partition: int, index: int, payload: bytes) -> bytes:
    """Return the bytes of a configuration's record."""
    return CONFIGURATION_HEAD.pack(CONFIGURATION, partition, index, len(payload)) + payload


class SegmentHeader:
    """What one use of a segment file begins with."""

    def __init__(self, number: int, salt: int, size: int, first_lsn: int) -> None:
        self.number = number
        self.salt = salt
        self.size = size  # of the whole file, so a cut one is noticed
        self.first_lsn = first_lsn  # every batch before it was durable when this was written


def pack_segment_header(header: SegmentHeader) -> bytes:
    """Return a segment's header; it lies in one sector, so no crash can tear it."""
    packed = SEGMENT_HEADER.pack(
        SEGMENT_MAGIC, header.number, header.salt, header.size, header.first_lsn, 0
    )[:-4]
    return packed + struct.pack("<I", crc32(packed))


def unpack_segment_header(data: bytes) -> SegmentHeader | None:
    """Return the header at the start of a segment's bytes, None when it is not a whole one."""
    if len(data) < SEGMENT_HEADER.size:
        return None
    magic, number, salt, size, first_lsn, checksum = SEGMENT_HEADER.unpack_from(data)
    if magic != SEGMENT_MAGIC or checksum != crc32(data[: SEGMENT_HEADER.size - 4]):
        return None
    return SegmentHeader(number, salt, size, first_lsn)


def pack_batch(
    offset: int, salt: int, lsn: int, durable_lsn: int, records: list[bytes], count: int
) -> bytes:
    """Return a batch for this place of this use of a segment, padded to the alignment.

    `records` are the buffers of `count` records, copied once: they may be large.
    """
    size = 0
    for part in records:
        size += len(part)
    checksum = crc32(_BATCH_CHECKED.pack(offset, salt, lsn, durable_lsn, size, count))
    for part in records:
        checksum = crc32(part, checksum)
    head = BATCH_HEADER.pack(BATCH_MAGIC, checksum, salt, lsn, durable_lsn, size, count)
    return b"".join((head, *records, bytes(-size % BATCH_ALIGNMENT)))


class Batch:
    """A batch that fits its place: read back whole."""

    def __init__(
        self, offset: int, end: int, lsn: int, durable_lsn: int, records: bytes, count: int
    ) -> None:
        self.offset = offset
        self.end = end  # where the next one starts
        self.lsn = lsn
        self.durable_lsn = durable_lsn
        self.records = records
        self.count = count


def unpack_batch(data: bytes, offset: int, salt: int) -> Batch | None:
    """Return the batch at `offset` of a segment's bytes, None when none fits there."""
    start = offset + BATCH_HEADER.size
    if start > len(data):
        return None
    magic, checksum, batch_salt, lsn, durable_lsn, size, count = BATCH_HEADER.unpack_from(
        data, offset
    )
    if magic != BATCH_MAGIC or batch_salt != salt or start + size > len(data):
        return None
    records = data[start : start + size]
    checked = _BATCH_CHECKED.pack(offset, salt, lsn, durable_lsn, size, count)
    if checksum != crc32(records, crc32(checked)):
        return None
    end = start + size + (-size % BATCH_ALIGNMENT)
    return Batch(offset, end, lsn, durable_lsn, records, count)


def unpack_records(data: bytes) -> list[Record]:
    """Return the records of a batch whose checksum was right.

    Raises:
        ValueError: a record type this version does not know, or one that does not fit.
    """
    try:
        return _unpack_records(data)
    except struct.error as error:
        raise ValueError(f"a record is longer than its batch: {error}") from error


def _unpack_records(data: bytes) -> list[Record]:
    records: list[Record] = []
    at = 0
    while at < len(data):
        kind = data[at]
        if kind == ENTRY:
            _, partition, term, index, time_ms, entry_kind, semantics, size = (
                ENTRY_HEAD.unpack_from(data, at)
            )
            at += ENTRY_HEAD.size
            payload = data[at : at + size]
            if len(payload) != size:
                raise ValueError(f"entry {index} is longer than its batch")
            at += size
            entry = Entry(term, index, time_ms, payload, entry_kind, semantics)
            records.append(LoggedEntry(partition, entry))
        elif kind == HARD_STATE:
            records.append(HardState(*HARD_STATE_BODY.unpack_from(data, at)[1:]))
            at += HARD_STATE_BODY.size
        elif kind in (SNAPSHOT, RESTART):
            _, partition, index, term = SNAPSHOT_BODY.unpack_from(data, at)
            records.append(SnapshotMark(partition, index, term, kind == RESTART))
            at += SNAPSHOT_BODY.size
        elif kind == CHECKPOINT:
            records.append(Checkpoint(*CHECKPOINT_BODY.unpack_from(data, at)[1:]))
            at += CHECKPOINT_BODY.size
        elif kind == DROPPED:
            records.append(Dropped(*DROPPED_BODY.unpack_from(data, at)[1:]))
            at += DROPPED_BODY.size
        elif kind == CONFIGURATION:
            _, partition, index, size = CONFIGURATION_HEAD.unpack_from(data, at)
            at += CONFIGURATION_HEAD.size
            payload = data[at : at + size]
            if len(payload) != size:
                raise ValueError(f"configuration {index} is longer than its batch")
            at += size
            records.append(ConfigurationMark(partition, index, payload))
        else:
            raise ValueError(f"record type {kind} is not known: written by a newer version?")
    return records
