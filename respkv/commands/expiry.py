"""Deadlines of keys: EXPIRE and its family, and the internal SWEEP, as in Redis 7.0."""

from respkv.commands.arguments import INT64_MAX, INT64_MIN, parse_int64
from respkv.commands.table import FAST, INTERNAL, READONLY, WRITE, command
from respkv.errors import CommandError, InvalidExpireTime
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import Reply

Argv = list[bytes]


def _condition_holds(keyspace: Keyspace, argv: Argv, old_ms: int, new_ms: int) -> bool:
    """Judge NX, XX, GT and LT; no deadline counts as one that never comes."""
    options = set()
    for option in argv[3:]:
        name = option.upper()
        if name not in (b"NX", b"XX", b"GT", b"LT"):
            raise CommandError(b"ERR Unsupported option %b" % option)
        options.add(name)
    if b"NX" in options and len(options) > 1:
        raise CommandError(b"ERR NX and XX, GT or LT options at the same time are not compatible")
    if {b"GT", b"LT"} <= options:
        raise CommandError(b"ERR GT and LT options at the same time are not compatible")
    if b"NX" in options and old_ms:
        return False
    if b"XX" in options and not old_ms:
        return False
    if b"GT" in options and (not old_ms or new_ms <= old_ms):
        return False
    return not (b"LT" in options and old_ms and new_ms >= old_ms)


def _expire(keyspace: Keyspace, argv: Argv, unit_ms: int, absolute: bool) -> Reply:
    key = argv[1]
    _condition_holds(keyspace, argv, 0, 0)  # refuses unknown options before anything else
    number = parse_int64(argv[2])
    deadline_ms = number * unit_ms + (0 if absolute else keyspace.now_ms)
    if not (INT64_MIN <= number * unit_ms <= INT64_MAX and deadline_ms <= INT64_MAX):
        raise InvalidExpireTime(argv[0].lower())
    if keyspace.lookup(key) is None:
        return 0
    if not _condition_holds(keyspace, argv, keyspace.deadline_ms(key), deadline_ms):
        return 0
    if deadline_ms <= keyspace.now_ms:
        keyspace.delete(key)
    else:
        keyspace.set_deadline(key, deadline_ms)
    return 1


@command(arity=-3, flags=WRITE | FAST, group="generic", since="1.0.0", keys=(1, 1, 1),
         syntax="key seconds [NX|XX|GT|LT]")  # fmt: skip
def expire(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set a key's time to live in seconds."""
    return _expire(keyspace, argv, 1000, False)


@command(arity=-3, flags=WRITE | FAST, group="generic", since="2.6.0", keys=(1, 1, 1),
         syntax="key milliseconds [NX|XX|GT|LT]")  # fmt: skip
def pexpire(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set a key's time to live in milliseconds."""
    return _expire(keyspace, argv, 1, False)


@command(arity=-3, flags=WRITE | FAST, group="generic", since="1.2.0", keys=(1, 1, 1),
         syntax="key unix-time-seconds [NX|XX|GT|LT]")  # fmt: skip
def expireat(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set the expiration for a key as a UNIX timestamp."""
    return _expire(keyspace, argv, 1000, True)


@command(arity=-3, flags=WRITE | FAST, group="generic", since="2.6.0", keys=(1, 1, 1),
         syntax="key unix-time-milliseconds [NX|XX|GT|LT]")  # fmt: skip
def pexpireat(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set the expiration for a key as a UNIX timestamp specified in milliseconds."""
    return _expire(keyspace, argv, 1, True)


def _deadline_of(keyspace: Keyspace, key: bytes) -> int:
    """Return the deadline, -1 for none, -2 for a key that is not there."""
    if keyspace.lookup(key) is None:
        return -2
    return keyspace.deadline_ms(key) or -1


@command(arity=2, flags=READONLY | FAST, group="generic", since="1.0.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def ttl(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the time to live for a key in seconds."""
    deadline_ms = _deadline_of(keyspace, argv[1])
    return deadline_ms if deadline_ms < 0 else (deadline_ms - keyspace.leader_ms + 500) // 1000


@command(arity=2, flags=READONLY | FAST, group="generic", since="2.6.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def pttl(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the time to live for a key in milliseconds."""
    deadline_ms = _deadline_of(keyspace, argv[1])
    return deadline_ms if deadline_ms < 0 else deadline_ms - keyspace.leader_ms


@command(arity=2, flags=READONLY | FAST, group="generic", since="7.0.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def expiretime(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the expiration Unix timestamp for a key."""
    deadline_ms = _deadline_of(keyspace, argv[1])
    return deadline_ms if deadline_ms < 0 else (deadline_ms + 500) // 1000


@command(arity=2, flags=READONLY | FAST, group="generic", since="7.0.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def pexpiretime(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the expiration Unix timestamp for a key in milliseconds."""
    return _deadline_of(keyspace, argv[1])


@command(arity=2, flags=WRITE | FAST, group="generic", since="2.2.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def persist(keyspace: Keyspace, argv: Argv) -> Reply:
    """Remove the expiration from a key."""
    if keyspace.lookup(argv[1]) is None or not keyspace.deadline_ms(argv[1]):
        return 0
    keyspace.set_deadline(argv[1], 0)
    return 1


@command(arity=2, flags=WRITE | INTERNAL, group="internal", since="0.1.0", name="respkv.sweep")
def sweep(keyspace: Keyspace, argv: Argv) -> Reply:
    """Remove at most n expired keys; never by name, so no live key can be hit by an old entry."""
    return keyspace.sweep(int(argv[1]))
