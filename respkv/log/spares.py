"""Spare segments: zeroed and synced before they are needed, so that a sync later only moves data.

A sync into a zeroed or recycled file takes about half as long as one that also makes it longer,
and room for the log is asked for here, long before a client waits for it (rule 8).
"""

import errno
from typing import Final

from respkv.log.filesystem import File, FileSystem, join

SPARES_KEPT: Final = 2
ZERO_BYTES_PER_STEP: Final = 1 << 20
_PREFIX: Final = "spare-"
_UNFINISHED: Final = "spare.new"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


class NoRoom(OSError):
    """The disk has no room for another segment. Nothing was written; try again later."""


def is_no_room(error: OSError) -> bool:
    """Return whether the disk, or the user's share of it, is full."""
    return error.errno in _NO_ROOM


def fill_with_zeros(file: File, size: int) -> None:
    """Write `size` zero bytes, so that later writes need neither room nor metadata."""
    for offset in range(0, size, ZERO_BYTES_PER_STEP):
        file.write_at(offset, bytes(min(ZERO_BYTES_PER_STEP, size - offset)))


class Spares:
    """The spare segments of one log; all have the size of a segment."""

    def __init__(self, fs: FileSystem, directory: str, segment_bytes: int) -> None:
        self.names: list[str] = []
        self.full = False  # no room for those that are missing
        self._fs = fs
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._last_number = 0

    def find(self) -> None:
        """Take in the spares that are there; the caller syncs the directory."""
        for name in self._fs.names(self._directory):
            digits = name.removeprefix(_PREFIX)
            if not name.startswith(_PREFIX) or not digits.isdigit():
                continue
            self._last_number = max(self._last_number, int(digits))
            path = join(self._directory, name)
            file = self._fs.open(path)
            size = file.size()
            file.close()
            if size == self._segment_bytes:
                self.names.append(name)
            else:
                self._fs.remove(path)

    @property
    def wanted(self) -> bool:
        """Whether there are fewer than are kept."""
        return len(self.names) < SPARES_KEPT

    def add(self, path: str) -> None:
        """Make a file of a segment's size, synced or recycled, a spare; the caller syncs the name."""
        self._last_number += 1
        name = f"{_PREFIX}{self._last_number}"
        self._fs.rename(path, join(self._directory, name))
        self.names.append(name)
        if not self.wanted:
            self.full = False

    def take(self, path: str) -> bool:
        """Give a spare a segment's name; False when there is none."""
        if not self.names:
            return False
        self._fs.rename(join(self._directory, self.names[0]), path)
        del self.names[0]
        return True

    def begin(self) -> str | None:
        """Return the path to `fill`, None when there are enough spares."""
        return join(self._directory, _UNFINISHED) if self.wanted else None

    def fill(self, path: str) -> None:
        """Zero and sync a file; touches nothing else, so a thread may do it."""
        file = self._fs.open(path, create=True)
        try:
            fill_with_zeros(file, self._segment_bytes)
            file.datasync()
        finally:
            file.close()

    def end(self, path: str, failure: OSError | None) -> None:
        """Take the filled file in, or learn that there is no room for it.

        Raises:
            OSError: the disk fails in another way than being full.
        """
        if failure is None:
            self.add(path)
            self._fs.sync_directory(self._directory)
            return
        self._fs.remove(path)
        if not is_no_room(failure):
            raise failure
        self.full = True  # a spare that is left is for what is on its way already

    def look_for_room(self) -> None:
        """A segment was taken: learn at once whether the missing spares will find room."""
        missing = SPARES_KEPT - len(self.names)
        self.full = self._fs.free_bytes(self._directory) < missing * self._segment_bytes
