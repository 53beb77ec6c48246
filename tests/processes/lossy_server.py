"""`respkv server` on a disk that keeps only what was synced.

python -m tests.processes.lossy_server [--without-fdatasync] OPTIONS OF respkv server
"""

import glob
import logging
import shutil
import sys

from respkv.cli.server import parse_arguments
from respkv.node.server import serve
from tests.processes.lossy_filesystem import LossyFileSystem, apply_journal

SNAPSHOT_CHILD = "tests.processes.lossy_snapshot_child"


def _no_sync(fd: int) -> None:
    """The planted bug: a sync of the log that does nothing."""


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM or the kill that the disk is for."""
    datasync = apply_journal
    if arguments[:1] == ["--without-fdatasync"]:
        arguments, datasync = arguments[1:], _no_sync
    config = parse_arguments(arguments)
    for left_behind in glob.glob(f"{config['dir']}.contents-*"):
        shutil.rmtree(left_behind)
    logging.basicConfig(level=logging.INFO)
    serve(config, LossyFileSystem(config["dir"]), datasync, SNAPSHOT_CHILD)


if __name__ == "__main__":
    main(sys.argv[1:])
