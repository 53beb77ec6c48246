"""The list type."""

from collections import deque
from itertools import islice
from struct import pack, unpack_from
from typing import ClassVar, Final

from respkv.keyspace.limits import Limits
from respkv.keyspace.packed import pack_items, unpack_items
from respkv.keyspace.values import LOADERS, Container

ITEM_BYTES: Final = 50  # a bytes object and its slot in a block of the deque: measured


class List(Container):
    """Byte strings from left to right; the ends and their neighbours are near."""

    type_code: ClassVar[int] = 2
    type_name: ClassVar[str] = "list"

    def __init__(self, items: list[bytes] | None = None) -> None:
        self.items: deque[bytes] = deque(items or [])
        self.payload_bytes: int = sum(map(len, self.items))

    def __len__(self) -> int:
        return len(self.items)

    def push(self, item: bytes, left: bool) -> None:
        """Add an item at one end."""
        if left:
            self.items.appendleft(item)
        else:
            self.items.append(item)
        self.payload_bytes += len(item)

    def pop_some(self, count: int, left: bool) -> list[bytes]:
        """Remove and return at most `count` items of one end, the outermost first."""
        items = self.items
        take = items.popleft if left else items.pop
        popped = [take() for _ in range(min(count, len(items)))]
        self.payload_bytes -= sum(map(len, popped))
        return popped

    def range(self, first: int, last: int) -> list[bytes]:
        """Return the items from position `first` to `last`, both counted from the end if negative."""
        count = len(self.items)
        if first < 0:
            first = max(first + count, 0)
        if last < 0:
            last += count
        last = min(last, count - 1)
        if first > last:
            return []
        if first > count - 1 - last:  # nearer to the right end: a deque is walked from its ends
            backwards = islice(reversed(self.items), count - 1 - last, count - first)
            return list(backwards)[::-1]
        return list(islice(self.items, first, last + 1))

    def encoding(self, limits: Limits) -> bytes:
        return b"quicklist"

    def memory_bytes(self) -> int:
        return self.payload_bytes + ITEM_BYTES * len(self.items)

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
