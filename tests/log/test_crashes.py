"""A crash at every disk operation: what was acknowledged is there, what was not is whole or gone."""

import pytest

from respkv.clock import SeededChance
from respkv.entry import Entry
from respkv.log.filesystem import join
from respkv.log.records import FIRST_BATCH_AT, unpack_batch, unpack_segment_header
from respkv.log.segment import segment_names
from respkv.log.wal import Wal
from tests.faulty_disk import FaultyDisk, SimulatedCrash
from tests.log.corpus import DIRECTORY, state_of
from tests.log.spares import fill_spares

SEGMENT_BYTES = 2048
BUSY, QUIET, LEAVING = 0, 1, 2


def open_wal(disk: FaultyDisk) -> Wal:
    return Wal.open(disk, DIRECTORY, SEGMENT_BYTES)


def entry(index: int, term: int = 1) -> Entry:
    size = 4 * SEGMENT_BYTES if index % 17 == 0 else 20 * (index % 9)  # larger than a segment, too
    return Entry(term, index, 1000 + index, b"%d.%d " % (term, index) + b"x" * size)


class Promises:
    """What the log has acknowledged; a crash may keep more, never less."""

    def __init__(self) -> None:
        self.entries: dict[int, dict[int, Entry]] = {BUSY: {}, QUIET: {}, LEAVING: {}}
        self.hard_state = (0, 0)
        self.covered = 0  # of the busy partition
        self.dropping = False
        self.dropped = False


def scenario(disk: FaultyDisk, promises: Promises) -> None:
    """Votes, conflicts, entries up to segment borders and over them, recycling, copy_forward."""
    wal = open_wal(disk)
    fill_spares(wal)
    quiet = [entry(index) for index in range(1, 4)]
    wal.add_entries(QUIET, quiet)
    wal.add_entries(LEAVING, quiet)
    wal.write()
    wal.sync()
    for partition in (QUIET, LEAVING):
        promises.entries[partition] = {e.index: e for e in quiet}
    index = 0
    for term in range(1, 5):
        wal.add_hard_state(BUSY, term, term)
        wal.write()
        wal.sync()
        promises.hard_state = (term, term)
        for _ in range(9):
            index += 1
            wal.add_entries(BUSY, [entry(index, term)])
            wal.write()
            wal.sync()
            promises.entries[BUSY][index] = entry(index, term)
        wal.seal()
        # The next leader replaces two: they are no promise any more once its entry is written.
        del promises.entries[BUSY][index], promises.entries[BUSY][index - 1]
        index -= 2
        if term == 2:
            promises.dropping = True
            wal.drop_partition(LEAVING)
            wal.write()
            wal.sync()
            promises.dropped = True
        if term >= 2:
            wal.add_snapshot(BUSY, index - 2, promises.entries[BUSY][index - 2].term)
            wal.write()
            wal.sync()
            promises.covered = index - 2
            wal.recycle()
            if QUIET in wal.pinning():
                wal.copy_forward(QUIET, quiet)
                wal.write()
                wal.recycle()
                assert QUIET not in wal.pinning()
            fill_spares(wal)


def check(disk: FaultyDisk, promises: Promises) -> None:
    recovered = open_wal(disk).recovered
    for number, promised in promises.entries.items():
        if number == LEAVING and promises.dropping:
            assert not (promises.dropped and number in recovered)
            continue
        if not promised:
            continue
        partition = recovered[number]
        found = {e.index: e for e in partition.entries}
        for index, expected in promised.items():
            if index > partition.snapshot_index:
                assert found[index] == expected
    if promises.hard_state[0]:
        busy = recovered[BUSY]
        assert (busy.term, busy.vote) >= promises.hard_state
        assert busy.snapshot_index >= promises.covered


def operations_of_scenario() -> int:
    disk = FaultyDisk(SeededChance(1))
    scenario(disk, Promises())
    return disk.operations


@pytest.mark.parametrize("power_loss", [True, False], ids=["power loss", "kill"])
def test_acknowledged_entries_and_votes_survive_a_crash_at_every_disk_operation(
    power_loss: bool,
) -> None:
    """Durability rules 1, 2 and 7 (log/DESIGN.md): acknowledged implies present after recovery."""
    for operation in range(operations_of_scenario()):
        for seed in range(3 if power_loss else 1):
            disk = FaultyDisk(SeededChance(seed), crash_at=operation)
            promises = Promises()
            with pytest.raises(SimulatedCrash):
                scenario(disk, promises)
            check(disk.after_power_loss() if power_loss else disk.after_kill(), promises)


def test_a_crash_at_every_disk_operation_of_recovery_changes_nothing() -> None:
    """Recovery cuts, zeroes and removes: half of that must be as good as none and all of it."""
    for operation in range(0, operations_of_scenario(), 5):
        disk = FaultyDisk(SeededChance(operation), crash_at=operation)
        promises = Promises()
        with pytest.raises(SimulatedCrash):
            scenario(disk, promises)
        left = disk.after_power_loss()
        expected = state_of(open_wal(left.durable_image()))
        for step in range(100):
            again = left.durable_image()
            again.crash_at = step
            try:
                open_wal(again)
            except SimulatedCrash:
                assert state_of(open_wal(again.after_power_loss())) == expected
            else:
                break


def test_the_scenario_recycles_copies_forward_and_outgrows_segments() -> None:
    disk = FaultyDisk(SeededChance(1))
    promises = Promises()
    scenario(disk, promises)
    wal = open_wal(disk.after_kill())
    assert wal.recovered[BUSY].snapshot_index == promises.covered > 17
    assert len(wal.recovered[QUIET].entries) == 3
    assert LEAVING not in wal.recovered
    assert segment_names(disk, DIRECTORY)[0] > "wal-0000000000000003"
    check(disk.after_kill(), promises)


def test_stale_batches_of_a_recycled_segment_never_fit() -> None:
    """Durability rule 3: each use of a segment has a salt of its own, synced before any batch."""
    stale = 0
    for seed in range(40):
        disk = FaultyDisk(SeededChance(seed))
        wal = open_wal(disk)
        for index in range(1, 30):
            wal.add_entries(0, [Entry(1, index, 1, b"of the first use " * 5)])
            wal.write()
        wal.sync()
        wal.add_snapshot(0, 29, 1)
        wal.write()
        wal.recycle()
        files = {name for name in disk.names(DIRECTORY) if name.startswith("spare-")}
        assert files
        for index in range(30, 50):
            wal.add_entries(0, [Entry(1, index, 1, b"second use " * 5)])
            wal.write()  # never synced: any of these may be missing, the earlier use shows through
        disk = disk.after_power_loss()
        for name in segment_names(disk, DIRECTORY)[-1:]:
            data = disk.open(join(DIRECTORY, name)).read_at(0, SEGMENT_BYTES)
            header = unpack_segment_header(data)
            stale += b"of the first use" in data and header is not None
            for offset in range(FIRST_BATCH_AT, len(data), 8):
                batch = unpack_batch(data, offset, header.salt) if header else None
                assert batch is None or b"of the first use" not in batch.records
        recovered = open_wal(disk).recovered[0]
        assert recovered.last_index >= 29
        assert all(entry.payload.startswith(b"second use") for entry in recovered.entries)
    assert stale > 5
