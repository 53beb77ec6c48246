"""Sorted set commands that take the lowest or highest scores, at once or when there are some."""

from respkv.commands.arguments import parse_natural
from respkv.commands.blocking import NOT_SERVED, first_served, parse_timeout, serve_or_park, serves
from respkv.commands.key_specs import KeySpec
from respkv.commands.many_pops import ManyPop
from respkv.commands.table import BLOCKING, FAST, NOSCRIPT, WRITE, Argv, command
from respkv.commands.zsets import lookup_zset, remove_ranks
from respkv.errors import BadSyntax
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.order import REMOVED_SINGLY
from respkv.keyspace.zset import ZSet
from respkv.wire.reply import NULL_ARRAY, Pairs, Reply


@command(arity=-2, flags=WRITE | FAST, keys=(1, 1, 1), access="RW access delete",
         group="sorted-set", since="5.0.0", complexity="O(log(N)*M) with N being the number of "
         "elements in the sorted set, and M being the number of elements popped.", syntax="key "
         "[count:integer]", summary="Remove and return members with the lowest scores in a sorted "
         "set")  # fmt: skip
def zpopmin(keyspace: Keyspace, argv: Argv) -> Reply:
    return _pop(keyspace, argv, lowest=True)


@command(arity=-2, flags=WRITE | FAST, keys=(1, 1, 1), access="RW access delete",
         group="sorted-set", since="5.0.0", complexity="O(log(N)*M) with N being the number of "
         "elements in the sorted set, and M being the number of elements popped.", syntax="key "
         "[count:integer]", summary="Remove and return members with the highest scores in a sorted "
         "set")  # fmt: skip
def zpopmax(keyspace: Keyspace, argv: Argv) -> Reply:
    return _pop(keyspace, argv, lowest=False)


@command(arity=-4, flags=WRITE, specs=(KeySpec("RW access delete", (1, 0, 1), counted=True),),
         group="sorted-set", since="7.0.0", complexity="O(K) + O(M*log(N)) where K is the number "
         "of provided keys, N being the number of elements in the sorted set, and M being the "
         "number of elements popped.", syntax="numkeys:integer key... where(MIN | MAX) [COUNT "
         "count:integer]", summary="Remove and return members with scores in a sorted set"
         )  # fmt: skip
def zmpop(keyspace: Keyspace, argv: Argv) -> Reply:
    wanted = ManyPop(argv, 1, b"MIN", b"MAX")
    reply = first_served(wanted.keys, lambda key: _pop_many(keyspace, wanted, key))
    return NULL_ARRAY if reply is NOT_SERVED else reply


@command(arity=-3, flags=WRITE | NOSCRIPT | BLOCKING | FAST, keys=(1, -2, 1), access="RW access "
         "delete", group="sorted-set", since="5.0.0", complexity="O(log(N)) with N being the "
         "number of elements in the sorted set.", syntax="key... timeout:double", summary="Remove "
         "and return the member with the lowest score from one or more sorted sets, or block until "
         "one is available", history=(("6.0.0", "`timeout` is interpreted as a double instead of "
         "an integer."),))  # fmt: skip
def bzpopmin(keyspace: Keyspace, argv: Argv) -> Reply:
    return _pop_or_wait(keyspace, argv)


@command(arity=-3, flags=WRITE | NOSCRIPT | BLOCKING | FAST, keys=(1, -2, 1), access="RW access "
         "delete", group="sorted-set", since="5.0.0", complexity="O(log(N)) with N being the "
         "number of elements in the sorted set.", syntax="key... timeout:double", summary="Remove "
         "and return the member with the highest score from one or more sorted sets, or block "
         "until one is available", history=(("6.0.0", "`timeout` is interpreted as a double "
         "instead of an integer."),))  # fmt: skip
def bzpopmax(keyspace: Keyspace, argv: Argv) -> Reply:
    return _pop_or_wait(keyspace, argv)


@command(arity=-5, flags=WRITE | BLOCKING, specs=(KeySpec("RW access delete", (2, 0, 1),
         counted=True),), group="sorted-set", since="7.0.0", complexity="O(K) + O(M*log(N)) where "
         "K is the number of provided keys, N being the number of elements in the sorted set, and "
         "M being the number of elements popped.", syntax="timeout:double numkeys:integer key... "
         "where(MIN | MAX) [COUNT count:integer]", summary="Remove and return members with scores "
         "in a sorted set or block until one is available")  # fmt: skip
def bzmpop(keyspace: Keyspace, argv: Argv) -> Reply:
    wanted = ManyPop(argv, 2, b"MIN", b"MAX")
    timeout_ms = parse_timeout(argv[1])
    return serve_or_park(
        keyspace, argv, wanted.keys, timeout_ms, lambda key: _pop_many(keyspace, wanted, key)
    )


@serves("BZPOPMIN", "BZPOPMAX", type_name="zset")
def _serve_pop(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    zset = lookup_zset(keyspace, key)
    if zset is None:
        return NOT_SERVED
    score, member = zset.pop_some(1, lowest=argv[0].upper() == b"BZPOPMIN")[0]
    keyspace.shrunk(key, zset)
    return [key, member, score]


@serves("BZMPOP", type_name="zset")
def _serve_many_pop(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    return _pop_many(keyspace, ManyPop(argv, 2, b"MIN", b"MAX"), key)


def _pop_or_wait(keyspace: Keyspace, argv: Argv) -> Reply:
    timeout_ms = parse_timeout(argv[-1])
    return serve_or_park(
        keyspace, argv, argv[1:-1], timeout_ms, lambda key: _serve_pop(keyspace, argv, key)
    )


def _pop_many(keyspace: Keyspace, wanted: ManyPop, key: bytes) -> Reply:
    zset = lookup_zset(keyspace, key)
    if zset is None:
        return NOT_SERVED
    popped = _pop_some(keyspace, key, zset, wanted.count, wanted.from_first)
    return [key, [[*each] for each in zip(popped.items, popped.values, strict=True)]]


def _pop_some(keyspace: Keyspace, key: bytes, zset: ZSet, count: int, lowest: bool) -> Pairs:
    """Remove at most `count` members of one end; return them and their scores, outermost first."""
    if count <= REMOVED_SINGLY or keyspace.semantics < 2:
        popped = zset.pop_some(count, lowest)
        keyspace.shrunk(key, zset)
        return Pairs([member for _, member in popped], [score for score, _ in popped])
    end = min(count, len(zset)) if lowest else len(zset)
    start = 0 if lowest else max(end - count, 0)
    order = zset.order
    members = order.members(start, end, reverse=not lowest)
    scores = order.scores(start, end, reverse=not lowest)
    remove_ranks(keyspace, key, zset, start, end)
    return Pairs(members, scores)


def _pop(keyspace: Keyspace, argv: Argv, lowest: bool) -> Reply:
    if len(argv) > 3:
        raise BadSyntax
    count = parse_natural(argv[2]) if len(argv) == 3 else 1
    zset = lookup_zset(keyspace, argv[1])
    if zset is None or count == 0:
        return []
    popped = _pop_some(keyspace, argv[1], zset, count, lowest)
    return [popped.items[0], popped.values[0]] if len(argv) == 2 else popped
