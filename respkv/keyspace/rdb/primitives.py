"""Lengths, strings and doubles of Redis' format."""

from struct import pack, unpack_from
from typing import Final

from respkv.errors import BadDataFormat
from respkv.keyspace.rdb.lzf import decompress

STRING_BYTES_MAX: Final = 512 << 20  # no string of Redis is longer by default

_INTEGER_BYTES_MAX: Final = 11  # longer texts are never written as integers
_SHORT: Final = 64
_MIDDLE: Final = 16_384


class Reader:
    """Walks through a payload; each call returns what is next.

    All of them raise BadDataFormat where the payload ends too early or says what cannot be.
    """

    def __init__(self, data: bytes, size: int = -1) -> None:
        self.data = data
        self.size: int = len(data) if size < 0 else size
        self.at: int = 0

    def left(self) -> int:
        """Return how many bytes are left."""
        return self.size - self.at

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        end = self.at + count
        if end > self.size:
            raise BadDataFormat
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def length(self) -> int:
        """Return a length."""
        first = self.byte()
        if first < 64:
            return first
        if first < 128:
            return (first & 63) << 8 | self.byte()
        if first == 0x80:
            return int.from_bytes(self.take(4), "big")
        if first == 0x81:
            return int.from_bytes(self.take(8), "big")
        raise BadDataFormat

    def count(self, least: int = 1) -> int:
        """Return a number of things that take a byte each at least."""
        count = self.length()
        if not least <= count <= self.left():
            raise BadDataFormat
        return count

    def string(self) -> bytes:
        """Return a string; an integer as its decimal text."""
        first = self.data[self.at] if self.at < self.size else 0
        if first < 0xC0:
            return self.take(self.length())
        self.at += 1
        if first == 0xC0:
            return b"%d" % int.from_bytes(self.take(1), "little", signed=True)
        if first == 0xC1:
            return b"%d" % int.from_bytes(self.take(2), "little", signed=True)
        if first == 0xC2:
            return b"%d" % int.from_bytes(self.take(4), "little", signed=True)
        if first != 0xC3:
            raise BadDataFormat
        packed_bytes = self.length()
        size = self.length()
        if size > STRING_BYTES_MAX:
            raise BadDataFormat
        return decompress(self.take(packed_bytes), size)

    def strings(self, count: int) -> list[bytes]:
        """Return so many strings; short ones and integers, as most are, take half the time here."""
        found: list[bytes] = []
        data, size = self.data, self.size
        at = self.at
        for _ in range(count):
            length = data[at] if at < size else _SHORT
            if length < _SHORT:
                end = at + 1 + length
                if end > size:
                    raise BadDataFormat
                found.append(data[at + 1 : end])
                at = end
            elif 0xC0 <= length <= 0xC2 and at + 5 <= size:
                end = at + 1 + (1 << (length - 0xC0))
                found.append(b"%d" % int.from_bytes(data[at + 1 : end], "little", signed=True))
                at = end
            else:
                self.at = at
                found.append(self.string())
                at = self.at
        self.at = at
        return found

    def double(self) -> float:
        """Return a double in its binary form."""
        number: float = unpack_from("<d", self.take(8))[0]
        return number

    def text_double(self) -> float:
        """Return a double as text, its length before it; three lengths stand for no number."""
        size = self.byte()
        if size == 255:
            return float("-inf")
        if size == 254:
            return float("inf")
        text = self.take(size) if size != 253 else b"nan"
        try:
            return float(text)
        except ValueError:
            raise BadDataFormat from None


def pack_length(length: int) -> bytes:
    """Return a length as `Reader.length` reads it."""
    if length < _SHORT:
        return length.to_bytes(1, "big")
    if length < _MIDDLE:
        return (0x4000 | length).to_bytes(2, "big")
    if length < 1 << 32:
        return b"\x80" + length.to_bytes(4, "big")
    return b"\x81" + length.to_bytes(8, "big")


def pack_string(text: bytes) -> bytes:
    """Return a string as `Reader.string` reads it; decimal numbers as integers, as Redis does."""
    if len(text) <= _INTEGER_BYTES_MAX and (text[:1].isdigit() or text[:1] == b"-"):
        packed = _pack_integer(text)
        if packed:
            return packed
    return pack_length(len(text)) + text


def pack_double(number: float) -> bytes:
    """Return a double as `Reader.double` reads it."""
    return pack("<d", number)


def _pack_integer(text: bytes) -> bytes:
    try:
        number = int(text)
    except ValueError:
        return b""
    if b"%d" % number != text:
        return b""
    if -128 <= number < 128:
        return b"\xc0" + number.to_bytes(1, "little", signed=True)
    if -32_768 <= number < 32_768:
        return b"\xc1" + number.to_bytes(2, "little", signed=True)
    if -(1 << 31) <= number < 1 << 31:
        return b"\xc2" + number.to_bytes(4, "little", signed=True)
    return b""
