"""Every error a client can see, with its exact text, and the errors that stop a replica.

Texts are those of redis-server 7.0.15. Raise a new instance each time: one kept in a module
constant would grow its traceback on every raise.
"""

from typing import ClassVar


class CommandError(Exception):
    """An answer to the client, alike on every replica; `text` is the error line without its '-'."""

    default_text: ClassVar[bytes] = b"ERR"

    def __init__(self, text: bytes = b"") -> None:
        super().__init__(text)
        self.text: bytes = text or self.default_text


class InvariantViolation(Exception):
    """The state is not what the code relies on: this replica stops rather than guess."""


class NotLeader(Exception):
    """This replica does not lead its partition; `leader_id` is 0 when the leader is unknown."""

    def __init__(self, leader_id: int = 0) -> None:
        super().__init__(f"not the leader (leader: {leader_id or 'unknown'})")
        self.leader_id = leader_id


class NotReady(Exception):
    """The leader has not yet committed an entry of its own term, so it cannot serve reads."""
