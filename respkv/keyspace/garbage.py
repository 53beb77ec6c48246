"""What FLUSHALL and DEL dropped, freed in slices so that no turn of the loop stands still.

Releasing the last reference of a million objects takes 100 ms and more.
"""

from typing import Final

from respkv.keyspace.database import Database
from respkv.keyspace.huge_text import HUGE_BYTES, HugeText
from respkv.keyspace.long_string import Block, LongString
from respkv.keyspace.values import Container, Value

ELEMENTS_AT_ONCE: Final = 64  # a smaller container is freed on the spot
BLOCK_ITEMS: Final = 40  # a block of a long string takes as long as so many elements


class Garbage:
    """Dropped values, emptied a little at each `free_some`."""

    def __init__(self) -> None:
        self._keys: list[list[bytes]] = []
        self._values: list[dict[bytes, Value]] = []
        self._dicts: list[dict[bytes, int]] = []
        self._windows: list[dict[int, dict[bytes, None]]] = []
        self._containers: list[Container] = []
        self._texts: list[HugeText] = []
        self._blocks: list[dict[int, Block]] = []

    def add_value(self, value: Value) -> None:
        """Take a value that no key holds any more."""
        if isinstance(value, Container) and value.references() > ELEMENTS_AT_ONCE:
            self._containers.append(value)
        elif isinstance(value, bytes) and len(value) > HUGE_BYTES:
            self._texts.append(HugeText(value))
        elif isinstance(value, LongString):
            self._blocks.append(value.blocks)
            self.add_value(value.base)

    def add_database(self, database: Database) -> None:
        """Take a whole database that was replaced by an empty one."""
        self._keys.append(database.keys)
        self._values.append(database.values)
        self._dicts.append(database.positions)
        self._dicts.append(database.deadlines.by_key)
        self._dicts.append(database.accesses)
        self._dicts.append(database.grown_bytes)
        self._windows.append(database.deadlines.take_buckets())

    def free_some(self, items: int) -> bool:
        """Drop about `items` references; return whether some are left."""
        while items > 0:
            if self._containers:
                freed = self._containers[-1].free_some(items)
                if freed == 0:
                    self._containers.pop()
                items -= freed + 1
            elif self._texts:
                if not self._texts[-1].free_some():
                    self._texts.pop()
                items = 0
            elif self._blocks:
                items -= self._free_blocks(items)
            elif self._values:
                items -= self._free_values(items)
            elif self._keys:
                keys = self._keys[-1]
                del keys[-items:]  # the last references are those of `positions`
                items = 0
                if not keys:
                    self._keys.pop()
            elif self._dicts:
                items -= _pop_some(self._dicts, items)
            elif self._windows:
                items -= self._free_windows(items)
            else:
                return False
        return True

    def _free_values(self, items: int) -> int:
        values = self._values[-1]
        for freed in range(items):
            if not values:
                self._values.pop()
                return freed + 1
            self.add_value(values.popitem()[1])
        return items

    def _free_blocks(self, items: int) -> int:
        blocks = self._blocks[-1]
        for freed in range(0, items, BLOCK_ITEMS):
            if not blocks:
                self._blocks.pop()
                return freed + 1
            blocks.popitem()
        return items

    def _free_windows(self, items: int) -> int:
        buckets = self._windows[-1]
        if not buckets:
            self._windows.pop()
            return 1
        window, bucket = buckets.popitem()
        for freed in range(items):
            if not bucket:
                return freed + 1
            bucket.popitem()
        buckets[window] = bucket
        return items


def _pop_some(dicts: list[dict[bytes, int]], items: int) -> int:
    entries = dicts[-1]
    for freed in range(items):
        if not entries:
            dicts.pop()
            return freed + 1
        entries.popitem()
    return items
