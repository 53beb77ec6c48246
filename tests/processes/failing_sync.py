"""fdatasync that fails in one process while a file beside the directory names it.

A server syncs its log in two: a helper process, and itself when the batch is small and the disk quick.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path


def failing_sync_flag(directory: str | Path) -> Path:
    """Return the path that says in which process (its id) syncs of a data directory fail."""
    return Path(f"{directory}.failing-syncs")


def failing(datasync: Callable[[int], None], directory: str) -> Callable[[int], None]:
    """Return `datasync`, with that fault."""
    flag = failing_sync_flag(directory)

    def sync(fd: int) -> None:
        if flag.exists() and flag.read_text() == str(os.getpid()):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        datasync(fd)

    return sync
