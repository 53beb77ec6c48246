"""Rounds of kill -9 under load, few here; `python -m tests.processes.rounds` runs as many as asked."""

from pathlib import Path

import pytest

from tests.processes.lossy_filesystem import LossyFileSystem, apply_journal
from tests.processes.rounds import run
from tests.processes.writers import Verdict


@pytest.mark.parametrize("lossy", [False, True], ids=["kill -9", "power loss"])
def test_what_was_acknowledged_survives(tmp_path: Path, lossy: bool) -> None:
    """Also when a snapshot is being written (the second round)."""
    done = run(tmp_path, rounds=3, lossy=lossy)
    assert [round_.verdict for round_ in done] == [Verdict()] * 3
    assert all(round_.acknowledged for round_ in done)
    assert done[1].snapshot != "-"
    if lossy:  # otherwise the one that was writing it may have been a moment longer alive
        assert not list(tmp_path.glob("data/snapshot-*.new"))


def test_without_fdatasync_power_loss_is_noticed(tmp_path: Path) -> None:
    done = run(tmp_path, rounds=1, lossy=True, without_fdatasync=True)
    assert done[0].verdict.lost > 0


def test_the_lossy_disk_keeps_synced_writes_only(tmp_path: Path) -> None:
    directory = str(tmp_path / "data")
    disk = LossyFileSystem(directory)
    disk.make_directory(directory)
    file = disk.open(directory + "/log", create=True)
    file.write_at(0, b"synced")
    disk.sync_directory(directory)
    apply_journal(file.fd)
    file.write_at(3, b"lost")
    assert file.read_at(0, 100) == b"synlost"
    assert LossyFileSystem(directory).open(directory + "/log").read_at(0, 100) == b"synced"


def test_the_lossy_disk_keeps_synced_names_only(tmp_path: Path) -> None:
    directory = str(tmp_path / "data")
    disk = LossyFileSystem(directory)
    disk.make_directory(directory)
    disk.open(directory + "/one", create=True)
    disk.open(directory + "/two", create=True)
    disk.sync_directory(directory)
    disk.rename(directory + "/one", directory + "/three")
    disk.remove(directory + "/two")
    disk.open(directory + "/four", create=True)
    assert disk.names(directory) == ["four", "three"]
    assert LossyFileSystem(directory).names(directory) == ["one", "two"]
    disk.sync_directory(directory)
    assert LossyFileSystem(directory).names(directory) == ["four", "three"]
