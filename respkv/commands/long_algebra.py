"""Intersections, unions and differences of large sets, in steps on copies of their members."""

from typing import Any, Final

from respkv.steps import Steps
from respkv.wire.reply import SetReply, SteppedReply

STEP_MEMBERS: Final = 1_000
PART_MEMBERS: Final = 10_000


class Known:
    """Members by hash in many small sets: one large set takes 200 ms when it must grow.

    It is never iterated, so its order is no part of the state.
    """

    def __init__(self, count: int) -> None:
        self.parts: list[set[bytes]] = [set() for _ in range(count // PART_MEMBERS + 1)]

    def add(self, members: list[bytes]) -> list[bytes]:
        """Take members; return those that are new."""
        parts = self.parts
        count = len(parts)
        new: list[bytes] = []
        for member in members:
            part = parts[hash(member) % count]
            if member not in part:
                part.add(member)
                new.append(member)
        return new

    def filter(self, members: list[bytes], wanted: bool) -> list[bytes]:
        """Return those that are known, or those that are not."""
        parts = self.parts
        count = len(parts)
        return [member for member in members if (member in parts[hash(member) % count]) == wanted]


def long_union(sets: list[list[bytes]]) -> SteppedReply:
    """Return all members, in the order in which they first come."""
    known = Known(sum(map(len, sets)))
    return SteppedReply(_union(sets, known), [*sets, known.parts])


def _union(sets: list[list[bytes]], known: Known) -> Steps[SetReply]:
    union: list[bytes] = []
    for members in sets:
        for start in range(0, len(members), STEP_MEMBERS):
            union += known.add(members[start : start + STEP_MEMBERS])
            yield 0
    return SetReply(union)


def long_intersection(sets: list[list[bytes]]) -> SteppedReply:
    """Return the common members, in the order of the smallest set."""
    sets.sort(key=len)  # a stable sort, as for small ones
    held: list[list[Any]] = []
    return SteppedReply(_filtered(sets, True, held), held)


def long_count(sets: list[list[bytes]], limit: int) -> SteppedReply:
    """Return how many members are common, at most `limit` unless that is 0."""
    sets.sort(key=len)
    held: list[list[Any]] = []
    return SteppedReply(_count(sets, limit, held), held)


def _count(sets: list[list[bytes]], limit: int, held: list[list[Any]]) -> Steps[int]:
    common = yield from _filtered(sets, True, held)
    held.append(common.items)
    return min(len(common.items), limit or len(common.items))


def long_difference(sets: list[list[bytes]]) -> SteppedReply:
    """Return the members of the first set that no other has, in their order."""
    held: list[list[Any]] = []
    return SteppedReply(_filtered(sets, False, held), held)


def _filtered(sets: list[list[bytes]], wanted: bool, held: list[list[Any]]) -> Steps[SetReply]:
    """Return the members of the first set that are in each other one, or in none."""
    left = sets[0]
    for members in sets[1:]:
        known = Known(len(members))
        held += [members, known.parts, left]
        if left:
            for start in range(0, len(members), STEP_MEMBERS):
                known.add(members[start : start + STEP_MEMBERS])
                yield 0
        found: list[bytes] = []
        for start in range(0, len(left), STEP_MEMBERS):
            found += known.filter(left[start : start + STEP_MEMBERS], wanted)
            yield 0
        left = found
    return SetReply(left)
