"""MurmurHash64A (Austin Appleby, public domain): the hash under Redis' HyperLogLogs."""

from struct import iter_unpack
from typing import Final

_MULTIPLIER: Final = 0xC6A4A7935BD1E995
_MASK: Final = (1 << 64) - 1


def murmur64a(data: bytes, seed: int) -> int:
    """Return the hash of `data`, the same on machines of either byte order."""
    size = len(data)
    whole = size & ~7
    hashed = seed ^ (size * _MULTIPLIER & _MASK)
    if whole:
        for (word,) in iter_unpack("<Q", data[:whole]):
            mixed = word * _MULTIPLIER & _MASK
            mixed = (mixed ^ (mixed >> 47)) * _MULTIPLIER & _MASK
            hashed = (hashed ^ mixed) * _MULTIPLIER & _MASK
    if whole < size:
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    hashed = (hashed ^ (hashed >> 47)) * _MULTIPLIER & _MASK
    return hashed ^ (hashed >> 47)
