"""A `FileSystem` that is full while a file beside the directory says so.

Like on a real one, what has its room already can be written again; nothing can grow.
"""

import errno
import os
from pathlib import Path

from respkv.log.filesystem import File, FileSystem


def full_flag(directory: str | Path) -> Path:
    """Return the path whose existence makes a data directory's disk full."""
    return Path(f"{directory}.full")


class FullDiskFile:
    """A file of the disk below."""

    def __init__(self, file: File, flag: str) -> None:
        self.fd = file.fd
        self._file = file
        self._flag = flag
        self.read_at = file.read_at
        self.size = file.size
        self.staged = file.staged
        self.staged_written = file.staged_written
        self.write_staged = file.write_staged
        self.datasync = file.datasync
        self.close = file.close

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all of `data`, or raise OSError."""
        self._refuse_growth(offset + len(data))
        self._file.write_at(offset, data)

    def stage_at(self, offset: int, data: bytes) -> None:
        """Write all of `data` before the next sync, or raise OSError."""
        self._refuse_growth(offset + len(data))
        self._file.stage_at(offset, data)

    def _refuse_growth(self, size: int) -> None:
        if size > self._file.size() and os.path.exists(self._flag):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class FullDisk:
    """Another disk, full at times."""

    def __init__(self, disk: FileSystem, directory: str) -> None:
        self._disk = disk
        self._flag = str(full_flag(directory))
        self.make_directory = disk.make_directory
        self.lock = disk.lock
        self.unlock = disk.unlock
        self.names = disk.names
        self.rename = disk.rename
        self.remove = disk.remove
        self.sync_directory = disk.sync_directory
        self.random_salt = disk.random_salt

    def open(self, path: str, create: bool = False) -> FullDiskFile:
        """Open for reading and writing; `create` makes a new, empty file."""
        return FullDiskFile(self._disk.open(path, create), self._flag)

    def open_log(self, path: str) -> FullDiskFile:
        """Open for batches that are synced."""
        return FullDiskFile(self._disk.open_log(path), self._flag)

    def free_bytes(self, directory: str) -> int:
        """Return how much more fits."""
        return 0 if os.path.exists(self._flag) else self._disk.free_bytes(directory)
