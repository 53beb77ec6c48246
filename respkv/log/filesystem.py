"""The disk as the log sees it; with `direct` the only importer of `os` here: tests lose power at will."""

import contextlib
import errno
import fcntl
import os
from typing import Final, Protocol

from respkv.log.direct import NO_DIRECT_WRITES, DirectFile

NOTHING_STAGED: Final = (0, memoryview(b""))


class DirectoryLocked(Exception):
    """Another server uses the directory."""


class File(Protocol):
    """An open file; what is written is durable only after `datasync`."""

    fd: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes."""
        ...

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all of `data`, or raise OSError."""
        ...

    def stage_at(self, offset: int, data: bytes) -> None:
        """Write all of `data` before the next sync, or now."""
        ...

    def allocate(self, size: int) -> None:
        """Make an empty file `size` zero bytes long, with room for them; or raise OSError."""
        ...

    def staged(self) -> tuple[int, memoryview]:
        """Return where the caller has to write what is staged before it syncs `fd`; maybe nothing."""
        ...

    def staged_written(self) -> None:
        """Learn that what `staged` returned last is written."""
        ...

    def write_staged(self) -> None:
        """Write what is staged, or raise OSError."""
        ...

    def size(self) -> int:
        """Return the file's length in bytes."""
        ...

    def datasync(self) -> None:
        """Make everything written so far durable."""
        ...

    def close(self) -> None:
        """Close it; nothing is synced."""
        ...


class FileSystem(Protocol):
    """Files of one machine; a name is durable only after `sync_directory`."""

    def make_directory(self, directory: str) -> None:
        """Create the directory and its parents where missing."""
        ...

    def lock(self, directory: str) -> None:
        """Hold the directory until the process ends.

        Raises:
            DirectoryLocked: another process holds it.
        """
        ...

    def unlock(self, directory: str) -> None:
        """Let others have the directory; nothing happens when it is not held."""
        ...

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory, sorted."""
        ...

    def open(self, path: str, create: bool = False) -> File:
        """Open for reading and writing; `create` makes a new, empty file."""
        ...

    def open_log(self, path: str) -> File:
        """Open a file that is there for batches, each of which is synced."""
        ...

    def rename(self, source: str, destination: str) -> None:
        """Rename, replacing what is there."""
        ...

    def remove(self, path: str) -> None:
        """Delete a file."""
        ...

    def sync_directory(self, directory: str) -> None:
        """Make creations, renames and removals durable."""
        ...

    def free_bytes(self, directory: str) -> int:
        """Return how much more fits."""
        ...

    def random_salt(self) -> int:
        """Return 64 random bits."""
        ...


class RealFile:
    """A file of the operating system."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes."""
        return os.pread(self.fd, size, offset)

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all of `data`, or raise OSError."""
        written = os.pwrite(self.fd, data, offset)
        if written != len(data):
            view = memoryview(data)
            while written < len(data):
                more = os.pwrite(self.fd, view[written:], offset + written)
                if more == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written += more

    def allocate(self, size: int) -> None:
        """Make an empty file `size` zero bytes long, with room for them."""
        os.posix_fallocate(self.fd, 0, size)

    def stage_at(self, offset: int, data: bytes) -> None:
        """Write all of `data` now."""
        self.write_at(offset, data)

    def staged(self) -> tuple[int, memoryview]:
        """Nothing is."""
        return NOTHING_STAGED

    def staged_written(self) -> None:
        """Nothing was staged."""

    def write_staged(self) -> None:
        """Nothing is staged."""

    def size(self) -> int:
        """Return the file's length in bytes."""
        return os.fstat(self.fd).st_size

    def datasync(self) -> None:
        """Make everything written so far durable."""
        os.fdatasync(self.fd)

    def close(self) -> None:
        """Close it; nothing is synced."""
        os.close(self.fd)


class RealFileSystem:
    """The operating system's files."""

    def __init__(self) -> None:
        self._locks: dict[str, int] = {}

    def make_directory(self, directory: str) -> None:
        """Create the directory and its parents where missing."""
        os.makedirs(directory, mode=0o700, exist_ok=True)

    def lock(self, directory: str) -> None:
        """Hold the directory until the process ends."""
        fd = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(fd, 32, 0).decode(errors="replace").strip()
            os.close(fd)
            raise DirectoryLocked(
                f"{directory} is in use by another server (process {owner or 'unknown'}): stop "
                f"that one, or give this one a directory of its own with --dir"
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        self._locks[directory] = fd

    def unlock(self, directory: str) -> None:
        """Let others have the directory; nothing happens when it is not held."""
        fd = self._locks.pop(directory, -1)
        if fd >= 0:
            os.close(fd)

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory, sorted."""
        return sorted(os.listdir(directory))

    def open(self, path: str, create: bool = False) -> RealFile:
        """Open for reading and writing; `create` makes a new, empty file."""
        flags = os.O_RDWR | os.O_CLOEXEC
        if create:
            flags |= os.O_CREAT | os.O_TRUNC
        return RealFile(os.open(path, flags, 0o600))

    def open_log(self, path: str) -> File:
        """Open a file that is there for batches, past the page cache where that can be done."""
        cached = self.open(path)
        try:
            return DirectFile(path, cached)
        except OSError as error:
            if error.errno not in NO_DIRECT_WRITES:
                cached.close()
                raise
            return cached

    def rename(self, source: str, destination: str) -> None:
        """Rename, replacing what is there."""
        os.rename(source, destination)

    def remove(self, path: str) -> None:
        """Delete a file."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)

    def sync_directory(self, directory: str) -> None:
        """Make creations, renames and removals durable."""
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def free_bytes(self, directory: str) -> int:
        """Return how much more fits."""
        status = os.statvfs(directory)
        return status.f_bavail * status.f_frsize

    def random_salt(self) -> int:
        """Return 64 random bits."""
        return int.from_bytes(os.urandom(8), "little")


def join(directory: str, name: str) -> str:
    """Return the path of `name` in `directory`."""
    return f"{directory}/{name}"
