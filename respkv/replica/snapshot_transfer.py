"""A snapshot travels to a follower in chunks, one in flight, while serving goes on.

The leader reads its own durable snapshot file; the follower writes the same bytes, syncs them and
only then restarts its log there (Raft paper, section 7).
"""

from typing import Final, Protocol

CHUNK_BYTES: Final = 256 << 10
RESEND_AFTER_TICKS: Final = 5


class SnapshotChunk:
    """Bytes of a snapshot file at `offset`; `size` is the whole file's.

    `configuration` is the partition's as of the snapshot.
    """

    __slots__ = (
        "configuration",
        "data",
        "index",
        "log_term",
        "offset",
        "recipient",
        "sender",
        "size",
        "term",
    )

    def __init__(
        self,
        sender: int,
        recipient: int,
        term: int,
        index: int,
        log_term: int,
        offset: int,
        size: int,
        data: bytes,
        configuration: bytes = b"",
    ) -> None:
        self.sender = sender
        self.recipient = recipient
        self.term = term  # the leader's
        self.index = index  # the last entry the snapshot holds, and its term
        self.log_term = log_term
        self.offset = offset
        self.size = size
        self.data = data
        self.configuration = configuration


class SnapshotAck:
    """The follower holds the file's first `offset` bytes; all of them: installed and durable."""

    __slots__ = ("done", "index", "offset", "recipient", "sender", "term")

    def __init__(
        self, sender: int, recipient: int, term: int, index: int, offset: int, done: bool
    ) -> None:
        self.sender = sender
        self.recipient = recipient
        self.term = term
        self.index = index
        self.offset = offset
        self.done = done


class SnapshotSource(Protocol):
    """A durable snapshot file, open for reading."""

    index: int
    term: int
    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` raw bytes of the file."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class SnapshotSender:
    """The leader's side for one follower."""

    def __init__(self, source: SnapshotSource, peer: int, configuration: bytes = b"") -> None:
        self.source = source
        self.peer = peer
        self._configuration = configuration
        self.offset = 0
        self._ticks_waited = 0

    def chunk(self, sender: int, term: int) -> SnapshotChunk:
        """Return the chunk at the acknowledged offset."""
        self._ticks_waited = 0
        source = self.source
        return SnapshotChunk(
            sender,
            self.peer,
            term,
            source.index,
            source.term,
            self.offset,
            source.size,
            source.read_at(self.offset, CHUNK_BYTES),
            self._configuration,
        )

    def acknowledged(self, ack: SnapshotAck) -> bool:
        """Take an acknowledgement; return whether the next chunk may go."""
        if ack.index != self.source.index or ack.offset == self.offset:
            return False
        self.offset = ack.offset  # lower than ours after the follower restarted
        return True

    def tick(self) -> bool:
        """Return whether the chunk in flight counts as lost and must go again."""
        self._ticks_waited += 1
        return self._ticks_waited >= RESEND_AFTER_TICKS
