"""When a node last used a key, or how often: what LRU and LFU eviction and OBJECT IDLETIME go by.

Local to the node, and no part of the state: a follower only sees writes, so after a change of
leader what is known grows anew. Nothing is kept, at no cost, until a policy needs it or somebody
asks for it. What a database keeps for a key is a time (LRU), or minutes and a counter (LFU).
"""

from typing import Final

NEW_COUNTER: Final = 5  # of a key that has just been written: it is not the next to go
COUNTER_MAX: Final = 255
MINUTE_MS: Final = 60_000


class Accesses:
    """How accesses are counted; one for all keyspaces of a node.

    `counts`: the logarithmic counter of LFU (redis.conf on lfu-log-factor), else the time of LRU.
    Keys not used since `since_ms` count as used then.
    """

    def __init__(self, counts: bool, log_factor: int, decay_minutes: int, since_ms: int) -> None:
        self.counts = counts
        self.log_factor = log_factor
        self.decay_minutes = decay_minutes
        self.since_ms = since_ms
        self._dice: int = 1

    def touch(self, known: dict[bytes, int], key: bytes, now_ms: int) -> None:
        """Remember that `key` is being used."""
        if not self.counts:
            known[key] = now_ms
            return
        counter = NEW_COUNTER
        if key in known:
            counter = self.frequency(known, key, now_ms)
            # A step gets less likely with each: 255 stand for about a million uses by default.
            self._dice = (self._dice * 1_103_515_245 + 12_345) & 0x7FFF_FFFF
            steps = max(counter - NEW_COUNTER, 0) * self.log_factor + 1
            if counter < COUNTER_MAX and (self._dice >> 8) % steps == 0:
                counter += 1
        known[key] = (now_ms // MINUTE_MS) << 8 | counter

    def set_idle(self, known: dict[bytes, int], key: bytes, idle_ms: int, now_ms: int) -> None:
        """Have `key` count as not used for so long; no matter where uses are counted."""
        if not self.counts:
            known[key] = now_ms - idle_ms

    def set_frequency(self, known: dict[bytes, int], key: bytes, counter: int, now_ms: int) -> None:
        """Give `key` a counter; no matter where only times are kept."""
        if self.counts:
            known[key] = (now_ms // MINUTE_MS) << 8 | counter

    def idle_ms(self, known: dict[bytes, int], key: bytes, now_ms: int) -> int:
        """Return how long `key` has not been used."""
        return max(0, now_ms - known.get(key, self.since_ms))

    def frequency(self, known: dict[bytes, int], key: bytes, now_ms: int) -> int:
        """Return the counter of `key`, less by one for each period in which it was not used."""
        minutes = now_ms // MINUTE_MS
        entry = known.get(key, -1)
        if entry < 0:
            entry = (self.since_ms // MINUTE_MS) << 8 | NEW_COUNTER
        counter = entry & 0xFF
        if self.decay_minutes == 0:
            return counter
        return max(0, counter - max(0, minutes - (entry >> 8)) // self.decay_minutes)
