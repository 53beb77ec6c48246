"""cmsgpack of scripts: MessagePack as Redis' Lua library writes and reads it."""

import struct
from math import isfinite
from struct import pack, unpack_from
from typing import Any, Final

DEPTH_MAX: Final = 16  # deeper tables are packed as nil

_INTEGERS: Final = {  # format and bytes, by the first byte
    0xCC: (">B", 1), 0xCD: (">H", 2), 0xCE: (">I", 4), 0xCF: (">Q", 8),
    0xD0: (">b", 1), 0xD1: (">h", 2), 0xD2: (">i", 4), 0xD3: (">q", 8),
    0xCA: (">f", 4), 0xCB: (">d", 8),
}  # fmt: skip
_STRINGS: Final = {0xD9: (">B", 1), 0xDA: (">H", 2), 0xDB: (">I", 4), 0xC4: (">B", 1), 0xC5: (">H", 2), 0xC6: (">I", 4)}  # fmt: skip
_ARRAYS: Final = {0xDC: (">H", 2), 0xDD: (">I", 4)}
_MAPS: Final = {0xDE: (">H", 2), 0xDF: (">I", 4)}
_WORDS: Final = {0xC0: None, 0xC2: False, 0xC3: True}


class PackError(Exception):
    """What the script is told."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


def encode(value: Any, kind: Any, depth: int = 0) -> bytes:
    """Return a Lua value packed; `kind` is lupa's `lua_type`."""
    if isinstance(value, bytes):
        return _head(len(value), 0xA0, 32, (0xD9, 0xDA, 0xDB)) + value
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _float(value)
    if kind(value) != "table" or depth >= DEPTH_MAX:
        return b"\xc0"
    items = list(value.items())
    keys = [key for key, _ in items]
    if all(type(key) is int and key > 0 for key in keys) and max(keys, default=0) == len(keys):
        values = dict(items)
        parts = [_head(len(keys), 0x90, 16, (0, 0xDC, 0xDD))]
        parts += [encode(values[position], kind, depth + 1) for position in range(1, len(keys) + 1)]
        return b"".join(parts)
    parts = [_head(len(keys), 0x80, 16, (0, 0xDE, 0xDF))]
    for key, item in items:
        parts += (encode(key, kind, depth + 1), encode(item, kind, depth + 1))
    return b"".join(parts)


def _head(count: int, short: int, short_max: int, marks: tuple[int, int, int]) -> bytes:
    if count < short_max:
        return bytes([short | count])
    if count < 1 << 8 and marks[0]:
        return pack(">BB", marks[0], count)
    if count < 1 << 16:
        return pack(">BH", marks[1], count)
    return pack(">BI", marks[2], count)


def _integer(number: int) -> bytes:
    if number >= 0:
        for mark, limit, form in (
            (0, 7, ">B"),
            (0xCC, 8, ">B"),
            (0xCD, 16, ">H"),
            (0xCE, 32, ">I"),
        ):
            if number < 1 << limit:
                return (bytes([mark]) if mark else b"") + pack(form, number)
        return b"\xcf" + pack(">Q", number)
    if number >= -32:
        return pack(">b", number)
    for mark, bits, form in ((0xD0, 7, ">b"), (0xD1, 15, ">h"), (0xD2, 31, ">i")):
        if number >= -(1 << bits):
            return bytes([mark]) + pack(form, number)
    return b"\xd3" + pack(">q", number)


def _float(number: float) -> bytes:
    if isfinite(number) and number == int(number) and -(1 << 63) <= number < 1 << 63:
        return _integer(int(number))
    try:
        short = pack(">f", number)
        if unpack_from(">f", short)[0] == number:
            return b"\xca" + short
    except OverflowError:
        pass
    return b"\xcb" + pack(">d", number)


class Unpacker:
    """Reads values one after the other; `table` makes Lua tables."""

    def __init__(self, data: bytes, table: Any, at: int = 0) -> None:
        self.at = at
        self._data = data
        self._table = table

    def value(self, depth: int = 0) -> Any:
        """Return the next value.

        Raises:
            PackError: the data is cut off or no MessagePack.
        """
        try:
            return self._value(depth)
        except (struct.error, IndexError):
            raise PackError(b"Missing bytes in input.") from None

    def _value(self, depth: int) -> Any:
        if depth > 200:  # a call of Python each
            raise PackError(b"Bad data format in input.")
        mark = self._data[self.at]
        self.at += 1
        if mark < 0x80:
            return mark
        if mark >= 0xE0:
            return mark - 0x100
        if mark in _WORDS:
            return _WORDS[mark]
        if mark in _INTEGERS:
            number = self._number(*_INTEGERS[mark])
            return number if abs(number) <= 1 << 53 else float(number)
        if mark < 0x90:
            return self._map(mark & 0x0F, depth)
        if mark < 0xA0:
            return self._array(mark & 0x0F, depth)
        if mark < 0xC0:
            return self._bytes(mark & 0x1F)
        if mark in _STRINGS:
            return self._bytes(self._number(*_STRINGS[mark]))
        if mark in _ARRAYS:
            return self._array(self._number(*_ARRAYS[mark]), depth)
        if mark in _MAPS:
            return self._map(self._number(*_MAPS[mark]), depth)
        raise PackError(b"Bad data format in input.")

    def _number(self, form: str, size: int) -> Any:
        number = unpack_from(form, self._data, self.at)[0]
        self.at += size
        return number

    def _bytes(self, size: int) -> bytes:
        found = self._data[self.at : self.at + size]
        if len(found) < size:
            raise IndexError
        self.at += size
        return found

    def _array(self, count: int, depth: int) -> Any:
        table = self._table([])
        for position in range(1, count + 1):
            table[position] = self._value(depth + 1)
        return table

    def _map(self, count: int, depth: int) -> Any:
        table = self._table([])
        for _ in range(count):
            key = self._value(depth + 1)
            if key is None or key != key:
                raise PackError(b"Bad data format in input.")
            table[key] = self._value(depth + 1)
        return table
