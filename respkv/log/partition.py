"""What the log says of one partition: as it is read back, and as it is being written."""

from respkv.entry import CONFIGURATION, Entry
from respkv.errors import InvariantViolation
from respkv.log.records import (
    Batch,
    Checkpoint,
    ConfigurationMark,
    Dropped,
    HardState,
    LoggedEntry,
    Record,
    SnapshotMark,
    pack_checkpoint,
    pack_configuration,
    unpack_records,
)

Configurations = list[tuple[int, bytes]]
"""(index, payload), rising: as of the snapshot, and all behind it; empty: never changed."""


def _put(known: Configurations, index: int, payload: bytes) -> None:
    known[:] = sorted([other for other in known if other[0] != index] + [(index, payload)])


def _take_back(known: Configurations, index: int) -> None:
    while known and known[-1][0] >= index:
        known.pop()


def _forget_before(known: Configurations, snapshot_index: int) -> None:
    while len(known) > 1 and known[1][0] <= snapshot_index:
        del known[0]


class RecoveredPartition:
    """One partition's durable state; `entries` follow the snapshot without a gap."""

    def __init__(self) -> None:
        self.term = 0
        self.vote = 0
        self.snapshot_index = 0
        self.snapshot_term = 0
        self.entries: list[Entry] = []
        self.base_index = 0  # the entry before `entries[0]`
        self.configurations: Configurations = []

    @property
    def last_index(self) -> int:
        """Index of the last entry."""
        return self.base_index + len(self.entries)

    @property
    def lacks_entries(self) -> bool:
        """Whether entries behind the snapshot were in segments that are gone."""
        return self.base_index > self.snapshot_index

    def apply(self, record: Record) -> None:
        """Take one record, in LSN order.

        Raises:
            ValueError: it does not fit what came before.
        """
        if isinstance(record, LoggedEntry):
            self._append(record.entry)
        elif isinstance(record, HardState):
            self.term, self.vote = record.term, record.vote
        elif isinstance(record, SnapshotMark):
            self._cover(record)
        elif isinstance(record, Checkpoint):
            self._check(record)
        elif isinstance(record, ConfigurationMark):
            _put(self.configurations, record.index, record.payload)
            _forget_before(self.configurations, self.snapshot_index)

    def _append(self, entry: Entry) -> None:
        if entry.index > self.last_index + 1 or entry.index <= self.snapshot_index:
            raise ValueError(f"entry {entry.index} does not follow {self.last_index}")
        if entry.index <= self.base_index:
            # It replaces entries of a recycled segment, or was copied forward out of one.
            self.base_index = entry.index - 1
            self.entries = []
        del self.entries[entry.index - self.base_index - 1 :]
        _take_back(self.configurations, entry.index)
        if entry.kind == CONFIGURATION:
            self.configurations.append((entry.index, entry.payload))
        self.entries.append(entry)

    def _cover(self, mark: SnapshotMark) -> None:
        if mark.restarts:
            self.entries = []
            self.configurations = []
            self.base_index = mark.index
        elif mark.index > self.base_index:
            position = mark.index - self.base_index - 1
            if position >= len(self.entries) or self.entries[position].term != mark.term:
                raise ValueError(f"a snapshot of {mark.term}.{mark.index}, which is not an entry")
            del self.entries[: position + 1]
            self.base_index = mark.index
        if mark.index > self.snapshot_index:
            self.snapshot_index, self.snapshot_term = mark.index, mark.term
            _forget_before(self.configurations, mark.index)

    def _check(self, checkpoint: Checkpoint) -> None:
        """Begin with a checkpoint, or compare one with what was replayed up to it."""
        if not (self.base_index or self.entries or self.term or self.snapshot_index):
            self.term, self.vote = checkpoint.term, checkpoint.vote
            self.snapshot_index = checkpoint.snapshot_index
            self.snapshot_term = checkpoint.snapshot_term
            self.base_index = checkpoint.last_index
            return
        said = (
            checkpoint.term,
            checkpoint.vote,
            checkpoint.snapshot_index,
            checkpoint.snapshot_term,
            checkpoint.last_index,
        )
        found = (self.term, self.vote, self.snapshot_index, self.snapshot_term, self.last_index)
        if said != found:
            raise ValueError(f"a checkpoint says {said}, the log before it {found}")


