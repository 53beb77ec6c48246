"""The list type."""

from collections import deque
from itertools import compress, islice
from struct import pack, unpack_from
from typing import ClassVar, Final

from respkv.keyspace.limits import Limits
from respkv.keyspace.packed import pack_items, unpack_items
from respkv.keyspace.values import LOADERS, Container

LIST_BYTES: Final = 720  # an empty one: a deque comes with its first block
ITEM_BYTES: Final = 50  # a bytes object and its slot in a block of the deque: measured
INDEXED_AT_ONCE: Final = 100  # items; indexing one in the middle of 1,000,000 takes 10 us
SEARCHED_FIRST: Final = 16
SEARCHED_AT_ONCE: Final = 256  # items: half the time of looking at each in a loop
REMOVED_SINGLY: Final = 10  # items; removing one there takes 1.3 ms, rebuilding the deque 30


class List(Container):
    """Byte strings from left to right; the ends and their neighbours are near."""

    type_code: ClassVar[int] = 2
    type_name: ClassVar[str] = "list"

    def __init__(self, items: list[bytes] | None = None) -> None:
        self.items: deque[bytes] = deque(items or [])
        self.payload_bytes: int = sum(map(len, self.items))

    def __len__(self) -> int:
        return len(self.items)

    def push(self, items: list[bytes], left: bool) -> None:
        """Add items at one end, one after the other."""
        if left:
            self.items.extendleft(items)
        else:
            self.items.extend(items)
        self.payload_bytes += sum(map(len, items))

    def pop(self, left: bool) -> bytes:
        """Remove and return the item at one end; a list that is stored has one."""
        item = self.items.popleft() if left else self.items.pop()
        self.payload_bytes -= len(item)
        return item

    def pop_some(self, count: int, left: bool) -> list[bytes]:
        """Remove and return at most `count` items of one end, the outermost first."""
        items = self.items
        take = items.popleft if left else items.pop
        popped = [take() for _ in range(min(count, len(items)))]
        self.payload_bytes -= sum(map(len, popped))
        return popped

    def set(self, index: int, item: bytes) -> None:
        """Replace the item at an existing position, counted from the end if negative."""
        self.payload_bytes += len(item) - len(self.items[index])
        self.items[index] = item

    def insert(self, index: int, item: bytes) -> None:
        """Add an item in front of position `index`, or at the end."""
        self.items.insert(index, item)
        self.payload_bytes += len(item)

    def remove(self, item: bytes, left: bool, limit: int) -> int:
        """Remove at most `limit` items (0: all) equal to `item`, beginning at one end."""
        items = self.items
        positions = self.find(item, left, 0, limit, len(items))
        self.payload_bytes -= len(item) * len(positions)
        if len(positions) <= REMOVED_SINGLY:
            for position in sorted(positions, reverse=True):
                del items[position]
        else:
            kept = bytearray(b"\1") * len(items)
            for position in positions:
                kept[position] = 0
            self.items = deque(compress(items, kept))
        return len(positions)

    def bounds(self, first: int, last: int) -> tuple[int, int]:
        """Return positions `first` to `last`, counted from the end if negative, as a half-open range.

        Where there are none, it is (0, 0).
        """
        count = len(self.items)
        if first < 0:
            first = max(first + count, 0)
        if last < 0:
            last += count
        last = min(last, count - 1)
        return (0, 0) if first > last else (first, last + 1)

    def range(self, first: int, last: int) -> list[bytes]:
        """Return the items from position `first` to `last`, both counted from the end if negative."""
        start, end = self.bounds(first, last)
        items = self.items
        behind = len(items) - end
        # A deque is walked from its nearer end, or a block at a time for each item that is indexed.
        if end - start <= INDEXED_AT_ONCE and min(start, behind) > 16 * (end - start):
            return [items[position] for position in range(start, end)]
        if start > behind:
            return list(islice(reversed(items), behind, len(items) - start))[::-1]
        return list(islice(items, start, end))

    def find(self, item: bytes, left: bool, skip: int, limit: int, within: int) -> list[int]:
        """Return positions that hold `item`, beginning at one end, without the first `skip`.

        At most `limit` of them, 0 for all, among the `within` items next to that end.
        """
        items = self.items
        walk = islice(items if left else reversed(items), within)
        last = len(items) - 1
        found: list[int] = []
        passed = 0
        searched = SEARCHED_FIRST
        while candidates := list(islice(walk, searched)):
            if item in candidates:
                for position, candidate in enumerate(candidates, passed):
                    if candidate == item:
                        if skip:
                            skip -= 1
                            continue
                        found.append(position if left else last - position)
                        if len(found) == limit:
                            return found
            passed += len(candidates)
            searched = SEARCHED_AT_ONCE
        return found

    def encoding(self, limits: Limits) -> bytes:
        return b"quicklist"

    def memory_bytes(self) -> int:
        return LIST_BYTES + self.payload_bytes + ITEM_BYTES * len(self.items)

    def copy(self) -> "List":
        return List(list(self.items))

    def dump(self) -> bytes:
        return pack("<I", len(self.items)) + pack_items(list(self.items))

    def free_some(self, items: int) -> int:
        return len(self.pop_some(items, left=False))


def load(dumped: bytes) -> List:
    """Return the list that `List.dump` described."""
    (count,) = unpack_from("<I", dumped)
    return List(unpack_items(dumped, 4, count))


LOADERS[List.type_code] = load
