"""Builds a snapshot from the one before it and closed segments, beside the running server.

It never looks at the server's memory, so it can be a process of its own: the log is all it needs,
and what it computes is checked by recomputing the state the server has.
"""

from collections.abc import Generator
from typing import Final

from respkv.errors import InvariantViolation
from respkv.keyspace.dump import Digest
from respkv.keyspace.keyspace import Keyspace
from respkv.log.filesystem import FileSystem
from respkv.log.segment import read_entries
from respkv.log.snapshot import SnapshotWriter, read_snapshot, snapshots
from respkv.replica.replay import apply_entry
from respkv.steps import Steps, finish

ENTRIES_PER_STEP: Final = 64


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
) -> Generator[None, None, bytes]:
    """Write the snapshot of what (index, term) has applied; yields between slices of the work.

    The generator's value is the digest of that state, which the server's own had at that entry.

    Raises:
        LogDamaged: the previous snapshot or a segment does not check out.
        InvariantViolation: the segments do not lead to (index, term).
    """
    latest = load_latest(fs, directory, partition, index, databases)
    keyspace, at, last_term = finish(latest)
    yield
    for entry in read_entries(fs, directory, segments, partition, at, index):
        apply_entry(keyspace, entry)
        at, last_term = entry.index, entry.term
        if at % ENTRIES_PER_STEP == 0:
            yield
    if (at, last_term) != (index, term):
        raise InvariantViolation(f"the closed segments end at {last_term}.{at}, not {term}.{index}")
    writer = SnapshotWriter(fs, directory, partition, index, term)
    digest = Digest()
    for chunk in keyspace.dump():
        writer.write(chunk)
        digest.add(chunk)
        yield
    writer.finish()
    return digest.value()
