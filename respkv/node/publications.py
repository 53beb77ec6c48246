"""Messages of PUBLISH on their way to the subscribers at one peer: at most once, as in Redis.

They wait apart from what replicas say to each other and never keep it waiting: a write to the peer
takes along one frame of them. What finds the queue full, or the link down, is dropped and counted.
"""

from collections import deque
from typing import Final

from respkv.errors import FrameError
from respkv.node.peer_queue import SIZE, message_bounds
from respkv.wire.frames import BODY_BYTES_MAX, MORE, frame_parts

PUBLISHED: Final = 18  # frame type


def encode_publication(channel: bytes, message: bytes) -> bytes:
    """Return the bytes of one message, the same for every peer: its channel and it, with their sizes."""
    sizes = SIZE.pack(len(channel)), SIZE.pack(len(message))
    return b"%b%b%b%b" % (sizes[0], channel, sizes[1], message)


def decode_publications(body: bytes) -> list[tuple[bytes, bytes]]:
    """Return the (channel, message) of a frame, or of several joined.

    Raises:
        FrameError: the sizes do not add up to the body, or a channel is without a message.
    """
    parts = [body[start:end] for start, end in message_bounds(body)]
    if len(parts) % 2:
        raise FrameError("a channel without a message")
    return list(zip(parts[::2], parts[1::2], strict=True))


class PublicationQueue:
    """Bounded, and it can hold one message more: so the largest always fits."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self._waiting: deque[bytes] = deque()
        self._sending = memoryview(b"")  # the rest of what is sent in part ...
        self._sending_messages = 0  # ... and how many it was

    def add(self, encoded: bytes) -> bool:
        """Queue a message; return False when there is no room."""
        if self.bytes >= self.bytes_max:
            return False
        self._waiting.append(encoded)
        self.bytes += len(encoded)
        return True

    @property
    def messages(self) -> int:
        """How many wait, those sent in part included."""
        return len(self._waiting) + (self._sending_messages if self._sending else 0)

    def clear(self) -> None:
        """Forget everything, also what was sent in part."""
        self._waiting.clear()
        self._sending = memoryview(b"")
        self.bytes = 0

    def take(self) -> list[bytes]:
        """Return the buffers of the next frame; none when nothing waits."""
        if not self.bytes:
            return []
        if not self._sending:
            self._sending = memoryview(self._join_some())
        body, self._sending = self._sending[:BODY_BYTES_MAX], self._sending[BODY_BYTES_MAX:]
        self.bytes -= len(body)
        return frame_parts(PUBLISHED, MORE if self._sending else 0, bytes(body))

    def _join_some(self) -> bytes:
        """Take what fits one frame, or a larger message alone."""
        waiting = self._waiting
        joined = [waiting.popleft()]
        size = len(joined[0])
        while waiting and size + len(waiting[0]) <= BODY_BYTES_MAX:
            size += len(waiting[0])
            joined.append(waiting.popleft())
        self._sending_messages = len(joined)
        return b"".join(joined)
