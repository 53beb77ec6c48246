"""Sorted sets: members of a key with their scores and ranks."""

from math import isnan
from typing import Final

from respkv.commands.scores import LexRange, Range, ScoreRange, parse_score, parse_scores
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError, WrongType
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.members import BULK
from respkv.keyspace.order import REMOVED_SINGLY
from respkv.keyspace.zset import ZSet

NX: Final = 1
XX: Final = 2
GT: Final = 4
LT: Final = 8
CH: Final = 16
INCR: Final = 32
_OPTIONS: Final = {b"NX": NX, b"XX": XX, b"GT": GT, b"LT": LT, b"CH": CH, b"INCR": INCR}


@command(arity=-4, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW update",
         group="sorted-set", since="1.2.0", complexity="O(log(N)) for each item added, where N is "
         "the number of elements in the sorted set.", syntax="key [condition(NX | XX)@3.0.2] "
         "[comparison(GT | LT)@6.2.0] [CH=change@3.0.2] [INCR=increment@3.0.2] "
         "score_member(score:double member)...", summary="Add one or more members to a sorted set, "
         "or update its score if it already exists", history=(("2.4.0", "Accepts multiple "
         "elements."), ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."), ("6.2.0",
         "Added the `GT` and `LT` options."),))  # fmt: skip
def zadd(keyspace: Keyspace, argv: Argv) -> float | int | None:
    if len(argv) == 4 and argv[2].upper() not in _OPTIONS:
        return _add_one(keyspace, argv[1], parse_score(argv[2]), argv[3])
    return _add(keyspace, argv, 0)


@command(arity=4, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="sorted-set", since="1.2.0", complexity="O(log(N)) where N is the number of "
         "elements in the sorted set.", syntax="key increment:integer member", summary="Increment "
         "the score of a member in a sorted set")  # fmt: skip
def zincrby(keyspace: Keyspace, argv: Argv) -> float | int | None:
    return _add(keyspace, argv, INCR)


@command(arity=-3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW delete", group="sorted-set",
         since="1.2.0", complexity="O(M*log(N)) with N being the number of elements in the sorted "
         "set and M the number of elements to be removed.", syntax="key member...",
         summary="Remove one or more members from a sorted set", history=(("2.4.0", "Accepts "
         "multiple elements."),))  # fmt: skip
def zrem(keyspace: Keyspace, argv: Argv) -> int:
    zset = lookup_zset(keyspace, argv[1])
    if zset is None:
        return 0
    removed = 0
    for member in argv[2:]:
        if zset.remove(member):
            removed += 1
    if removed:
        keyspace.shrunk(argv[1], zset)
    return removed


@command(arity=3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="1.2.0", syntax="key member", summary="Get the score associated with the given "
         "member in a sorted set")  # fmt: skip
def zscore(keyspace: Keyspace, argv: Argv) -> float | None:
    zset = lookup_zset(keyspace, argv[1])
    return None if zset is None else zset.score(argv[2])


@command(arity=-3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="6.2.0", complexity="O(N) where N is the number of members being requested.",
         syntax="key member...", summary="Get the score associated with the given members in a "
         "sorted set")  # fmt: skip
def zmscore(keyspace: Keyspace, argv: Argv) -> list[float | None]:
    zset = lookup_zset(keyspace, argv[1])
    if zset is None:
        return [None] * (len(argv) - 2)
    return [zset.score(member) for member in argv[2:]]


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="sorted-set",
         since="1.2.0", syntax="key", summary="Get the number of members in a sorted set"
         )  # fmt: skip
def zcard(keyspace: Keyspace, argv: Argv) -> int:
    zset = lookup_zset(keyspace, argv[1])
    return 0 if zset is None else len(zset)


@command(arity=4, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="2.0.0", complexity="O(log(N)) with N being the number of elements in the sorted "
         "set.", syntax="key min:double max:double", summary="Count the members in a sorted set "
         "with scores within the given values")  # fmt: skip
def zcount(keyspace: Keyspace, argv: Argv) -> int:
    return _count(keyspace, argv[1], ScoreRange(argv[2], argv[3]))


@command(arity=4, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="2.8.9", complexity="O(log(N)) with N being the number of elements in the sorted "
         "set.", syntax="key min max", summary="Count the number of members in a sorted set "
         "between a given lexicographical range")  # fmt: skip
def zlexcount(keyspace: Keyspace, argv: Argv) -> int:
    return _count(keyspace, argv[1], LexRange(argv[2], argv[3]))


@command(arity=3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="2.0.0", complexity="O(log(N))", syntax="key member", summary="Determine the index "
         "of a member in a sorted set")  # fmt: skip
def zrank(keyspace: Keyspace, argv: Argv) -> int | None:
    zset = lookup_zset(keyspace, argv[1])
    rank = -1 if zset is None else zset.rank(argv[2])
    return None if rank < 0 else rank


