"""Parts of strings: APPEND, SETRANGE, GETRANGE and the comparison LCS."""

from typing import Final

from respkv.commands import lcs as algorithm
from respkv.commands.arguments import lookup_string, parse_int64
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError, OffsetOutOfRange, StringTooLong, WrongType
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.long_string import LONG_BYTES, growing
from respkv.wire.reply import Reply

STRING_BYTES_MAX: Final = 512 << 20  # proto-max-bulk-len
LCS_CELLS_MAX: Final = STRING_BYTES_MAX // 4
LCS_ROWS_MAX: Final = 1 << 20  # a row takes at least half a microsecond, however short


@command(arity=3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW insert",
         group="string", since="2.0.0", complexity="O(1). The amortized time complexity is O(1) "
         "assuming the appended value is small and the already present value is of any size, "
         "since the dynamic string library used by Redis will double the free space available on "
         "every reallocation.", syntax="key value", summary="Append a value to a key")  # fmt: skip
def append(keyspace: Keyspace, argv: Argv) -> int:
    key, suffix = argv[1], argv[2]
    value = lookup_string(keyspace, key)
    if value is None:
        keyspace.set(key, suffix)
        return len(suffix)
    size = len(value) + len(suffix)
    _check_size(size)
    if size > LONG_BYTES:
        grown = growing(value, size)
        grown[size - len(suffix) :] = suffix
    else:
        grown = value if isinstance(value, bytearray) else bytearray(bytes(value))
        grown += suffix
    keyspace.set(key, grown, keeps_deadline=True)
    return size


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="string",
         since="2.2.0", syntax="key", summary="Get the length of the value stored in a key"
         )  # fmt: skip
def strlen(keyspace: Keyspace, argv: Argv) -> int:
    value = lookup_string(keyspace, argv[1])
    return 0 if value is None else len(value)


@command(arity=4, flags=WRITE | DENYOOM, keys=(1, 1, 1), access="RW update", group="string",
         since="2.2.0", complexity="O(1), not counting the time taken to copy the new string in "
         "place. Usually, this string is very small so the amortized complexity is O(1). "
         "Otherwise, complexity is O(M) with M being the length of the value argument.",
         syntax="key offset:integer value",
         summary="Overwrite part of a string at key starting at the specified offset")  # fmt: skip
def setrange(keyspace: Keyspace, argv: Argv) -> int:
    """Fill the gap up to the offset with zero bytes."""
    key, patch = argv[1], argv[3]
    offset = parse_int64(argv[2])
    if offset < 0:
        raise OffsetOutOfRange
    value = lookup_string(keyspace, key)
    if not patch:
        return 0 if value is None else len(value)
    _check_size(offset + len(patch))
    grown = growing(value, offset + len(patch))
    grown[offset : offset + len(patch)] = patch
    keyspace.set(key, grown, keeps_deadline=True)
    return len(grown)


@command(arity=4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="string",
         since="2.4.0", complexity="O(N) where N is the length of the returned string. The "
         "complexity is ultimately determined by the returned length, but because creating a "
         "substring from an existing string is very cheap, it can be considered O(1) for small "
         "strings.", syntax="key start:integer end:integer",
         summary="Get a substring of the string stored at a key")  # fmt: skip
def getrange(keyspace: Keyspace, argv: Argv) -> bytes:
    start, end = parse_int64(argv[2]), parse_int64(argv[3])
    value = lookup_string(keyspace, argv[1])
    if value is None or (start < 0 and end < 0 and start > end):
        return b""
    size = len(value)
    start = max(start + size if start < 0 else start, 0)
    end = max(end + size if end < 0 else end, 0)
    return bytes(value[start : end + 1])


@command(arity=4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="string",
         since="1.0.0", complexity="O(N) where N is the length of the returned string. The "
         "complexity is ultimately determined by the returned length, but because creating a "
         "substring from an existing string is very cheap, it can be considered O(1) for small "
         "strings.", syntax="key start:integer end:integer",
         summary="Get a substring of the string stored at a key",
         deprecated=("2.0.0", "`GETRANGE`"))  # fmt: skip
def substr(keyspace: Keyspace, argv: Argv) -> bytes:
    return getrange(keyspace, argv)


@command(arity=-3, flags=READONLY, keys=(1, 2, 1), access="RO access", group="string",
         since="7.0.0",
         complexity="O(N*M) where N and M are the lengths of s1 and s2, respectively",
         syntax="key1:key key2:key [LEN] [IDX] [MINMATCHLEN len:integer] [WITHMATCHLEN]",
         summary="Find longest common substring")  # fmt: skip
def lcs(keyspace: Keyspace, argv: Argv) -> Reply:
    """At most 2**27 cells, as in Redis, and 2**20 bytes of the first string."""
    one, other = _lcs_string(keyspace, argv[1]), _lcs_string(keyspace, argv[2])
    options = LcsOptions(argv)
    if options.length and options.indexes:
        raise CommandError(b"ERR If you want both the length and indexes, please just use IDX.")
    if (len(one) + 1) * (len(other) + 1) > LCS_CELLS_MAX or len(one) > LCS_ROWS_MAX:
        raise CommandError(
            b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
        )
    if options.length:
        return algorithm.length(one, other)
    runs = algorithm.matches(one, other)
    if not options.indexes:
        return b"".join([one[start : start + size] for start, _, size in reversed(runs)])
    return {
        b"matches": [
            options.describe(first, second, size)
            for first, second, size in runs
            if size >= options.length_min
        ],
        b"len": sum([size for _, _, size in runs]),
    }


class LcsOptions:
    """What the options of LCS ask for."""

    def __init__(self, argv: Argv) -> None:
        self.length = False
        self.indexes = False
        self.length_min = 0
        self.with_lengths = False
        position = 3
        while position < len(argv):
            option = argv[position].upper()
            position += 1
            if option == b"LEN":
                self.length = True
            elif option == b"IDX":
                self.indexes = True
            elif option == b"WITHMATCHLEN":
                self.with_lengths = True
            elif option == b"MINMATCHLEN" and position < len(argv):
                self.length_min = parse_int64(argv[position])
                position += 1
            else:
                raise BadSyntax

    def describe(self, first: int, second: int, size: int) -> Reply:
        """Return one match as IDX replies it."""
        match: list[Reply] = [[first, first + size - 1], [second, second + size - 1]]
        if self.with_lengths:
            match.append(size)
        return match


def _lcs_string(keyspace: Keyspace, key: bytes) -> bytes:
    try:
        return bytes(lookup_string(keyspace, key) or b"")
    except WrongType:
        raise CommandError(b"ERR The specified keys must contain string values") from None


def _check_size(size: int) -> None:
    if size > STRING_BYTES_MAX:
        raise StringTooLong
