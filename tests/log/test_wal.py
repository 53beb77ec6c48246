"""Recovery of the log: what was acknowledged is there after any crash, or the loss is named."""

import contextlib

import pytest

from respkv.clock import SeededChance
from respkv.entry import Entry
from respkv.errors import InvariantViolation
from respkv.log.damage import LogDamaged
from respkv.log.filesystem import DirectoryLocked, join
from respkv.log.segment import read_entries
from respkv.log.spares import NoRoom
from respkv.log.wal import Wal
from tests.faulty_disk import FaultyDisk
from tests.log.spares import fill_spares

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
        # As long as the one that was cut, so that the one behind that lies in the right place.
        wal.add_entries(0, [Entry(2, kept + 1, 1, b"replace %d " % (kept + 1) * 20)])
        wal.write()
        wal.sync()
        recovered = open_wal(disk.after_power_loss()).recovered[0]
        assert recovered.last_index == kept + 1
        assert recovered.entries[-1].term == 2


def test_what_recovery_found_in_the_page_cache_only_is_made_durable() -> None:
    """Durability rule 1: a replica that has shown an entry must not lose it afterwards."""
    for seed in range(20):
        disk = FaultyDisk(SeededChance(seed))
        wal = open_wal(disk)
        wal.add_entries(0, [entry(1)])
        wal.write()
        restarted = disk.after_kill()
        assert open_wal(restarted).recovered[0].last_index == 1
        assert open_wal(restarted.after_power_loss()).recovered[0].last_index == 1


def test_a_directory_is_free_again_once_its_log_is_closed_or_refused() -> None:
    disk = FaultyDisk(SeededChance(1))
    open_wal(disk).close()
    disk.flip_bit(join(DIRECTORY, "wal-0000000000000001"), 3)
    for _ in range(2):
        with pytest.raises(LogDamaged):
            open_wal(disk)


def test_a_dropped_partition_may_come_back_in_a_later_batch_only() -> None:
    disk = FaultyDisk(SeededChance(1))
    wal = open_wal(disk)
    wal.add_hard_state(3, 9, 2)
    wal.add_entries(3, [entry(1, 9)])
    wal.write()
    wal.drop_partition(3)
    with pytest.raises(InvariantViolation, match="dropped"):
        wal.add_hard_state(3, 1, 1)
    while wal.closed_segments() == []:  # a checkpoint between the drop and its batch
        wal.add_entries(0, [entry(1)])
        wal.write()
    wal.add_hard_state(3, 2, 1)
    wal.write()
    wal.sync()
    recovered = open_wal(disk.after_power_loss()).recovered[3]
    assert (recovered.term, recovered.vote, recovered.last_index) == (2, 1, 0)


def test_entries_with_a_gap_are_refused_before_they_are_written() -> None:
    wal = open_wal(FaultyDisk(SeededChance(1)))
    wal.add_entries(0, [entry(1), entry(2)])
    with pytest.raises(InvariantViolation, match="does not follow 2"):
        wal.add_entries(0, [entry(4)])


def test_closed_segments_give_the_entries_that_were_not_replaced() -> None:
    """What a snapshot is built from, while later segments are being written."""
    disk = FaultyDisk(SeededChance(1))
    wal = open_wal(disk)
    for term, first in ((1, 1), (2, 21), (3, 16)):
        for index in range(first, first + 20):
            wal.add_entries(0, [entry(index, term)])
            wal.add_entries(1, [entry(index + (term == 3) * 5, 9)])
            wal.write()
    assert wal.roll()
    names = wal.closed_segments()
    assert len(names) > 3
    found = list(read_entries(disk, DIRECTORY, names, 0, 7, 30))
    assert found == [entry(i, 1) for i in range(8, 16)] + [entry(i, 3) for i in range(16, 31)]
    with pytest.raises(LogDamaged, match="end at entry 35"):
        list(read_entries(disk, DIRECTORY, names, 0, 7, 36))
    with pytest.raises(LogDamaged, match="begins with batch"):
        list(read_entries(disk, DIRECTORY, names[:1] + names[2:], 0, 0, 10))


def test_a_partition_that_came_back_is_read_from_closed_segments_behind_its_new_snapshot() -> None:
    """A replica without amnesia is dropped and added anew, maybe behind an older snapshot."""
    disk = FaultyDisk(SeededChance(1))
    wal = open_wal(disk)
    wal.add_snapshot(1, 89, 1)
    wal.add_entries(1, [entry(index) for index in range(90, 96)])
    wal.add_entries(0, [entry(1)])
    wal.write()
    wal.drop_partition(1)
    wal.write()
    wal.add_snapshot(1, 70, 2)
    wal.add_entries(1, [entry(index, 2) for index in range(71, 75)])
    wal.write()
    assert wal.roll()
    names = wal.closed_segments()
    found = list(read_entries(disk, DIRECTORY, names, 1, 70, 74))
    assert found == [entry(index, 2) for index in range(71, 75)]


def test_a_restarted_node_knows_what_its_segments_are_needed_for() -> None:
    """Durability rule 7: copying forward counts after a restart as it does before."""
    disk = FaultyDisk(SeededChance(1))
    wal = open_wal(disk)
    wal.add_entries(1, [entry(1), entry(2)])
    wal.add_entries(2, [entry(1)])
    wal.add_snapshot(3, 4, 1)
    wal.add_entries(3, [entry(5)])
    wal.write()
    assert wal.roll()
    assert wal.pinning() == [1, 2, 3]
    wal.copy_forward(1, [entry(1), entry(2)])
    wal.drop_partition(2)
    wal.add_snapshot(3, 70, 9)
    wal.write()
    wal.sync()
    assert wal.pinning() == []
    wal = open_wal(disk.after_kill())
    assert wal.pinning() == []
    wal.recycle()
    assert wal.closed_segments() == []
    assert open_wal(disk.after_kill()).recovered[1].entries == [entry(1), entry(2)]


def test_a_write_that_found_the_disk_full_can_be_tried_again_with_room() -> None:
    """Durability rule 9: nothing was written, so nothing is lost but time."""
    disk = FaultyDisk(SeededChance(1), capacity=SEGMENT_BYTES + 200)
    wal = open_wal(disk)
    index = 0

    def fill() -> None:
        nonlocal index
        while True:
            index += 1
            wal.add_entries(0, [entry(index)])
            wal.write()

    with pytest.raises(NoRoom):
        fill()
    assert not wal.roll()
    assert wal.full
    disk.capacity *= 10
    wal.write()
    wal.sync()
    recovered = open_wal(disk.after_power_loss()).recovered[0]
    assert recovered.entries == [entry(i) for i in range(1, index + 1)]


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
    fill_spares(wal)
    assert wal.full
    wal.add_entries(0, [entry(1)])
    wal.write()
    wal.sync()
    disk.capacity *= 10
    fill_spares(wal)
    assert not wal.full


def test_a_batch_that_finds_no_room_waits_and_is_written_once_there_is_some() -> None:
    disk = FaultyDisk(SeededChance(1), capacity=SEGMENT_BYTES + 100)
    wal = open_wal(disk)
    index = 0
    while not wal.full:
        index += 1
        wal.add_entries(0, [entry(index)])
        with contextlib.suppress(NoRoom):
            wal.write()
    with pytest.raises(NoRoom):
        wal.write()
    assert not wal.roll()
    disk.capacity *= 10
    wal.write()
    wal.close()
    recovered = open_wal(disk.after_power_loss()).recovered[0].entries
    assert recovered == [entry(number) for number in range(1, index + 1)]
