"""maxmemory: what a node does when the data of its partitions outgrows the limit.

After each turn the guard compares the estimate (`keyspace/memory.py`, and what waits to be applied)
with the limit. Beyond it, leaders log the eviction of keys, in rounds; where nothing may go, or the
data grows faster than keys go, commands that may need memory are refused. So a turn's commands may
exceed the limit, and what decides is the leader's own memory: followers apply what it logged.
"""

from collections.abc import Callable
from typing import Final

from respkv.clock import Chance
from respkv.keyspace.victims import choose_victims, has_victims
from respkv.replica.replica import Replica

EVICTED_MAX: Final = 1_000  # keys a round: some milliseconds to choose and to apply
EXCESS_MAX: Final = 8  # refused beyond limit + limit / 8, at least the next number
EXCESS_BYTES: Final = 4 << 20

NO_EVICTION: Final = "noeviction"


class MemoryGuard:
    """One for all replicas of a node; a `limit_bytes` of 0 is none."""

    def __init__(self, replicas: Callable[[], list[Replica]], chance: Chance) -> None:
        self.limit_bytes = 0
        self.policy = NO_EVICTION
        self.samples = 5
        self.refuses = False  # commands that may need memory
        self.peak_bytes = 0
        self._replicas = replicas
        self._chance = chance

    def used_bytes(self) -> int:
        """Return about how much memory the data takes, and what waits to become data."""
        used = 0
        for replica in self._replicas():
            used += replica.keyspace.used_bytes() + replica.pending_bytes
        if used > self.peak_bytes:
            self.peak_bytes = used
        return used

    def limit(self, limit_bytes: int, policy: str, samples: int) -> None:
        """Take over the options."""
        self.limit_bytes = limit_bytes
        self.policy = policy
        self.samples = samples
        self.end_turn()

    def end_turn(self) -> None:
        """Decide what is refused until the next turn ends, and begin what makes room."""
        excess = self.used_bytes() - self.limit_bytes if self.limit_bytes else 0
        if excess <= 0:
            self._refuse(False)
            return
        if self.policy == NO_EVICTION:
            self._refuse(True)
            return
        shrinking = [
            replica
            for replica in self._replicas()
            if has_victims(replica.keyspace, self.policy)  # led elsewhere: that leader evicts
        ]
        fastest = max(self.limit_bytes // EXCESS_MAX, EXCESS_BYTES)
        self._refuse(not shrinking or excess > fastest)
        self._evict(shrinking, excess)

    def _evict(self, replicas: list[Replica], excess: int) -> None:
        """Have each partition led here give up its share; other leaders have theirs do the same."""
        total = sum([replica.keyspace.used_bytes() for replica in replicas])
        for replica in replicas:
            if replica.serving and not replica.is_evicting:
                wanted = excess * replica.keyspace.used_bytes() // total + 1
                victims = choose_victims(
                    replica.keyspace, self.policy, self.samples, wanted, EVICTED_MAX, self._chance
                )
                replica.evict(victims)

    def _refuse(self, refuses: bool) -> None:
        if refuses or self.refuses:
            self.refuses = refuses
            for replica in self._replicas():
                replica.refuse_growth(refuses)
