"""When keys of one database expire: deadlines by key, and buckets to sweep the past ones.

A bucket holds the keys whose deadlines fall into one window of 1,024 ms and is swept once the
whole window is past, newest entry first. So a sweep costs the same per key however often deadlines
were moved. A heap of (deadline, key) would keep each moved deadline until its old time came, and
one sweep could meet all of them.
"""

from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Final

from respkv.clock import Chance

WINDOW_BITS: Final = 10
STALE_WINDOWS_MAX: Final = 4_096


class Deadlines:
    """Absolute deadlines in Unix milliseconds; the order in a bucket is part of the state."""

    def __init__(self) -> None:
        self.by_key: dict[bytes, int] = {}
        self._buckets: dict[int, dict[bytes, None]] = {}
        self._windows: list[int] = []  # heap of bucket numbers; emptied buckets leave theirs behind

    def set(self, key: bytes, deadline_ms: int) -> None:
        """Give `key` a deadline, or move the one it has."""
        old_ms = self.by_key.get(key)
        if old_ms is not None:
            self._leave(key, old_ms)
        self.by_key[key] = deadline_ms
        window = deadline_ms >> WINDOW_BITS
        bucket = self._buckets.get(window)
        if bucket is None:
            self._buckets[window] = {key: None}
            heappush(self._windows, window)
            if len(self._windows) > 2 * len(self._buckets) + STALE_WINDOWS_MAX:
                self._windows = list(self._buckets)
                heapify(self._windows)
        else:
            bucket[key] = None

    def restore(self, keys: list[bytes], deadlines_ms: list[int]) -> None:
        """Add deadlines of keys that have none, in an order that `in_order` returned."""
        self.by_key.update(zip(keys, deadlines_ms, strict=True))
        buckets = self._buckets
        for key, deadline_ms in zip(keys, deadlines_ms, strict=True):
            window = deadline_ms >> WINDOW_BITS
            bucket = buckets.get(window)
            if bucket is None:
                buckets[window] = {key: None}
                heappush(self._windows, window)
            else:
                bucket[key] = None

    def remove(self, key: bytes) -> bool:
        """Forget the deadline of `key`; return whether it had one."""
        deadline_ms = self.by_key.pop(key, -1)
        if deadline_ms < 0:
            return False
        self._leave(key, deadline_ms)
        return True

    def first_window(self) -> int:
        """Return the number of the earliest bucket, -1 when there is no deadline."""
        windows = self._windows
        while windows:
            if windows[0] in self._buckets:
                return windows[0]
            heappop(windows)
        return -1

    def holds(self, window: int) -> bool:
        """Return whether the bucket has any key."""
        return window in self._buckets

    def take_buckets(self) -> dict[int, dict[bytes, None]]:
        """Return the buckets of a database that was dropped, to be freed in slices."""
        return self._buckets

    def pop_last(self, window: int) -> bytes:
        """Remove and return the key that entered this bucket last.

        `popitem` and not the last or first of an iterator: those walk over every slot that was
        deleted before, so emptying a large bucket would take quadratic time.
        """
        bucket = self._buckets[window]
        key, _ = bucket.popitem()
        if not bucket:
            del self._buckets[window]
        del self.by_key[key]
        return key

    def buckets(self) -> int:
        """Return the number of buckets."""
        return len(self._buckets)

    def earliest(self, count: int) -> list[bytes]:
        """Return `count` keys of the earliest buckets, or fewer when there are no more."""
        found: list[bytes] = []
        windows = self._windows
        # The smallest numbers of a heap, without taking it apart: a child is never before its parent.
        frontier = [(windows[0], 0)] if windows else []
        seen = -1
        while frontier and len(found) < count:
            window, at = heappop(frontier)
            for child in (2 * at + 1, 2 * at + 2):
                if child < len(windows):
                    heappush(frontier, (windows[child], child))
            if window != seen and window in self._buckets:
                found += islice(self._buckets[window], count - len(found))
            seen = window
        return found

    def some(self, count: int, from_each: int, chance: Chance) -> list[bytes]:
        """Return about `count` keys, at most `from_each` of a bucket, from buckets by chance."""
        found: list[bytes] = []
        windows = self._windows
        for _ in range(count):
            if not windows or len(found) >= count:
                break
            bucket = self._buckets.get(windows[chance.below(len(windows))])
            if bucket is not None:
                found += islice(bucket, from_each)
        return found

    def in_order(self) -> list[bytes]:
        """Return the keys in an order that rebuilds equal buckets when they are set again."""
        return [key for window in sorted(self._buckets) for key in self._buckets[window]]

    def _leave(self, key: bytes, deadline_ms: int) -> None:
        window = deadline_ms >> WINDOW_BITS
        bucket = self._buckets[window]
        del bucket[key]
        if not bucket:
            del self._buckets[window]


def window_end_ms(window: int) -> int:
    """Return the last millisecond that falls into the bucket."""
    return ((window + 1) << WINDOW_BITS) - 1
