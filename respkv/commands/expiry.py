"""Deadlines of keys: EXPIRE, TTL and their families."""

from typing import Final

from respkv.commands.arguments import INT64_MAX, INT64_MIN, parse_int64
from respkv.commands.table import FAST, READONLY, WRITE, Argv, command
from respkv.errors import CommandError, InvalidExpireTime
from respkv.keyspace.keyspace import Keyspace

NX: Final = 1
XX: Final = 2
GT: Final = 4
LT: Final = 8
_CONDITIONS: Final = {b"NX": NX, b"XX": XX, b"GT": GT, b"LT": LT}


@command(
    arity=-3,
    flags=WRITE | FAST,
    keys=(1, 1, 1),
    access="RW UPDATE",
    group="generic",
    since="1.0.0",
    complexity="O(1)",
    categories=("keyspace",),
    syntax="key seconds [NX | XX | GT | LT]",
    summary="Set a key's time to live in seconds",
)
def expire(keyspace: Keyspace, argv: Argv) -> int:
    """The deadline is counted from the entry's time."""
    return _expire(keyspace, argv, keyspace.now_ms, 1000, b"expire")


@command(
    arity=-3,
    flags=WRITE | FAST,
    keys=(1, 1, 1),
    access="RW UPDATE",
    group="generic",
    since="2.6.0",
    complexity="O(1)",
    categories=("keyspace",),
    syntax="key milliseconds [NX | XX | GT | LT]",
    summary="Set a key's time to live in milliseconds",
)
def pexpire(keyspace: Keyspace, argv: Argv) -> int:
    """The deadline is counted from the entry's time."""
    return _expire(keyspace, argv, keyspace.now_ms, 1, b"pexpire")


@command(
    arity=2,
    flags=READONLY | FAST,
    keys=(1, 1, 1),
    access="RO ACCESS",
    group="generic",
    since="1.0.0",
    complexity="O(1)",
    categories=("keyspace",),
    tips=("nondeterministic_output",),
    syntax="key",
    summary="Get the time to live for a key in seconds",
)
def ttl(keyspace: Keyspace, argv: Argv) -> int:
    """-2: no such key, -1: no deadline; seconds are rounded to the nearest."""
    left_ms = _left_ms(keyspace, argv[1])
    return left_ms if left_ms < 0 else (left_ms + 500) // 1000


@command(
    arity=2,
    flags=READONLY | FAST,
    keys=(1, 1, 1),
    access="RO ACCESS",
    group="generic",
    since="2.6.0",
    complexity="O(1)",
    categories=("keyspace",),
    tips=("nondeterministic_output",),
    syntax="key",
    summary="Get the time to live for a key in milliseconds",
)
def pttl(keyspace: Keyspace, argv: Argv) -> int:
    """-2: no such key, -1: no deadline."""
    return _left_ms(keyspace, argv[1])


def _left_ms(keyspace: Keyspace, key: bytes) -> int:
    if not keyspace.contains(key):
        return -2
    deadline_ms = keyspace.deadline(key)
    if deadline_ms is None:
        return -1
    return max(deadline_ms - keyspace.leader_ms, 0)


def _expire(keyspace: Keyspace, argv: Argv, base_ms: int, unit_ms: int, name: bytes) -> int:
    """Set the deadline base + argv[2] units; checks in the order of Redis' expireGenericCommand."""
    conditions = _parse_conditions(argv)
    when = parse_int64(argv[2])
    if unit_ms == 1000 and not INT64_MIN // 1000 < when <= INT64_MAX // 1000:
        raise InvalidExpireTime(name)
    deadline_ms = when * unit_ms
    if deadline_ms > INT64_MAX - base_ms:
        raise InvalidExpireTime(name)
    deadline_ms += base_ms
    key = argv[1]
    if not keyspace.contains(key):
        return 0
    if conditions and not _condition_holds(conditions, keyspace.deadline(key), deadline_ms):
        return 0
    if deadline_ms <= keyspace.now_ms:
        keyspace.delete(key)
    else:
        keyspace.set_deadline(key, deadline_ms)
    return 1


def _parse_conditions(argv: Argv) -> int:
    conditions = 0
    for option in argv[3:]:
        condition = _CONDITIONS.get(option.upper())
        if condition is None:
            raise CommandError(b"ERR Unsupported option %b" % option)
        conditions |= condition
    if conditions & NX and conditions & (XX | GT | LT):
        raise CommandError(b"ERR NX and XX, GT or LT options at the same time are not compatible")
    if conditions & GT and conditions & LT:
        raise CommandError(b"ERR GT and LT options at the same time are not compatible")
    return conditions


def _condition_holds(conditions: int, old_ms: int | None, new_ms: int) -> bool:
    if old_ms is None:  # GT and LT take it as infinitely far away
        return not conditions & (XX | GT)
    if conditions & NX:
        return False
    if conditions & GT:
        return new_ms > old_ms
    return not conditions & LT or new_ms < old_ms
