"""The process that builds a snapshot: polite to the server's clients, and gone afterwards.

python -m respkv.node.snapshot_child DIR PARTITION INDEX TERM DATABASES SEGMENT...
"""

import gc
import os
import sys

from respkv.log.filesystem import FileSystem, RealFileSystem
from respkv.replica.snapshot_builder import build_snapshot


def main(arguments: list[str], fs: FileSystem) -> None:
    """Build one snapshot; when it is durable, print its digest and end with status 0.

    It ends with the server that asked for it: a killed server's successor has other plans for the
    segments and the room.
    """
    server = os.getppid()
    os.nice(19)
    gc.disable()
    directory, partition, index, term, databases, *segments = arguments
    steps = build_snapshot(
        fs,
        directory,
        segments,
        int(partition),
        int(index),
        int(term),
        int(databases),
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            print(end.value.hex())
            return
        if os.getppid() != server:
            sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:], RealFileSystem())
