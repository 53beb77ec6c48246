"""Members in the order of their scores; any rank is found, and any entry added, in O(log n).

Blocks of at most a thousand entries side by side, scores and members apart: bisecting an array of
numbers touches no other memory, and members are only compared where scores are equal. Ranks are
counted with the lengths of whole groups of blocks.
"""

from array import array
from bisect import bisect_left, bisect_right
from functools import partial
from itertools import accumulate, islice
from operator import eq
from typing import Final

Entry = tuple[float, bytes]

ADDED_SINGLY: Final = 8  # where there are so many times more
BLOCK_MAX: Final = 1_000  # entries; inserting moves half of it on average: 8 KiB
GROUP_SHIFT: Final = 5  # 32 blocks are a group
REMOVED_SINGLY: Final = 32  # entries; for more, what is known of the blocks is made anew


class Order:
    """Entries (score, member), sorted: equal scores by their members' bytes.

    A member is unique, and no score is NaN. Ranks count from 0, the lowest score. No block is empty.
    """

    def __init__(self) -> None:
        self._count: int = 0
        self._scores: list[array[float]] = []
        self._members: list[list[bytes]] = []
        self._first_scores: array[float] = array("d")
        self._first_members: list[bytes] = []
        self._sums: list[int] = []  # of each group's lengths; none until a rank is asked for

    def __len__(self) -> int:
        return self._count

    def add(self, score: float, member: bytes) -> None:
        """Add an entry."""
        if not self._members:
            self._scores.append(array("d"))
            self._members.append([])
            self._first_scores.append(score)
            self._first_members.append(member)
        at = self._block(score, member)
        place = self._place(at, score, member)
        scores, members = self._scores[at], self._members[at]
        scores.insert(place, score)
        members.insert(place, member)
        self._count += 1
        if not place:
            self._first_scores[at] = score
            self._first_members[at] = member
        if self._sums:
            self._sums[at >> GROUP_SHIFT] += 1
        if len(members) > BLOCK_MAX:
            self._split(at)

    def update(self, scores: list[float], members: list[bytes]) -> None:
        """Add entries."""
        if len(scores) * ADDED_SINGLY < self._count:
            for score, member in zip(scores, members, strict=True):
                self.add(score, member)
        else:
            known = self.scores(0, self._count).tolist()
            self._fill(known + scores, self.members(0, self._count) + members)

    def copy(self) -> "Order":
        """Return an independent copy."""
        other = Order()
        other._count = self._count
        other._scores = [scores[:] for scores in self._scores]
        other._members = [members.copy() for members in self._members]
        other._note_firsts()
        return other

    def remove(self, score: float, member: bytes) -> None:
        """Remove an entry that is there."""
        at = self._block(score, member)
        self._take(at, self._place(at, score, member))

    def pop(self, rank: int) -> Entry:
        """Remove and return the entry at `rank`, -1 for the last."""
        at, place = self._find(rank if rank >= 0 else self._count - 1)
        entry = (self._scores[at][place], self._members[at][place])
        self._take(at, place)
        return entry

    def remove_slice(self, start: int, stop: int) -> list[Entry]:
        """Remove and return the entries of ranks start <= rank < stop."""
        removed = self.slice(start, stop)
        if len(removed) <= REMOVED_SINGLY:
            for score, member in removed:
                self.remove(score, member)
            return removed
        at, place = self._find(start)
        missing = len(removed)
        self._count -= missing
        while missing:
            members = self._members[at]
            end = min(place + missing, len(members))
            missing -= end - place
            del self._scores[at][place:end]
            del members[place:end]
            if members:
                at += 1
            else:
                del self._scores[at]
                del self._members[at]
            place = 0
        self._note_firsts()
        return removed

    def slice(self, start: int, stop: int, reverse: bool = False) -> list[Entry]:
        """Return the entries of ranks start <= rank < stop, the last one first if `reverse`."""
        found: list[Entry] = []
        for at, place, end in self._parts(start, stop):
            scores, members = self._scores[at][place:end], self._members[at][place:end]
            found.extend(zip(scores, members, strict=True))
        if reverse:
            found.reverse()
        return found

    def members(self, start: int, stop: int, reverse: bool = False) -> list[bytes]:
        """Return the members of the same entries as `slice`."""
        found: list[bytes] = []
        for at, place, end in self._parts(start, stop):
            found += self._members[at][place:end]
        if reverse:
            found.reverse()
        return found

    def scores(self, start: int, stop: int, reverse: bool = False) -> "array[float]":
        """Return the scores of the same entries as `slice`."""
        found = array("d")
        for at, place, end in self._parts(start, stop):
            found += self._scores[at][place:end]
        if reverse:
            found.reverse()
        return found

    def _parts(self, start: int, stop: int) -> list[tuple[int, int, int]]:
        """Return a block's number and the range of places in it, for each that ranks are in."""
        parts: list[tuple[int, int, int]] = []
        missing = min(stop, self._count) - start
        if missing <= 0:
            return parts
        at, place = self._find(start)
        while missing > 0:
            end = min(place + missing, len(self._members[at]))
            parts.append((at, place, end))
            missing -= end - place
            place = 0
            at += 1
        return parts

    def rank(self, score: float, member: bytes) -> int:
        """Return how many entries come before this one."""
        return self.rank_of_text(score, member, False)

    def rank_of_score(self, score: float, past: bool) -> int:
        """Return how many entries have a lower score; with `past`, a lower one or this one."""
        bisect = bisect_right if past else bisect_left
        at = bisect(self._first_scores, score) - 1
        return 0 if at < 0 else self._before(at) + bisect(self._scores[at], score)

    def rank_of_text(self, score: float, text: bytes, past: bool) -> int:
        """Return how many entries come before (score, text); with `past`, that one included."""
        if not self._members:
            return 0
        at = self._block(score, text)
        place = self._place(at, score, text)
        members = self._members[at]
        if past and place < len(members) and members[place] == text:
            place += self._scores[at][place] == score
        return self._before(at) + place

    def free_some(self, count: int) -> int:
        """Drop at most `count` entries and return how many; of no use for anything else after that."""
        if not self._members:
            return 0
        last = self._members[-1]
        freed = min(count, len(last))
        del last[-freed:]
        if not last:
            self._members.pop()
            self._scores.pop()
        return freed

    def _fill(self, scores: list[float], members: list[bytes]) -> None:
        """Hold these, and nothing else."""
        self._count = len(scores)
        # sort() asks for the keys in the order of the items: a score is what comes next.
        ordered = sorted(members, key=partial(next, iter(scores)))
        column = array("d", sorted(scores))
        _sort_ties(column, ordered)
        half = BLOCK_MAX // 2
        starts = range(0, len(ordered), half)
        self._scores = [column[start : start + half] for start in starts]
        self._members = [ordered[start : start + half] for start in starts]
        self._note_firsts()

    def _block(self, score: float, member: bytes) -> int:
        """Return the last block that does not begin above an entry, or the first one."""
        firsts = self._first_scores
        at = bisect_right(firsts, score)
        if at and firsts[at - 1] == score:
            low = bisect_left(firsts, score, 0, at)
            at = bisect_right(self._first_members, member, low, at)
        return at - 1 if at else 0

    def _place(self, at: int, score: float, member: bytes) -> int:
        """Return where in a block the first entry stands that is not below this one."""
        scores = self._scores[at]
        low = bisect_left(scores, score)
        if low == len(scores) or scores[low] != score:
            return low
        return bisect_left(self._members[at], member, low, bisect_right(scores, score, low))

    def _take(self, at: int, place: int) -> None:
        """Remove one entry."""
        scores, members = self._scores[at], self._members[at]
        del scores[place]
        del members[place]
        self._count -= 1
        if not members:
            del self._scores[at]
            del self._members[at]
            del self._first_scores[at]
            del self._first_members[at]
            self._sums = []
            return
        if not place:
            self._first_scores[at] = scores[0]
            self._first_members[at] = members[0]
        if self._sums:
            self._sums[at >> GROUP_SHIFT] -= 1

    def _split(self, at: int) -> None:
        """Make a block of the upper half of this one."""
        half = BLOCK_MAX // 2
        scores, members = self._scores[at], self._members[at]
        self._scores[at], self._members[at] = scores[:half], members[:half]
        self._scores.insert(at + 1, scores[half:])
        self._members.insert(at + 1, members[half:])
        self._first_scores.insert(at + 1, scores[half])
        self._first_members.insert(at + 1, members[half])
        self._sums = []

    def _note_firsts(self) -> None:
        self._first_scores = array("d", [scores[0] for scores in self._scores])
        self._first_members = [members[0] for members in self._members]
        self._sums = []

    def _group_sums(self) -> list[int]:
        if not self._sums:
            sizes = list(map(len, self._members))
            step = 1 << GROUP_SHIFT
            self._sums = [sum(sizes[at : at + step]) for at in range(0, len(sizes), step)]
        return self._sums

    def _before(self, at: int) -> int:
        """Return how many entries stand in the blocks before this one."""
        group = at >> GROUP_SHIFT
        before = sum(map(len, self._members[group << GROUP_SHIFT : at]))
        return before + sum(self._group_sums()[:group]) if group else before

    def _find(self, rank: int) -> tuple[int, int]:
        """Return the block of the entry at a rank, and its place there."""
        if rank < len(self._members[0]):
            return 0, rank
        last = len(self._members) - 1
        behind = self._count - rank
        if behind <= len(self._members[last]):
            return last, len(self._members[last]) - behind
        ends = list(accumulate(self._group_sums()))
        group = bisect_right(ends, rank)
        rank -= ends[group - 1] if group else 0
        first = group << GROUP_SHIFT
        ends = list(accumulate(map(len, self._members[first : first + (1 << GROUP_SHIFT)])))
        at = bisect_right(ends, rank)
        return first + at, rank - (ends[at - 1] if at else 0)


def _sort_ties(scores: "array[float]", members: list[bytes]) -> None:
    """Sort the members of each score."""
    same: list[bool] = list(map(eq, scores, islice(scores, 1, None)))
    left = sum(same)
    same.append(False)
    end = 0
    while left:
        start = same.index(True, end)
        end = same.index(False, start)
        left -= end - start
        members[start : end + 1] = sorted(members[start : end + 1])
