"""Deadlines of keys: EXPIRE, TTL, PERSIST and their relatives."""

from typing import Final

from respkv.commands.arguments import INT64_MAX, INT64_MIN, parse_int64
from respkv.commands.table import FAST, READONLY, WRITE, Argv, command
from respkv.errors import CommandError, InvalidExpireTime, quoted
from respkv.keyspace.keyspace import Keyspace

_NX: Final = 1
_XX: Final = 2
_GT: Final = 4
_LT: Final = 8
_CONDITIONS: Final = {b"NX": _NX, b"XX": _XX, b"GT": _GT, b"LT": _LT}


@command(arity=-3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW update", group="generic",
         since="1.0.0", syntax="key seconds:integer [condition(NX | XX | GT | LT)@7.0.0]",
         summary="Set a key's time to live in seconds",
         history=(("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),))  # fmt: skip
def expire(keyspace: Keyspace, argv: Argv) -> int:
    """Count from the entry's time."""
    return _expire(keyspace, argv, keyspace.now_ms, 1000, b"expire")


@command(arity=-3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW update", group="generic",
         since="2.6.0", syntax="key milliseconds:integer [condition(NX | XX | GT | LT)@7.0.0]",
         summary="Set a key's time to live in milliseconds",
         history=(("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),))  # fmt: skip
def pexpire(keyspace: Keyspace, argv: Argv) -> int:
    """Count from the entry's time."""
    return _expire(keyspace, argv, keyspace.now_ms, 1, b"pexpire")


@command(arity=-3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW update", group="generic",
         since="1.2.0",
         syntax="key unix-time-seconds:unix-time [condition(NX | XX | GT | LT)@7.0.0]",
         summary="Set the expiration for a key as a UNIX timestamp",
         history=(("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),))  # fmt: skip
def expireat(keyspace: Keyspace, argv: Argv) -> int:
    return _expire(keyspace, argv, 0, 1000, b"expireat")


@command(arity=-3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW update", group="generic",
         since="2.6.0", syntax="key unix-time-milliseconds:unix-time [condition(NX | XX | GT | "
         "LT)@7.0.0]", summary="Set the expiration for a key as a UNIX timestamp specified in "
         "milliseconds", history=(("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."),)
         )  # fmt: skip
def pexpireat(keyspace: Keyspace, argv: Argv) -> int:
    return _expire(keyspace, argv, 0, 1, b"pexpireat")


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="generic",
         since="1.0.0", tips=("nondeterministic_output",), syntax="key",
         summary="Get the time to live for a key in seconds",
         history=(("2.8.0", "Added the -2 reply."),))  # fmt: skip
def ttl(keyspace: Keyspace, argv: Argv) -> int:
    left_ms = _left_ms(keyspace, argv[1])
    return left_ms if left_ms < 0 else (left_ms + 500) // 1000


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="generic",
         since="2.6.0", tips=("nondeterministic_output",), syntax="key",
         summary="Get the time to live for a key in milliseconds",
         history=(("2.8.0", "Added the -2 reply."),))  # fmt: skip
def pttl(keyspace: Keyspace, argv: Argv) -> int:
    return _left_ms(keyspace, argv[1])


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="generic",
         since="7.0.0", syntax="key", summary="Get the expiration Unix timestamp for a key"
         )  # fmt: skip
def expiretime(keyspace: Keyspace, argv: Argv) -> int:
    deadline_ms = _deadline(keyspace, argv[1])
    return deadline_ms if deadline_ms < 0 else (deadline_ms + 500) // 1000


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="generic",
         since="7.0.0", syntax="key",
         summary="Get the expiration Unix timestamp for a key in milliseconds")  # fmt: skip
def pexpiretime(keyspace: Keyspace, argv: Argv) -> int:
    return _deadline(keyspace, argv[1])


@command(arity=2, flags=WRITE | FAST, keys=(1, 1, 1), access="RW update", group="generic",
         since="2.2.0", syntax="key", summary="Remove the expiration from a key")  # fmt: skip
def persist(keyspace: Keyspace, argv: Argv) -> int:
    return int(keyspace.lookup(argv[1]) is not None and keyspace.persist(argv[1]))


def _deadline(keyspace: Keyspace, key: bytes) -> int:
    """Return the deadline, -1 when there is none, -2 when there is no key."""
    if not keyspace.contains(key):
        return -2
    deadline_ms = keyspace.deadline(key)
    return -1 if deadline_ms is None else deadline_ms


def _left_ms(keyspace: Keyspace, key: bytes) -> int:
    deadline_ms = _deadline(keyspace, key)
    return deadline_ms if deadline_ms < 0 else max(deadline_ms - keyspace.leader_ms, 0)


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
    if keyspace.lookup(key) is None:
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
            raise CommandError(b"ERR Unsupported option %b" % quoted(option))
        conditions |= condition
    if conditions & _NX and conditions & (_XX | _GT | _LT):
        raise CommandError(b"ERR NX and XX, GT or LT options at the same time are not compatible")
    if conditions & _GT and conditions & _LT:
        raise CommandError(b"ERR GT and LT options at the same time are not compatible")
    return conditions


def _condition_holds(conditions: int, old_ms: int | None, new_ms: int) -> bool:
    """Judge NX, XX, GT and LT; a missing deadline counts as infinitely far away."""
    if old_ms is None:
        return not conditions & (_XX | _GT)
    if conditions & _NX:
        return False
    if conditions & _GT:
        return new_ms > old_ms
    return not conditions & _LT or new_ms < old_ms
