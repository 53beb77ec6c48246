"""Intersections, unions and differences of large sets, in steps on copies of their members."""

from typing import Final

from respkv.steps import Steps, freeing
from respkv.wire.reply import SetReply

STEP_MEMBERS: Final = 2_000
PART_MEMBERS: Final = 20_000


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

    def forgetting(self) -> Steps[None]:
        """Drop all."""
        while self.parts:
            self.parts.pop()
            yield 0


def long_union(sets: list[list[bytes]]) -> Steps[SetReply]:
    """Return all members, in the order in which they first come."""
    known = Known(sum(map(len, sets)))
    union: list[bytes] = []
    for members in sets:
        for start in range(0, len(members), STEP_MEMBERS):
            union += known.add(members[start : start + STEP_MEMBERS])
            yield 0
        yield from freeing(members)
    yield from known.forgetting()
    return SetReply(union)


def long_intersection(sets: list[list[bytes]]) -> Steps[SetReply]:
    """Return the common members, in the order of the smallest set."""
    sets.sort(key=len)  # a stable sort, as for small ones
    common = sets[0]
    for members in sets[1:]:
        common = yield from _filtered(common, members, True)
    return SetReply(common)


def long_difference(sets: list[list[bytes]]) -> Steps[SetReply]:
    """Return the members of the first set that no other has, in their order."""
    left = sets[0]
    for members in sets[1:]:
        left = yield from _filtered(left, members, False)
    return SetReply(left)


def _filtered(candidates: list[bytes], members: list[bytes], wanted: bool) -> Steps[list[bytes]]:
    """Return the candidates that are among the members, or that are not."""
    known = Known(len(members))
    if candidates:
        for start in range(0, len(members), STEP_MEMBERS):
            known.add(members[start : start + STEP_MEMBERS])
            yield 0
    yield from freeing(members)
    found: list[bytes] = []
    for start in range(0, len(candidates), STEP_MEMBERS):
        found += known.filter(candidates[start : start + STEP_MEMBERS], wanted)
        yield 0
    yield from freeing(candidates)
    yield from known.forgetting()
    return found