@command(arity=3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="2.0.0", complexity="O(log(N))", syntax="key member", summary="Determine the index "
         "of a member in a sorted set, with scores ordered from high to low")  # fmt: skip
def zrevrank(keyspace: Keyspace, argv: Argv) -> int | None:
    zset = lookup_zset(keyspace, argv[1])
    if zset is None:
        return None
    rank = zset.rank(argv[2])
    return None if rank < 0 else len(zset) - 1 - rank


def lookup_zset(keyspace: Keyspace, key: bytes) -> ZSet | None:
    """Return the sorted set at `key`, None when there is none.

    Raises:
        WrongType: the key holds another type.
    """
    value = keyspace.lookup(key)
    if value is None or isinstance(value, ZSet):
        return value
    raise WrongType


def remove_ranks(keyspace: Keyspace, key: bytes, zset: ZSet, start: int, stop: int) -> None:
    """Remove the members of ranks start <= rank < stop, of which there are some."""
    removed = stop - start
    left = len(zset) - removed
    if left == 0:
        keyspace.delete(key)
    elif removed > REMOVED_SINGLY and left < 2 * removed and keyspace.semantics >= 2:
        keyspace.set(
            key, zset.without(start, stop), keeps_deadline=True
        )  # the old one is freed in slices
    else:
        zset.remove_slice(start, stop)
        keyspace.modified(key)


def _add_one(keyspace: Keyspace, key: bytes, score: float, member: bytes) -> int:
    """Do ZADD of one member without options, which is most of them."""
    zset = lookup_zset(keyspace, key)
    if zset is None:
        zset = ZSet()
        zset.set(member, score)
        keyspace.set(key, zset)
        return 1
    if zset.score(member) == score:
        return 0
    added = zset.set(member, score)
    keyspace.modified(key)
    return 1 if added else 0


def _add(keyspace: Keyspace, argv: Argv, flags: int) -> float | int | None:
    """Do ZADD; with INCR in `flags`, ZINCRBY."""
    first = 2
    while first < len(argv):
        flag = _OPTIONS.get(argv[first].upper(), 0)
        if not flag:
            break
        flags |= flag
        first += 1
    _check_options(flags, len(argv) - first)
    scores = parse_scores(argv[first::2])
    key = argv[1]
    zset = lookup_zset(keyspace, key)
    if flags & INCR:
        return _increment(keyspace, key, zset, argv[first + 1], scores[0], flags)
    if zset is None:
        if flags & XX:
            return 0
        zset = ZSet()
        keyspace.set(key, zset)
    added = updated = 0
    members = argv[first + 1 :: 2]
    if not flags & XX and len(scores) >= BULK and zset.add_new(members, scores):
        keyspace.modified(key)
        return len(members)
    for member, score in zip(members, scores, strict=True):
        old = zset.score(member)
        if old is None:
            if not flags & XX:
                zset.set(member, score)
                added += 1
        elif score != old and _allowed(score, old, flags):
            zset.set(member, score)
            updated += 1
    if added + updated:
        keyspace.modified(key)
    return added + updated if flags & CH else added


def _check_options(flags: int, rest: int) -> None:
    if rest % 2 or not rest:
        raise BadSyntax
    if flags & NX and flags & XX:
        raise CommandError(b"ERR XX and NX options at the same time are not compatible")
    if (flags & NX and flags & (GT | LT)) or (flags & GT and flags & LT):
        raise CommandError(b"ERR GT, LT, and/or NX options at the same time are not compatible")
    if flags & INCR and rest > 2:
        raise CommandError(b"ERR INCR option supports a single increment-element pair")


def _allowed(score: float, old: float, flags: int) -> bool:
    """Return whether the options let an existing member change its score."""
    return not (flags & NX or (flags & GT and score <= old) or (flags & LT and score >= old))


def _increment(
    keyspace: Keyspace, key: bytes, zset: ZSet | None, member: bytes, score: float, flags: int
) -> float | None:
    """Add `score` to a member's; return the new one, None when the options forbid it."""
    old = None if zset is None else zset.score(member)
    if old is None:
        if flags & XX:
            return None
    else:
        if flags & NX:
            return None
        score += old
        if isnan(score):
            raise CommandError(b"ERR resulting score is not a number (NaN)")
        if not _allowed(score, old, flags):
            return None
        if score == old:
            return score
    if zset is None:
        zset = ZSet()
        keyspace.set(key, zset)
    zset.set(member, score)
    keyspace.modified(key)
    return score


def _count(keyspace: Keyspace, key: bytes, wanted: Range) -> int:
    zset = lookup_zset(keyspace, key)
    if zset is None:
        return 0
    start, stop = wanted.ranks(zset)
    return max(stop - start, 0)
