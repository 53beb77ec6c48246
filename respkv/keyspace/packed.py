"""Byte strings one after the other, as dumps hold them: lengths first, then text."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from struct import pack, unpack_from


def pack_items(items: Sequence[bytes | bytearray]) -> bytes:
    """Return the items' lengths (u32 each) and then their bytes."""
    return b"".join((pack(f"<{len(items)}I", *map(len, items)), *items))


def unpack_items(packed: bytes, at: int, count: int) -> list[bytes]:
    """Return `count` items that `pack_items` wrote at offset `at`."""
    sizes = unpack_from(f"<{count}I", packed, at)
    offsets = accumulate(sizes, initial=at + 4 * count)
    return [packed[start:end] for start, end in pairwise(offsets)]
