"""A sealed log, harmed in every way one bit or one cut can: the right state, or a loud refusal.

`python -m tests.log.corpus` cuts every file at every byte and flips every bit of it, and repairs
what is refused; the tests take samples. DESIGN.md of respkv/log says what must come out (rule 4).
"""

import sys
import time
from collections import Counter
from collections.abc import Iterable

from respkv.clock import SeededChance
from respkv.entry import Entry
from respkv.log.damage import LogDamaged, UnknownFormat
from respkv.log.filesystem import join
from respkv.log.salvage import plan_salvage, salvage
from respkv.log.snapshot import SnapshotWriter
from respkv.log.wal import Wal
from tests.faulty_disk import FaultyDisk
from tests.log.spares import fill_spares

SEGMENT_BYTES = 1536
DIRECTORY = "data"
BIT = "bit"
CUT = "cut"
Harm = tuple[str, str, int]  # BIT or CUT, the file's name, which bit or the size left
State = dict[int, tuple[object, ...]]


def open_wal(disk: FaultyDisk) -> Wal:
    return Wal.open(disk, DIRECTORY, SEGMENT_BYTES)


def state_of(wal: Wal) -> State:
    """All that recovery promises, by partition."""
    return {
        number: (
            partition.term,
            partition.vote,
            partition.snapshot_index,
            partition.snapshot_term,
            tuple(
                (entry.term, entry.index, entry.time_ms, entry.payload)
                for entry in partition.entries
                if entry.index > partition.snapshot_index
            ),
        )
        for number, partition in wal.recovered.items()
    }


class SealedLog:
    """Several segments, a conflict, a snapshot, a dropped and a copied partition, a last seal."""

    def __init__(self) -> None:
        self.disk = FaultyDisk(SeededChance(2026))
        self._wal = open_wal(self.disk)
        self.states = [self._state()]  # after each batch
        self.snapshots: dict[int, tuple[int, int]] = {}
        self.written: dict[int, set[object]] = {}
        fill_spares(self._wal)
        wal = self._wal
        for partition in (0, 1, 2):
            wal.add_hard_state(partition, 1, partition + 1)
        wal.add_entries(2, [_entry(1, 1)])
        wal.add_entries(1, [_entry(1, 1), _entry(1, 2)])
        self._write()
        wal.drop_partition(2)
        self._write()
        for index in range(1, 9):
            wal.add_entries(0, [_entry(1, index)])
            self._write()
        wal.add_hard_state(0, 2, 3)
        wal.add_entries(0, [_entry(2, 7), _entry(2, 8)])  # a new leader replaces two
        self._write()
        self._snapshot(0, 6, 1)
        wal.add_snapshot(0, 6, 1)
        self._write()
        wal.copy_forward(1, [_entry(1, 1), _entry(1, 2)])
        self._write()
        wal.recycle()
        for index in range(9, 13):
            wal.add_entries(0, [_entry(2, index)])
            wal.add_entries(1, [_entry(1, index - 6)])
            self._write()
        self._snapshot(1, 40, 3)
        wal.add_snapshot(1, 40, 3)  # a leader's: the log of the partition restarts
        wal.add_entries(1, [_entry(3, 41)])
        self._write()
        wal.seal()
        wal.sync()
        self.state = self._state()

    def _snapshot(self, partition: int, index: int, term: int) -> None:
        writer = SnapshotWriter(self.disk, DIRECTORY, partition, index, term)
        writer.write(b"the state")
        writer.finish()
        self.snapshots[partition] = (index, term)

    def _write(self) -> None:
        self._wal.write()
        self._wal.sync()
        self.states.append(self._state())
        for number, partition in self.states[-1].items():
            entries = partition[4]
            assert isinstance(entries, tuple)
            self.written.setdefault(number, set()).update(entries)

    def _state(self) -> State:
        return state_of(open_wal(self.disk.durable_image()))

    @property
    def names(self) -> list[str]:
        """Every file of the log; the snapshots have a test of their own."""
        return [name for name in self.disk.names(DIRECTORY) if not name.startswith("snapshot-")]

    def harms(self) -> Iterable[Harm]:
        """Yield every cut and every bit."""
        for name in self.names:
            size = self.disk.open(join(DIRECTORY, name)).size()
            for left in range(size):
                yield CUT, name, left
            for bit in range(8 * size):
                yield BIT, name, bit

    def harmed(self, harm: Harm) -> FaultyDisk:
        """Return a copy of the disk with one harm done."""
        kind, name, place = harm
        disk = self.disk.durable_image()
        path = join(DIRECTORY, name)
        if kind == CUT:
            disk.cut(path, place)
        else:
            disk.flip_bit(path, place)
        return disk


def judge(log: SealedLog, harm: Harm) -> str:
    """Open the harmed log; return what came of it.

    Raises:
        AssertionError: another state, a refusal that does not say where, a repair that invents.
    """
    kind, name, place = harm
    disk = log.harmed(harm)
    try:
        state = state_of(open_wal(disk))
    except LogDamaged as damage:
        assert damage.file == join(DIRECTORY, name), (harm, str(damage))
        assert damage.file in str(damage), harm
        assert f"byte {damage.offset}" in str(damage), harm
        if kind == CUT:
            assert damage.offset <= place, (harm, str(damage))
        else:
            assert damage.offset <= place // 8, (harm, str(damage))
    else:
        assert state == log.state, harm
        return "right state"
    try:
        salvage(disk, DIRECTORY, plan_salvage(disk, DIRECTORY))
    except LogDamaged:
        assert name == log.names[1], harm  # the first segment, and not even its first batch
        return "refused, no beginning left"
    state = state_of(open_wal(disk))
    if state == log.state:
        return "refused, repair loses nothing"
    if state in log.states:
        return "refused, repair loses some"
    # The log's beginning was recycled and what says so is lost: a snapshot stands in for it.
    for number, (_, _, index, term, entries) in state.items():
        assert (index, term) in ((0, 0), log.snapshots[number]), harm
        assert isinstance(entries, tuple)
        assert all(entry in log.written[number] for entry in entries), harm
    return "refused, repair by snapshot"


def _entry(term: int, index: int) -> Entry:
    return Entry(term, index, 1_000 + index, b"entry %d.%d " % (term, index) * 9)


def main() -> int:
    """Print how often each outcome came up."""
    log = SealedLog()
    sizes = {name: log.disk.open(join(DIRECTORY, name)).size() for name in log.names}
    print(", ".join(f"{name} {size} bytes" for name, size in sizes.items()))
    started = time.monotonic()
    outcomes: dict[str, Counter[str]] = {CUT: Counter(), BIT: Counter()}
    failed = 0
    for harm in log.harms():
        try:
            outcomes[harm[0]][judge(log, harm)] += 1
        except (AssertionError, UnknownFormat) as error:
            failed += 1
            print(f"WRONG after {harm}: {error!r}")
    for kind, counter in outcomes.items():
        print(f"{kind}s: {sum(counter.values()):,}")
        for outcome, count in sorted(counter.items()):
            print(f"  {outcome:<32} {count:>8,}")
    print(f"{failed} wrong, {time.monotonic() - started:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
