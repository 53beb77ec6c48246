"""The process that builds a snapshot: polite to the server's clients, and gone afterwards.

python -m respkv.node.snapshot_child DIR PARTITION INDEX TERM DATABASES SEGMENT...
"""

import gc
import os
import sys

from respkv.log.filesystem import FileSystem, RealFileSystem
from respkv.replica.snapshot_builder import build_snapshot


def main(arguments: list[str], fs: FileSystem) -> None:
    """Build one snapshot; the exit status is 0 when it is durable.

    It ends with the server that asked for it: a killed server's successor has other plans for the
    segments and the room.
    """
    server = os.getppid()
    os.nice(19)
    gc.disable()
    directory, partition, index, term, databases, *segments = arguments
    for _ in build_snapshot(
        fs,
        directory,
        segments,
        int(partition),
        int(index),
        int(term),
        int(databases),
    ):
        if os.getppid() != server:
            sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:], RealFileSystem())
