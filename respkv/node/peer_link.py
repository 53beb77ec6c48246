"""This node's way to one peer: a queue, a connection that only sends, and dialing it again."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Final

from respkv.node.names import NameResolver
from respkv.node.peer_auth import NONCE_BYTES, Dialer, Identity, Malformed
from respkv.node.peer_protocol import (
    ANNOUNCEMENT,
    CHALLENGE,
    HELLO,
    PROOF,
    WELCOME,
    PeerCounters,
    PeerProtocol,
    RefusalLog,
    logger,
)
from respkv.node.peer_queue import PeerQueue
from respkv.node.publications import PublicationQueue
from respkv.replica.peer_codec import PeerMessage

RECONNECT_SECONDS_MIN: Final = 0.01
RECONNECT_SECONDS_MAX: Final = 0.5
CONNECT_SECONDS: Final = 1.0
DOWN_AFTER_SECONDS: Final = 0.1  # DESIGN.md 6: a link not open again by then expires its leader
WRITE_BYTES_MAX: Final = 512 << 10  # one write
# While the link is down only little waits: most of it is out of date when the link is up again.
DOWN_QUEUE_BYTES_MAX: Final = 256 << 10


class DialingProtocol(PeerProtocol):
    """The connection that this node opened: after the handshake it only sends."""

    def __init__(self, link: "PeerLink", address: str, peer_id: str) -> None:
        super().__init__(link.identity, link.refusals, link.counters)
        self.address = address
        self.paused = False
        self._fd = -1
        self._link = link
        self._dialer = Dialer(link.identity, peer_id, os.urandom(NONCE_BYTES))
        self._expected = CHALLENGE

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are."""
        super().connection_made(transport)
        self._fd = self.transport.get_extra_info("socket").fileno()
        self.send_frame(HELLO, self._dialer.hello())

    def take_frame(self, kind: int, flags: int, body: bytes) -> None:
        """Go on with the handshake; after it nothing comes this way."""
        if kind != self._expected:
            raise Malformed(f"a frame of type {kind}")
        if kind == CHALLENGE:
            self.send_frame(PROOF, self._dialer.proof(body))
            self._expected = WELCOME
        else:
            self._dialer.finish(body)
            self._expected = 0
            self.let_in()
            self._link.opened(self)

    def send(self, parts: list[bytes]) -> None:
        """Write here and now: a transport writes once the loop's turn is over, after the disk."""
        if self.transport.is_closing():
            return
        data = b"".join(parts)
        self.counters.bytes_sent += len(data)
        sent = 0
        if not self.transport.get_write_buffer_size():
            with contextlib.suppress(OSError):  # a broken connection is the transport's business
                sent = os.write(self._fd, data)
        if sent < len(data):
            self.transport.write(data[sent:])

    def pause_writing(self) -> None:
        """The kernel takes no more: what waits stays in the queue, where heartbeats overtake."""
        self.paused = True

    def resume_writing(self) -> None:
        """Go on where the last write stopped."""
        self.paused = False
        self._link.flush()

    def too_late(self) -> None:
        """A peer that is stopped for a while accepts and says nothing: that is no refusal."""
        self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """The link dials again."""
        super().connection_lost(error)
        self._link.lost(self)


