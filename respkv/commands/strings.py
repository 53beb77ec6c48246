"""Commands on strings: SET, GET, INCR."""

from typing import Final

from respkv.commands.arguments import (
    INT64_MAX,
    INT64_MIN,
    int64_or_none,
    lookup_string,
    parse_int64,
)
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, WouldOverflow, NotAnInteger, WrongType, InvalidExpireTime
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.values import Container
from respkv.wire.reply import OK, Reply

_NX: Final = 1
_XX: Final = 2
_GET: Final = 4
_KEEPTTL: Final = 8
_PERSIST: Final = 16
# option -> (unit in ms, whether it is counted from now)
_DEADLINE_OPTIONS: Final = {
    b"EX": (1000, True),
    b"PX": (1, True),
    b"EXAT": (1000, False),
    b"PXAT": (1, False),
}


@command(
    arity=2,
    flags=READONLY | FAST,
    keys=(1, 1, 1),
    access="RO ACCESS",
    group="string",
    since="1.0.0",
    complexity="O(1)",
    syntax="key",
    summary="Get the value of a key",
)
def get(keyspace: Keyspace, argv: Argv) -> Reply:
    """Return nil when the key does not exist."""
    value = keyspace.lookup(argv[1])
    if value is None or type(value) is bytes:
        return value
    if isinstance(value, Container):
        raise WrongType
    return bytes(value)


@command(
    name="SET",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(1, 1, 1),
    access="RW ACCESS UPDATE VARIABLE_FLAGS",
    group="string",
    since="1.0.0",
    complexity="O(1)",
    syntax="key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]",
    summary="Set the string value of a key",
)
def set_(keyspace: Keyspace, argv: Argv) -> Reply:
    """Replace any value; the deadline goes unless KEEPTTL is given."""
    if len(argv) == 3:
        keyspace.set(argv[1], argv[2])
        return OK
    key, value = argv[1], argv[2]
    options, deadline_ms = _parse_set_options(keyspace, argv, 3, b"set")
    old: Reply = None
    if options & _GET:
        old = _copied(lookup_string(keyspace, key))
    if options & (_NX | _XX) and keyspace.contains(key) == bool(options & _NX):
        return old
    if deadline_ms is not None and deadline_ms <= keyspace.now_ms:
        # Redis stores the value and lets the next lookup expire it: the effect is a DEL.
        keyspace.delete(key)
    elif options & _KEEPTTL and keyspace.contains(key):
        keyspace.replace(key, value)
    else:
        keyspace.set(key, value)
        if deadline_ms is not None:
            keyspace.set_deadline(key, deadline_ms)
    return old if options & _GET else OK


@command(
    arity=2,
    flags=WRITE | DENYOOM | FAST,
    keys=(1, 1, 1),
    access="RW ACCESS UPDATE",
    group="string",
    since="1.0.0",
    complexity="O(1)",
    syntax="key",
    summary="Increment the integer value of a key by one",
)
def incr(keyspace: Keyspace, argv: Argv) -> int:
    """Take a missing key as 0."""
    return _increment(keyspace, argv[1], 1)


def _increment(keyspace: Keyspace, key: bytes, increment: int) -> int:
    value = lookup_string(keyspace, key)
    if value is None:
        number = increment
    else:
        old = int64_or_none(value)
        if old is None:
            raise NotAnInteger
        number = old + increment
        if not INT64_MIN <= number <= INT64_MAX:
            raise WouldOverflow
    keyspace.replace(key, b"%d" % number)
    return number


def _copied(value: bytes | bytearray | None) -> bytes | None:
    return bytes(value) if isinstance(value, bytearray) else value


def _parse_set_options(
    keyspace: Keyspace, argv: Argv, first: int, name: bytes
) -> tuple[int, int | None]:
    """Return the flags and the absolute deadline (parseExtendedStringArgumentsOrReply)."""
    options = 0
    deadline_option: tuple[int, bool] | None = None
    deadline_text = b""
    position = first
    while position < len(argv):
        word = argv[position].upper()
        position += 1
        unit = _DEADLINE_OPTIONS.get(word)
        if unit is not None:
            if deadline_option or options & (_KEEPTTL | _PERSIST) or position == len(argv):
                raise BadSyntax
            deadline_option = unit
            deadline_text = argv[position]
            position += 1
        elif word == b"KEEPTTL" and name == b"set" and not deadline_option:
            options |= _KEEPTTL
        elif word == b"PERSIST" and name == b"getex" and not deadline_option:
            options |= _PERSIST
        elif word == b"NX" and name == b"set" and not options & _XX:
            options |= _NX
        elif word == b"XX" and name == b"set" and not options & _NX:
            options |= _XX
        elif word == b"GET" and name == b"set":
            options |= _GET
        else:
            raise BadSyntax
    if deadline_option is None:
        return options, None
    return options, _absolute_deadline(keyspace, deadline_text, deadline_option, name)


def _absolute_deadline(
    keyspace: Keyspace, text: bytes, option: tuple[int, bool], name: bytes
) -> int:
    """Return the deadline in Unix milliseconds (getExpireMillisecondsOrReply)."""
    unit_ms, relative = option
    when = parse_int64(text)
    if when <= 0 or when > INT64_MAX // unit_ms:
        raise InvalidExpireTime(name)
    when *= unit_ms
    if relative:
        if when > INT64_MAX - keyspace.now_ms:
            raise InvalidExpireTime(name)
        when += keyspace.now_ms
    return when
