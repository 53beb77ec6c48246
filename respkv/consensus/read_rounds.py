"""Read rounds of a leader: one exchange of heartbeats proves that nobody led since (thesis 6.4)."""


class ReadRounds:
    """Rounds are numbered; one that a quorum has acknowledged confirms those before it too."""

    def __init__(self) -> None:
        self.last = 0  # number of the latest round
        # When the last round began whose quorum elects nobody else for a while; 0: there is none.
        self.lease_from_ms = 0
        self.may_lease = True  # False: in this term an election may come at any time
        self._open: list[tuple[int, int, int]] = []  # (round, read index, when it began)

    def begin_term(self) -> None:
        """This member has been elected."""
        self._open = []
        self.may_lease = True

    def end_term(self) -> None:
        """This member leads no more."""
        self._open = []
        self.lease_from_ms = 0

    def give_lease_up(self) -> None:
        """Have no lease for the rest of the term: a follower is told to stand for election."""
        self.may_lease = False
        self.lease_from_ms = 0

    def begin(self, read_index: int, now_ms: int) -> int:
        """Open a round and return its number."""
        self.last += 1
        self._open.append((self.last, read_index, now_ms))
        return self.last

    def any_open(self) -> bool:
        """Return whether a round waits for its quorum."""
        return bool(self._open)

    def close(self, confirmed: int, leased: int) -> list[tuple[int, int]]:
        """Return (round, read index) up to round `confirmed`; those up to `leased` give a lease."""
        closed: list[tuple[int, int]] = []
        while self._open and self._open[0][0] <= confirmed:
            number, read_index, began_ms = self._open.pop(0)
            closed.append((number, read_index))
            if number <= leased:
                self.lease_from_ms = began_ms
        return closed
