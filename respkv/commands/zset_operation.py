"""What ZUNION, ZINTER, ZDIFF and their relatives compute, and how they are told to."""

from collections.abc import Callable
from math import isnan
from typing import Final

from respkv.commands.arguments import parse_int64, parse_natural
from respkv.commands.scores import parse_score
from respkv.commands.table import Argv
from respkv.errors import BadSyntax, CommandError, NotAFloat, WrongType
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.members import Members
from respkv.keyspace.set import Set
from respkv.keyspace.values import Value
from respkv.keyspace.zset import ZSet


class Operation:
    """`numkeys key... [option...]` from argv[position] on, which options depending on the command.

    Raises:
        CommandError: the form is wrong, or a key holds neither a sorted set nor a set.
    """

    def __init__(self, keyspace: Keyspace, argv: Argv, position: int) -> None:
        keys_count = parse_int64(argv[position])
        if keys_count < 1:
            name = argv[0].lower()
            raise CommandError(b"ERR at least 1 input key is needed for '%b' command" % name)
        options = position + 1 + keys_count
        if options > len(argv):
            raise BadSyntax
        self.sources: list[Source] = [
            source_of(keyspace.lookup(key)) for key in argv[position + 1 : options]
        ]
        self.aggregate: Callable[[float, float], float] = _sum
        self.with_scores: bool = False
        self.limit: int = 0
        self._parse(argv, options)

    def union(self) -> dict[bytes, float]:
        """Return the members of any source."""
        aggregate = self.aggregate
        result: dict[bytes, float] = {}
        for source in self.smallest_first():
            entries = zip(source.members.items, source.weighted_all(), strict=True)
            if not result:
                result = dict(entries)
                continue
            for member, score in entries:
                known = result.get(member)
                result[member] = score if known is None else aggregate(known, score)
        return result

    def intersection(self) -> dict[bytes, float]:
        """Return the members of all sources; with a limit, at most so many."""
        aggregate = self.aggregate
        smallest, *others = self.smallest_first()
        result: dict[bytes, float] = {}
        for position, member in enumerate(smallest.members.items):
            score = smallest.weighted(position)
            if isnan(score):
                score = 0.0
            for source in others:
                other = source.members.positions.get(member, -1)
                if other < 0:
                    break
                score = aggregate(score, source.weighted(other))
            else:
                result[member] = score
                if len(result) == self.limit:
                    break
        return result

    def difference(self) -> dict[bytes, float]:
        """Return the members of the first source that no other one has."""
        first, *others = self.sources
        result: dict[bytes, float] = {}
        for position, member in enumerate(first.members.items):
            for source in others:
                if member in source.members.positions:
                    break
            else:
                result[member] = first.weighted(position)
        return result

    def sizes(self) -> list[int]:
        """Return how many members each source has."""
        return list(map(_size, self.sources))

    def smallest_first(self) -> list["Source"]:
        """Return the sources in the order that Redis adds their scores in."""
        return sorted(self.sources, key=_size)

    def _parse(self, argv: Argv, position: int) -> None:
        name = argv[0].upper()
        keys_count = len(self.sources)
        counts = name == b"ZINTERCARD"
        weighs = name in (b"ZUNION", b"ZINTER", b"ZUNIONSTORE", b"ZINTERSTORE")
        replies = name in (b"ZUNION", b"ZINTER", b"ZDIFF")
        while position < len(argv):
            option = argv[position].upper()
            following = len(argv) - position - 1
            if option == b"WEIGHTS" and weighs and following >= keys_count:
                for source in self.sources:
                    position += 1
                    source.weight = _parse_weight(argv[position])
            elif option == b"AGGREGATE" and weighs and following:
                position += 1
                aggregate = AGGREGATES.get(argv[position].upper())
                if aggregate is None:
                    raise BadSyntax
                self.aggregate = aggregate
            elif option == b"WITHSCORES" and replies:
                self.with_scores = True
            elif option == b"LIMIT" and counts and following:
                position += 1
                self.limit = parse_natural(argv[position], b"ERR LIMIT can't be negative")
            else:
                raise BadSyntax
            position += 1


class Source:
    """One input: `scores[i]` of `members.items[i]`; of a plain set, 1 for each."""

    def __init__(self, members: Members, scores: list[float] | None) -> None:
        self.members = members
        self.scores = scores
        self.weight: float = 1.0

    def weighted_all(self) -> list[float]:
        """Return the scores of all members, times the weight; 0 where that is NaN."""
        if self.scores is None:
            return [self.weight] * len(self.members)
        if self.weight == 1.0:
            return self.scores
        weight = self.weight
        return [0.0 if isnan(weight * score) else weight * score for score in self.scores]

    def weighted(self, position: int) -> float:
        """Return the score of the member there, times the weight; NaN is possible."""
        return self.weight if self.scores is None else self.weight * self.scores[position]


def source_of(value: Value | None) -> Source:
    """Return what a key's value puts in.

    Raises:
        WrongType: it is neither a sorted set nor a set.
    """
    if value is None:
        return Source(Members(), None)
    if isinstance(value, ZSet):
        return Source(value.members, value.scores)
    if isinstance(value, Set):
        return Source(value.members, None)
    raise WrongType


def _size(source: Source) -> int:
    return len(source.members.items)


def _sum(one: float, other: float) -> float:
    total = one + other
    return 0.0 if isnan(total) else total


def _min(one: float, other: float) -> float:
    return other if other < one else one


def _max(one: float, other: float) -> float:
    return other if other > one else one


AGGREGATES: Final = {b"SUM": _sum, b"MIN": _min, b"MAX": _max}


def _parse_weight(text: bytes) -> float:
    try:
        return parse_score(text)
    except NotAFloat:
        raise CommandError(b"ERR weight value is not a float") from None
