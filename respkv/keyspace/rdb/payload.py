"""What DUMP replies and RESTORE takes: a value, the format's version, and a checksum of both."""

from typing import Final

from anycrc import Model

from respkv.errors import BadPayload

VERSION: Final = 10  # of RDB, in Redis 7.0
FOOTER_BYTES: Final = 10

_crc64 = Model("CRC64-REDIS")


def seal(body: bytes) -> bytes:
    """Return a payload that holds `body`."""
    versioned = body + VERSION.to_bytes(2, "little")
    return versioned + _checksum(versioned)


def body_bytes(payload: bytes) -> int:
    """Return where the body of a payload ends; it is checked without being copied.

    Raises:
        BadPayload: its version is not known here, or its checksum is wrong.
    """
    size = len(payload) - FOOTER_BYTES
    if (
        size < 0
        or int.from_bytes(payload[-10:-8], "little") > VERSION
        or _checksum(memoryview(payload)[:-8]) != payload[-8:]
    ):
        raise BadPayload
    return size


def _checksum(data: bytes | memoryview) -> bytes:
    checksum: int = _crc64.calc(data)
    return checksum.to_bytes(8, "little")
