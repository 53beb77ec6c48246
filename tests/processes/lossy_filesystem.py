"""A `FileSystem` that keeps nothing it was not asked to sync: writes and names die with the process.

kill -9 alone leaves the page cache, so a server that never syncs would survive it. Here a write goes
to a journal in memory; whoever syncs the descriptor, this process or the one that syncs the log,
applies the journal to the disk. Names work alike: creations, renames and removals reach the
directory in `sync_directory`. Kill the server and its children, and what is left is what a power
loss leaves at worst.
"""

import fcntl
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from respkv.log.filesystem import NOTHING_STAGED, RealFileSystem

# A journal: how far it is applied, the path it is applied to, then records: offset, size, and the
# bytes unless they are all zero (spare segments are 16 MiB of them).
_APPLIED = struct.Struct("<Q")
_PATH = struct.Struct("<H")
_RECORD = struct.Struct("<QQ?")
_FIRST_RECORD_AT = 4096


def apply_journal(journal: int) -> None:
    """Make durable what was written to an open file; its descriptor may be of another process."""
    fcntl.lockf(journal, fcntl.LOCK_EX)
    try:
        start = _APPLIED.unpack(os.pread(journal, _APPLIED.size, 0))[0]
        end = start
        disk = os.open(_disk_path(journal), os.O_WRONLY)
        try:
            for offset, data, behind in _records(journal, start):
                os.pwrite(disk, data, offset)
                end = behind
        finally:
            os.close(disk)
        os.pwrite(journal, _APPLIED.pack(end), 0)
    finally:
        fcntl.lockf(journal, fcntl.LOCK_UN)


def _disk_path(journal: int) -> bytes:
    size = _PATH.unpack(os.pread(journal, _PATH.size, _APPLIED.size))[0]
    return os.pread(journal, size, _APPLIED.size + _PATH.size)


def _records(journal: int, at: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield each record's offset and bytes, and where the next one begins."""
    end = os.fstat(journal).st_size
    while at < end:
        offset, size, is_zero = _RECORD.unpack(os.pread(journal, _RECORD.size, at))
        at += _RECORD.size
        if is_zero:
            yield offset, bytes(size), at
        else:
            at += size
            yield offset, os.pread(journal, size, at - size), at


class LossyFile:
    """One file, shared by all who open it in this process; `fd` is its journal's descriptor."""

    def __init__(self, disk_path: str) -> None:
        self.disk_path = disk_path
        self.fd = os.memfd_create("journal")
        path = os.fsencode(disk_path)
        header = _APPLIED.pack(_FIRST_RECORD_AT) + _PATH.pack(len(path)) + path
        os.pwrite(self.fd, header.ljust(_FIRST_RECORD_AT, b"\0"), 0)
        self._journal_end = _FIRST_RECORD_AT
        self._size = os.stat(disk_path).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes, written or synced."""
        start = _APPLIED.unpack(os.pread(self.fd, _APPLIED.size, 0))[0]
        size = max(0, min(size, self._size - offset))
        disk = os.open(self.disk_path, os.O_RDONLY)
        try:
            content = bytearray(os.pread(disk, size, offset).ljust(size, b"\0"))
        finally:
            os.close(disk)
        for at, data, _ in _records(self.fd, start):
            first, last = max(at, offset), min(at + len(data), offset + size)
            if first < last:
                content[first - offset : last - offset] = data[first - at : last - at]
        return bytes(content)

    def write_at(self, offset: int, data: bytes) -> None:
        """Write to the journal only."""
        is_zero = data.count(0) == len(data)
        record = _RECORD.pack(offset, len(data), is_zero) + (b"" if is_zero else data)
        os.pwrite(self.fd, record, self._journal_end)
        self._journal_end += len(record)
        self._size = max(self._size, offset + len(data))

    stage_at = write_at

    def allocate(self, size: int) -> None:
        """Make an empty file `size` zero bytes long."""
        self.write_at(0, bytes(size))

    def staged(self) -> tuple[int, memoryview]:
        """Nothing is."""
        return NOTHING_STAGED

    def staged_written(self) -> None:
        """Nothing was staged."""

    def write_staged(self) -> None:
        """Nothing is staged."""

    def size(self) -> int:
        """Return the file's length in bytes."""
        return self._size

    def datasync(self) -> None:
        """Make everything written so far durable."""
        apply_journal(self.fd)

    def close(self) -> None:
        """Nothing is synced, and nothing is lost while the process lives."""


class LossyFileSystem(RealFileSystem):
    """Contents lie in a directory beside, by number; a durable name is a hard link to one."""

    def __init__(self, directory: str) -> None:
        super().__init__()
        self._contents = Path(
            tempfile.mkdtemp(
                prefix=f"{os.path.basename(directory)}.contents-", dir=os.path.dirname(directory)
            )
        )
        self._made = 0
        self._files: dict[str, LossyFile | None] = {}  # as seen here; None: removed
        self._unsynced: list[tuple[str, ...]] = []  # what the directory does not say yet

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory, sorted."""
        names = set(super().names(directory))
        for path, file in self._files.items():
            if os.path.dirname(path) == directory:
                (names.discard if file is None else names.add)(os.path.basename(path))
        return sorted(names)

    def open(self, path: str, create: bool = False) -> LossyFile:  # type: ignore[override]
        """Open for reading and writing; `create` makes a new, empty file."""
        if not create and path in self._files:
            file = self._files[path]
            if file is None:
                raise FileNotFoundError(path)
            return file
        content = self._new_content_path()
        if create:
            Path(content).touch()
            self._unsynced.append(("create", content, path))
        else:
            os.link(path, content)
        file = self._files[path] = LossyFile(content)
        return file

    def open_log(self, path: str) -> LossyFile:  # type: ignore[override]
        """Open for batches that are synced."""
        return self.open(path)

    def rename(self, source: str, destination: str) -> None:
        """Rename, replacing what is there."""
        file = self.open(source)
        self._files[source] = None
        self._files[destination] = file
        self._unsynced.append(("rename", source, destination))

    def remove(self, path: str) -> None:
        """Delete a file."""
        if self._files.get(path) is not None or os.path.exists(path):
            self._files[path] = None
            self._unsynced.append(("remove", path))

    def sync_directory(self, directory: str) -> None:
        """Make creations, renames and removals durable, in the order they were made."""
        changes, self._unsynced = self._unsynced, []  # a thread that fills a spare may add more
        for change in changes:
            if change[0] == "create":
                link = self._new_content_path()
                os.link(change[1], link)
                os.rename(link, change[2])
            elif change[0] == "rename":
                os.rename(change[1], change[2])
            else:
                super().remove(change[1])
        for path in [path for path, file in self._files.items() if file is None]:
            del self._files[path]

    def _new_content_path(self) -> str:
        self._made += 1
        return str(self._contents / str(self._made))
