"""Recovery of the log: what was acknowledged is there after any crash, or the loss is named."""

import contextlib

import pytest

from respkv.clock import SeededChance
from respkv.entry import Entry
from respkv.log.filesystem import DirectoryLocked, join
from respkv.log.recovery import LogDamaged
from respkv.log.wal import NoRoom, Wal
from tests.faulty_disk import FaultyDisk, SimulatedCrash

SEGMENT_BYTES = 4096
DIRECTORY = "data"


def open_wal(disk: FaultyDisk) -> Wal:
    return Wal.open(disk, DIRECTORY, SEGMENT_BYTES)


def entry(index: int, term: int = 1) -> Entry:
    return Entry(term, index, 1000 + index, b"payload %d " % index * 20)


class Promises:
    """What the log has acknowledged; a crash may keep more, never less."""

    def __init__(self) -> None:
        self.last: Entry | None = None
        self.term = 0
        self.vote = 0


def scenario(disk: FaultyDisk, promises: Promises) -> None:
    """Entries over several segments, votes, a conflict, a snapshot mark and recycling."""
    wal = open_wal(disk)
    wal.prepare_spares()
    index = 0
    for term in range(1, 5):
        wal.add_hard_state(0, term, term)
        wal.write()
        wal.sync()
        promises.term, promises.vote = term, term
        for _ in range(12):
            index += 1
            wal.add_entries(0, [entry(index, term)])
            wal.write()
            wal.sync()
            promises.last = entry(index, term)
        index -= 2  # the next leader replaces two
        promises.last = entry(index, term)
        wal.seal()
        if term == 2:
            wal.add_snapshot(0, 10, 1)
            wal.write()
            wal.sync()
            wal.recycle()
            wal.prepare_spares()


def operations_of_scenario() -> int:
    disk = FaultyDisk(SeededChance(1))
    scenario(disk, Promises())
    return disk.operations


@pytest.mark.parametrize("power_loss", [True, False], ids=["power loss", "kill"])
def test_acknowledged_entries_and_votes_survive_a_crash_at_every_disk_operation(
    power_loss: bool,
) -> None:
    """Durability rules 1 and 2 (log/DESIGN.md): acknowledged implies present after recovery."""
    for operation in range(operations_of_scenario()):
        for seed in range(3):
            disk = FaultyDisk(SeededChance(seed), crash_at=operation)
            promises = Promises()
            with pytest.raises(SimulatedCrash):
                scenario(disk, promises)
            disk = disk.after_power_loss() if power_loss else disk.after_kill()
            recovered = open_wal(disk).recovered.get(0)
            if promises.last is None:
                continue
            assert recovered is not None
            assert (recovered.term, recovered.vote) >= (promises.term, promises.vote)
            found = {e.index: e for e in recovered.entries}
            index = promises.last.index
            assert index <= recovered.snapshot_index or index in found, (operation, seed)
            if index in found:
                assert found[index].term >= promises.last.term


def test_recovery_repeats_without_change() -> None:
    disk = FaultyDisk(SeededChance(1))
    scenario(disk, Promises())
    first = open_wal(disk.after_kill()).recovered[0].entries
    assert open_wal(disk.after_kill().after_kill()).recovered[0].entries == first
    assert first[-1].index == 4 * 12 - 3 * 2


def sealed_log() -> FaultyDisk:
    disk = FaultyDisk(SeededChance(7))
    wal = open_wal(disk)
    wal.add_hard_state(0, 3, 2)
    wal.add_entries(0, [Entry(3, 1, 5, b"first")])
    wal.write()
    wal.sync()
    wal.add_entries(0, [Entry(3, 2, 6, b"second")])
    wal.write()
    wal.sync()
    wal.seal()
    return disk


def test_a_sealed_log_with_any_bit_flipped_gives_all_of_it_or_a_refusal() -> None:
    """Durability rule 4: only an unsealed last batch may ever be cut."""
    disk = sealed_log()
    name = join(DIRECTORY, disk.names(DIRECTORY)[0])
    size = 512 + 400
    refused = 0
    for bit in range(size * 8):
        copy = disk.after_kill()
        copy.flip_bit(name, bit)
        try:
            recovered = open_wal(copy).recovered[0]
        except LogDamaged as damage:
            refused += 1
            assert name in str(damage)
        else:
            assert [e.payload for e in recovered.entries] == [b"first", b"second"], bit
            assert (recovered.term, recovered.vote) == (3, 2)
        copy.flip_bit(name, bit)
    assert refused > 1000


def test_a_sealed_log_cut_at_any_byte_is_refused() -> None:
    """Segments have the size their header says, so a missing end is never taken for a torn one."""
    for size in range(512, SEGMENT_BYTES, 7):
        copy = sealed_log().after_kill()
        copy.cut(join(DIRECTORY, copy.names(DIRECTORY)[0]), size)
        with pytest.raises(LogDamaged, match="it should have"):
            open_wal(copy)


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
    with pytest.raises(NoRoom):
        wal.roll()
    disk.capacity *= 10
    wal.write()
    wal.close()
    recovered = open_wal(disk.after_power_loss()).recovered[0].entries
    assert recovered == [entry(number) for number in range(1, index + 1)]