def replay(partitions: dict[int, RecoveredPartition], batch: Batch) -> list[Record]:
    """Apply a batch's records to their partitions, and return them.

    Raises:
        ValueError: the batch does not fit what came before, or a newer version wrote it.
    """
    records = unpack_records(batch.records)
    if len(records) != batch.count:
        raise ValueError(f"it has {len(records)} records, not {batch.count}")
    for record in records:
        number = record.partition
        if isinstance(record, Dropped):
            partitions.pop(number, None)
            continue
        partition = partitions.get(number)
        if partition is None:
            partition = partitions[number] = RecoveredPartition()
        partition.apply(record)
    return records


class LoggedPartition:
    """What the next checkpoint says of a partition; the terms of its entries, but not these."""

    def __init__(self, partition: int, recovered: RecoveredPartition) -> None:
        self.partition = partition
        self.term = recovered.term
        self.vote = recovered.vote
        self.snapshot_index = recovered.snapshot_index
        self.snapshot_term = recovered.snapshot_term
        self.last_index = recovered.base_index
        self.added_index = 0  # last index of what waits for the next batch, 0: nothing does
        self.dropped = False  # by the next batch
        self._base_index = recovered.base_index
        self._runs: list[tuple[int, int]] = []  # (first index, term) where the term changes
        self._configurations: Configurations = list(recovered.configurations)
        if recovered.entries:
            self.take_entries(recovered.entries)

    def checkpoint(self) -> list[bytes]:
        """Return the records of what it says now."""
        checkpoint = Checkpoint(
            self.partition,
            self.term,
            self.vote,
            self.snapshot_index,
            self.snapshot_term,
            self.last_index,
        )
        return [
            pack_checkpoint(checkpoint),
            *(
                pack_configuration(self.partition, index, payload)
                for index, payload in self._configurations
            ),
        ]

    def take_configuration(self, index: int, payload: bytes) -> None:
        """Learn the configuration as of a snapshot that came from a leader."""
        _put(self._configurations, index, payload)
        _forget_before(self._configurations, self.snapshot_index)

    def check_entries(self, entries: list[Entry]) -> None:
        """Refuse entries with which the log could not be read back.

        Raises:
            InvariantViolation: they leave a gap, or go under the snapshot.
        """
        first = entries[0].index
        end = self.added_index or self.last_index
        if first > end + 1 or first <= self.snapshot_index:
            raise InvariantViolation(
                f"partition {self.partition}: entry {first} does not follow {end} "
                f"(snapshot {self.snapshot_index})"
            )
        self.added_index = entries[-1].index

    def take_entries(self, entries: list[Entry]) -> None:
        """Replace all entries from the first one's index on."""
        first = entries[0].index
        runs = self._runs
        if first <= self._base_index:
            self._base_index = first - 1
        while runs and runs[-1][0] >= first:
            runs.pop()
        # Terms never fall along a log: the last one's is in place when all of them are.
        if not runs or runs[-1][1] != entries[-1].term:
            for entry in entries:
                if not runs or runs[-1][1] != entry.term:
                    runs.append((entry.index, entry.term))
        self.last_index = entries[-1].index
        _take_back(self._configurations, first)
        for entry in entries:
            if entry.kind == CONFIGURATION:
                self._configurations.append((entry.index, entry.payload))

    def cover(self, index: int, term: int) -> bool:
        """A snapshot covers the log up to (index, term); return whether it restarts the log."""
        restarts = index > self._base_index and self._term_at(index) != term
        if restarts:
            self.last_index = index
            self._runs = []
            self._configurations = []
        self._base_index = max(self._base_index, index)
        if index > self.snapshot_index:
            self.snapshot_index, self.snapshot_term = index, term
            _forget_before(self._configurations, index)
        while len(self._runs) > 1 and self._runs[1][0] <= index + 1:
            del self._runs[0]
        return restarts

    def _term_at(self, index: int) -> int:
        """Return the term of an entry behind the base, 0 when it is not there."""
        if index <= self.last_index:
            for first, term in reversed(self._runs):
                if first <= index:
                    return term
        return 0
