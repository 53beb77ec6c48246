"""The process that builds snapshots ends with its server, and says nothing then."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ServerProcess


def directory_with_keys(tmp_path: Path) -> Path:
    with ServerProcess(tmp_path / "data") as server:
        for number in range(10):
            assert server.ask(b"SET key:%d v" % number) == b"+OK\r\n"
    return server.directory


def build(
    directory: Path, server_pid: int, output: int = subprocess.PIPE
) -> "subprocess.CompletedProcess[bytes]":
    segments = sorted(str(path.name) for path in directory.glob("wal-*"))
    return subprocess.run(
        [
            sys.executable, "-m", "respkv.node.snapshot_child", str(server_pid), str(directory),
            "16", "0:1:1", *segments,
        ],
        stdout=output, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip


def test_it_builds_for_the_process_that_started_it(tmp_path: Path) -> None:
    directory = directory_with_keys(tmp_path)
    done = build(directory, os.getpid())
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"0 ")
    assert list(directory.glob("snapshot-*"))


def test_it_builds_nothing_when_its_server_is_gone_before_it_begins(tmp_path: Path) -> None:
    directory = directory_with_keys(tmp_path)
    done = build(directory, os.getppid())
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    assert not list(directory.glob("snapshot-*"))


def test_it_says_nothing_when_nobody_is_left_to_hear_it(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = build(directory_with_keys(tmp_path), os.getpid(), writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
