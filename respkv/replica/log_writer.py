"""One write and one sync a turn, for all partitions of the node.

A sync costs about the same for 1 command as for 1,000, so throughput grows with load. At most one
batch is unsynced at a time under `appendfsync always`: what arrives meanwhile travels in the next.
"""

from collections.abc import Callable
from typing import Protocol

from respkv.consensus.messages import Message
from respkv.consensus.ready import Ready
from respkv.log.spares import NoRoom
from respkv.log.wal import Wal
from respkv.replica.runtime import Runtime


class Writer(Protocol):
    """A replica, as the log writer sees it."""

    partition: int

    def flush(self) -> None:
        """Propose what this turn collected and hand over what Raft wants written."""
        ...

    def send(self, message: Message) -> None:
        """Send a message that had to wait for the log to be durable."""
        ...

    def persisted(self, term: int, index: int) -> bool:
        """Learn that the log is durable here up to (term, index); return whether to `flush`."""
        ...


class _Written:
    """What waits for one sync: promises to make and messages that may only leave after it."""

    def __init__(self) -> None:
        self.lsn = 0
        self.persisted: dict[int, tuple[Writer, int, int]] = {}  # by partition; term, index
        self.messages: list[tuple[Writer, Message]] = []
        self.then: list[Callable[[], None]] = []


class LogWriter:
    """Collects the turn's records, writes them as one batch and passes on the completion."""

    def __init__(self, wal: Wal, runtime: Runtime, wait_for_sync: bool) -> None:
        self._wal = wal
        self._runtime = runtime
        self.wait_for_sync = (
            wait_for_sync  # appendfsync always; otherwise a write is promise enough
        )
        self._touched: list[Writer] = []
        self._touched_when_synced: list[Writer] = []
        self._collected = _Written()
        self._has_records = False
        self._in_flight: _Written | None = None
        self._in_turn = False
        self._completed = False  # something is durable since this turn began
        self._when_written: list[Callable[[], None]] = []

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be written or synced."""
        return self._in_flight is None and not self._has_records and not self._touched

    @property
    def syncing(self) -> bool:
        """Whether a batch is on its way to the disk: what is added now waits for the next one."""
        return self._in_flight is not None

    def call_when_written(self, call: Callable[[], None]) -> None:
        """Call once every record so far is in the log, durable or not."""
        if self._has_records:
            self._when_written.append(call)
        else:
            call()

    def touch(self, replica: Writer) -> None:
        """Have `replica.flush()` called at the end of this turn."""
        if replica not in self._touched:
            if not self._touched and not self._in_turn:
                self._runtime.request_end_of_turn()
            self._touched.append(replica)

    def touch_when_synced(self, replica: Writer) -> None:
        """Have `replica.flush()` called once the sync under way has completed."""
        if replica not in self._touched_when_synced:
            self._touched_when_synced.append(replica)

    def add(self, replica: Writer, ready: Ready) -> None:
        """Take what a replica's Raft wants on disk, and the messages that wait for it."""
        collected = self._collected
        if ready.hard_state is not None:
            term, vote = ready.hard_state
            self._wal.add_hard_state(replica.partition, term, vote)
            self._has_records = True
        if ready.entries:
            self._wal.add_entries(replica.partition, ready.entries)
            self._has_records = True
            if self._in_flight is not None:
                self._forget_replaced(self._in_flight, replica.partition, ready.entries[0].index)
            last = ready.entries[-1]
            collected.persisted[replica.partition] = (replica, last.term, last.index)
        collected.messages += [(replica, message) for message in ready.messages_after_sync]

    def add_snapshot(
        self,
        partition: int,
        index: int,
        term: int,
        then: Callable[[], None],
        configuration: bytes = b"",
    ) -> None:
        """Record that a durable snapshot covers (index, term); call `then` once that is durable.

        `configuration` is the one as of a snapshot that came from a leader.
        """
        self._wal.add_snapshot(partition, index, term)
        if configuration:
            self._wal.add_configuration(partition, index, configuration)
        self._has_records = True
        self._collected.then.append(then)
        if not self._in_turn:
            self._runtime.request_end_of_turn()

    def _forget_replaced(self, written: _Written, partition: int, first_index: int) -> None:
        """A sync under way proves nothing for entries that are replaced now."""
        promised = written.persisted.get(partition)
        if promised is not None and promised[2] >= first_index:
            del written.persisted[partition]

    def end_turn(self) -> None:
        """Flush every touched replica, then write and sync what they handed over.

        When that is durable at once, a second pass applies what the first one wrote. Never more:
        what applying leads to (the next sweep, more of a long recovery) is for the next turn, so
        that clients are served in between.
        """
        self._in_turn = True
        self._completed = False
        self._flush()
        if self._completed:
            self._flush()
        self._in_turn = False
        if self._touched:
            self._runtime.request_end_of_turn()

    def _flush(self) -> None:
        touched = self._touched
        self._touched = []
        for replica in touched:
            replica.flush()
        self._write()

    def synced(self, lsn: int) -> None:
        """A sync has completed: everything up to `lsn` is durable here."""
        self._wal.synced(lsn)
        written = self._in_flight
        if written is not None and written.lsn <= lsn:
            self._in_flight = None
            self._complete(written)
            waiting, self._touched_when_synced = self._touched_when_synced, []
            for replica in waiting:
                self.touch(replica)
            if self._has_records or self._collected.messages:
                self._runtime.request_end_of_turn()

    def _write(self) -> None:
        if self._in_flight is not None:
            return
        written = self._collected
        if not self._has_records:
            # Nothing is being written, so nothing is left to wait for.
            if written.messages or written.persisted:
                self._collected = _Written()
                self._complete(written)
            return
        try:
            written.lsn = self._wal.write(self.wait_for_sync)
        except NoRoom:
            return  # all of it waits, unanswered, for the next turn
        self._collected = _Written()
        self._has_records = False
        when_written, self._when_written = self._when_written, []
        for call in when_written:
            call()
        if self.wait_for_sync:
            self._in_flight = written
            self._runtime.start_sync(written.lsn)
        else:
            self._complete(written)

    def _complete(self, written: _Written) -> None:
        self._completed = True
        for replica, message in written.messages:
            replica.send(message)
        for replica, term, index in written.persisted.values():
            if replica.persisted(term, index):
                self.touch(replica)
        for then in written.then:
            then()
