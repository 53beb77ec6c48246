"""maxmemory: what a node does when the data of its partitions outgrows the limit.

After each turn the guard compares the estimate (`keyspace/memory.py`, and what waits to be applied)
with the limit. Beyond it, leaders log the eviction of keys, in rounds; where nothing may go, or the
data grows faster than keys go, commands that may need memory are refused. So a turn's commands may
exceed the limit, and what decides is the leader's own memory: followers apply what it logged.

A node in a cluster also holds copies of what others lead. Each leader gives up its share of what is
too much, and counts on the others for theirs: what is on its way counts as gone (`Owed`), or each
turn until the others' evictions arrive would evict again.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Final

from respkv.clock import Chance, Clock
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.memory import KEYSPACE_BYTES, memory_of
from respkv.keyspace.victims import choose_victims, has_victims
from respkv.replica.replica import Replica

EVICTED_MAX: Final = 1_000  # keys a round: some milliseconds to choose and to apply
EXCESS_MAX: Final = 8  # refused beyond limit + limit / 8, at least the next number
EXCESS_BYTES: Final = 4 << 20
OWED_MS: Final = 1_000  # another leader that evicts nothing for so long is not counted on

NO_EVICTION: Final = "noeviction"


class Owed:
    """What another leader is to evict, and has not yet as far as the copies here show."""

    def __init__(self) -> None:
        self._bytes = 0
        self._evicted_bytes = 0  # of its partitions, when looked at last
        self._progress_ms = 0

    def settle(self, evicted_bytes: int, now_ms: int) -> int:
        """Take off what has been evicted since; return what is left to come."""
        if evicted_bytes != self._evicted_bytes:
            self._bytes = max(0, self._bytes - max(0, evicted_bytes - self._evicted_bytes))
            self._evicted_bytes = evicted_bytes
            self._progress_ms = now_ms
        elif now_ms - self._progress_ms > OWED_MS:
            self._bytes = 0
        return self._bytes

    def add(self, size: int, now_ms: int) -> None:
        """Expect that `size` bytes more will go."""
        if not self._bytes:
            self._progress_ms = now_ms
        self._bytes += size


class MemoryGuard:
    """One for all replicas of a node; a `limit_bytes` of 0 is none."""

    def __init__(self, replicas: Callable[[], list[Replica]], chance: Chance, clock: Clock) -> None:
        self.limit_bytes = 0
        self.policy = NO_EVICTION
        self.samples = 5
        self.refuses = False  # commands that may need memory
        self.peak_bytes = 0
        self._replicas = replicas
        self._chance = chance
        self._clock = clock
        self._evicting_bytes: dict[int, int] = {}  # logged here and not applied, by partition
        self._owed: dict[int, Owed] = {}  # by leader

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
        """Have the partitions led here give up their share; other leaders see to theirs."""
        now_ms = self._clock.monotonic_ms()
        excess -= self._under_way(replicas, now_ms)
        if excess <= 0:
            return
        shares = _shares(replicas, excess)
        wanted = 0
        for replica, share in shares:
            if not replica.serving:
                self._owed[replica.raft.leader_id].add(share, now_ms)
            elif not replica.is_evicting:
                wanted += share
        for replica, share in shares:
            if wanted > 0 and replica.serving and not replica.is_evicting:
                victims = choose_victims(
                    replica.keyspace,
                    self.policy,
                    self.samples,
                    min(share, wanted),
                    EVICTED_MAX,
                    self._chance,
                )
                replica.evict(victims)
                evicting_bytes = _bytes_of(replica.keyspace, victims)
                self._evicting_bytes[replica.partition] = evicting_bytes
                wanted -= evicting_bytes

    def _under_way(self, replicas: list[Replica], now_ms: int) -> int:
        """Return how many bytes go without anything more being done."""
        total = 0
        evicted: dict[int, int] = {}
        for replica in replicas:
            if not replica.serving:
                leader = replica.raft.leader_id
                evicted[leader] = evicted.get(leader, 0) + replica.keyspace.evicted_bytes
            elif replica.is_evicting:
                total += self._evicting_bytes.get(replica.partition, 0)
        for leader, evicted_bytes in evicted.items():
            total += self._owed.setdefault(leader, Owed()).settle(evicted_bytes, now_ms)
        return total

    def _refuse(self, refuses: bool) -> None:
        if refuses or self.refuses:
            self.refuses = refuses
            for replica in self._replicas():
                replica.refusals.refuse_growth(refuses)


def _shares(replicas: list[Replica], excess: int) -> list[tuple[Replica, int]]:
    """Divide bytes by how much each holds; the largest come first, as a key may exceed a share."""
    sizes = [
        (max(1, replica.keyspace.used_bytes() - KEYSPACE_BYTES), replica) for replica in replicas
    ]
    sizes.sort(key=itemgetter(0), reverse=True)
    total = sum([size for size, _ in sizes])
    return [(replica, excess * size // total + 1) for size, replica in sizes]


def _bytes_of(keyspace: Keyspace, keys: list[tuple[int, bytes]]) -> int:
    return sum([memory_of(key, keyspace.databases[db].values[key]) for db, key in keys])
