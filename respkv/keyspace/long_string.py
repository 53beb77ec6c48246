"""A string above 1 MiB that is changed in place: the text it began as, and blocks written since.

A block that was never written is not there, so a bit set at the end of 512 MiB costs one block, and
counting what is set looks at one. Nothing moves when the string grows.
"""

from collections.abc import Mapping
from typing import Final, overload

LONG_BYTES: Final = 1 << 20  # a shorter string is a bytearray once it is changed in place
BLOCK_BYTES: Final = 64 << 10
ZERO_BLOCK: Final = bytes(BLOCK_BYTES)

Block = bytes | bytearray


class LongString:
    """Bytes that can be read, replaced and added to as those of a `bytearray`; slices have step 1.

    Block i stands for bytes [i * block_bytes, (i + 1) * block_bytes). Where there is none, `base`
    counts, and behind the end of that, zeros. A block that is `bytes` may be shared.
    """

    def __init__(self, base: bytes, size: int, block_bytes: int = BLOCK_BYTES) -> None:
        self.base: bytes = base
        self.blocks: dict[int, Block] = {}
        self._size: int = size
        self._block_bytes: int = block_bytes

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return self.read(0, self._size)

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> bytes: ...
    def __getitem__(self, at: int | slice) -> int | bytes:
        if isinstance(at, slice):
            start, end, _ = at.indices(self._size)
            return self.read(start, end)
        return self.read(at, at + 1)[0]

    @overload
    def __setitem__(self, at: int, new: int) -> None: ...
    @overload
    def __setitem__(self, at: slice, new: bytes) -> None: ...
    def __setitem__(self, at: int | slice, new: int | bytes) -> None:
        if isinstance(at, slice):
            assert isinstance(new, bytes)
            self.write(at.indices(self._size)[0], new)
        else:
            assert isinstance(new, int)
            self.write(at, bytes((new,)))

    def grow(self, size_min: int) -> None:
        """Add zeros up to a size."""
        self._size = max(self._size, size_min)

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes start <= at < end."""
        end = min(end, self._size)
        if start >= end:
            return b""
        if not self.blocks and end <= len(self.base):
            return self.base[start:end]
        size = self._block_bytes
        parts: list[Block] = []
        for number in range(start // size, (end - 1) // size + 1):
            first = max(start - number * size, 0)
            last = min(end - number * size, size)
            block = self.block(number)
            part = block[first:last] if first or last < len(block) else block
            parts.append(part)
            if len(part) < last - first:
                parts.append(bytes(last - first - len(part)))
        return b"".join(parts)

    def write(self, at: int, patch: bytes) -> None:
        """Replace what is there; the string grows as far as needed."""
        size = self._block_bytes
        end = at + len(patch)
        self._size = max(self._size, end)
        for number in range(at // size, (end - 1) // size + 1):
            first = number * size
            block = self._writable(number)
            from_at, to_at = max(at, first), min(end, first + size)
            block[from_at - first : to_at - first] = patch[from_at - at : to_at - at]

    def stored_from(self, at: int) -> int:
        """Return where the next block begins that is not known to be zeros, or `at` if in one."""
        size = self._block_bytes
        number, end = at // size, -(-self._size // size)
        while number < end and number not in self.blocks and number * size >= len(self.base):
            number += 1
        return max(at, min(number * size, self._size))

    def block(self, number: int) -> Block:
        """Return a block; zeros follow one that is short."""
        block = self.blocks.get(number)
        if block is None:
            start = number * self._block_bytes
            block = self.base[start : start + self._block_bytes]
        return block

    def _writable(self, number: int) -> bytearray:
        block = self.blocks.get(number)
        if not isinstance(block, bytearray):
            block = bytearray(self.block(number))
            if len(block) < self._block_bytes:
                block += bytes(self._block_bytes - len(block))
            self.blocks[number] = block
        return block

    def memory_bytes(self) -> int:
        """Return what it counts for: its length at least, since a restart may have it all stored."""
        return max(self._size, len(self.base) + len(self.blocks) * self._block_bytes)

    def copy(self) -> "LongString":
        """Return an independent copy."""
        return of_blocks(
            {number: bytes(block) for number, block in self.blocks.items()},
            self._size,
            self.base,
            self._block_bytes,
        )


def of_blocks(
    blocks: Mapping[int, Block], size: int, base: bytes = b"", block_bytes: int = BLOCK_BYTES
) -> LongString:
    """Return a string of these blocks, which have the full size each."""
    string = LongString(base, size, block_bytes)
    string.blocks.update(blocks)
    return string


def growing(
    value: "bytes | bytearray | LongString | None", size_min: int
) -> "bytearray | LongString":
    """Return `value` as a string to change in place, filled up to `size_min` bytes with zeros."""
    if isinstance(value, LongString):
        value.grow(size_min)
        return value
    size = 0 if value is None else len(value)
    if size > LONG_BYTES or size_min > LONG_BYTES:
        return LongString(bytes(value or b""), max(size, size_min))
    grown = value if isinstance(value, bytearray) else bytearray(value or b"")
    if size < size_min:
        grown += bytes(size_min - size)
    return grown
