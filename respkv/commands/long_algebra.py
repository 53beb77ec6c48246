"""Intersections, unions and differences of large sets, in steps on copies of their members."""

from typing import Final

from respkv.steps import Steps, freeing
from respkv.wire.reply import SetReply

STEP_MEMBERS: Final = 2_000


def long_union(sets: list[list[bytes]]) -> Steps[SetReply]:
    """Return all members, in the order in which they first come."""
    seen: dict[bytes, None] = {}
    for members in sets:
        for start in range(0, len(members), STEP_MEMBERS):
            seen.update(dict.fromkeys(members[start : start + STEP_MEMBERS]))
            yield 0
        yield from freeing(members)
    union = list(seen)
    yield 0
    while seen:
        for _ in range(min(STEP_MEMBERS, len(seen))):
            seen.popitem()
        yield 0
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
    known: set[bytes] = set()  # never iterated: its order is no part of the state
    if candidates:
        for start in range(0, len(members), STEP_MEMBERS):
            known.update(members[start : start + STEP_MEMBERS])
            yield 0
    yield from freeing(members)
    found: list[bytes] = []
    for start in range(0, len(candidates), STEP_MEMBERS):
        some = candidates[start : start + STEP_MEMBERS]
        found += [member for member in some if (member in known) == wanted]
        yield 0
    yield from freeing(candidates)
    return found
