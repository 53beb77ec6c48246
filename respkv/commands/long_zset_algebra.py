"""Unions, intersections and differences of large sorted sets, in steps on copies of their members."""

from collections.abc import Callable
from math import isnan
from typing import Any

from respkv.commands.long_algebra import PART_MEMBERS, STEP_MEMBERS
from respkv.commands.sorting import at_places, sort_in_steps
from respkv.commands.zset_operation import Operation, Source
from respkv.steps import Steps
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import Pairs, Reply, SteppedReply

Aggregate = Callable[[float, float], float]


class LongOperation:
    """What an operation works on, as it is when this is made, and what it leaves."""

    def __init__(self, sources: list[Source], aggregate: Aggregate) -> None:
        self.sources: list[Copy] = [Copy(source) for source in sources]
        self.aggregate = aggregate
        self.members: list[bytes] = []
        self.scores: list[float] = []
        self.held: list[list[Any]] = [self.members, self.scores]
        for source in self.sources:
            self.held += [source.members, source.scores]

    def union(self) -> Steps[None]:
        """Find the members of any source."""
        aggregate = self.aggregate
        known = Scores(sum([len(source.members) for source in self.sources]), self.held)
        parts = known.parts
        for source in self.sources:
            for start in range(0, len(source.members), STEP_MEMBERS):
                for member, score in source.some(start, zero_for_nan=True):
                    part = parts[hash(member) % len(parts)]
                    other = part.get(member)
                    part[member] = score if other is None else aggregate(other, score)
                yield 0
        for part in parts:
            self.members.extend(part)
            self.scores.extend(part.values())
            yield 0

    def intersection(self) -> Steps[None]:
        """Find the members of all sources."""
        yield from self._begin()
        aggregate = self.aggregate
        for source in self.sources[1:]:
            known = Scores(len(source.members), self.held)
            yield from known.fill(source)
            kept = self._take()
            for start in range(0, len(kept.members), STEP_MEMBERS):
                for member, score in kept.some(start, zero_for_nan=False):
                    other = known.get(member)
                    if other is not None:
                        self.members.append(member)
                        self.scores.append(aggregate(score, other))
                yield 0

    def difference(self) -> Steps[None]:
        """Find the members of the first source that no other one has."""
        yield from self._begin()
        for source in self.sources[1:]:
            known = Scores(len(source.members), self.held)
            yield from known.fill(source)
            kept = self._take()
            for start in range(0, len(kept.members), STEP_MEMBERS):
                for member, score in kept.some(start, zero_for_nan=False):
                    if known.get(member) is None:
                        self.members.append(member)
                        self.scores.append(score)
                yield 0

    def in_order(self, with_scores: bool) -> Steps[Reply]:
        """Return what was found, by score."""
        count = len(self.members)
        order: list[int] = []
        self.held.append(order)
        for start in range(0, count, STEP_MEMBERS):
            order += range(start, min(start + STEP_MEMBERS, count))
            yield 0
        order = yield from sort_in_steps(order, self.scores, self.members, False, (0, count))
        members = yield from at_places(self.members, order, 0, count)
        if not with_scores:
            return members
        return Pairs(members, (yield from at_places(self.scores, order, 0, count)))

    def _begin(self) -> Steps[None]:
        first = self.sources[0]
        for start in range(0, len(first.members), STEP_MEMBERS):
            for member, score in first.some(start, zero_for_nan=True):
                self.members.append(member)
                self.scores.append(score)
            yield 0

    def _take(self) -> "Copy":
        """Return what was found so far, and begin to find anew."""
        kept = Copy(None)
        kept.members, kept.scores = self.members, self.scores
        self.members, self.scores = [], []
        self.held += [self.members, self.scores]
        return kept


class Copy:
    """Members and scores of a source; no scores: 1 for each."""

    def __init__(self, source: Source | None) -> None:
        self.members: list[bytes] = []
        self.scores: list[float] = []
        self.weight: float = 1.0
        if source is not None:
            self.members = source.members.items.copy()
            self.scores = [] if source.scores is None else source.scores.copy()
            self.weight = source.weight

    def some(self, start: int, zero_for_nan: bool) -> list[tuple[bytes, float]]:
        """Return the next members from a place on, with their weighted scores."""
        members = self.members[start : start + STEP_MEMBERS]
        weight = self.weight
        scores = [weight] * len(members)
        if self.scores:
            scores = self.scores[start : start + STEP_MEMBERS]
            if weight != 1.0:
                scores = [weight * score for score in scores]
                if zero_for_nan:
                    scores = [0.0 if isnan(score) else score for score in scores]
        return list(zip(members, scores, strict=True))


class Scores:
    """Scores by member, in many small dicts: one large dict takes 200 ms when it must grow."""

    def __init__(self, count: int, held: list[list[Any]]) -> None:
        self.parts: list[dict[bytes, float]] = [{} for _ in range(count // PART_MEMBERS + 1)]
        held.append(self.parts)

    def fill(self, source: Copy) -> Steps[None]:
        """Take the members of a source, which are distinct."""
        parts = self.parts
        for start in range(0, len(source.members), STEP_MEMBERS):
            for member, score in source.some(start, zero_for_nan=False):
                parts[hash(member) % len(parts)][member] = score
            yield 0

    def get(self, member: bytes) -> float | None:
        """Return the score of a member, None when it is not there."""
        return self.parts[hash(member) % len(self.parts)].get(member)


def long_union(operation: Operation) -> SteppedReply | None:
    """Return the union, by score, if that is long work."""
    if sum(operation.sizes()) < LONG_ITEMS:
        return None
    work = LongOperation(operation.smallest_first(), operation.aggregate)
    return SteppedReply(_reply(work, work.union(), operation.with_scores), work.held)


def long_intersection(operation: Operation) -> SteppedReply | None:
    """Return the intersection, by score, if that is long work."""
    if min(operation.sizes()) < LONG_ITEMS:
        return None
    work = LongOperation(operation.smallest_first(), operation.aggregate)
    return SteppedReply(_reply(work, work.intersection(), operation.with_scores), work.held)


def long_count(operation: Operation) -> SteppedReply | None:
    """Return how many members the intersection has, if that is long work."""
    limit = operation.limit
    if min(*operation.sizes(), limit or LONG_ITEMS) < LONG_ITEMS:
        return None
    work = LongOperation(operation.smallest_first(), operation.aggregate)
    return SteppedReply(_count(work, limit), work.held)


def long_difference(operation: Operation) -> SteppedReply | None:
    """Return the difference, by score, if that is long work."""
    if operation.sizes()[0] < LONG_ITEMS:
        return None
    work = LongOperation(operation.sources, operation.aggregate)
    return SteppedReply(_reply(work, work.difference(), operation.with_scores), work.held)


def _reply(work: LongOperation, steps: Steps[None], with_scores: bool) -> Steps[Reply]:
    yield from steps
    return (yield from work.in_order(with_scores))


def _count(work: LongOperation, limit: int) -> Steps[int]:
    yield from work.intersection()
    return min(len(work.members), limit or len(work.members))
