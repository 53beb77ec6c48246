"""The process that builds a snapshot: polite to the server's clients, and gone afterwards.

python -m respkv.node.snapshot_child DIR PARTITION INDEX TERM DATABASES SEGMENT...
"""

import gc
import os
import sys

from respkv.log.filesystem import FileSystem, RealFileSystem
from respkv.replica.snapshot_builder import build_snapshot


def main(arguments: list[str], fs: FileSystem) -> None:
    """Build one snapshot; the exit status is 0 when it is durable."""
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
        pass


if __name__ == "__main__":
    main(sys.argv[1:], RealFileSystem())
