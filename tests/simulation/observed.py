"""What a user knows of a call: when it was sent, answered and parked; what follows from that."""

from dataclasses import dataclass, field

UNKNOWN = 1 << 62  # completion of a call that may have taken effect, at any time or never


@dataclass(slots=True, eq=False)
class Observed:
    """One call; a `refused` one has certainly had no effect. Times are microseconds.

    `parked` is when its node had it wait in the replicated state, 0 if that was not seen;
    before `times_out` neither a timeout nor CLIENT UNBLOCK can have ended that wait as a timeout does.
    """

    invoked: int = 0
    completed: int = UNKNOWN
    refused: bool = True
    connection: object = None
    number: int = 0  # of the calls on that connection, in the order they were sent
    parked: int = field(default=0, kw_only=True)
    times_out: int = field(default=0, kw_only=True)
    waits: bool = field(default=False, kw_only=True)  # for a key, if nothing is there
    found_nothing: bool = field(default=False, kw_only=True)  # it was answered nil
    error: bytes = field(default=b"", kw_only=True)  # what it was refused with
    answered: int = field(default=0, kw_only=True)  # when, with whatever

    @property
    def known(self) -> bool:
        """Whether its result was seen."""
        return self.completed != UNKNOWN

    def precedes(self, other: "Observed") -> bool:
        """Return whether it took effect first, of two that did and are about one key.

        Either it was answered before the other was sent, or one connection sent both.
        """
        if self.completed < other.invoked:
            return True
        return self.connection is other.connection and self.number < other.number

    def waited_before(self, other: "Observed") -> bool:
        """Return whether it was seen parked before the other was sent: it is to be served first."""
        return 0 < self.parked < other.invoked
