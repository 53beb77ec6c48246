"""What a node's segments say after any crash: the state they hold, a torn tail, or damage.

The rules are those of `DESIGN.md` beside this file.
"""

from respkv.log.damage import LogDamaged
from respkv.log.filesystem import FileSystem, join
from respkv.log.partition import RecoveredPartition, replay
from respkv.log.records import Batch, Dropped, LoggedEntry, SnapshotMark
from respkv.log.segment import Segment, read_segment, segment_names, segment_number
from respkv.steps import Steps, finish


class Recovery:
    """The segments in order, the partitions they describe, and where writing goes on.

    Complete once `steps` has run to its end; `recover` does that at once.
    """

    def __init__(self, fs: FileSystem, directory: str) -> None:
        self.partitions: dict[int, RecoveredPartition] = {}
        self.last_lsn = 0
        self.durable_lsn = 0  # the highest LSN that anything valid calls durable
        self.segments: list[Segment] = []  # without their batches, which may be large
        self.unused: list[str] = []  # recycled, or made but never used
        self.torn: Segment | None = None  # has remains of batches that were cut
        self._fs = fs
        self._directory = directory
        self._cut: tuple[str, int] | None = None  # the file and place where the sequence breaks

    def steps(self) -> Steps[None]:
        """Read and replay the segments, one a step.

        Raises:
            LogDamaged: something that was durable is missing or altered (rule 4).
        """
        for name in self._newest_run(segment_names(self._fs, self._directory)):
            yield self._take(name)
        self._judge()

    def _newest_run(self, names: list[str]) -> list[str]:
        """Leave out what lies before a gap in the numbers.

        Several segments are recycled under one sync of the directory, and a power loss may undo
        some of their renames but not others. Were any of them needed, the first checkpoint behind
        the gap tells (rule 7).
        """
        first = len(names) - 1
        while first > 0 and segment_number(names[first - 1]) == segment_number(names[first]) - 1:
            first -= 1
        first = max(first, 0)
        self.unused = names[:first]
        return names[first:]

    def _take(self, name: str) -> int:
        """Take the next segment and return its size."""
        segment = read_segment(self._fs, self._directory, name)
        path = join(self._directory, name)
        if segment.stray_lsn > self.last_lsn:
            raise LogDamaged(path, 0, f"its header is gone, its batch {segment.stray_lsn} is not")
        if segment.salt:
            self.durable_lsn = max(self.durable_lsn, segment.first_lsn - 1)
        for batch in (*segment.batches, *segment.later):
            self.durable_lsn = max(self.durable_lsn, batch.durable_lsn)
        if self._cut is None and segment.batches and self._continues(segment):
            for batch in segment.batches:
                self._replay(segment, batch, path)
            self.segments.append(segment)
        else:
            self.unused.append(name)
        if self._cut is None and (segment.later or not segment.batches):
            self._cut = (path, segment.end)
            self.torn = segment if segment.batches else None
        segment.batches = []
        segment.later = []
        return segment.size

    def _continues(self, segment: Segment) -> bool:
        if not self.segments or segment.first_lsn == self.last_lsn + 1:
            return True
        # The end of the one before is missing: its batches were durable when this one began.
        last = self.segments[-1]
        self._cut = (join(self._directory, last.name), last.end)
        return False

    def _replay(self, segment: Segment, batch: Batch, path: str) -> None:
        try:
            for record in replay(self.partitions, batch):
                number = record.partition
                if isinstance(record, LoggedEntry):
                    entry = record.entry
                    partition = self.partitions.get(number)
                    if partition is not None and entry.index == partition.snapshot_index + 1:
                        self._forget(segment, number)  # all that is needed follows here
                    segment.note_entries(number, entry.index, len(entry.payload))
                elif isinstance(record, Dropped) or (
                    isinstance(record, SnapshotMark) and record.restarts
                ):
                    self._forget(segment, number)
        except ValueError as error:
            raise LogDamaged(path, batch.offset, f"batch {batch.lsn}: {error}") from error
        self.last_lsn = batch.lsn

    def _forget(self, segment: Segment, partition: int) -> None:
        for earlier in (*self.segments, segment):
            earlier.forget(partition)

    def _judge(self) -> None:
        if self.durable_lsn > self.last_lsn:
            path, offset = self._cut or (self._directory, 0)
            raise LogDamaged(
                path,
                offset,
                f"batch {self.last_lsn + 1} does not fit, but what follows says that it was "
                f"durable (up to {self.durable_lsn})",
            )
        for number, partition in self.partitions.items():
            if partition.lacks_entries:
                raise LogDamaged(
                    join(self._directory, self.segments[0].name),
                    0,
                    f"partition {number} has no entries before {partition.base_index + 1}",
                )


def recover(fs: FileSystem, directory: str) -> Recovery:
    """Return what a directory's log holds.

    Raises:
        LogDamaged: something that was durable is missing or altered.
    """
    recovery = Recovery(fs, directory)
    finish(recovery.steps())
    return recovery
