"""Listpacks: how Redis 7.0 keeps small hashes, sorted sets, and the nodes of lists and streams."""

from typing import Final

from respkv.errors import BadDataFormat

_HEADER_BYTES: Final = 6  # total bytes (u32) and number of elements (u16)
_COUNT_UNKNOWN: Final = 0xFFFF
_INTEGER_TEXT_MAX: Final = 20
_INTEGER_BYTES: Final = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}


def listpack_items(packed: bytes) -> list[bytes]:
    """Return the elements, integers as their decimal text.

    Raises:
        BadDataFormat: it is no listpack.
    """
    end = len(packed) - 1
    if (
        end < _HEADER_BYTES
        or int.from_bytes(packed[:4], "little") != len(packed)
        or packed[end] != 0xFF
    ):
        raise BadDataFormat
    items: list[bytes] = []
    at = _HEADER_BYTES
    while at < end:
        first = packed[at]
        start = at
        if first < 0x80:
            items.append(b"%d" % first)
            at += 1
        elif first < 0xC0:
            at += 1 + (first & 63)
            items.append(packed[start + 1 : at])
        elif first < 0xE0:
            number = (first & 31) << 8 | packed[at + 1]  # the end mark at the least
            items.append(b"%d" % (number if number < 4_096 else number - 8_192))
            at += 2
        elif first < 0xF0:
            at += 2 + ((first & 15) << 8 | packed[at + 1])
            items.append(packed[start + 2 : at])
        elif first == 0xF0:
            at += 5 + int.from_bytes(packed[at + 1 : at + 5], "little")
            items.append(packed[start + 5 : at])
        else:
            size = _INTEGER_BYTES.get(first, 0)
            if size == 0:
                raise BadDataFormat
            at += 1 + size
            items.append(b"%d" % int.from_bytes(packed[start + 1 : at], "little", signed=True))
        at += _back_length_bytes(at - start)
    count = int.from_bytes(packed[4:6], "little")
    if at != end or count not in (len(items), _COUNT_UNKNOWN):
        raise BadDataFormat
    return items


def _back_length_bytes(size: int) -> int:
    """Return how many bytes follow an element to say how long it is."""
    if size < 128:
        return 1
    if size < 16_383:  # Redis' bounds are one below what seven bits a byte could hold
        return 2
    if size < 2_097_151:
        return 3
    return 4 if size < 268_435_455 else 5


def pack_listpack(items: list[bytes]) -> bytes:
    """Return the listpack of these elements; decimal numbers become integers, as in Redis."""
    parts = [b""]
    size = _HEADER_BYTES + 1
    for item in items:
        packed = _pack_item(item)
        parts += (packed, _back_length(len(packed)))
        size += len(packed) + len(parts[-1])
    parts[0] = size.to_bytes(4, "little") + min(len(items), _COUNT_UNKNOWN).to_bytes(2, "little")
    parts.append(b"\xff")
    return b"".join(parts)


def _pack_item(item: bytes) -> bytes:
    if len(item) <= _INTEGER_TEXT_MAX and (item[:1].isdigit() or item[:1] == b"-"):
        packed = _pack_integer(item)
        if packed:
            return packed
    size = len(item)
    if size < 64:
        return bytes((0x80 | size,)) + item
    if size < 4_096:
        return bytes((0xE0 | size >> 8, size & 0xFF)) + item
    return b"\xf0" + size.to_bytes(4, "little") + item


def _pack_integer(text: bytes) -> bytes:
    try:
        number = int(text)
    except ValueError:
        return b""
    if b"%d" % number != text or not -(1 << 63) <= number < 1 << 63:
        return b""
    if 0 <= number < 128:
        return bytes((number,))
    if -4_096 <= number < 4_096:
        number &= 0x1FFF
        return bytes((0xC0 | number >> 8, number & 0xFF))
    for kind, width in _INTEGER_BYTES.items():
        if -(1 << 8 * width - 1) <= number < 1 << 8 * width - 1:
            return bytes((kind,)) + number.to_bytes(width, "little", signed=True)
    return b""


def _back_length(size: int) -> bytes:
    """Return the length of an element, to be read from its end: seven bits in each byte."""
    width = _back_length_bytes(size)
    packed = bytearray(width)
    for position in range(width - 1, -1, -1):
        packed[position] = size & 127 | 128
        size >>= 7
    packed[0] &= 127
    return bytes(packed)
