"""Samples of the corpus; `python -m tests.log.corpus` does all of it."""

import pytest

from respkv.clock import SeededChance
from respkv.entry import Entry
from respkv.log.damage import LogDamaged
from respkv.log.filesystem import join
from respkv.log.records import FIRST_BATCH_AT, unpack_batch, unpack_segment_header
from respkv.log.segment import segment_names
from respkv.log.snapshot import SnapshotWriter, read_snapshot, snapshot_name
from tests.faulty_disk import FaultyDisk
from tests.log.corpus import BIT, CUT, DIRECTORY, SealedLog, judge, open_wal, state_of

BITS_STRIDE = 29  # a prime: every bit of a byte and every column of a record come up
CUTS_STRIDE = 7


def test_a_sealed_log_with_a_bit_flipped_gives_all_of_it_or_a_refusal_that_says_where() -> None:
    """Durability rule 4 (log/DESIGN.md): only an unsealed last batch may ever be cut."""
    log = SealedLog()
    assert len(segment_names(log.disk, DIRECTORY)) >= 4
    bits = [harm for harm in log.harms() if harm[0] == BIT][::BITS_STRIDE]
    outcomes = {judge(log, harm) for harm in bits}
    assert {"right state", "refused, repair loses some"} <= outcomes


def test_a_sealed_log_cut_anywhere_is_refused_with_the_place() -> None:
    """Segments say their size, so a missing end is never taken for a torn one (rule 5)."""
    log = SealedLog()
    cuts = [harm for harm in log.harms() if harm[0] == CUT][::CUTS_STRIDE]
    assert all(judge(log, harm).startswith("refused") for harm in cuts)


def test_a_log_that_lost_a_file_it_needs_is_refused() -> None:
    """Durability rule 5: the gap shows in the first LSN, the checkpoint or the missing entries.

    Only of the last file nothing is left that could tell.
    """
    log = SealedLog()
    refused = 0
    for name in segment_names(log.disk, DIRECTORY)[:-1]:
        disk = log.disk.durable_image()
        disk.remove(join(DIRECTORY, name))
        try:
            assert state_of(open_wal(disk)) == log.state  # everything in it was replaced since
        except LogDamaged:
            refused += 1
    assert refused >= 2


def test_a_segment_whose_header_sector_reads_as_zeros_is_refused() -> None:
    """It looks like a spare that has just got its name, but for the batches behind (rule 5)."""
    log = SealedLog()
    for name in segment_names(log.disk, DIRECTORY):
        disk = log.disk.durable_image()
        disk.open(join(DIRECTORY, name)).write_at(0, bytes(FIRST_BATCH_AT))
        with pytest.raises(LogDamaged, match=name):
            open_wal(disk)


def test_an_emptied_directory_is_refused_while_its_identity_is_there() -> None:
    log = SealedLog()
    disk = log.disk.durable_image()
    for name in segment_names(disk, DIRECTORY):
        disk.remove(join(DIRECTORY, name))
    with pytest.raises(LogDamaged, match="its segments are gone"):
        open_wal(disk)


def test_an_unsealed_last_batch_is_kept_whole_or_cut_whole() -> None:
    """Durability rule 3: the batch is the unit of recovery, for all partitions in it."""
    disk = FaultyDisk(SeededChance(5))
    wal = open_wal(disk)
    wal.add_entries(0, [Entry(1, 1, 5, b"first")])
    wal.write()
    wal.sync()
    before = state_of(open_wal(disk.durable_image()))
    start = len(disk.open(path := join(DIRECTORY, "wal-0000000000000001")).read_at(0, 1 << 20))
    header = unpack_segment_header(disk.open(path).read_at(0, FIRST_BATCH_AT))
    assert header is not None
    data = disk.open(path).read_at(0, start)
    start, last = FIRST_BATCH_AT, unpack_batch(data, FIRST_BATCH_AT, header.salt)
    while last is not None:
        start, last = last.end, unpack_batch(data, last.end, header.salt)
    wal.add_hard_state(1, 7, 1)
    wal.add_entries(0, [Entry(7, 2, 6, b"second"), Entry(7, 3, 6, b"third")])
    wal.add_entries(1, [Entry(7, 1, 6, b"of the other partition")])
    wal.write()
    wal.sync()
    after = state_of(open_wal(disk.durable_image()))
    batch = unpack_batch(disk.open(path).read_at(0, header.size), start, header.salt)
    assert batch is not None
    for bit in range(8 * start, 8 * batch.end):
        harmed = disk.durable_image()
        harmed.flip_bit(path, bit)
        assert state_of(open_wal(harmed)) in (before, after), bit
    for place in range(start, batch.end):
        harmed = disk.durable_image()
        harmed.open(path).write_at(place, bytes(batch.end - place))  # the end never arrived
        assert state_of(open_wal(harmed)) in (before, after), place


def test_a_snapshot_with_a_bit_flipped_or_an_end_missing_is_refused_or_read_the_same() -> None:
    """A snapshot gets its name when it is whole and synced, so nothing of it may be missing."""
    disk = FaultyDisk(SeededChance(1))
    chunks = [b"a chunk " * 5, b"another " * 7]
    writer = SnapshotWriter(disk, DIRECTORY, 0, 12, 3)
    for chunk in chunks:
        writer.write(chunk)
    writer.finish()
    name = snapshot_name(0, 12, 3)
    path = join(DIRECTORY, name)
    size = disk.open(path).size()
    for bit in range(8 * size):
        harmed = disk.durable_image()
        harmed.flip_bit(path, bit)
        with pytest.raises(LogDamaged, match=name):
            list(read_snapshot(harmed, DIRECTORY, name))
    for left in range(size):
        harmed = disk.durable_image()
        harmed.cut(path, left)
        with pytest.raises(LogDamaged, match=name):
            list(read_snapshot(harmed, DIRECTORY, name))
