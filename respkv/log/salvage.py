"""A log as text, and what is left of a damaged one when its owner accepts the loss."""

from collections.abc import Iterator

from respkv.entry import NOOP
from respkv.log.damage import LogDamaged
from respkv.log.directory import has_identity, write_identity
from respkv.log.filesystem import FileSystem, join
from respkv.log.partition import LoggedPartition, RecoveredPartition, replay
from respkv.log.records import (
    FIRST_BATCH_AT,
    RESTART,
    SNAPSHOT,
    SNAPSHOT_BODY,
    Batch,
    ConfigurationMark,
    Dropped,
    HardState,
    LoggedEntry,
    Record,
    SegmentHeader,
    SnapshotMark,
    pack_batch,
    pack_segment_header,
    unpack_records,
)
from respkv.log.recovery import recover
from respkv.log.segment import (
    Segment,
    mend_segment,
    segment_name,
    segment_names,
    segment_number,
)
from respkv.log.snapshot import snapshots


def describe_segment(fs: FileSystem, directory: str, name: str) -> Iterator[str]:
    """Yield one line for the segment, each batch and each record."""
    segment = mend_segment(fs, directory, name)
    yield f"{name}: number {segment.number}, {segment.size} bytes, {len(segment.batches)} batches"
    for batch in segment.batches:
        yield (
            f"  batch {batch.lsn} at byte {batch.offset}: {batch.count} records, "
            f"durable before it: up to {batch.durable_lsn}"
        )
        for record in unpack_records(batch.records):
            yield f"    {describe_record(record)}"
    for batch in segment.later:
        yield f"  behind bytes that do not fit: batch {batch.lsn} at byte {batch.offset}"


def describe_record(record: Record) -> str:
    """Return a record as text."""
    if isinstance(record, LoggedEntry):
        entry = record.entry
        what = "no-op" if entry.kind == NOOP else repr(entry.payload[:200])[2:-1]
        return (
            f"partition {record.partition} entry {entry.term}.{entry.index} "
            f"time {entry.time_ms} ms: {what}"
        )
    if isinstance(record, HardState):
        return f"partition {record.partition} term {record.term} vote {record.vote}"
    if isinstance(record, SnapshotMark):
        what = "restarts behind snapshot" if record.restarts else "snapshot covers"
        return f"partition {record.partition} {what} {record.term}.{record.index}"
    if isinstance(record, ConfigurationMark):
        said = record.payload.decode(errors="replace")
        return f"partition {record.partition} configuration from {record.index} on: {said}"
    if isinstance(record, Dropped):
        return f"partition {record.partition} dropped"
    return (
        f"partition {record.partition} checkpoint: term {record.term} vote {record.vote} "
        f"snapshot {record.snapshot_term}.{record.snapshot_index} last entry {record.last_index}"
    )


