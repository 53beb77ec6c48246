"""The process that builds snapshots: polite to the server's clients, and gone afterwards.

python -m respkv.node.snapshot_child SERVER_PID DIR DATABASES PARTITION:INDEX:TERM,... SEGMENT...
"""

import gc
import os
import sys

from respkv.log.filesystem import FileSystem, RealFileSystem
from respkv.node import server as _declares_commands  # noqa: F401 - that scripts may ask for
from respkv.replica.snapshot_builder import build_snapshot


def main(arguments: list[str], fs: FileSystem) -> None:
    """Build them one after the other; print partition and digest of each that is durable.

    Peak memory is one partition. It ends with the server that asked for it, without a word, also
    when that was killed before this began: the segments and the room are its successor's.
    """
    os.nice(19)
    gc.disable()
    server, directory, databases, jobs, *segments = arguments
    try:
        for job in jobs.split(","):
            partition, index, term = map(int, job.split(":"))
            steps = build_snapshot(fs, directory, segments, partition, index, term, int(databases))
            digest = b""
            while not digest:
                if os.getppid() != int(server):
                    sys.exit(1)
                try:
                    next(steps)
                except StopIteration as end:
                    digest = end.value
            os.write(sys.stdout.fileno(), f"{partition} {digest.hex()}\n".encode())
    except BrokenPipeError:
        sys.exit(1)
    except Exception:
        if os.getppid() != int(server):
            sys.exit(1)
        raise


if __name__ == "__main__":
    main(sys.argv[1:], RealFileSystem())
