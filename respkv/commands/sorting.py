"""Sorting in steps of a millisecond: pivots spread what is sorted into buckets, each sorted alone."""

from bisect import bisect_left
from typing import Any, Final

from respkv.clock import SeededChance
from respkv.steps import Steps

STEP_ITEMS: Final = 1_000
BUCKET_ITEMS: Final = 2_000
SAMPLES: Final = 4  # for each pivot
DEPTH_MAX: Final = 8  # pivots of a bucket that fit it badly; then it is sorted in one go


def sort_in_steps(
    order: list[int],
    keys: list[Any],
    ties: list[Any] | None,
    descending: bool,
    wanted: tuple[int, int],
) -> Steps[list[int]]:
    """Return the positions in `order` sorted by their keys, where those are alike by `ties`.

    Stable in both directions, as list.sort is. Only the range `wanted` of the result is in order.
    """
    first, end = wanted
    if not descending:
        return (yield from _ascending(order, keys, ties, first, end, 0))
    order.reverse()
    count = len(order)
    sorted_ = yield from _ascending(order, keys, ties, count - end, count - first, 0)
    sorted_.reverse()
    return sorted_


def at_places(column: list[Any], order: list[int], first: int, end: int) -> Steps[list[Any]]:
    """Return what stands at the wanted ones of some places."""
    chosen: list[Any] = []
    for start in range(first, end, STEP_ITEMS):
        places = order[start : min(start + STEP_ITEMS, end)]
        chosen += [column[place] for place in places]
        yield 0
    return chosen


def _ascending(
    order: list[int], keys: list[Any], ties: list[Any] | None, first: int, end: int, depth: int
) -> Steps[list[int]]:
    if len(order) <= 2 * BUCKET_ITEMS or depth > DEPTH_MAX:
        if ties is not None:
            order.sort(key=ties.__getitem__)
        order.sort(key=keys.__getitem__)
        yield 0
        return order
    pivots = _pivots(order, keys)
    yield 0
    count = len(pivots)
    between: list[list[int]] = [[] for _ in range(count + 1)]
    equal: list[list[int]] = [[] for _ in range(count)]
    for start in range(0, len(order), STEP_ITEMS):
        for position in order[start : start + STEP_ITEMS]:
            key = keys[position]
            at = bisect_left(pivots, key)
            if at < count and pivots[at] == key:
                equal[at].append(position)
            else:
                between[at].append(position)
        yield 0
    result: list[int] = []
    equal.append([])
    for lower, alike in zip(between, equal, strict=True):
        for bucket, by, then in ((lower, keys, ties), (alike, ties, None)):
            past = len(result)
            if by is not None and past < end and past + len(bucket) > first:
                bucket = yield from _ascending(
                    bucket, by, then, first - past, end - past, depth + 1
                )
            result += bucket
            bucket.clear()
    return result


def _pivots(order: list[int], keys: list[Any]) -> list[Any]:
    """Return distinct keys that part the rest into buckets of about BUCKET_ITEMS."""
    chance = SeededChance(len(order))
    buckets = min(len(order) // BUCKET_ITEMS, STEP_ITEMS)
    picked = [keys[order[chance.below(len(order))]] for _ in range(SAMPLES * buckets)]
    picked.sort()
    return list(dict.fromkeys(picked[SAMPLES::SAMPLES]))
