"""Strings that hold numbers: INCR and its relatives."""

from respkv.commands import long_double
from respkv.commands.arguments import (
    INT64_MAX,
    INT64_MIN,
    int64_or_none,
    lookup_string,
    parse_int64,
)
from respkv.commands.table import DENYOOM, FAST, WRITE, Argv, command
from respkv.errors import CommandError, NotAFloat, NotAnInteger, WouldOverflow
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.long_string import LongString


@command(arity=2, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="string", since="1.0.0", syntax="key",
         summary="Increment the integer value of a key by one")  # fmt: skip
def incr(keyspace: Keyspace, argv: Argv) -> int:
    return _increment(keyspace, argv[1], 1)


@command(arity=2, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="string", since="1.0.0", syntax="key",
         summary="Decrement the integer value of a key by one")  # fmt: skip
def decr(keyspace: Keyspace, argv: Argv) -> int:
    return _increment(keyspace, argv[1], -1)


@command(arity=3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="string", since="1.0.0", syntax="key increment:integer",
         summary="Increment the integer value of a key by the given amount")  # fmt: skip
def incrby(keyspace: Keyspace, argv: Argv) -> int:
    return _increment(keyspace, argv[1], parse_int64(argv[2]))


@command(arity=3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="string", since="1.0.0", syntax="key decrement:integer",
         summary="Decrement the integer value of a key by the given number")  # fmt: skip
def decrby(keyspace: Keyspace, argv: Argv) -> int:
    decrement = parse_int64(argv[2])
    if decrement == INT64_MIN:
        raise CommandError(b"ERR decrement would overflow")
    return _increment(keyspace, argv[1], -decrement)


@command(arity=3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="string", since="2.6.0", syntax="key increment:double",
         summary="Increment the float value of a key by the given amount")  # fmt: skip
def incrbyfloat(keyspace: Keyspace, argv: Argv) -> bytes:
    value = lookup_string(keyspace, argv[1])
    if isinstance(value, LongString):
        raise NotAFloat
    number = long_double.parse(b"0" if value is None else value)
    result = long_double.render(long_double.add(number, long_double.parse(argv[2])))
    keyspace.set(argv[1], result, keeps_deadline=True)
    return result


def _increment(keyspace: Keyspace, key: bytes, increment: int) -> int:
    value = lookup_string(keyspace, key)
    if value is None:
        number: int | None = 0
    else:
        number = None if isinstance(value, LongString) else int64_or_none(value)
    if number is None:
        raise NotAnInteger
    number += increment
    if not INT64_MIN <= number <= INT64_MAX:
        raise WouldOverflow
    keyspace.set(key, b"%d" % number, keeps_deadline=True)
    return number
