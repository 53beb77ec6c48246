"""Unions, intersections and differences of sorted sets and sets."""

from respkv.commands.key_specs import KeySpec
from respkv.commands.long_zset_algebra import (
    long_count,
    long_difference,
    long_intersection,
    long_union,
)
from respkv.commands.table import DENYOOM, READONLY, WRITE, Argv, command
from respkv.commands.zset_operation import Operation
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.zset import zset_of
from respkv.wire.reply import Pairs, Reply


@command(arity=-3, flags=READONLY, specs=(KeySpec("RO access", (1, 0, 1), counted=True),),
         group="sorted-set", since="6.2.0", complexity="O(N)+O(M*log(M)) with N being the sum of "
         "the sizes of the input sorted sets, and M being the number of elements in the resulting "
         "sorted set.", syntax="numkeys:integer key... [WEIGHTS weight:integer...] [AGGREGATE "
         "aggregate(SUM | MIN | MAX)] [WITHSCORES]", summary="Add multiple sorted sets"
         )  # fmt: skip
def zunion(keyspace: Keyspace, argv: Argv) -> Reply:
    operation = Operation(keyspace, argv, 1)
    return long_union(operation) or _reply(operation, operation.union())


@command(arity=-3, flags=READONLY, specs=(KeySpec("RO access", (1, 0, 1), counted=True),),
         group="sorted-set", since="6.2.0", complexity="O(N*K)+O(M*log(M)) worst case with N being "
         "the smallest input sorted set, K being the number of input sorted sets and M being the "
         "number of elements in the resulting sorted set.", syntax="numkeys:integer key... "
         "[WEIGHTS weight:integer...] [AGGREGATE aggregate(SUM | MIN | MAX)] [WITHSCORES]",
         summary="Intersect multiple sorted sets")  # fmt: skip
def zinter(keyspace: Keyspace, argv: Argv) -> Reply:
    operation = Operation(keyspace, argv, 1)
    return long_intersection(operation) or _reply(operation, operation.intersection())


@command(arity=-3, flags=READONLY, specs=(KeySpec("RO access", (1, 0, 1), counted=True),),
         group="sorted-set", since="6.2.0", complexity="O(L + (N-K)log(N)) worst case where L is "
         "the total number of elements in all the sets, N is the size of the first set, and K is "
         "the size of the result set.", syntax="numkeys:integer key... [WITHSCORES]",
         summary="Subtract multiple sorted sets")  # fmt: skip
def zdiff(keyspace: Keyspace, argv: Argv) -> Reply:
    operation = Operation(keyspace, argv, 1)
    return long_difference(operation) or _reply(operation, operation.difference())


@command(arity=-4, flags=WRITE | DENYOOM, specs=(KeySpec("OW update", (1, 1, 1)), KeySpec("RO "
         "access", (2, 0, 1), counted=True),), group="sorted-set", since="2.0.0",
         complexity="O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, "
         "and M being the number of elements in the resulting sorted set.",
         syntax="destination:key numkeys:integer key#1... [WEIGHTS weight:integer...] [AGGREGATE "
         "aggregate(SUM | MIN | MAX)]", summary="Add multiple sorted sets and store the resulting "
         "sorted set in a new key")  # fmt: skip
def zunionstore(keyspace: Keyspace, argv: Argv) -> int:
    return _store(keyspace, argv[1], Operation(keyspace, argv, 2).union())


@command(arity=-4, flags=WRITE | DENYOOM, specs=(KeySpec("OW update", (1, 1, 1)), KeySpec("RO "
         "access", (2, 0, 1), counted=True),), group="sorted-set", since="2.0.0",
         complexity="O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K "
         "being the number of input sorted sets and M being the number of elements in the "
         "resulting sorted set.", syntax="destination:key numkeys:integer key#1... [WEIGHTS "
         "weight:integer...] [AGGREGATE aggregate(SUM | MIN | MAX)]", summary="Intersect multiple "
         "sorted sets and store the resulting sorted set in a new key")  # fmt: skip
def zinterstore(keyspace: Keyspace, argv: Argv) -> int:
    return _store(keyspace, argv[1], Operation(keyspace, argv, 2).intersection())


@command(arity=-4, flags=WRITE | DENYOOM, specs=(KeySpec("OW update", (1, 1, 1)), KeySpec("RO "
         "access", (2, 0, 1), counted=True),), group="sorted-set", since="6.2.0", complexity="O(L "
         "+ (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is "
         "the size of the first set, and K is the size of the result set.",
         syntax="destination:key numkeys:integer key#1...", summary="Subtract multiple sorted sets "
         "and store the resulting sorted set in a new key")  # fmt: skip
def zdiffstore(keyspace: Keyspace, argv: Argv) -> int:
    return _store(keyspace, argv[1], Operation(keyspace, argv, 2).difference())


@command(arity=-3, flags=READONLY, specs=(KeySpec("RO access", (1, 0, 1), counted=True),),
         group="sorted-set", since="7.0.0", complexity="O(N*K) worst case with N being the "
         "smallest input sorted set, K being the number of input sorted sets.",
         syntax="numkeys:integer key... [LIMIT limit:integer]", summary="Intersect multiple sorted "
         "sets and return the cardinality of the result")  # fmt: skip
def zintercard(keyspace: Keyspace, argv: Argv) -> Reply:
    operation = Operation(keyspace, argv, 1)
    return long_count(operation) or len(operation.intersection())


def _reply(operation: Operation, result: dict[bytes, float]) -> Reply:
    entries = sorted([(score, member) for member, score in result.items()])
    members = [member for _, member in entries]
    return Pairs(members, [score for score, _ in entries]) if operation.with_scores else members


def _store(keyspace: Keyspace, key: bytes, result: dict[bytes, float]) -> int:
    if result:
        keyspace.set(key, zset_of(list(result), list(result.values())))
    else:
        keyspace.delete(key)
    return len(result)
