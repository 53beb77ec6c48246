"""When a voter stands for election, and how long it elects nobody else for a leader's sake."""

from typing import Final

from respkv.clock import Chance

ELECTION_TIMEOUT_TICKS: Final = 6  # a tick is 100 ms; the timeout is drawn from [6, 12]


class ElectionTimer:
    """Counts ticks since its member heard a leader; a leader counts those since a check-quorum.

    `promised`: from before a restart, so that a voter may be bound by what it knows no more of.
    """

    def __init__(self, chance: Chance, promised: bool) -> None:
        self._chance = chance
        self._elapsed_ticks = 0
        self._timeout_ticks = 0
        self._since_promise_ticks = 0 if promised else ELECTION_TIMEOUT_TICKS
        self.draw()

    def tick(self) -> None:
        """One heartbeat interval has passed."""
        self._elapsed_ticks += 1
        self._since_promise_ticks += 1

    def restart(self) -> None:
        """Count anew, to the same timeout."""
        self._elapsed_ticks = 0

    def draw(self) -> None:
        """Count anew, to another timeout: voters that stand at once split the votes."""
        self._elapsed_ticks = 0
        spread = self._chance.below(ELECTION_TIMEOUT_TICKS + 1)
        self._timeout_ticks = ELECTION_TIMEOUT_TICKS + spread

    def expire_in_turn(self, turn: int) -> None:
        """Let the timeout end soon, later for a later `turn`; promises stay."""
        self._elapsed_ticks = ELECTION_TIMEOUT_TICKS
        self._timeout_ticks = ELECTION_TIMEOUT_TICKS + 1 + 2 * turn

    def promise(self) -> None:
        """Elect nobody for an election timeout: a leader's lease may count on it."""
        self._since_promise_ticks = 0

    def has_promised(self) -> bool:
        """Whether a leader's lease, of whatever term, may count on this voter."""
        return self._since_promise_ticks < ELECTION_TIMEOUT_TICKS

    def heard_lately(self) -> bool:
        """Whether less than the shortest election timeout has passed."""
        return self._elapsed_ticks < ELECTION_TIMEOUT_TICKS

    def is_due(self) -> bool:
        """Whether it is time to stand for election."""
        return self._elapsed_ticks >= self._timeout_ticks and not self.has_promised()
