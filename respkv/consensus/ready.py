"""What Raft has decided and its owner has to do."""

from respkv.consensus.messages import Message
from respkv.entry import Entry


class Ready:
    """Write `hard_state` and `entries`, send, apply; see `raft.py` for what waits for what."""

    def __init__(self) -> None:
        self.hard_state: tuple[int, int] | None = None  # term, vote: write together with entries
        self.entries: list[Entry] = []
        self.messages: list[Message] = []
        self.messages_after_sync: list[Message] = []
        self.committed: list[Entry] = []
        self.reads: list[tuple[int, int]] = []  # (round, index that must be applied first)
        self.snapshot_peers: list[int] = []

    def is_empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not (
            self.entries
            or self.messages
            or self.committed
            or self.hard_state
            or self.messages_after_sync
            or self.reads
            or self.snapshot_peers
        )
