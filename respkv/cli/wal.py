"""`respkv wal dump` prints a log as text; `respkv wal salvage` shows or makes a lossy repair."""

import os
import sys

from respkv.log.damage import LogDamaged, UnknownFormat
from respkv.log.filesystem import DirectoryLocked, FileSystem, RealFileSystem
from respkv.log.salvage import describe_segment, plan_salvage, salvage
from respkv.log.segment import segment_names
from respkv.node.membership import is_member


def wal(arguments: list[str]) -> int:
    """Run the verb; 1 when the log cannot be read or repaired."""
    fs = RealFileSystem()
    try:
        match arguments:
            case ["dump", path] if os.path.isdir(path):
                for name in segment_names(fs, path):
                    for line in describe_segment(fs, path, name):
                        print(line)
                return 0
            case ["dump", path]:
                for line in describe_segment(
                    fs, os.path.dirname(path) or ".", os.path.basename(path)
                ):
                    print(line)
                return 0
            case ["salvage", path] | ["salvage", path, "--accept-loss"]:
                fs.lock(path)
                try:
                    return _salvage(fs, path, arguments[-1] == "--accept-loss")
                finally:
                    fs.unlock(path)
    except (LogDamaged, UnknownFormat, DirectoryLocked, OSError, ValueError) as error:
        print(f"respkv wal: {error}", file=sys.stderr)
        return 1
    print("respkv wal dump FILE|DIR  |  respkv wal salvage DIR [--accept-loss]", file=sys.stderr)
    return 2


def _salvage(fs: FileSystem, path: str, accept_loss: bool) -> int:
    plan = plan_salvage(fs, path)
    print("\n".join(plan.lines))
    if not plan.needed:
        return 0
    if not accept_loss:
        print("Nothing was changed. To do this: respkv wal salvage DIR --accept-loss")
        return 1
    if is_member(fs, path):
        print(
            "Nothing was changed. This directory is of a cluster's member, which must not forget "
            "what it has promised: move it away, start the node again, and see what it says of "
            "respkv cluster replace."
        )
        return 1
    salvage(fs, path, plan)
    print("done: the server will start with what is left")
    return 0
