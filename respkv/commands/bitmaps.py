"""Strings as arrays of bits: SETBIT, GETBIT, BITCOUNT and BITPOS. Bit 0 is a byte's highest."""

from typing import Final

from respkv.commands.arguments import int64_or_none, lookup_string, parse_int64, wrapped_int64
from respkv.commands.string_parts import STRING_BYTES_MAX
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.long_string import BLOCK_BYTES, ZERO_BLOCK, LongString, growing
from respkv.keyspace.values import Text

# Counted and searched as integers of a block's size, 0.4 ms a megabyte; larger ones leave the cache.
_ONES: Final = b"\xff" * BLOCK_BYTES


@command(arity=4, flags=WRITE | DENYOOM, keys=(1, 1, 1), access="RW access update",
         group="bitmap", since="2.2.0", syntax="key offset:integer value:integer", summary="Sets "
         "or clears the bit at offset in the string value stored at key")  # fmt: skip
def setbit(keyspace: Keyspace, argv: Argv) -> int:
    key = argv[1]
    offset = parse_bit_offset(argv[2])
    new = int64_or_none(argv[3])
    if new is None or not 0 <= new <= 1:
        raise CommandError(b"ERR bit is not an integer or out of range")
    value = lookup_string(keyspace, key)
    at = offset >> 3
    mask = 0x80 >> (offset & 7)
    old = int(value is not None and at < len(value) and value[at] & mask != 0)
    if value is None or at >= len(value) or old != new:
        grown = growing(value, at + 1)
        if old != new:
            grown[at] ^= mask
        keyspace.set(key, grown, keeps_deadline=True)
    return old


@command(arity=3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="bitmap",
         since="2.2.0", syntax="key offset:integer", summary="Returns the bit value at offset in "
         "the string value stored at key")  # fmt: skip
def getbit(keyspace: Keyspace, argv: Argv) -> int:
    offset = parse_bit_offset(argv[2])
    value = lookup_string(keyspace, argv[1])
    at = offset >> 3
    return int(value is not None and at < len(value) and value[at] & (0x80 >> (offset & 7)) != 0)


@command(arity=-2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="bitmap",
         since="2.6.0", complexity="O(N)", syntax="key [index(start:integer end:integer "
         "[index_unit(BYTE | BIT)@7.0.0])]", summary="Count set bits in a string",
         history=(("7.0.0", "Added the `BYTE|BIT` option."),))  # fmt: skip
def bitcount(keyspace: Keyspace, argv: Argv) -> int:
    value = lookup_string(keyspace, argv[1])
    if value is None:
        return 0
    if len(argv) == 2:
        return _count(value, 0, len(value) * 8 - 1)
    if len(argv) not in (4, 5):
        raise BadSyntax
    start, end = parse_int64(argv[2]), parse_int64(argv[3])
    if start < 0 and end < 0 and start > end:
        return 0
    in_bits = len(argv) == 5 and _parse_unit(argv[4])
    return _count(value, *_bit_range(start, end, len(value), in_bits))


@command(arity=-3, flags=READONLY, keys=(1, 1, 1), access="RO access", group="bitmap",
         since="2.8.7", complexity="O(N)", syntax="key bit:integer [index(start:integer "
         "[end_index(end:integer [index_unit(BYTE | BIT)@7.0.0])])]", summary="Find first bit set "
         "or clear in a string", history=(("7.0.0", "Added the `BYTE|BIT` option."),))  # fmt: skip
def bitpos(keyspace: Keyspace, argv: Argv) -> int:
    """Without an end, zeros are taken to follow the string; with one, nothing is."""
    bit = parse_int64(argv[2])
    if not 0 <= bit <= 1:
        raise CommandError(b"ERR The bit argument must be 1 or 0.")
    value = lookup_string(keyspace, argv[1])
    if value is None:
        return -bit
    if len(argv) > 6:
        raise BadSyntax
    start = parse_int64(argv[3]) if len(argv) > 3 else 0
    in_bits = len(argv) == 6 and _parse_unit(argv[5])
    end = parse_int64(argv[4]) if len(argv) > 4 else -1
    first, last = _bit_range(start, end, len(value), in_bits)
    if first > last:
        return -1
    found = _find(value, bit, first, last)
    return last + 1 if found < 0 and bit == 0 and len(argv) < 5 else found


def parse_bit_offset(text: bytes, width: int = 0) -> int:
    """Return the number of a bit; with a `width`, `#n` is where the n-th integer of it begins.

    Raises:
        CommandError: not a number, negative, or beyond the largest string.
    """
    times = width if width and text[:1] == b"#" else 0
    offset = int64_or_none(text[1:] if times else text)
    if offset is not None and times:
        offset = wrapped_int64(offset * times)
    if offset is None or not 0 <= offset < STRING_BYTES_MAX * 8:
        raise CommandError(b"ERR bit offset is not an integer or out of range")
    return offset


def _parse_unit(text: bytes) -> bool:
    """Return whether a range is in bits."""
    unit = text.upper()
    if unit not in (b"BIT", b"BYTE"):
        raise BadSyntax
    return unit == b"BIT"


def _bit_range(start: int, end: int, size: int, in_bits: bool) -> tuple[int, int]:
    """Return the first and the last bit of a range, whose ends may count from the string's end."""
    total = size * 8 if in_bits else size
    start = max(start + total if start < 0 else start, 0)
    end = min(max(end + total if end < 0 else end, 0), total - 1)
    return (start, end) if in_bits else (start * 8, end * 8 + 7)


def _count(value: Text, first: int, last: int) -> int:
    """Return how many bits from `first` to `last` are set."""
    if first > last:
        return 0
    start, end = first >> 3, (last >> 3) + 1
    count = 0
    at = start
    while at < end:
        block = value[at : min(at + BLOCK_BYTES, end)]
        count += int.from_bytes(block, "little").bit_count()
        at += BLOCK_BYTES
        if isinstance(value, LongString):
            at = value.stored_from(at)
    before = value[start] & (0xFF00 >> (first & 7)) & 0xFF
    after = value[end - 1] & (0x7F >> (last & 7))
    return count - before.bit_count() - after.bit_count()


def _find(value: Text, bit: int, first: int, last: int) -> int:
    """Return the first bit from `first` to `last` that is `bit`, -1 when there is none."""
    ignored = first & 7
    passed = ZERO_BLOCK if bit else _ONES
    at, end = first >> 3, (last >> 3) + 1
    while at < end:
        block = value[at : at + BLOCK_BYTES]
        if block != passed:
            width = len(block) * 8
            wanted = int.from_bytes(block, "big")
            if bit == 0:
                wanted ^= (1 << width) - 1
            wanted &= (1 << (width - ignored)) - 1
            if wanted:
                found = at * 8 + width - wanted.bit_length()
                return found if found <= last else -1
        ignored = 0
        at += BLOCK_BYTES
        if bit and isinstance(value, LongString):
            at = value.stored_from(at)
    return -1
