"""Numbers in ascending order: added and removed anywhere, mostly added at the end."""

from bisect import bisect_left, bisect_right, insort
from typing import Final

BLOCK_MAX: Final = 512  # inserting moves half a block on average: 2 KiB


class SortedIds:
    """Distinct numbers in blocks; `_firsts[i]` is not above any of block i, and above those before."""

    def __init__(self) -> None:
        self._blocks: list[list[int]] = []
        self._firsts: list[int] = []
        self._count: int = 0

    def __len__(self) -> int:
        return self._count

    def extend(self, numbers: list[int]) -> None:
        """Add ascending numbers, all above those that are there."""
        for start in range(0, len(numbers), BLOCK_MAX):
            block = numbers[start : start + BLOCK_MAX]
            self._blocks.append(block)
            self._firsts.append(block[0])
        self._count += len(numbers)

    def add(self, number: int) -> None:
        """Add a number that is not there."""
        self._count += 1
        if not self._blocks or number > self._blocks[-1][-1]:
            if self._blocks and len(self._blocks[-1]) < BLOCK_MAX:
                self._blocks[-1].append(number)
            else:
                self._blocks.append([number])
                self._firsts.append(number)
            return
        at = max(bisect_right(self._firsts, number) - 1, 0)
        block = self._blocks[at]
        insort(block, number)
        self._firsts[at] = min(self._firsts[at], number)
        if len(block) > BLOCK_MAX:
            half = block[BLOCK_MAX // 2 :]
            del block[BLOCK_MAX // 2 :]
            self._blocks.insert(at + 1, half)
            self._firsts.insert(at + 1, half[0])

    def add_some(self, numbers: list[int]) -> None:
        """Add ascending numbers that are not there."""
        last = self._blocks[-1] if self._blocks else []
        if numbers and last and numbers[0] > last[-1] and len(last) + len(numbers) <= BLOCK_MAX:
            last += numbers
            self._count += len(numbers)
        else:
            for number in numbers:
                self.add(number)

    def remove(self, number: int) -> None:
        """Remove a number that is there."""
        at = bisect_right(self._firsts, number) - 1
        block = self._blocks[at]
        del block[bisect_left(block, number)]
        self._count -= 1
        if not block:
            del self._blocks[at]
            del self._firsts[at]

    def first(self) -> int:
        """Return the smallest; there is one."""
        return self._blocks[0][0]

    def last(self) -> int:
        """Return the largest; there is one."""
        return self._blocks[-1][-1]

    def not_below(self, start: int, count: int) -> list[int]:
        """Return at most `count` numbers from `start` on."""
        at = max(bisect_right(self._firsts, start) - 1, 0)
        found: list[int] = []
        while at < len(self._blocks) and len(found) < count:
            block = self._blocks[at]
            position = bisect_left(block, start) if block[0] < start else 0
            found += block[position : position + count - len(found)]
            at += 1
        return found

    def all(self) -> list[int]:
        """Return all of them."""
        return [number for block in self._blocks for number in block]

    def take_last(self, count: int) -> list[int]:
        """Remove and return some of the largest, at most `count`; none when none is left."""
        if not self._blocks:
            return []
        block = self._blocks[-1]
        taken = block[-count:]
        del block[-count:]
        self._count -= len(taken)
        if not block:
            self._blocks.pop()
            self._firsts.pop()
        return taken
