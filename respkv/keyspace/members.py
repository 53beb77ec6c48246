"""Distinct byte strings at dense positions: any one of them is picked, or the next few walked, at once."""

from typing import Final, TypeVar

Item = TypeVar("Item")

BULK: Final = 16  # from so many items on, adding them together is faster than one by one
ORDERED_MAX: Final = 128  # up to here removal keeps the order of insertion, as Redis' listpacks do


class Members:
    """`items` in log order and `positions` of each; removal may move the last item into the gap."""

    def __init__(self) -> None:
        self.items: list[bytes] = []
        self.positions: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self.items)

    def add(self, item: bytes) -> bool:
        """Append `item` unless it is there; return whether it was not."""
        if item in self.positions:
            return False
        self.positions[item] = len(self.items)
        self.items.append(item)
        return True

    def extend(self, items: list[bytes]) -> None:
        """Append items, all distinct and none of them there."""
        first = len(self.items)
        self.positions.update(zip(items, range(first, first + len(items)), strict=True))
        self.items.extend(items)

    def add_all(self, items: list[bytes]) -> list[bytes]:
        """Append those that are not there, each once; return them."""
        if not self.items and self.add_new(items):
            return items
        known = self.positions
        new = [item for item in dict.fromkeys(items) if item not in known]
        self.extend(new)
        return new

    def add_new(self, items: list[bytes]) -> bool:
        """Append items unless one of them is there, or comes twice; return whether it has."""
        if not self.items:
            positions = dict(zip(items, range(len(items)), strict=True))
            if len(positions) < len(items):
                return False
            self.items, self.positions = items.copy(), positions
            return True
        if len(set(items)) < len(items) or not self.positions.keys().isdisjoint(items):
            return False
        self.extend(items)
        return True

    def remove(self, item: bytes) -> int:
        """Remove `item` and return the position it had, -1 when it was not there.

        `close_gap` does the same to a list that runs in parallel with `items`.
        """
        position = self.positions.pop(item, -1)
        if position >= 0:
            self._close(position)
        return position

    def pop(self, position: int) -> bytes:
        """Remove and return the item at a position."""
        item = self.items[position]
        del self.positions[item]
        self._close(position)
        return item

    def _close(self, position: int) -> None:
        items, positions = self.items, self.positions
        if len(items) <= ORDERED_MAX:
            del items[position]
            for moved in range(position, len(items)):
                positions[items[moved]] = moved
            return
        last = items.pop()
        if position < len(items):
            items[position] = last
            positions[last] = position

    def copy(self) -> "Members":
        """Return an independent copy."""
        other = Members()
        other.items = self.items.copy()
        other.positions = self.positions.copy()
        return other

    def free_some(self, count: int) -> int:
        """Drop at most `count` items from the end and return how many; positions go last."""
        if self.items:
            freed = min(count, len(self.items))
            del self.items[-freed:]
            return freed
        for freed in range(count):
            if not self.positions:
                return freed
            self.positions.popitem()
        return count

    def scan(self, cursor: int, count: int) -> tuple[int, int, int]:
        """Return the next cursor and the range of positions to visit, which are walked downwards.

        A cursor is the number of positions still to visit (0 at the start: all), so an item that
        fills the gap of a removed one never moves from a position to visit to a visited one.
        """
        end = len(self.items)
        if 0 < cursor < end:
            end = cursor
        start = max(end - count, 0)
        return start, start, end


def close_gap(items: list[Item], position: int) -> None:
    """Take items[position] out of a list of a `Members`, or of one in parallel with it."""
    if len(items) <= ORDERED_MAX:
        del items[position]
        return
    last = items.pop()
    if position < len(items):
        items[position] = last
