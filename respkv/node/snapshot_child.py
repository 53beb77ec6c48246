"""The process that builds snapshots: polite to the server's clients, and gone afterwards.

python -m respkv.node.snapshot_child DIR DATABASES PARTITION:INDEX:TERM,... SEGMENT...
"""

import gc
import os
import sys

from respkv.log.filesystem import FileSystem, RealFileSystem
from respkv.node import server as _declares_commands  # noqa: F401 - that scripts may ask for
from respkv.replica.snapshot_builder import build_snapshot


def main(arguments: list[str], fs: FileSystem) -> None:
    """Build them one after the other; print partition and digest of each that is durable.

    Peak memory is one partition. It ends with the server that asked for it: a killed server's successor has other plans for the
    segments and the room.
    """
    server = os.getppid()
    os.nice(19)
    gc.disable()
    directory, databases, jobs, *segments = arguments
    for job in jobs.split(","):
        partition, index, term = map(int, job.split(":"))
        steps = build_snapshot(fs, directory, segments, partition, index, term, int(databases))
        digest = b""
        while not digest:
            try:
                next(steps)
            except StopIteration as end:
                digest = end.value
            if os.getppid() != server:
                sys.exit(1)
        print(partition, digest.hex(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:], RealFileSystem())
