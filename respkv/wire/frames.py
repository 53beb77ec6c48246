"""Frames between nodes: bytes ↔ (type, flags, body), each checked before anything reads its body.

A frame is magic, version, type, flags, body length and a CRC-32 over all of that and the body.
Bodies are at most 256 KiB, so that a heartbeat never waits behind more than one of them: a larger
message travels in chunks, MORE on all but the last, and other frames may pass between the chunks.
"""

import struct
from typing import Final
from zlib import crc32

from respkv.errors import FrameError, WrongChecksum, WrongFrameVersion

MAGIC: Final = b"rK"
FRAME_VERSION: Final = 1  # of this layout; what nodes say in it has a version of its own
_HEAD: Final = struct.Struct("<2sBBBI")  # magic, version, type, flags, bytes of the body
_CHECKSUM: Final = struct.Struct("<I")
HEADER_BYTES: Final = _HEAD.size + _CHECKSUM.size
BODY_BYTES_MAX: Final = 256 << 10

MORE: Final = 1  # the next frame of this type goes on with the same message

# The largest message that is joined from chunks: one entry of the largest query a client may send
# (client-query-buffer-limit, 1 GiB) and what stands around it.
JOINED_BYTES_MAX: Final = (1 << 30) + (1 << 20)

Frame = tuple[int, int, bytes]  # type, flags, body


def frame_parts(kind: int, flags: int, body: bytes) -> list[bytes]:
    """Return a frame's buffers, to join with those of others: the body is not copied here."""
    size = len(body)
    if size > BODY_BYTES_MAX:
        raise ValueError(f"a body of {size} bytes must travel in chunks")
    head = _HEAD.pack(MAGIC, FRAME_VERSION, kind, flags, size)
    return [head + _CHECKSUM.pack(crc32(body, crc32(head))), body]


def pack_frame(kind: int, flags: int, body: bytes) -> bytes:
    """Return one frame's bytes."""
    return b"".join(frame_parts(kind, flags, body))


class FrameSplitter:
    """Takes a connection's bytes as they come and returns the whole frames among them.

    It holds less than one frame; `body_bytes_max` may be lower while the sender is a stranger.
    """

    def __init__(self, body_bytes_max: int = BODY_BYTES_MAX) -> None:
        self.body_bytes_max = body_bytes_max
        self._pieces: list[bytes] = []  # joined once a frame is whole: no byte is read twice
        self._held = 0
        self._needed = HEADER_BYTES
        self._broken = False

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes.

        Raises:
            FrameError: what came is not a frame; so does every later call.
        """
        if self._broken:
            raise FrameError("there was no frame before this")
        self._pieces.append(data)
        self._held += len(data)
        if self._held < self._needed:
            return []
        if len(self._pieces) > 1:
            data = b"".join(self._pieces)
        frames: list[Frame] = []
        try:
            at = self._take_frames(data, frames)
        except FrameError:
            self._broken = True
            self._pieces = []
            self._held = 0
            raise
        tail = data[at:]
        self._pieces = [tail] if tail else []
        self._held = len(tail)
        return frames

    def _take_frames(self, data: bytes, frames: list[Frame]) -> int:
        """Append the whole frames of `data`; return where the rest begins."""
        at = 0
        while True:
            body_at = at + HEADER_BYTES
            if len(data) < body_at:
                self._needed = HEADER_BYTES
                return at
            magic, version, kind, flags, size = _HEAD.unpack_from(data, at)
            if magic != MAGIC:
                raise FrameError("not a frame")
            if version != FRAME_VERSION:
                raise WrongFrameVersion(f"frames of version {version}, not {FRAME_VERSION}")
            if size > self.body_bytes_max:
                raise FrameError(f"a body of {size} bytes, more than {self.body_bytes_max}")
            end = body_at + size
            if len(data) < end:
                self._needed = HEADER_BYTES + size
                return at
            body = data[body_at:end]
            (checksum,) = _CHECKSUM.unpack_from(data, at + _HEAD.size)
            if checksum != crc32(body, crc32(data[at : at + _HEAD.size])):
                raise WrongChecksum("a frame does not fit its checksum")
            frames.append((kind, flags, body))
            at = end


class ChunkJoiner:
    """Joins the chunks of one message at a time, up to `bytes_max`."""

    def __init__(self, bytes_max: int = JOINED_BYTES_MAX) -> None:
        self.bytes_max = bytes_max
        self._chunks: list[bytes] = []
        self._held = 0

    def add(self, flags: int, body: bytes) -> bytes | None:
        """Return the message that this chunk completes, None while more follow.

        Raises:
            FrameError: the message is larger than the bound, or a chunk is empty.
        """
        self._held += len(body)
        if self._held > self.bytes_max:
            self._chunks = []
            raise FrameError(f"a message of more than {self.bytes_max} bytes")
        if not body:
            raise FrameError("an empty chunk")  # endless ones would pass every bound in bytes
        self._chunks.append(body)
        if flags & MORE:
            return None
        message = body if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks = []
        self._held = 0
        return message
