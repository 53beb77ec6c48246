"""Byte strings one after the other, as the dumps of containers hold them: lengths first, then text."""

from itertools import accumulate, pairwise
from struct import pack, unpack_from


def pack_items(items: list[bytes]) -> bytes:
    """Return the items' lengths (u32 each) and then their bytes."""
    return pack(f"<{len(items)}I", *map(len, items)) + b"".join(items)


def unpack_items(packed: bytes, at: int, count: int) -> list[bytes]:
    """Return `count` items that `pack_items` wrote at offset `at`."""
    sizes = unpack_from(f"<{count}I", packed, at)
    offsets = accumulate(sizes, initial=at + 4 * count)
    return [packed[start:end] for start, end in pairwise(offsets)]
