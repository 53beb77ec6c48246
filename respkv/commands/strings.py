"""Commands of the group *string*, as in Redis 7.0."""

from typing import Final

from respkv.commands.arguments import (
    INT64_MAX,
    INT64_MIN,
    add_long_doubles,
    format_long_double,
    parse_int64,
    parse_long_double,
    parse_deadline,
)
from respkv.commands.expiry_options import parse_string_options
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, command
from respkv.errors import (
    BadSyntax,
    CommandError,
    StringTooLong,
    WouldOverflow,
    WrongArity,
)
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK, Reply

Argv = list[bytes]

STRING_BYTES_MAX: Final = 512 << 20


@command(arity=2, flags=READONLY | FAST, group="string", since="1.0.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def get(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the value of a key."""
    return keyspace.lookup(argv[1])


@command(arity=-3, flags=WRITE | DENYOOM, group="string", since="1.0.0", keys=(1, 1, 1),
         syntax="key value [NX|XX] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|"
                "PXAT unix-time-milliseconds|KEEPTTL]", name="set")  # fmt: skip
def set_(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set the string value of a key."""
    if len(argv) == 3:
        keyspace.set(argv[1], argv[2])
        return OK
    return _set_with_options(keyspace, argv)


def _set_with_options(keyspace: Keyspace, argv: Argv) -> Reply:
    key, value = argv[1], argv[2]
    options = parse_string_options(argv, 3, of_set=True)
    deadline_ms = options.deadline_ms(keyspace.now_ms, b"set")
    old = keyspace.lookup(key)
    reply: Reply = old if options.get else OK
    if isinstance(reply, bytearray):
        reply = bytes(reply)
    if (options.condition == b"NX" and old is not None) or (
        options.condition == b"XX" and old is None
    ):
        return reply if options.get else None
    if options.keep_deadline:
        keyspace.replace(key, value)
    elif deadline_ms and deadline_ms < keyspace.now_ms:
        keyspace.delete(key)  # an absolute time that is past: the key would never be seen
    else:
        keyspace.set(key, value, deadline_ms)
    return reply


@command(arity=3, flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", keys=(1, 1, 1),
         syntax="key value")  # fmt: skip
def setnx(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set the value of a key, only if the key does not exist."""
    if keyspace.lookup(argv[1]) is not None:
        return 0
    keyspace.set(argv[1], argv[2])
    return 1


def _set_for(keyspace: Keyspace, argv: Argv, unit_ms: int, name: bytes) -> Reply:
    deadline_ms = parse_deadline(argv[2], keyspace.now_ms, unit_ms, False, name)
    keyspace.set(argv[1], argv[3], deadline_ms)
    return OK


@command(arity=4, flags=WRITE | DENYOOM, group="string", since="2.0.0", keys=(1, 1, 1),
         syntax="key seconds value")  # fmt: skip
def setex(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set the value and expiration of a key."""
    return _set_for(keyspace, argv, 1000, b"setex")


@command(arity=4, flags=WRITE | DENYOOM, group="string", since="2.6.0", keys=(1, 1, 1),
         syntax="key milliseconds value")  # fmt: skip
def psetex(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set the value and expiration in milliseconds of a key."""
    return _set_for(keyspace, argv, 1, b"psetex")


@command(arity=-2, flags=WRITE | FAST, group="string", since="6.2.0", keys=(1, 1, 1),
         syntax="key [EX seconds|PX milliseconds|EXAT unix-time-seconds|"
                "PXAT unix-time-milliseconds|PERSIST]")  # fmt: skip
def getex(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the value of a key and optionally set its expiration."""
    key = argv[1]
    options = parse_string_options(argv, 2, of_set=False)
    value = keyspace.lookup(key)
    if value is None:
        return None
    deadline_ms = options.deadline_ms(keyspace.now_ms, b"getex")
    if deadline_ms and deadline_ms < keyspace.now_ms:
        keyspace.delete(key)
    elif deadline_ms:
        keyspace.set_deadline(key, deadline_ms)
    elif options.persist and keyspace.deadline_ms(key):
        keyspace.set_deadline(key, 0)
    return value


@command(arity=2, flags=WRITE | FAST, group="string", since="6.2.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def getdel(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the value of a key and delete the key."""
    value = keyspace.lookup(argv[1])
    if value is not None:
        keyspace.delete(argv[1])
    return value


@command(arity=3, flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", keys=(1, 1, 1),
         syntax="key value")  # fmt: skip
def getset(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set the string value of a key and return its old value."""
    old = keyspace.lookup(argv[1])
    keyspace.set(argv[1], argv[2])
    return old


@command(arity=-2, flags=READONLY | FAST, group="string", since="1.0.0", keys=(1, -1, 1),
         complexity="O(N) where N is the number of keys to retrieve.",
         syntax="key [key ...]")  # fmt: skip
def mget(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the values of all the given keys."""
    return [keyspace.lookup(key) for key in argv[1:]]


@command(arity=-3, flags=WRITE | DENYOOM, group="string", since="1.0.1", keys=(1, -1, 2),
         complexity="O(N) where N is the number of keys to set.",
         syntax="key value [key value ...]")  # fmt: skip
def mset(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set multiple keys to multiple values."""
    if len(argv) % 2 == 0:
        raise WrongArity(b"mset")
    for at in range(1, len(argv), 2):
        keyspace.set(argv[at], argv[at + 1])
    return OK


@command(arity=-3, flags=WRITE | DENYOOM, group="string", since="1.0.1", keys=(1, -1, 2),
         complexity="O(N) where N is the number of keys to set.",
         syntax="key value [key value ...]")  # fmt: skip
def msetnx(keyspace: Keyspace, argv: Argv) -> Reply:
    """Set multiple keys to multiple values, only if none of the keys exist."""
    if len(argv) % 2 == 0:
        raise WrongArity(b"msetnx")
    for at in range(1, len(argv), 2):
        if keyspace.lookup(argv[at]) is not None:
            return 0
    for at in range(1, len(argv), 2):
        keyspace.set(argv[at], argv[at + 1])
    return 1


def _add(keyspace: Keyspace, key: bytes, increment: int) -> int:
    value = keyspace.lookup(key)
    if value is None:
        keyspace.set(key, b"%d" % increment)
        return increment
    number = parse_int64(value) + increment
    if number < INT64_MIN or number > INT64_MAX:
        raise WouldOverflow()
    keyspace.replace(key, b"%d" % number)
    return number


@command(arity=2, flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def incr(keyspace: Keyspace, argv: Argv) -> Reply:
    """Increment the integer value of a key by one."""
    return _add(keyspace, argv[1], 1)


@command(arity=2, flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def decr(keyspace: Keyspace, argv: Argv) -> Reply:
    """Decrement the integer value of a key by one."""
    return _add(keyspace, argv[1], -1)


@command(arity=3, flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", keys=(1, 1, 1),
         syntax="key increment")  # fmt: skip
def incrby(keyspace: Keyspace, argv: Argv) -> Reply:
    """Increment the integer value of a key by the given amount."""
    return _add(keyspace, argv[1], parse_int64(argv[2]))


@command(arity=3, flags=WRITE | DENYOOM | FAST, group="string", since="1.0.0", keys=(1, 1, 1),
         syntax="key decrement")  # fmt: skip
def decrby(keyspace: Keyspace, argv: Argv) -> Reply:
    """Decrement the integer value of a key by the given number."""
    decrement = parse_int64(argv[2])
    if decrement == INT64_MIN:
        raise CommandError(b"ERR decrement would overflow")
    return _add(keyspace, argv[1], -decrement)


@command(arity=3, flags=WRITE | DENYOOM | FAST, group="string", since="2.6.0", keys=(1, 1, 1),
         syntax="key increment")  # fmt: skip
def incrbyfloat(keyspace: Keyspace, argv: Argv) -> Reply:
    """Increment the float value of a key by the given amount."""
    value = keyspace.lookup(argv[1])
    number = parse_long_double(b"0" if value is None else value)
    increment = parse_long_double(argv[2])
    if not (number.is_finite() and increment.is_finite()):
        raise CommandError(b"ERR increment would produce NaN or Infinity")
    total = format_long_double(add_long_doubles(number, increment))
    keyspace.replace(argv[1], total)
    return total


@command(arity=3, flags=WRITE | DENYOOM | FAST, group="string", since="2.0.0", keys=(1, 1, 1),
         syntax="key value")  # fmt: skip
def append(keyspace: Keyspace, argv: Argv) -> Reply:
    """Append a value to a key."""
    key, suffix = argv[1], argv[2]
    value = keyspace.lookup(key)
    if value is None:
        keyspace.set(key, suffix)
        return len(suffix)
    if len(value) + len(suffix) > STRING_BYTES_MAX:
        raise StringTooLong()
    changed = value if isinstance(value, bytearray) else bytearray(value)
    changed += suffix
    keyspace.replace(key, changed)
    return len(changed)


@command(arity=2, flags=READONLY | FAST, group="string", since="2.2.0", keys=(1, 1, 1),
         syntax="key")  # fmt: skip
def strlen(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the length of the value stored in a key."""
    value = keyspace.lookup(argv[1])
    return 0 if value is None else len(value)


@command(arity=4, flags=WRITE | DENYOOM, group="string", since="2.2.0", keys=(1, 1, 1),
         syntax="key offset value")  # fmt: skip
def setrange(keyspace: Keyspace, argv: Argv) -> Reply:
    """Overwrite part of a string at key starting at the specified offset."""
    key, patch = argv[1], argv[3]
    offset = parse_int64(argv[2])
    if offset < 0:
        raise CommandError(b"ERR offset is out of range")
    value = keyspace.lookup(key)
    if not patch:
        return 0 if value is None else len(value)
    if offset + len(patch) > STRING_BYTES_MAX:
        raise StringTooLong()
    changed = value if isinstance(value, bytearray) else bytearray(value or b"")
    if len(changed) < offset:
        changed += bytes(offset - len(changed))
    changed[offset : offset + len(patch)] = patch
    keyspace.replace(key, changed)
    return len(changed)


def _slice(keyspace: Keyspace, argv: Argv) -> Reply:
    start, end = parse_int64(argv[2]), parse_int64(argv[3])
    value = keyspace.lookup(argv[1])
    if value is None or (start < 0 and end < 0 and start > end):
        return b""
    length = len(value)
    start = max(0, start + length if start < 0 else start)
    end = max(0, end + length if end < 0 else end)
    return bytes(value[start : min(end, length - 1) + 1])


@command(arity=4, flags=READONLY, group="string", since="2.4.0", keys=(1, 1, 1),
         complexity="O(N) where N is the length of the returned string.",
         syntax="key start end")  # fmt: skip
def getrange(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get a substring of the string stored at a key."""
    return _slice(keyspace, argv)


@command(arity=4, flags=READONLY, group="string", since="1.0.0", keys=(1, 1, 1),
         complexity="O(N) where N is the length of the returned string.",
         syntax="key start end")  # fmt: skip
def substr(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get a substring of the string stored at a key."""
    return _slice(keyspace, argv)


def lcs_not_both(argv: Argv) -> CommandError:
    """LEN and IDX exclude each other."""
    return CommandError(b"ERR If you want both the length and indexes, please just use IDX.")


@command(arity=-3, flags=READONLY, group="string", since="7.0.0", keys=(1, 2, 1),
         complexity="O(N*M) where N and M are the lengths of s1 and s2, respectively",
         syntax="key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]")  # fmt: skip
def lcs(keyspace: Keyspace, argv: Argv) -> Reply:
    """Find longest common substring."""
    one = bytes(keyspace.lookup(argv[1]) or b"")
    other = bytes(keyspace.lookup(argv[2]) or b"")
    want_length = want_indexes = with_lengths = False
    length_min = 0
    at = 3
    while at < len(argv):
        option = argv[at].upper()
        if option == b"LEN":
            want_length = True
        elif option == b"IDX":
            want_indexes = True
        elif option == b"WITHMATCHLEN":
            with_lengths = True
        elif option == b"MINMATCHLEN" and at + 1 < len(argv):
            length_min = max(0, parse_int64(argv[at + 1]))
            at += 1
        else:
            raise BadSyntax()
        at += 1
    if want_length and want_indexes:
        raise lcs_not_both(argv)
    if (len(one) + 1) * (len(other) + 1) > _LCS_CELLS_MAX:
        raise CommandError(
            b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
        )
    return _common(one, other, want_length, want_indexes, length_min, with_lengths)


_LCS_CELLS_MAX: Final = (512 << 20) // 4


def _common(
    one: bytes, other: bytes, want_length: bool, want_indexes: bool, length_min: int,
    with_lengths: bool,
) -> Reply:  # fmt: skip
    rows = [[0] * (len(other) + 1)]
    for byte in one:
        above = rows[-1]
        row = [0]
        for column, candidate in enumerate(other):
            row.append(above[column] + 1 if byte == candidate else max(above[column + 1], row[-1]))
        rows.append(row)
    total = rows[-1][-1]
    if want_length:
        return total
    result = bytearray()
    ranges: list[Reply] = []
    i, j = len(one), len(other)
    run = 0  # length of the match that ends at (i, j) going backwards
    while i > 0 and j > 0:
        if one[i - 1] == other[j - 1]:
            result.append(one[i - 1])
            run += 1
            i -= 1
            j -= 1
            if i and j and one[i - 1] == other[j - 1]:
                continue
            if run and run >= length_min:
                match: list[Reply] = [[i, i + run - 1], [j, j + run - 1]]
                ranges.append([*match, run] if with_lengths else match)
            run = 0
        elif rows[i - 1][j] > rows[i][j - 1]:
            i -= 1
        else:
            j -= 1
    if want_indexes:
        return {b"matches": ranges, b"len": total}
    return bytes(reversed(result))
