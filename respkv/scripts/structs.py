"""struct of scripts: numbers and strings as bytes, as Redis' Lua library packs and reads them."""

import re
import struct
from collections.abc import Iterator
from typing import Any, Final

_ITEM: Final = re.compile(r"([iIc!])([0-9]*)|(.)", re.DOTALL)
_SIZES: Final = {"b": 1, "B": 1, "h": 2, "H": 2, "l": 8, "L": 8, "T": 8, "f": 4, "d": 8}
INTEGER_SIZE_MAX: Final = 32
ALIGNMENT: Final = 8  # of "!" without a number
EXACT_MAX: Final = 1 << 53


class StructError(Exception):
    """What the script is told; `argument` is which one of the function's is wrong, 0: none."""

    def __init__(self, text: str, argument: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.argument = argument


class _Item:
    def __init__(self, code: str, size: int, little: bool, align: int) -> None:
        self.code = code
        self.size = size
        self.little = little
        self.align = align

    def padding(self, at: int) -> int:
        """Return how many bytes are left out before it at an offset."""
        align = min(self.align, self.size) if self.code not in "csx" else 1
        return -at % align if align > 1 and not align & (align - 1) else 0


def _items(form: str) -> Iterator[_Item]:
    little, align = True, 1
    for sized, digits, single in _ITEM.findall(form):
        code = sized or single
        size = _SIZES.get(code, 0)
        if code == "!":
            align = int(digits or ALIGNMENT)
            if align < 1 or align & (align - 1):
                raise StructError(f"alignment {align} is not a power of 2")
        elif code in "<>=":
            little = code != ">"
        elif code in "iI":
            size = int(digits or 4)
            if size > INTEGER_SIZE_MAX:
                raise StructError(f"integral size {size} is larger than limit of 32")
            yield _Item(code, size, little, align)
        elif code in "csx":
            yield _Item(code, int(digits or 1) if code == "c" else int(code == "x"), little, align)
        elif size:
            yield _Item(code, size, little, align)
        elif code != " ":
            raise StructError(f"invalid format option '{code}'", 1)


def pack(form: str, values: list[Any]) -> bytes:
    """Return the values packed.

    Raises:
        StructError: the format is wrong, or a value is not what it asks for.
    """
    out = bytearray()
    position = 0
    for item in _items(form):
        out += bytes(item.padding(len(out)))
        if item.code == "x":
            out.append(0)
            continue
        value = values[position] if position < len(values) else None
        position += 1
        out += _packed(item, value, position + 1)
    return bytes(out)


def _packed(item: _Item, value: Any, argument: int) -> bytes:
    if item.code in "cs":
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            value = b"%.14g" % value
        if not isinstance(value, bytes):
            raise StructError(f"string expected, got {_kind(value)}", argument)
        if item.code == "s":
            return value + b"\x00"
        if len(value) < item.size:
            raise StructError("string too short", argument + 1)
        return value[: item.size] if item.size else value
    number = value
    if isinstance(value, bytes):
        try:
            number = float(value)
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise StructError(f"number expected, got {_kind(value)}", argument)
    order = "<" if item.little else ">"
    if item.code in "fd":
        try:
            return struct.pack(order + item.code, number)
        except OverflowError:
            return struct.pack(order + "f", float("inf") if number > 0 else float("-inf"))
    whole = int(number) if abs(number) < 1 << 64 else 1 << 63
    low = (whole & ((1 << 64) - 1)).to_bytes(8, "little")
    data = low[: item.size].ljust(item.size, b"\x00")
    return data if item.little else data[::-1]


def unpack(form: str, data: bytes, start: int) -> list[Any]:
    """Return the values read from offset `start` on, and where reading ended, counted from 1.

    Raises:
        StructError: the format is wrong, or the data is too short.
    """
    values: list[Any] = []
    at = start
    for item in _items(form):
        at += item.padding(at)
        size = item.size
        if item.code == "c" and not size:
            if not values or not isinstance(values[-1], (int, float)):
                raise StructError("format 'c0' needs a previous size")
            size = int(values.pop())
        if item.code == "s":
            end = data.find(b"\x00", at)
            if end < 0:
                raise StructError("unfinished string in data")
            values.append(data[at:end])
            at = end + 1
            continue
        if size < 0 or at + size > len(data):
            raise StructError("data string too short", 2)
        piece = data[at : at + size]
        at += size
        if item.code == "c":
            values.append(piece)
        elif item.code != "x":
            values.append(_read(item, piece))
    return [*values, at + 1]


def _read(item: _Item, piece: bytes) -> float:
    if item.code in "fd":
        return float(struct.unpack(("<" if item.little else ">") + item.code, piece)[0])
    data = piece if item.little else piece[::-1]
    number = int.from_bytes(data, "little", signed=item.code.islower())
    return number if abs(number) <= EXACT_MAX else float(number)


def size_of(form: str) -> int:
    """Return how many bytes a format takes.

    Raises:
        StructError: that is not fixed.
    """
    at = 0
    for item in _items(form):
        if item.code == "s" or (item.code == "c" and not item.size):
            name = "s" if item.code == "s" else "c0"
            raise StructError(f"option '{name}' has no fixed size", 1)
        at += item.padding(at) + item.size
    return at


def _kind(value: Any) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, bytes) else "table"
