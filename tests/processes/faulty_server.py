"""`respkv server` on a disk and a clock that tests put faults into.

python -m tests.processes.faulty_server [--lossy [--without-fdatasync] | --quick-syncs]
    OPTIONS OF respkv server

The disk can be full (`full_disk`), its syncs can fail (`failing_sync`) and the clock be wrong
(`wrong_clock`) at any time. `--lossy`: the disk keeps only what was synced (`lossy_filesystem`).
`--quick-syncs`: they take no time, on any disk, so that the server does them in its loop.
"""

import glob
import os
import shutil
import sys
from pathlib import Path

from respkv.cli.server import server
from respkv.config import Config
from respkv.log.filesystem import FileSystem, RealFileSystem
from respkv.node.server import serve
from tests.processes.failing_sync import failing
from tests.processes.full_disk import FullDisk
from tests.processes.lossy_filesystem import LossyFileSystem, apply_journal
from tests.processes.wrong_clock import wear_clock

SNAPSHOT_CHILD = "tests.processes.faulty_snapshot_child"
IS_LOSSY = "FAULTY_SERVER_IS_LOSSY"  # in the environment, for the snapshot child


def faulty_disk(directory: str) -> FullDisk:
    """Return the disk as this process and its children see it."""
    below: FileSystem = RealFileSystem()
    if IS_LOSSY in os.environ:
        below = LossyFileSystem(directory)
    return FullDisk(below, directory)


def _no_sync(fd: int) -> None:
    """A sync of the log that does nothing: a planted bug, or a disk that is quick."""


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or a kill."""
    datasync = os.fdatasync
    if arguments[:1] == ["--lossy"]:
        arguments, datasync = arguments[1:], apply_journal
        os.environ[IS_LOSSY] = "yes"
        if arguments[:1] == ["--without-fdatasync"]:
            arguments, datasync = arguments[1:], _no_sync
    elif arguments[:1] == ["--quick-syncs"]:
        arguments, datasync = arguments[1:], _no_sync

    def serve_with_faults(config: Config) -> None:
        directory = config["dir"]
        for left_behind in glob.glob(f"{directory}.contents-*"):
            shutil.rmtree(left_behind)
        wear_clock(Path(directory))
        serve(config, faulty_disk(directory), failing(datasync, directory), SNAPSHOT_CHILD)

    return server(arguments, serve_with_faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
