"""A log's file that is written past the page cache, in whole blocks, and only when it is synced.

A sync of the page cache finds, locks and marks the pages first: 40 us of CPU more than this, for
each sync of each node. What is staged here is nowhere else: a process that is killed loses what it
has not synced, as a machine that loses power does.
"""

import errno
import mmap
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from respkv.log.filesystem import File

BLOCK: Final = 4096  # bytes; what disks and file systems ask direct writes to be aligned to
STAGED_BYTES_MAX: Final = 64 << 10  # more at once goes through the page cache
NO_DIRECT_WRITES: Final = (errno.EINVAL, errno.EOPNOTSUPP)  # what opening raises then


class DirectFile:
    """Batches follow each other: what is written behind the last one shares its last block.

    Nothing may be written while another process writes what `staged` has given it.
    """

    def __init__(self, path: str, cached: "File") -> None:
        """Open a file that is there, at its full size; `cached` is the same by the page cache.

        Raises:
            OSError: the file system takes no direct writes (`NO_DIRECT_WRITES`), or others.
        """
        self._cached = cached
        self.read_at = cached.read_at  # not what is staged
        self.size = cached.size
        self.allocate = cached.allocate
        self._memory = mmap.mmap(-1, STAGED_BYTES_MAX + 2 * BLOCK)
        self._view = memoryview(self._memory)
        self.fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_DIRECT)
        try:
            os.preadv(self.fd, [self._view[:BLOCK]], 0)
        except OSError:
            os.close(self.fd)
            raise
        self._base = 0  # where in the file the staged blocks begin
        self._end = -1  # where the next batch is expected; -1: wherever it comes
        self._handed = -1  # where the staged blocks ended when they were asked for
        self._written = -1  # what lies before it has left this process

    def write_at(self, offset: int, data: bytes) -> None:
        """Write all of `data` to the page cache, or raise OSError."""
        self.write_staged()
        self._cached.write_at(offset, data)
        self._written = self._end = -1

    def stage_at(self, offset: int, data: bytes) -> None:
        """Keep `data` until the next sync."""
        size = len(data)
        if size > STAGED_BYTES_MAX:
            self.write_at(offset, data)
            return
        if offset != self._end:
            self._begin_at(offset)
        elif self._written == offset:
            self._keep_last_block()
        elif offset - self._base + size > len(self._memory) - BLOCK:
            self.write_staged()
            self._keep_last_block()
        at = offset - self._base
        self._memory[at : at + size] = data
        self._end = offset + size

    def staged(self) -> tuple[int, memoryview]:
        """Return where to write what is staged, and whole blocks of it; empty: nothing is."""
        self._handed = self._end
        size = 0 if self._written == self._end else self._end - self._base
        return self._base, self._view[: -(-size // BLOCK) * BLOCK]

    def staged_written(self) -> None:
        """What `staged` returned last is written."""
        self._written = self._handed

    def write_staged(self) -> None:
        """Give the system what is staged; it is not durable yet."""
        offset, blocks = self.staged()
        if blocks:
            write_blocks(self.fd, offset, blocks)
        self.staged_written()

    def datasync(self) -> None:
        """Make everything written so far durable."""
        self.write_staged()
        os.fdatasync(self.fd)

    def close(self) -> None:
        """Close it; nothing is synced."""
        os.close(self.fd)
        self._cached.close()

    def _begin_at(self, offset: int) -> None:
        self.write_staged()
        self._base = offset // BLOCK * BLOCK
        before = offset - self._base
        self._memory[:] = bytes(len(self._memory))
        self._memory[:before] = self._cached.read_at(self._base, before)
        self._written = self._end = offset

    def _keep_last_block(self) -> None:
        """All is written: only the block that the next batch begins in is needed again."""
        last = self._end // BLOCK * BLOCK
        used = last - self._base
        if used:
            block = self._memory[used : used + BLOCK]
            self._memory[: used + BLOCK] = bytes(used + BLOCK)
            self._memory[:BLOCK] = block
            self._base = last


def write_blocks(fd: int, offset: int, blocks: memoryview) -> None:
    """Write whole blocks to a descriptor that is open for direct writes.

    Raises:
        OSError: also when only some of them were written.
    """
    if os.pwrite(fd, blocks, offset) != len(blocks):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
