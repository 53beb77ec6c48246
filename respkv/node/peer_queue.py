"""What waits to be sent to one peer, and in which order it goes.

Two lanes. The express lane carries whole messages, many to a frame. The bulk lane carries messages
above 64 KiB and snapshots in chunks, one chunk after each express frame, so that heartbeats and
other partitions pass by. Appends behind a large one of the same partition stay behind it: one that
overtakes would be rejected and sent again.
"""

import struct
from collections import deque
from typing import Final

from respkv.consensus.messages import APPEND, Message
from respkv.errors import FrameError
from respkv.replica.peer_codec import PeerMessage, encode_message
from respkv.replica.snapshot_transfer import SnapshotChunk
from respkv.wire.frames import BODY_BYTES_MAX, MORE, frame_parts

MESSAGES: Final = 16  # frame types: whole messages, each behind its size
CHUNK: Final = 17  # a part of one message

EXPRESS_BYTES_MAX: Final = 64 << 10
# Beyond the bound for entries and snapshots there is room for the rest: a peer that is slow to take
# data must still hear that its leader lives.
CONTROL_BYTES_RESERVED: Final = 1 << 20

SIZE: Final = struct.Struct("<I")

_Bulk = tuple[int, int, deque[bytes | memoryview]]  # partition, bytes, buffers that are not gone


class PeerQueue:
    """Bounded: what comes while `bytes_max` or more wait is not taken; Raft sends it again.

    It can hold one message more than the bound, so that the largest entry always fits.
    """

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.messages_taken = 0  # handed out whole, ever
        self._express: deque[bytes] = deque()
        self._bulk: deque[_Bulk] = deque()
        self._bulk_partitions: dict[int, int] = {}  # how many of its messages are in the bulk lane
        self._sent_of_first = 0  # bytes of the first bulk message that are gone

    def add(self, partition: int, message: PeerMessage) -> bool:
        """Queue a message; return False when there is no room."""
        is_snapshot = isinstance(message, SnapshotChunk)
        is_data = is_snapshot or (isinstance(message, Message) and message.kind == APPEND)
        if self.bytes >= self.bytes_max + (0 if is_data else CONTROL_BYTES_RESERVED):
            return False
        encoded = encode_message(partition, message)
        size = 0
        for part in encoded:
            size += len(part)
        if is_data and (
            is_snapshot or size > EXPRESS_BYTES_MAX or partition in self._bulk_partitions
        ):
            self._bulk.append((partition, size, deque(encoded)))
            self._bulk_partitions[partition] = self._bulk_partitions.get(partition, 0) + 1
        else:
            self._express.append(b"".join(encoded))
        self.bytes += size
        return True

    @property
    def messages(self) -> int:
        """How many wait, one sent in part included."""
        return len(self._express) + len(self._bulk)

    def clear(self) -> None:
        """Forget everything, also what was sent in part."""
        self._express.clear()
        self._bulk.clear()
        self._bulk_partitions.clear()
        self._sent_of_first = 0
        self.bytes = 0

    def take(self, bytes_max: int) -> list[bytes]:
        """Return the buffers of the frames to send next, until `bytes_max` is reached."""
        parts: list[bytes] = []
        room = bytes_max
        while room > 0 and (self._express or self._bulk):
            if self._express:
                room -= self._take_messages(parts)
            if self._bulk:
                room -= self._take_chunk(parts)
        return parts

    def _take_messages(self, parts: list[bytes]) -> int:
        express = self._express
        body: list[bytes] = []
        size = 0
        while express and size + SIZE.size + len(express[0]) <= BODY_BYTES_MAX:
            encoded = express.popleft()
            body.append(SIZE.pack(len(encoded)))
            body.append(encoded)
            size += SIZE.size + len(encoded)
            self.bytes -= len(encoded)
            self.messages_taken += 1
        parts += frame_parts(MESSAGES, 0, b"".join(body))
        return size

    def _take_chunk(self, parts: list[bytes]) -> int:
        partition, size, buffers = self._bulk[0]
        room = min(BODY_BYTES_MAX, size - self._sent_of_first)
        self._sent_of_first += room
        chunk: list[bytes | memoryview] = []
        taken = 0
        while taken < room:
            buffer = buffers.popleft()
            left = room - taken
            if len(buffer) > left:
                buffers.appendleft(memoryview(buffer)[left:])
                buffer = memoryview(buffer)[:left]
            chunk.append(buffer)
            taken += len(buffer)
        is_last = self._sent_of_first == size
        parts += frame_parts(CHUNK, 0 if is_last else MORE, b"".join(chunk))
        if is_last:
            self._bulk.popleft()
            self._sent_of_first = 0
            self.bytes -= size
            self.messages_taken += 1
            others = self._bulk_partitions[partition] - 1
            if others:
                self._bulk_partitions[partition] = others
            else:
                del self._bulk_partitions[partition]
        return room


def message_bounds(body: bytes) -> list[tuple[int, int]]:
    """Return where each message of a MESSAGES frame starts and ends.

    Raises:
        FrameError: the sizes do not add up to the body.
    """
    bounds: list[tuple[int, int]] = []
    at = 0
    while at < len(body):
        start = at + SIZE.size
        if start > len(body):
            raise FrameError("a size is cut short")
        (size,) = SIZE.unpack_from(body, at)
        at = start + size
        if at > len(body):
            raise FrameError("a message is longer than its frame")
        bounds.append((start, at))
    return bounds
