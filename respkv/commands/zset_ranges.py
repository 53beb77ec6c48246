"""Ranges of sorted sets, by rank, score or text: read, stored and removed."""

from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.key_specs import KeySpec
from respkv.commands.scores import LexRange, Range, RankRange, ScoreRange
from respkv.commands.table import DENYOOM, READONLY, WRITE, Argv, command
from respkv.commands.zsets import lookup_zset, remove_ranks
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.order import Entry
from respkv.keyspace.zset import ZSet, zset_of
from respkv.wire.reply import Pairs, Reply

# What a range is given by; ANY is ZRANGE's, whose options decide.
ANY: Final = 0
RANK: Final = 1
SCORE: Final = 2
LEX: Final = 3


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="1.2.0", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements returned.", syntax="key start stop [sortby(BYSCORE | "
         "BYLEX)@6.2.0] [REV@6.2.0] [LIMIT offset_count(offset:integer count:integer)@6.2.0] "
         "[WITHSCORES]", summary="Return a range of members in a sorted set", history=(("6.2.0",
         "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."),))  # fmt: skip
def zrange(keyspace: Keyspace, argv: Argv) -> Reply:
    return RangeOptions(argv, 1, ANY).reply(keyspace, argv[1])


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="1.2.0", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements returned.", deprecated=("6.2.0", "`ZRANGE` with the "
         "`REV` argument"), syntax="key start:integer stop:integer [WITHSCORES]", summary="Return "
         "a range of members in a sorted set, by index, with scores ordered from high to low"
         )  # fmt: skip
def zrevrange(keyspace: Keyspace, argv: Argv) -> Reply:
    return RangeOptions(argv, 1, RANK, backwards=True).reply(keyspace, argv[1])


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="1.0.5", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements being returned. If M is constant (e.g. always asking "
         "for the first 10 elements with LIMIT), you can consider it O(log(N)).",
         deprecated=("6.2.0", "`ZRANGE` with the `BYSCORE` argument"), syntax="key min:double "
         "max:double [WITHSCORES@2.0.0] [LIMIT offset_count(offset:integer count:integer)]",
         summary="Return a range of members in a sorted set, by score", history=(("2.0.0", "Added "
         "the `WITHSCORES` modifier."),))  # fmt: skip
def zrangebyscore(keyspace: Keyspace, argv: Argv) -> Reply:
    return RangeOptions(argv, 1, SCORE).reply(keyspace, argv[1])


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="2.2.0", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements being returned. If M is constant (e.g. always asking "
         "for the first 10 elements with LIMIT), you can consider it O(log(N)).",
         deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"), syntax="key "
         "max:double min:double [WITHSCORES] [LIMIT offset_count(offset:integer count:integer)]",
         summary="Return a range of members in a sorted set, by score, with scores ordered from "
         "high to low", history=(("2.1.6", "`min` and `max` can be exclusive."),))  # fmt: skip
def zrevrangebyscore(keyspace: Keyspace, argv: Argv) -> Reply:
    return RangeOptions(argv, 1, SCORE, backwards=True).reply(keyspace, argv[1])


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="2.8.9", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements being returned. If M is constant (e.g. always asking "
         "for the first 10 elements with LIMIT), you can consider it O(log(N)).",
         deprecated=("6.2.0", "`ZRANGE` with the `BYLEX` argument"), syntax="key min max [LIMIT "
         "offset_count(offset:integer count:integer)]", summary="Return a range of members in a "
         "sorted set, by lexicographical range")  # fmt: skip
def zrangebylex(keyspace: Keyspace, argv: Argv) -> Reply:
    return RangeOptions(argv, 1, LEX).reply(keyspace, argv[1])


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="2.8.9", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements being returned. If M is constant (e.g. always asking "
         "for the first 10 elements with LIMIT), you can consider it O(log(N)).",
         deprecated=("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments"), syntax="key max "
         "min [LIMIT offset_count(offset:integer count:integer)]", summary="Return a range of "
         "members in a sorted set, by lexicographical range, ordered from higher to lower strings."
         )  # fmt: skip
def zrevrangebylex(keyspace: Keyspace, argv: Argv) -> Reply:
    return RangeOptions(argv, 1, LEX, backwards=True).reply(keyspace, argv[1])


@command(arity=-5, flags=WRITE | DENYOOM, specs=(KeySpec("OW update", (1, 1, 1)), KeySpec("RO "
         "access", (2, 2, 1)),), group="sorted-set", since="6.2.0", complexity="O(log(N)+M) with N "
         "being the number of elements in the sorted set and M the number of elements stored into "
         "the destination key.", syntax="dst:key src:key#1 min max [sortby(BYSCORE | BYLEX)] [REV] "
         "[LIMIT offset_count(offset:integer count:integer)]", summary="Store a range of members "
         "from sorted set into another key")  # fmt: skip
def zrangestore(keyspace: Keyspace, argv: Argv) -> int:
    entries = RangeOptions(argv, 2, ANY, store=True).entries(keyspace, argv[2])
    if not entries:
        keyspace.delete(argv[1])
        return 0
    members = [member for _, member in entries]
    keyspace.set(argv[1], zset_of(members, [score for score, _ in entries]))
    return len(entries)


