"""The log knows who votes in each partition, whatever was recycled, restarted or taken back."""

from pathlib import Path

from respkv.entry import CONFIGURATION, Entry
from respkv.log.filesystem import RealFileSystem
from respkv.log.salvage import describe_segment
from respkv.log.segment import segment_names
from respkv.log.wal import Wal

SEGMENT_BYTES = 2048


def configuration(index: int, payload: bytes, term: int = 1) -> Entry:
    return Entry(term, index, 0, payload, CONFIGURATION)


def command(index: int, term: int = 1) -> Entry:
    return Entry(term, index, 0, bytes(300))


def reopened(wal: Wal, directory: str) -> Wal:
    wal.close()
    return Wal.open(RealFileSystem(), directory, SEGMENT_BYTES)


def write(wal: Wal, *entries: Entry) -> None:
    wal.add_entries(0, list(entries))
    wal.write()


def cover(wal: Wal, index: int, term: int = 1) -> None:
    """A snapshot of all up to there is durable."""
    wal.add_snapshot(0, index, term)
    wal.write()
    wal.sync()
    wal.recycle()


def test_it_outlives_the_segment_that_its_entry_was_in(tmp_path: Path) -> None:
    directory = str(tmp_path)
    wal = Wal.open(RealFileSystem(), directory, SEGMENT_BYTES)
    write(wal, configuration(1, b"first"), configuration(2, b"second"))
    for index in range(3, 40):
        write(wal, command(index))
    names = len(wal.closed_segments())
    cover(wal, 35)
    assert len(wal.closed_segments()) < names
    for _ in range(2):  # what the second opening finds comes from checkpoints alone
        wal = reopened(wal, directory)
        assert wal.recovered[0].configurations == [(2, b"second")]
        wal.roll()
    wal.close()


def test_one_that_was_taken_back_is_gone(tmp_path: Path) -> None:
    directory = str(tmp_path)
    wal = Wal.open(RealFileSystem(), directory, SEGMENT_BYTES)
    write(wal, configuration(1, b"kept"), command(2), configuration(3, b"taken back"))
    wal.roll()
    write(wal, command(3, term=2))
    wal.roll()
    wal = reopened(wal, directory)
    assert wal.recovered[0].configurations == [(1, b"kept")]
    wal.close()


def test_that_of_a_leaders_snapshot_replaces_the_earlier_ones(tmp_path: Path) -> None:
    directory = str(tmp_path)
    wal = Wal.open(RealFileSystem(), directory, SEGMENT_BYTES)
    write(wal, configuration(1, b"old"), command(2), configuration(3, b"uncommitted"))
    wal.add_snapshot(0, 50, 4)
    wal.add_configuration(0, 50, b"as of the snapshot")
    wal.add_entries(0, [command(51, 4), configuration(52, b"behind it", 4)])
    wal.write()
    expected = [(50, b"as of the snapshot"), (52, b"behind it")]
    wal.roll()
    for _ in range(2):
        wal = reopened(wal, directory)
        assert wal.recovered[0].configurations == expected
    shown = [
        line
        for name in segment_names(RealFileSystem(), directory)
        for line in describe_segment(RealFileSystem(), directory, name)
    ]
    assert any("configuration from 50 on: as of the snapshot" in line for line in shown)
    wal.close()
