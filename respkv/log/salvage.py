"""A log as text, and what is left of a damaged one when its owner accepts the loss."""

from collections.abc import Iterator

from respkv.entry import NOOP
from respkv.log.damage import LogDamaged
from respkv.log.directory import has_identity, write_identity
from respkv.log.filesystem import FileSystem, join
from respkv.log.partition import RecoveredPartition, replay
from respkv.log.records import (
    Batch,
    Dropped,
    HardState,
    LoggedEntry,
    Record,
    SegmentHeader,
    SnapshotMark,
    pack_segment_header,
    unpack_records,
)
from respkv.log.recovery import recover
from respkv.log.segment import Segment, mend_segment, segment_names, segment_number


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
    for run in reversed(runs):
        kept, dropped = _keep(fs, directory, run)
        if kept:
            plan.kept, plan.dropped = kept, dropped
            break
    else:
        raise LogDamaged(directory, 0, "no beginning of the log is left to keep")
    names = {segment.name for segment in plan.kept}
    plan.removed = [name for run in runs for name in run if name not in names]
    for name in plan.removed:
        if name > plan.kept[-1].name:
            segment = mend_segment(fs, directory, name)
            plan.dropped += [*segment.batches, *segment.later]
    plan.lines.append(f"kept: everything before byte {plan.kept[-1].end} of {plan.kept[-1].name}")
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


def _keep(fs: FileSystem, directory: str, names: list[str]) -> tuple[list[Segment], list[Batch]]:
    """Return the segments that can be replayed, the last one up to its `end`, and what is lost
    of it; no segments when the entries before the first are needed."""
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
    if any(partition.lacks_entries for partition in partitions.values()):
        return [], []
    return kept, dropped


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
    write_identity(fs, directory)  # syncs the directory
