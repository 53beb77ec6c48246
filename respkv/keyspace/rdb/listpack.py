"""Listpacks: how Redis 7.0 keeps small hashes, sorted sets, and the nodes of lists and streams."""

from typing import Final

from respkv.errors import BadDataFormat

_HEADER_BYTES: Final = 6  # total bytes (u32) and number of elements (u16)
_COUNT_UNKNOWN: Final = 0xFFFF
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
    if size < 16_384:
        return 2
    if size < 2_097_152:
        return 3
    return 4 if size < 268_435_456 else 5
