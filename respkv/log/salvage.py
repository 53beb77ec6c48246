"""A log as text, and what is left of a damaged one when its owner accepts the loss."""

from collections.abc import Iterator

from respkv.entry import NOOP
from respkv.log.filesystem import FileSystem, join
from respkv.log.records import (
    Checkpoint,
    HardState,
    LoggedEntry,
    Record,
    SnapshotMark,
    unpack_records,
)
from respkv.log.recovery import (
    SEGMENT_PREFIX,
    LogDamaged,
    Segment,
    read_segment,
    recover,
)


def segment_names(fs: FileSystem, directory: str) -> list[str]:
    """Return the names of a log's segments, oldest first."""
    return [name for name in fs.names(directory) if name.startswith(SEGMENT_PREFIX)]


def describe_segment(fs: FileSystem, directory: str, name: str) -> Iterator[str]:
    """Yield one line for the segment, each batch and each record."""
    segment = read_segment(fs, directory, name)
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
        return f"partition {record.partition} snapshot covers {record.term}.{record.index}"
    assert isinstance(record, Checkpoint)
    return (
        f"partition {record.partition} checkpoint: term {record.term} vote {record.vote} "
        f"snapshot {record.snapshot_term}.{record.snapshot_index} last entry {record.last_index}"
    )


class SalvagePlan:
    """What a repair keeps and drops."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.loses = False
        self.cut: Segment | None = None
        self.removed: list[str] = []


def plan_salvage(fs: FileSystem, directory: str) -> SalvagePlan:
    """Find the longest undamaged beginning of the log.

    Raises:
        LogDamaged: not even the first segment can be read.
    """
    plan = SalvagePlan()
    try:
        recover(fs, directory)
    except LogDamaged as damage:
        plan.lines.append(str(damage))
    else:
        plan.lines.append("the log is whole: nothing to repair")
        return plan
    plan.loses = True
    names = segment_names(fs, directory)
    expected = 0
    for position, name in enumerate(names):
        segment = read_segment(fs, directory, name)
        if position == 0 and not segment.batches:
            raise LogDamaged(join(directory, name), 0, "nothing of the log can be read")
        broken = bool(segment.later) or (
            bool(segment.batches) and expected != 0 and segment.batches[0].lsn != expected
        )
        if segment.batches:
            expected = segment.batches[-1].lsn + 1
        if broken or position + 1 == len(names) or not segment.batches:
            plan.cut = segment
            plan.removed = names[position + 1 :]
            break
    assert plan.cut is not None
    plan.lines.append(f"kept: everything up to batch {expected - 1} in {plan.cut.name}")
    dropped = list(plan.cut.later)
    for name in plan.removed:
        dropped += read_segment(fs, directory, name).batches
    for batch in dropped:
        plan.lines.append(f"dropped: batch {batch.lsn}")
        plan.lines += [f"  {describe_record(record)}" for record in unpack_records(batch.records)]
    return plan


def salvage(fs: FileSystem, directory: str, plan: SalvagePlan) -> None:
    """Carry a plan out: acknowledged writes are lost by it."""
    if plan.cut is None:
        return
    file = fs.open(join(directory, plan.cut.name))
    file.write_at(plan.cut.end, bytes(plan.cut.size - plan.cut.end))
    file.datasync()
    file.close()
    for name in plan.removed:
        fs.remove(join(directory, name))
    fs.sync_directory(directory)
