"""`respkv wal dump` prints a log as text; `respkv wal salvage` shows or makes a lossy repair."""

import argparse
import os
import sys

from respkv.log.damage import LogDamaged, UnknownFormat
from respkv.log.filesystem import DirectoryLocked, FileSystem, RealFileSystem
from respkv.log.salvage import describe_segment, plan_salvage, salvage
from respkv.log.segment import segment_names
from respkv.node.membership import is_member


def wal(arguments: list[str]) -> int:
    """Run the verb; 1 when the log cannot be read or repaired."""
    options = _parser().parse_args(arguments)
    path: str = options.path
    if not os.path.exists(path) or (options.verb == "salvage" and not os.path.isdir(path)):
        print(
            f"respkv wal: there is no {path}: name the directory that the server has as --dir",
            file=sys.stderr,
        )
        return 1
    fs = RealFileSystem()
    try:
        if options.verb == "dump":
            _dump(fs, path)
            return 0
        fs.lock(path)
        try:
            return _salvage(fs, path, options.accept_loss)
        finally:
            fs.unlock(path)
    except (LogDamaged, UnknownFormat, DirectoryLocked, OSError, ValueError) as error:
        print(f"respkv wal: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="respkv wal", description="Look at a log, or repair it.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    dump = verbs.add_parser("dump", help="print it as text")
    dump.add_argument("path", metavar="FILE|DIR")
    salvage = verbs.add_parser("salvage", help="what a repair would lose, or the repair")
    salvage.add_argument("path", metavar="DIR")
    salvage.add_argument("--accept-loss", action="store_true", help="do it")
    return parser


def _dump(fs: FileSystem, path: str) -> None:
    if os.path.isdir(path):
        directory, names = path, segment_names(fs, path)
    else:
        directory, names = os.path.dirname(path) or ".", [os.path.basename(path)]
    for name in names:
        for line in describe_segment(fs, directory, name):
            print(line)


def _salvage(fs: FileSystem, path: str, accept_loss: bool) -> int:
    plan = plan_salvage(fs, path)
    print("\n".join(plan.lines))
    if not plan.needed:
        return 0
    if not accept_loss:
        print(f"Nothing was changed. To do this: respkv wal salvage {path} --accept-loss")
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
