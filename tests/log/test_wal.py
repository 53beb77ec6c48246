"""Recovery of the log: what was acknowledged is there after any crash, or the loss is named."""

import pytest

from respkv.clock import SeededChance
from respkv.entry import Entry
from respkv.log.filesystem import DirectoryLocked
from respkv.log.wal import Wal
from tests.faulty_disk import FaultyDisk

SEGMENT_BYTES = 4096
DIRECTORY = "data"


def open_wal(disk: FaultyDisk) -> Wal:
    return Wal.open(disk, DIRECTORY, SEGMENT_BYTES)


def entry(index: int, term: int = 1) -> Entry:
    return Entry(term, index, 1000 + index, b"payload %d " % index * 20)


def test_a_batch_torn_between_unsynced_ones_is_cut_not_called_damage() -> None:
    """Under everysec several batches are unsynced; a hole among them was never promised."""
    disk = FaultyDisk(SeededChance(3))
    wal = open_wal(disk)
    wal.add_entries(0, [entry(1)])
    wal.write()
    wal.sync()
    for index in range(2, 6):
        wal.add_entries(0, [entry(index)])
        wal.write()
    for seed in range(200):
        disk.chance = SeededChance(seed)
        recovered = open_wal(disk.after_power_loss()).recovered[0]
        assert [e.index for e in recovered.entries] == list(range(1, len(recovered.entries) + 1))
        assert recovered.entries[0].index == 1


def test_what_was_cut_never_comes_back() -> None:
    """A later batch of the same use of the segment could otherwise fit behind a new one."""
    for seed in range(300):
        disk = FaultyDisk(SeededChance(seed))
        wal = open_wal(disk)
        for index in range(1, 5):
            wal.add_entries(0, [entry(index)])
            wal.write()
        disk = disk.after_power_loss()
        wal = open_wal(disk)
        kept = wal.recovered[0].last_index if 0 in wal.recovered else 0
        wal.add_entries(0, [Entry(2, kept + 1, 1, b"new term %d " % (kept + 1) * 20)])
        wal.write()
        wal.sync()
        recovered = open_wal(disk.after_power_loss()).recovered[0]
        assert recovered.last_index == kept + 1
        assert recovered.entries[-1].term == 2


def test_a_second_server_on_the_directory_is_refused() -> None:
    disk = FaultyDisk(SeededChance(1))
    open_wal(disk)
    with pytest.raises(DirectoryLocked):
        open_wal(disk)


def test_a_failed_sync_is_never_retried() -> None:
    """Durability rule 6: the page cache may have dropped what failed to reach the disk."""
    disk = FaultyDisk(SeededChance(1))
    wal = open_wal(disk)
    wal.add_entries(0, [entry(1)])
    wal.write()
    disk.fail_next = 5
    with pytest.raises(OSError, match="injected"):
        wal.sync()
    with pytest.raises(OSError, match="earlier"):
        wal.write()


def test_a_full_disk_refuses_before_a_segment_is_missing_and_resumes_with_room() -> None:
    disk = FaultyDisk(SeededChance(1), capacity=SEGMENT_BYTES + 100)
    wal = open_wal(disk)
    wal.prepare_spares()
    assert wal.full
    wal.add_entries(0, [entry(1)])
    wal.write()
    wal.sync()
    disk.capacity *= 10
    wal.prepare_spares()
    assert not wal.full
