"""What a replica knows of a client: where replies go and what is still outstanding for it."""

from collections.abc import Callable
from typing import Protocol

from respkv.errors import CommandError
from respkv.wire.long_reply import Encoded
from respkv.wire.reply import Reply, encode


class Wait(Protocol):
    """A parked call, for the client who made it."""

    timeout_ms: int  # 0: for ever

    def end(self, reason: bytes) -> None:
        """Have an entry end it unless one has: b"TIMEOUT", b"ERROR" or b"GONE" (no reply)."""
        ...


class Client:
    """One connection's end of the replicated path; `node/` and the simulator extend it.

    Replies are appended in the order of the commands; the owner sends `replies` once a turn.
    """

    def __init__(self) -> None:
        self.replies: list[Encoded] = []
        self.resp: int = 2
        self.db: int = 0
        # Kept by the replica: the last batch this client has an item in, its reads under way, and
        # the submissions that wait for those reads (a later command never overtakes an earlier),
        # each with the database it was sent for: a SELECT behind it may have moved `db` on.
        self.batch_serial: int = 0
        self.reads_pending: int = 0
        self.held: list[tuple[int, Callable[[], None]]] = []
        self.is_parked: bool = False  # its last command waits until an entry answers it
        self.written_index: int = 0  # of the last entry applied with a write of this client

    def hold(self, submit: Callable[[], None]) -> None:
        """Keep a submission until the reads before it are answered."""
        self.held.append((self.db, submit))

    def reply(self, reply: Reply) -> None:
        """Append one reply in this client's protocol version."""
        self.replies.append(encode(reply, self.resp))

    def reply_all(self, replies: list[Reply]) -> None:
        """Append the replies to a run of commands."""
        for reply in replies:
            self.reply(reply)

    def count_error(self, error: CommandError) -> None:
        """Learn of an error inside the reply to a transaction."""

    def park(self, wait: "Wait") -> None:
        """Learn that the last command waits; `wait` can be ended."""
        raise NotImplementedError

    def send_replies(self) -> None:
        """Send what is in `replies` and empty it."""
        raise NotImplementedError

    def close_unknown(self) -> None:
        """Close: the outcome of the next command is unknown, so no answer to it would be true."""
        raise NotImplementedError