class SalvagePlan:
    """What a repair keeps and drops."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.needed = False
        self.kept: list[Segment] = []
        self.removed: list[str] = []
        self.dropped: list[Batch] = []
        self.partitions: dict[int, RecoveredPartition] = {}  # what is kept gives these
        self.marks: list[SnapshotMark] = []  # snapshots that stand in for a lost beginning
        self.next_lsn = 0


def plan_salvage(fs: FileSystem, directory: str) -> SalvagePlan:
    """Find the longest undamaged beginning of the log.

    Raises:
        LogDamaged: it has none: what comes first in it is gone.
        UnknownFormat: a newer version wrote it.
    """
    plan = SalvagePlan()
    try:
        has_identity(fs, directory)
        recover(fs, directory)
    except LogDamaged as damage:
        plan.needed = True
        plan.lines.append(str(damage))
    else:
        plan.lines.append("the log is whole: nothing to repair")
        return plan
    runs = _runs(segment_names(fs, directory))
    # The newest run is what recovery would take; when it lacks its beginning, an older one may
    # still have one.
    if not any(_keep(fs, directory, run, plan) for run in reversed(runs)):
        raise LogDamaged(directory, 0, "no beginning of the log is left to keep")
    names = {segment.name for segment in plan.kept}
    plan.removed = [name for run in runs for name in run if name not in names]
    for name in plan.removed:
        if name > plan.kept[-1].name:
            segment = mend_segment(fs, directory, name)
            plan.dropped += [*segment.batches, *segment.later]
    plan.lines.append(f"kept: everything before byte {plan.kept[-1].end} of {plan.kept[-1].name}")
    plan.lines += [f"kept: partition {mark.partition} snapshot {mark.index}" for mark in plan.marks]
    for batch in plan.dropped:
        plan.lines.append(f"dropped: batch {batch.lsn}")
        try:
            records = unpack_records(batch.records)
        except ValueError as error:
            plan.lines.append(f"  {error}")
        else:
            plan.lines += [f"  {describe_record(record)}" for record in records]
    return plan


def _runs(names: list[str]) -> list[list[str]]:
    """Split the names where a number is missing."""
    runs: list[list[str]] = []
    for name in names:
        if runs and segment_number(runs[-1][-1]) == segment_number(name) - 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return runs


def _keep(fs: FileSystem, directory: str, names: list[str], plan: SalvagePlan) -> bool:
    """Plan to keep the segments that can be replayed, the last one up to its `end`; False when
    there are none, or what they need from before is nowhere."""
    partitions: dict[int, RecoveredPartition] = {}
    kept: list[Segment] = []
    dropped: list[Batch] = []
    next_lsn = 0
    for name in names:
        segment = mend_segment(fs, directory, name)
        if not segment.batches or (next_lsn and segment.first_lsn != next_lsn):
            break
        for position, batch in enumerate(segment.batches):
            try:
                replay(partitions, batch)
            except ValueError:
                segment.end = batch.offset
                segment.later = [*segment.batches[position:], *segment.later]
                del segment.batches[position:]
                break
        if not segment.batches:
            break
        next_lsn = segment.batches[-1].lsn + 1
        kept.append(segment)
        dropped = segment.later
        segment.batches = []
        if segment.later:
            break
    marks = [_mark(fs, directory, number, found) for number, found in partitions.items()]
    if not kept or None in marks:
        return False
    plan.kept, plan.dropped, plan.partitions, plan.next_lsn = kept, dropped, partitions, next_lsn
    plan.marks = [mark for mark in marks if mark is not None and mark.index]
    return True


def _mark(
    fs: FileSystem, directory: str, number: int, found: RecoveredPartition
) -> SnapshotMark | None:
    """Return what to add of a partition's newest snapshot, index 0: nothing; None when the log
    needs a snapshot that is not there."""
    names = snapshots(fs, directory, number)
    has_own = any(name.index == found.snapshot_index for name in names)
    if not found.lacks_entries and (has_own or not found.snapshot_index):
        return SnapshotMark(number, 0, 0, False)
    if not names or names[-1].index < found.base_index:
        return None
    newest = names[-1]
    behind = newest.index - found.base_index
    fits = behind == 0 or (
        behind <= len(found.entries) and found.entries[behind - 1].term == newest.term
    )
    return SnapshotMark(number, newest.index, newest.term, restarts=not fits)


def salvage(fs: FileSystem, directory: str, plan: SalvagePlan) -> None:
    """Carry a plan out: acknowledged writes are lost by it."""
    if not plan.needed:
        return
    for segment in plan.kept:
        file = fs.open(join(directory, segment.name))
        header = SegmentHeader(segment.number, segment.salt, segment.size, segment.first_lsn)
        file.write_at(0, pack_segment_header(header))
        zeros_from = segment.end if segment is plan.kept[-1] else file.size()
        if zeros_from < segment.size:
            file.write_at(zeros_from, bytes(segment.size - zeros_from))
        file.datasync()
        file.close()
    for name in plan.removed:
        fs.remove(join(directory, name))
    if plan.marks:
        _add_segment(fs, directory, plan)
    write_identity(fs, directory)  # syncs the directory


def _add_segment(fs: FileSystem, directory: str, plan: SalvagePlan) -> None:
    """Write a segment with a checkpoint, as each has, and the snapshots that are relied on now."""
    records = [
        record
        for number, partition in plan.partitions.items()
        for record in LoggedPartition(number, partition).checkpoint()
    ]
    for mark in plan.marks:
        kind = RESTART if mark.restarts else SNAPSHOT
        records.append(SNAPSHOT_BODY.pack(kind, mark.partition, mark.index, mark.term))
    last = plan.kept[-1]
    salt = fs.random_salt()
    batch = pack_batch(FIRST_BATCH_AT, salt, plan.next_lsn, 0, records, len(records))
    size = max(last.size, FIRST_BATCH_AT + len(batch))
    header = SegmentHeader(last.number + 1, salt, size, plan.next_lsn)
    path = join(directory, segment_name(header.number))
    file = fs.open(path + ".new", create=True)
    file.write_at(0, bytes(size))
    file.write_at(0, pack_segment_header(header))
    file.write_at(FIRST_BATCH_AT, batch)
    file.datasync()
    file.close()
    fs.rename(path + ".new", path)
