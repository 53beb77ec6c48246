"""What replicas of one partition say to each other (Raft paper, figure 2; thesis 6.4 and 9.6)."""

from collections.abc import Sequence
from typing import Final

from respkv.entry import Entry

PRE_VOTE: Final = 1
PRE_VOTE_REPLY: Final = 2
VOTE: Final = 3
VOTE_REPLY: Final = 4
APPEND: Final = 5
APPEND_REPLY: Final = 6
HEARTBEAT: Final = 7
HEARTBEAT_REPLY: Final = 8
TIMEOUT_NOW: Final = 9
TRANSFER_REQUEST: Final = 10

KIND_NAMES: Final = {
    PRE_VOTE: "pre-vote",
    PRE_VOTE_REPLY: "pre-vote reply",
    VOTE: "vote",
    VOTE_REPLY: "vote reply",
    APPEND: "append",
    APPEND_REPLY: "append reply",
    HEARTBEAT: "heartbeat",
    HEARTBEAT_REPLY: "heartbeat reply",
    TIMEOUT_NOW: "timeout now",
    TRANSFER_REQUEST: "transfer request",
}


class Message:
    """One message; never changed once sent, so a network may deliver it twice or late.

    (index, log_term) is the last log entry of a candidate, or the entry before `entries`; in an
    append reply `index` is the last entry that matches, or the one that was rejected, with a hint
    where to look next. `context` is the number of a read round; of a vote, whether
    the leader itself has asked for it. A heartbeat's `index` is 1 when its round is one of a lease.
    That of an order to stand for election is where the log must end for it.
    """

    __slots__ = (
        "commit",
        "context",
        "entries",
        "hint_index",
        "hint_term",
        "index",
        "kind",
        "log_term",
        "recipient",
        "reject",
        "sender",
        "term",
    )

    def __init__(
        self,
        kind: int,
        sender: int,
        recipient: int,
        term: int,
        index: int = 0,
        log_term: int = 0,
        commit: int = 0,
        entries: Sequence[Entry] = (),
        reject: bool = False,
        hint_index: int = 0,
        hint_term: int = 0,
        context: int = 0,
    ) -> None:
        self.kind = kind
        self.sender = sender
        self.recipient = recipient
        self.term = term
        self.index = index
        self.log_term = log_term
        self.commit = commit
        self.entries = entries
        self.reject = reject
        self.hint_index = hint_index
        self.hint_term = hint_term
        self.context = context

    def __repr__(self) -> str:
        return (
            f"{KIND_NAMES[self.kind]} {self.sender}→{self.recipient} term {self.term} "
            f"at {self.log_term}.{self.index} commit {self.commit} +{len(self.entries)}"
            f"{' reject' if self.reject else ''}"
        )
