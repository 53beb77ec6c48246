"""LZF, the compression of long strings in Redis' payloads; only the way out: we write them plain."""

from typing import Final

from respkv.errors import BadDataFormat

EXPANSION_MAX: Final = 88  # 264 bytes of output for 3 of input


def decompress(packed: bytes, size: int) -> bytes:
    """Return the `size` bytes that `packed` stands for.

    Raises:
        BadDataFormat: it stands for something else.
    """
    end = len(packed)
    if size > end * EXPANSION_MAX:
        raise BadDataFormat
    out = bytearray()
    at = 0
    while at < end:
        control = packed[at]
        at += 1
        if control < 32:  # that many bytes and one more, as they are
            out += packed[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5  # a piece of what is there already
        if length == 7:
            if at >= end:
                raise BadDataFormat
            length += packed[at]
            at += 1
        if at >= end:
            raise BadDataFormat
        start = len(out) - ((control & 31) << 8) - packed[at] - 1
        at += 1
        length += 2
        if start < 0 or len(out) + length > size:
            raise BadDataFormat
        piece = out[start : start + length]
        if len(piece) < length:  # it runs into itself: a pattern that repeats
            piece = (piece * (length // len(piece) + 1))[:length]
        out += piece
    if at != end or len(out) != size:
        raise BadDataFormat
    return bytes(out)
