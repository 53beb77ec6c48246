"""The compact forms of Redis before 7.0 (ziplists, zipmaps), and intsets."""

from typing import Final

from respkv.errors import BadDataFormat

_ZIPLIST_HEADER_BYTES: Final = 10  # total bytes, offset of the last entry (u32), entries (u16)
_COUNT_UNKNOWN: Final = 0xFFFF
_INTEGER_BYTES: Final = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}


def ziplist_items(packed: bytes) -> list[bytes]:
    """Return the elements, integers as their decimal text.

    Raises:
        BadDataFormat: it is no ziplist.
    """
    end = len(packed) - 1
    if (
        end < _ZIPLIST_HEADER_BYTES
        or int.from_bytes(packed[:4], "little") != len(packed)
        or packed[end] != 0xFF
    ):
        raise BadDataFormat
    items: list[bytes] = []
    at = _ZIPLIST_HEADER_BYTES
    while at < end:
        at += 1 if packed[at] < 0xFE else 5  # how long the entry before is
        if at >= end:
            raise BadDataFormat
        first = packed[at]
        if first < 0xC0:
            if first < 0x40:
                start = at + 1
                at = start + first
            elif first < 0x80:
                start = at + 2
                at = start + ((first & 63) << 8 | packed[at + 1])
            else:
                start = at + 5
                at = start + int.from_bytes(packed[at + 1 : at + 5], "big")
            items.append(packed[start:at])
        elif 0xF1 <= first <= 0xFD:
            items.append(b"%d" % (first - 0xF1))
            at += 1
        else:
            size = _INTEGER_BYTES.get(first, 0)
            if size == 0:
                raise BadDataFormat
            number = int.from_bytes(packed[at + 1 : at + 1 + size], "little", signed=True)
            items.append(b"%d" % number)
            at += 1 + size
    count = int.from_bytes(packed[8:10], "little")
    if at != end or count not in (len(items), _COUNT_UNKNOWN):
        raise BadDataFormat
    return items


def zipmap_items(packed: bytes) -> list[bytes]:
    """Return field, value, field, value, ...

    Raises:
        BadDataFormat: it is no zipmap.
    """
    end = len(packed) - 1
    if end < 1 or packed[end] != 0xFF:
        raise BadDataFormat
    items: list[bytes] = []
    at = 1  # past the number of pairs, which may be unknown
    while at < end:
        size = packed[at]
        at += 1
        if size == 0xFE:
            size = int.from_bytes(packed[at : at + 4], "little")
            at += 4
        elif size == 0xFF:
            raise BadDataFormat
        unused = 0
        if len(items) % 2:
            if at >= end:
                raise BadDataFormat
            unused = packed[at]  # bytes that an update left free behind the value
            at += 1
        items.append(packed[at : at + size])
        at += size + unused
    if at != end or len(items) % 2 or (packed[0] < 0xFE and 2 * packed[0] != len(items)):
        raise BadDataFormat
    return items


def intset_items(packed: bytes) -> list[bytes]:
    """Return the integers, smallest first, as their decimal texts.

    Raises:
        BadDataFormat: it is no intset.
    """
    width = int.from_bytes(packed[:4], "little")
    count = int.from_bytes(packed[4:8], "little")
    if width not in (2, 4, 8) or len(packed) != 8 + width * count:
        raise BadDataFormat
    return [
        b"%d" % int.from_bytes(packed[at : at + width], "little", signed=True)
        for at in range(8, len(packed), width)
    ]
