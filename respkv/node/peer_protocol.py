"""What both ends of a connection between nodes have in common: frames in, refusals, a deadline.

Reading goes in slices of at most 256 KiB, one a turn: a peer that floods this node cannot starve
its clients, whose sockets are looked at between the slices.
"""

import asyncio
import logging
import socket
import time
from typing import Any, Final

from respkv.errors import FrameError, PeerCodecError
from respkv.node.peer_auth import REASONS, Identity, Malformed, Refused
from respkv.wire.frames import FrameSplitter, pack_frame

logger = logging.getLogger("respkv")

HELLO: Final = 1  # frame types of the handshake
CHALLENGE: Final = 2
PROOF: Final = 3
WELCOME: Final = 4
REFUSAL: Final = 5
ANNOUNCEMENT: Final = 6  # after it; what all nodes have to know: small, and rare

SLICE_BYTES: Final = 128 << 10  # loops read up to 256 KiB at a time
UNSENT_BYTES_MAX: Final = 256 << 10  # in the kernel and above it, before the queue waits
HANDSHAKE_BYTES_MAX: Final = 4096  # of a frame, while the other side is a stranger
HANDSHAKE_SECONDS: Final = 2.0
# A connection whose data nobody acknowledges is given up after this long, so that a healed network
# finds a new connection, not one whose retransmissions have backed off to minutes.
UNACKNOWLEDGED_MS_MAX: Final = 3_000
KEEPALIVE_SECONDS: Final = 5  # for the side that only reads

REFUSALS_REMEMBERED_MAX: Final = 1_024


class PeerCounters:
    """What INFO tells about the links of this node."""

    def __init__(self) -> None:
        self.bytes_sent = 0
        self.bytes_received = 0
        self.messages_sent = 0
        self.messages_received = 0
        self.messages_dropped = 0  # no room, or lost with their link: Raft sends them again
        self.publications_sent = 0  # to one peer each
        self.publications_received = 0
        self.publications_dropped = 0  # no room, or no link: nobody sends them again
        self.reconnects = 0  # links that came up again
        self.refused = 0  # conversations ended because of who or what was on the other side


class RefusalLog:
    """Counts refusals and logs each (address, reason) once."""

    def __init__(self, counters: PeerCounters) -> None:
        self._counters = counters
        self._logged: set[tuple[str, str]] = set()

    def refused(self, address: str, reason: str, text: str) -> None:
        """One more conversation was refused, by either side."""
        self._counters.refused += 1
        if (address, reason) not in self._logged:
            if len(self._logged) >= REFUSALS_REMEMBERED_MAX:
                self._logged.clear()
            self._logged.add((address, reason))
            logger.warning("peer connection with %s refused: %s", address, text)


class PeerProtocol:
    """An asyncio protocol (by its methods); `take_frame` is what the two ends do differently."""

    def __init__(self, identity: Identity, refusals: RefusalLog, counters: PeerCounters) -> None:
        self.identity = identity
        self.refusals = refusals
        self.counters = counters
        self.address = ""  # for the log; without the port of a stranger, which changes each time
        self.authenticated = False
        self.since_ms = 0  # when it began, Unix milliseconds
        self.transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._splitter = FrameSplitter(HANDSHAKE_BYTES_MAX)
        self._deadline: asyncio.TimerHandle | None = None
        self.closed: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: Any) -> None:
        """Set the socket up; the other side now has a bounded time to say who it is."""
        self.transport = transport
        self.since_ms = int(time.time() * 1000)
        peer = transport.get_extra_info("peername")
        if not self.address:
            self.address = str(peer[0]) if peer else "?"
        connected = transport.get_extra_info("socket")
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", KEEPALIVE_SECONDS),
            ("TCP_KEEPINTVL", KEEPALIVE_SECONDS),
            ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS_MAX),
            ("TCP_NOTSENT_LOWAT", UNSENT_BYTES_MAX),
        ):
            if hasattr(socket, name):  # Linux
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
        self._deadline = self._loop.call_later(HANDSHAKE_SECONDS, self.too_late)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and leave more of it for the next turn."""
        if self.transport.is_closing():
            return
        self.counters.bytes_received += len(data)
        if len(data) >= SLICE_BYTES:
            # Otherwise libuv reads on, up to 32 times, before it looks at any other socket.
            self.transport.pause_reading()
            self._loop.call_soon(self._read_on)
        try:
            frames = self._splitter.feed(data)
        except FrameError as error:
            self.broken(error)
            return
        for kind, flags, body in frames:
            try:
                if kind == REFUSAL and not self.authenticated:
                    self._was_refused(body)
                else:
                    self.take_frame(kind, flags, body)
            except Refused as refusal:
                self.refuse(refusal)
            if self.transport.is_closing():
                return

    def eof_received(self) -> None:
        """The other side has closed: so does this one."""

    def pause_writing(self) -> None:
        """The kernel takes no more."""

    def resume_writing(self) -> None:
        """It takes more again."""

    def take_frame(self, kind: int, flags: int, body: bytes) -> None:
        """Take one frame.

        Raises:
            Refused: the other side is not let in.
        """
        raise NotImplementedError

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits for the end learns of it."""
        self._cancel_deadline()
        if not self.closed.done():
            self.closed.set_result(None)

    def send_frame(self, kind: int, body: bytes) -> None:
        """Write one small frame of the handshake at once."""
        frame = pack_frame(kind, 0, body)
        self.counters.bytes_sent += len(frame)
        self.transport.write(frame)

    def let_in(self) -> None:
        """The other side has proved who it is."""
        self.authenticated = True
        self._splitter = FrameSplitter()
        self._cancel_deadline()

    def refuse(self, refusal: Refused) -> None:
        """Tell the other side why, and end the conversation."""
        self.refusals.refused(self.address, refusal.reason, str(refusal))
        self.send_frame(REFUSAL, bytes([refusal.code]))
        self.transport.close()

    def _was_refused(self, body: bytes) -> None:
        """The other side ended the conversation and said why."""
        reason = REASONS.get(body[0] if body else 0, "unknown reason")
        self.refusals.refused(self.address, f"theirs {reason}", f"by the other side: {reason}")
        self.transport.abort()

    def too_late(self) -> None:
        """The other side has not said in time who it is."""
        late = Malformed(f"not finished in {HANDSHAKE_SECONDS:g} s")
        self.refusals.refused(self.address, late.reason, str(late))
        self.transport.abort()

    def broken(self, error: FrameError | PeerCodecError) -> None:
        """What came is no conversation of ours: nothing is said to it."""
        self.refusals.refused(self.address, type(error).__name__, str(error))
        self.transport.abort()

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
