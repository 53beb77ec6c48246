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


def unseal(payload: bytes) -> bytes:
    """Return the body of a payload.

    Raises:
        BadPayload: its version is not known here, or its checksum is wrong.
    """
    body_bytes = len(payload) - FOOTER_BYTES
    if (
        body_bytes < 0
        or int.from_bytes(payload[-10:-8], "little") > VERSION
        or _checksum(payload[:-8]) != payload[-8:]
    ):
        raise BadPayload
    return payload[:body_bytes]


def _checksum(data: bytes) -> bytes:
    checksum: int = _crc64.calc(data)
    return checksum.to_bytes(8, "little")
