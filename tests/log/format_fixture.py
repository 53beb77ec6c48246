"""Writes the log that stands in `fixtures/`, one directory per format a release has written.

`python -m tests.log.format_fixture DIRECTORY` is for the next format; a committed one never changes.
"""

import sys

from respkv.entry import NOOP, Entry
from respkv.keyspace.keyspace import Keyspace
from respkv.log.filesystem import FileSystem, RealFileSystem
from respkv.log.wal import Wal
from respkv.replica.replay import apply_entry
from respkv.replica.snapshot_builder import build_snapshot, load_latest
from respkv.steps import finish
from respkv.wire.run import encode_command

SEGMENT_BYTES = 2048
DATABASES = 4
TIME_MS = 1_700_000_000_000


def commands(index: int) -> list[list[bytes]]:
    """What entry `index` holds: plain, in another database, with a deadline, in a transaction."""
    number = b"%d" % index
    return [
        [b"SET", b"key:" + number, b"value " + number * 5],
        [b"INCRBY", b"counter", number],
        [b"SET", b"deadline:" + number, number, b"PX", b"%d" % (1 + 5 * index)],
        [b"MULTI"],
        [b"APPEND", b"all", number],
        [b"SELECT", b"2"],
        [b"SET", b"in two", b"a\r\nb" + number],
        [b"EXEC"],
        [b"SELECT", b"1"],
        [b"set", b"in one", number],
        [b"DEL", b"key:%d" % (index // 2)],
    ]


def entry(index: int, term: int) -> Entry:
    payload = b"".join(encode_command(argv) for argv in commands(index))
    return Entry(term, index, TIME_MS + 3 * index, payload, semantics=1)


def write(directory: str) -> None:
    """Every record type, recycled segments, a snapshot and entries behind it."""
    fs = RealFileSystem()
    wal = Wal.open(fs, directory, SEGMENT_BYTES)
    for partition in (0, 1, 2):
        wal.add_hard_state(partition, 1, 1)
    wal.add_entries(1, [Entry(1, 1, TIME_MS, b"", NOOP)])
    wal.add_entries(2, [entry(1, 1)])
    for index in range(1, 15):
        wal.add_entries(0, [entry(index, 1)])
        wal.write()
    wal.drop_partition(2)
    wal.copy_forward(1, [Entry(1, 1, TIME_MS, b"", NOOP)])
    wal.write()
    wal.roll()
    for _ in build_snapshot(fs, directory, wal.closed_segments(), 0, 12, 1, DATABASES):
        pass
    wal.add_snapshot(0, 12, 1)
    wal.add_hard_state(0, 2, 3)
    wal.add_entries(0, [entry(14, 2), entry(15, 2)])
    wal.add_snapshot(3, 70, 5)  # restarts
    wal.write()
    wal.recycle()
    for index in range(16, 19):
        wal.add_entries(0, [entry(index, 2)])
        wal.write()
    wal.sync()
    wal.seal()
    wal.close()


def read(fs: FileSystem, directory: str) -> tuple[Wal, Keyspace]:
    """Open the log and replay partition 0."""
    wal = Wal.open(fs, directory, SEGMENT_BYTES)
    found = wal.recovered[0]
    latest = load_latest(fs, directory, 0, found.snapshot_index, DATABASES)
    keyspace, _, _ = finish(latest)
    for logged in found.entries:
        apply_entry(keyspace, logged)
    return wal, keyspace


if __name__ == "__main__":
    write(sys.argv[1])
    print(read(RealFileSystem(), sys.argv[1])[1].digest().hex())