class PeerLink:
    """Dials until `close`; a lost link is `up` until it cannot be opened again, at most 100 ms.

    Whether a new one is up is unknown (None) for as long: a peer that has never been reached is
    reported too.
    """

    def __init__(
        self,
        identity: Identity,
        refusals: RefusalLog,
        counters: PeerCounters,
        queue_bytes_max: int,
        on_state: Callable[[bool], None],
        names: NameResolver,
        announcement: Callable[[], bytes],
    ) -> None:
        self.identity = identity
        self.refusals = refusals
        self.counters = counters
        self.up: bool | None = None
        self.queue = PeerQueue(DOWN_QUEUE_BYTES_MAX)
        self.publications = PublicationQueue(queue_bytes_max)
        self._queue_bytes_max = queue_bytes_max
        self._on_state = on_state
        self._names = names
        self.announcement = announcement
        self._loop = asyncio.get_running_loop()
        self._target: tuple[str, tuple[str, ...], int] = ("", (), 0)  # node id, hosts, port
        self._connection: DialingProtocol | None = None  # authenticated
        self._dialed: DialingProtocol | None = None  # the newest, perhaps still a stranger
        self._down_timer: asyncio.TimerHandle | None = None
        self._flush_soon = False
        self._closing = False
        self._opened_before = False
        self._dial_now = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def node_id(self) -> str:
        """The id that the peer must have."""
        return self._target[0]

    def set_target(self, node_id: str, hosts: tuple[str, ...], port: int) -> None:
        """Dial the first of these hosts that is the node, from now on.

        An open link stays when there is only one place more to look for it.
        """
        if (node_id, hosts, port) != self._target:
            known_id, known_hosts, known_port = self._target
            same = (node_id, hosts[:1], port) == (known_id, known_hosts[:1], known_port)
            if self._connection is None or not same:
                self.hang_up()
            self._target = (node_id, hosts, port)
        if self._task is None:
            self._down_timer = self._loop.call_later(DOWN_AFTER_SECONDS, self._down)
            self._task = self._loop.create_task(self._keep_dialing())
            self._task.add_done_callback(_report_failure)
        self.dial_soon()

    def dial_soon(self) -> None:
        """Do not wait for the next attempt: there is a sign that the peer is there."""
        self._dial_now.set()

    def send(self, partition: int, message: PeerMessage) -> None:
        """Queue a message, or drop it, counted."""
        if not self.queue.add(partition, message):
            self.counters.messages_dropped += 1

    def publish(self, encoded: bytes) -> None:
        """Queue a message for the subscribers there, or drop it, counted."""
        if self._connection is not None and self.publications.add(encoded):
            self.counters.publications_sent += 1
        else:
            self.counters.publications_dropped += 1

    @property
    def open_since_ms(self) -> int:
        """When the connection was opened, Unix milliseconds; 0: there is none."""
        return self._connection.since_ms if self._connection is not None else 0

    @property
    def waiting_bytes(self) -> int:
        """How much is still to be written."""
        return self.queue.bytes + self.publications.bytes

    def flush(self) -> None:
        """Write what waits, as far as the kernel takes it; one write a turn."""
        connection = self._connection
        if connection is None or connection.paused or not self.waiting_bytes:
            return
        sent_before = self.queue.messages_taken
        parts = self.queue.take(WRITE_BYTES_MAX)
        self.counters.messages_sent += self.queue.messages_taken - sent_before
        parts += self.publications.take()
        connection.send(parts)
        if self.waiting_bytes and not connection.paused and not self._flush_soon:
            self._flush_soon = True
            self._loop.call_soon(self._flush_more)

    def _flush_more(self) -> None:
        self._flush_soon = False
        self.flush()

    def tell(self, announcement: bytes) -> None:
        """Send at once what the peer needs to know before anything else; nothing when empty."""
        if self._connection is not None and announcement:
            self._connection.send_frame(ANNOUNCEMENT, announcement)

    async def close(self) -> None:
        """Stop dialing, and close what is open once it has been written."""
        self._closing = True
        if self._down_timer is not None:
            self._down_timer.cancel()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            self._connection.transport.close()
        else:
            self.hang_up()

    def hang_up(self) -> None:
        """End the connection; until `close` another follows, which begins with who this node is."""
        if self._dialed is not None and self._dialed.transport is not None:
            self._dialed.transport.abort()

    # --- what the connection reports ---------------------------------------------------------

    def opened(self, connection: DialingProtocol) -> None:
        """The peer has let us in, and is who it should be."""
        if self._closing:
            connection.transport.abort()
            return
        self._connection = connection
        self.tell(self.announcement())
        self.queue.bytes_max = self._queue_bytes_max
        if self._opened_before:
            self.counters.reconnects += 1
        self._opened_before = True
        if self._down_timer is not None:
            self._down_timer.cancel()
            self._down_timer = None
        if not self.up:
            self.up = True
            self._on_state(True)
        self.flush()

    def lost(self, connection: DialingProtocol) -> None:
        """A connection has ended; what it had not taken is out of date or sent again by Raft."""
        if connection is self._dialed:
            self._dialed = None
        if connection is not self._connection:
            return
        self._connection = None
        self.counters.messages_dropped += self.queue.messages
        self.queue.clear()
        self.counters.publications_sent -= self.publications.messages
        self.counters.publications_dropped += self.publications.messages
        self.publications.clear()
        self.queue.bytes_max = DOWN_QUEUE_BYTES_MAX
        if not self._closing and self._down_timer is None:
            self._down_timer = self._loop.call_later(DOWN_AFTER_SECONDS, self._down)

    def _down(self) -> None:
        self._down_timer = None
        if self._connection is None and self.up is not False:
            self.up = False
            self._on_state(False)

    # --- dialing -----------------------------------------------------------------------------

    async def _keep_dialing(self) -> None:
        delay = RECONNECT_SECONDS_MIN
        while not self._closing:
            self._dial_now.clear()
            if await self._converse():
                delay = 0.0  # whether it is still there is known at once
            elif self._down_timer is not None:
                self._down_timer.cancel()
                self._down()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):  # `wait_for` may swallow what cancels us
                    await self._dial_now.wait()
            delay = min(max(delay * 2, RECONNECT_SECONDS_MIN), RECONNECT_SECONDS_MAX)

    async def _converse(self) -> bool:
        """Dial, and wait until the connection ends; return whether the peer had let us in."""
        target = self._target
        _, hosts, port = target
        for host in hosts:
            try:
                addresses = await self._names.addresses(host, port)
            except (OSError, UnicodeError):
                continue
            for address in addresses:
                connection = await self._connect(host, address)
                if connection is not None:
                    if self._closing or self._target != target:
                        connection.transport.abort()  # things changed while we dialed
                    await connection.closed
                    if connection.authenticated or self._target != target:
                        return connection.authenticated
        return False

    async def _connect(self, host: str, address: str) -> DialingProtocol | None:
        node_id, _, port = self._target
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await self._loop.create_connection(
                    lambda: self._dialing(host, port, node_id),  # type: ignore[type-var]
                    address,
                    port,
                )
                return connection
        return None

    def _dialing(self, host: str, port: int, node_id: str) -> DialingProtocol:
        self._dialed = DialingProtocol(self, f"{host}:{port}", node_id)
        return self._dialed


def _report_failure(dialing: "asyncio.Task[None]") -> None:
    if not dialing.cancelled() and dialing.exception() is not None:
        logger.error("a peer is not dialed any more", exc_info=dialing.exception())
