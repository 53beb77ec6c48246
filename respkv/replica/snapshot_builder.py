"""Builds a snapshot from the one before it and closed segments, beside the running server.

It never looks at the server's memory, so it can be a process of its own: the log is all it needs,
and what it computes is checked by recomputing the state the server has.
"""

from collections.abc import Iterator
from typing import Final

from respkv.entry import COMMANDS
from respkv.errors import InvariantViolation
from respkv.keyspace.keyspace import Keyspace
from respkv.log.filesystem import FileSystem
from respkv.log.recovery import read_entries
from respkv.log.snapshot import SnapshotWriter, read_snapshot, snapshots
from respkv.replica.batch import parse_payload
from respkv.replica.transaction import execute
from respkv.steps import Steps, finish

ENTRIES_PER_STEP: Final = 64


def apply_entry(
    keyspace: Keyspace, term: int, index: int, time_ms: int, kind: int, payload: bytes
) -> None:
    """Apply one committed entry for nobody in particular."""
    keyspace.begin_entry(term, index, time_ms)
    if kind != COMMANDS:
        return
    keyspace.applying = True
    for _, handler, argv, db, _ in parse_payload(payload):
        if keyspace.db_index != db:
            keyspace.select(db)
        execute(handler, keyspace, argv)
        keyspace.position += 1
    keyspace.applying = False


def load_latest(
    fs: FileSystem, directory: str, partition: int, index: int, databases: int
) -> Steps[tuple[Keyspace, int, int]]:
    """Load the newest snapshot at or before `index`; return keyspace, index and term."""
    usable = [found for found in snapshots(fs, directory, partition) if found.index <= index]
    if not usable:
        return Keyspace(databases), 0, 0
    newest = usable[-1]
    keyspace = yield from Keyspace.loading(read_snapshot(fs, directory, newest.name))
    return keyspace, newest.index, newest.term


def build_snapshot(
    fs: FileSystem,
    directory: str,
    segments: list[str],
    partition: int,
    index: int,
    term: int,
    databases: int,
) -> Iterator[None]:
    """Write the snapshot of what (index, term) has applied; yields between slices of the work.

    Raises:
        LogDamaged: the previous snapshot or a segment does not check out.
        InvariantViolation: the segments do not lead to (index, term).
    """
    latest = load_latest(fs, directory, partition, index, databases)
    keyspace, at, last_term = finish(latest)
    yield
    for entry in read_entries(fs, directory, segments, partition, at):
        if entry.index > index:
            break
        apply_entry(keyspace, entry.term, entry.index, entry.time_ms, entry.kind, entry.payload)
        at, last_term = entry.index, entry.term
        if at % ENTRIES_PER_STEP == 0:
            yield
    if (at, last_term) != (index, term):
        raise InvariantViolation(f"the closed segments end at {last_term}.{at}, not {term}.{index}")
    writer = SnapshotWriter(fs, directory, partition, index, term)
    for chunk in keyspace.dump():
        writer.write(chunk)
        yield
    writer.finish()