@command(arity=4, flags=WRITE, keys=(1, 1, 1), access="RW delete", group="sorted-set",
         since="2.0.0", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements removed by the operation.", syntax="key start:integer "
         "stop:integer", summary="Remove all members in a sorted set within the given indexes"
         )  # fmt: skip
def zremrangebyrank(keyspace: Keyspace, argv: Argv) -> int:
    return _remove(keyspace, argv[1], RankRange(argv[2], argv[3], reverse=False))


@command(arity=4, flags=WRITE, keys=(1, 1, 1), access="RW delete", group="sorted-set",
         since="1.2.0", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements removed by the operation.", syntax="key min:double "
         "max:double", summary="Remove all members in a sorted set within the given scores"
         )  # fmt: skip
def zremrangebyscore(keyspace: Keyspace, argv: Argv) -> int:
    return _remove(keyspace, argv[1], ScoreRange(argv[2], argv[3]))


@command(arity=4, flags=WRITE, keys=(1, 1, 1), access="RW delete", group="sorted-set",
         since="2.8.9", complexity="O(log(N)+M) with N being the number of elements in the sorted "
         "set and M the number of elements removed by the operation.", syntax="key min max",
         summary="Remove all members in a sorted set between the given lexicographical range"
         )  # fmt: skip
def zremrangebylex(keyspace: Keyspace, argv: Argv) -> int:
    return _remove(keyspace, argv[1], LexRange(argv[2], argv[3]))


class RangeOptions:
    """What follows the source key, which is argv[source]: the range's ends, then options.

    A command of its own fixes `kind` and direction (`backwards`); ZRANGE (ANY) has options for them.

    Raises:
        CommandError: an option or an end of the range is wrong.
    """

    def __init__(
        self, argv: Argv, source: int, kind: int, backwards: bool = False, store: bool = False
    ) -> None:
        self.with_scores: bool = False
        self.reverse: bool = backwards
        self.offset: int = 0
        self.limit: int = -1
        self.kind: int = kind
        self._parse(argv, source + 3, store)
        if self.kind == ANY:
            self.kind = RANK
        if self.limit != -1 and self.kind == RANK:
            raise CommandError(
                b"ERR syntax error, LIMIT is only supported in combination with either BYSCORE or "
                b"BYLEX"
            )
        if self.with_scores and self.kind == LEX:
            raise CommandError(
                b"ERR syntax error, WITHSCORES not supported in combination with BYLEX"
            )
        first, last = argv[source + 1], argv[source + 2]
        self.range: Range = self._range(first, last)

    def entries(self, keyspace: Keyspace, key: bytes) -> list[Entry]:
        """Return what the range holds of the sorted set at `key`, in the order asked for."""
        zset = lookup_zset(keyspace, key)
        if zset is None:
            return []
        start, stop = self._ranks(zset)
        return zset.order.slice(start, stop, self.reverse) if start < stop else []

    def reply(self, keyspace: Keyspace, key: bytes) -> Reply:
        """Return the same as the command's reply."""
        zset = lookup_zset(keyspace, key)
        if zset is None:
            return []
        start, stop = self._ranks(zset)
        if start >= stop:
            return []
        members = zset.order.members(start, stop, self.reverse)
        if not self.with_scores:
            return members
        return Pairs(members, zset.order.scores(start, stop, self.reverse))

    def _ranks(self, zset: ZSet) -> tuple[int, int]:
        start, stop = self.range.ranks(zset)
        if self.kind != RANK:
            if self.offset < 0:
                return 0, 0
            if self.reverse:
                stop -= self.offset
                start = start if self.limit < 0 else max(start, stop - self.limit)
            else:
                start += self.offset
                stop = stop if self.limit < 0 else min(stop, start + self.limit)
        return start, stop

    def _parse(self, argv: Argv, position: int, store: bool) -> None:
        any_kind = self.kind == ANY
        any_direction = any_kind
        while position < len(argv):
            option = argv[position].upper()
            if option == b"WITHSCORES" and not store:
                self.with_scores = True
            elif option == b"LIMIT" and position + 2 < len(argv):
                self.offset = parse_int64(argv[position + 1])
                self.limit = parse_int64(argv[position + 2])
                position += 2
            elif option == b"REV" and any_direction:
                self.reverse = True
                any_direction = False
            elif option in (b"BYSCORE", b"BYLEX") and any_kind:
                self.kind = SCORE if option == b"BYSCORE" else LEX
                any_kind = False
            else:
                raise BadSyntax
            position += 1

    def _range(self, first: bytes, last: bytes) -> Range:
        if self.kind == RANK:
            return RankRange(first, last, self.reverse)
        if self.reverse:
            first, last = last, first
        return ScoreRange(first, last) if self.kind == SCORE else LexRange(first, last)


def _remove(keyspace: Keyspace, key: bytes, wanted: Range) -> int:
    zset = lookup_zset(keyspace, key)
    if zset is None:
        return 0
    start, stop = wanted.ranks(zset)
    if start >= stop:
        return 0
    remove_ranks(keyspace, key, zset, start, stop)
    return stop - start
