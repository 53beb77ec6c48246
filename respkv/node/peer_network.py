"""The network between the nodes of a cluster: messages of all partitions, one write per peer a turn.

Each node dials every peer and only sends on that connection; on those it accepted it only reads.
One connection a direction costs a few sockets more than a shared one, and saves deciding which of
two that were opened at once survives: each side repairs its own way, and a one-way cut stays one.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Final

from respkv.errors import FrameError, PeerCodecError
from respkv.node.listening import ListeningPorts
from respkv.node.names import NameResolver, Resolve
from respkv.node.peer_auth import NONCE_BYTES, Acceptor, Identity, Malformed, ReplacedNode
from respkv.node.peer_link import PeerLink
from respkv.node.peer_protocol import (
    ANNOUNCEMENT,
    CHALLENGE,
    HELLO,
    PROOF,
    WELCOME,
    PeerCounters,
    PeerProtocol,
    RefusalLog,
)
from respkv.node.peer_queue import CHUNK, MESSAGES, message_bounds
from respkv.node.publications import PUBLISHED, decode_publications, encode_publication
from respkv.replica.peer_codec import PeerMessage, decode_message
from respkv.wire.frames import ChunkJoiner

DRAIN_ROUNDS_MAX: Final = 64  # a slice of each connection in each; others wait as well
STRANGERS_MAX: Final = 64  # connections that have not said who they are


class AcceptedProtocol(PeerProtocol):
    """A connection that a peer opened: after the handshake it only brings messages."""

    def __init__(self, network: "PeerNetwork") -> None:
        super().__init__(network.identity, network.refusals, network.counters)
        self.number = 0  # of the node on the other side, once it has proved it
        self.introduction = b""
        self._network = network
        self._acceptor = Acceptor(network.identity, network.is_peer, os.urandom(NONCE_BYTES))
        self._expected = HELLO
        self._joiner = ChunkJoiner()
        self._publication_joiner = ChunkJoiner()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for its first message, if it is not one stranger too many."""
        super().connection_made(transport)
        self._network.accepted(self)

    def take_frame(self, kind: int, flags: int, body: bytes) -> None:
        """Take messages from a peer, or go on with the handshake."""
        if self.number:
            self._take_messages(kind, flags, body)
            return
        if kind != self._expected:
            raise Malformed(f"a frame of type {kind}")
        if kind == HELLO:
            self.send_frame(CHALLENGE, self._acceptor.challenge(body))
            self._expected = PROOF
        else:
            welcome = self._acceptor.welcome(body)
            self.introduction = self._acceptor.introduction
            self._network.introduced(self._acceptor.peer_id, self.introduction)
            self.send_frame(WELCOME, welcome)
            self.let_in()
            self._network.let_in(self, self._acceptor.peer_id)

    def _take_messages(self, kind: int, flags: int, body: bytes) -> None:
        if kind == ANNOUNCEMENT:
            self._network.on_announcement(body)
            return
        if kind == PUBLISHED:
            self._take_publications(flags, body)
            return
        try:
            if kind == MESSAGES:
                messages = [self._decode(body, start, end) for start, end in message_bounds(body)]
            elif kind == CHUNK:
                joined = self._joiner.add(flags, body)
                messages = [] if joined is None else [self._decode(joined, 0, len(joined))]
            else:
                raise FrameError(f"a frame of type {kind}")
        except (FrameError, PeerCodecError) as error:
            self.broken(error)
            return
        self.counters.messages_received += len(messages)
        self._network.heard[self.number] = time.monotonic()
        on_message = self._network.on_message
        for partition, message in messages:
            on_message(partition, message)

    def _take_publications(self, flags: int, body: bytes) -> None:
        try:
            joined = self._publication_joiner.add(flags, body)
            publications = [] if joined is None else decode_publications(joined)
        except FrameError as error:
            self.broken(error)
            return
        self.counters.publications_received += len(publications)
        for channel, message in publications:
            self._network.on_publication(channel, message)

    def _decode(self, data: bytes, start: int, end: int) -> tuple[int, PeerMessage]:
        partition, message = decode_message(data, start, end)
        if message.sender != self.number or message.recipient != self._network.node_number:
            raise PeerCodecError(
                f"node {self.number} sent a message of {message.sender} to {message.recipient}"
            )
        return partition, message

    def connection_lost(self, error: Exception | None) -> None:
        """The peer dials again by itself."""
        super().connection_lost(error)
        self._network.gone(self)


class PeerNetwork:
    """Owned by the node, which calls `flush` once at the end of each turn.

    `on_message(partition, message)`, `on_state(number, up)`, `on_announcement(body)` and
    `on_publication(channel, message)` are called from the event loop and must not raise. `secret` is
    never logged. `resolve` is asked for names.
    """

    def __init__(
        self,
        node_number: int,
        node_id: str,
        cluster_id: str,
        secret: bytes,
        on_message: Callable[[int, PeerMessage], None],
        on_state: Callable[[int, bool], None],
        queue_bytes_max: int,
        introduction: bytes = b"",
        resolve: Resolve = socket.getaddrinfo,
    ) -> None:
        self.node_number = node_number
        self.identity = Identity(node_id, cluster_id, secret, introduction=introduction)
        self.on_announcement: Callable[[bytes], None] = lambda _: None
        self.on_publication: Callable[[bytes, bytes], object] = lambda *_: None
        # Asked with node id, what it says, and what the other process with this id has said that is
        # connected already (empty: none); raises Refused.
        self.on_introduction: Callable[[str, bytes, bytes], None] = lambda *_: None
        self.announcement = b""  # what each peer is told when its link opens
        self.replaced: set[str] = set()  # node ids whose place others have
        self._names = NameResolver(resolve)
        self.on_message = on_message
        self.counters = PeerCounters()
        self.refusals = RefusalLog(self.counters)
        self.links: dict[int, PeerLink] = {}  # by the peer's number
        self._on_state = on_state
        self._queue_bytes_max = queue_bytes_max
        self._unflushed: set[PeerLink] = set()
        self._closing = False
        self._ports = ListeningPorts(
            lambda: AcceptedProtocol(self),  # type: ignore[arg-type,return-value]
            "--cluster-port or --bind",
        )
        self._accepted: dict[int, AcceptedProtocol] = {}
        self.heard: dict[int, float] = {}  # when each peer's last frame came, monotonic seconds
        self._strangers: set[AcceptedProtocol] = set()

    def listen(self, host: str, port: int) -> int:
        """Take connections of peers there; return the port, which is a free one for 0.

        Raises:
            OSError: the address cannot be used.
        """
        self._ports.listen([host.removeprefix("-")], port)
        return self._ports.port

    def set_peer(
        self, number: int, node_id: str, host: str, port: int, announced_host: str = ""
    ) -> None:
        """Keep a link to this node, here from now on.

        `host` is resolved at each connect; `announced_host` is tried where that is not the node.
        """
        link = self.links.get(number)
        if link is None:
            link = PeerLink(
                self.identity,
                self.refusals,
                self.counters,
                self._queue_bytes_max,
                lambda up: self._on_state(number, up),
                self._names,
                lambda: self.announcement,
            )
            self.links[number] = link
        hosts = (host,) if announced_host in ("", host) else (host, announced_host)
        link.set_target(node_id, hosts, port)

    def introduce(self, introduction: bytes) -> None:
        """Say this of oneself to all peers from now on: each link is opened anew, if it is news."""
        if introduction != self.identity.introduction:
            self.identity.introduction = introduction
            for link in self.links.values():
                link.hang_up()

    def announce(self, announcement: bytes) -> None:
        """Tell this to all peers: now, or when their links open."""
        self.announcement = announcement
        for link in self.links.values():
            link.tell(announcement)

    async def forget_peer(self, number: int) -> None:
        """The node is no member any more: it is neither dialed nor let in."""
        self.heard.pop(number, None)
        link = self.links.pop(number, None)
        if link is not None:
            self._unflushed.discard(link)
            await link.close()
        accepted = self._accepted.pop(number, None)
        if accepted is not None:
            accepted.transport.abort()

    def send(self, partition: int, message: PeerMessage) -> None:
        """Queue a message for the peer with number `message.recipient`, until `flush`."""
        link = self.links.get(message.recipient)
        if link is None:
            self.counters.messages_dropped += 1
            return
        link.send(partition, message)
        self._unflushed.add(link)

    def publish(self, channel: bytes, message: bytes) -> None:
        """Queue a message for the subscribers at all peers, until `flush`."""
        encoded = encode_publication(channel, message)
        for link in self.links.values():
            link.publish(encoded)
        self._unflushed.update(self.links.values())

    def connections(self) -> list[tuple[int, bool, int, int]]:
        """Return of each open connection the peer, whether this node opened it, when, and how many
        bytes wait for it.
        """
        dialed = [
            (number, True, link.open_since_ms, link.waiting_bytes)
            for number, link in self.links.items()
            if link.open_since_ms
        ]
        taken = [(number, False, each.since_ms, 0) for number, each in self._accepted.items()]
        return dialed + taken

    def flush(self) -> None:
        """Write what was queued in this turn: one write for each peer."""
        if self._unflushed:
            for link in self._unflushed:
                link.flush()
            self._unflushed.clear()

    async def drain(self) -> None:
        """Take what peers have sent while this node stood still, until nothing more comes."""
        for _ in range(DRAIN_ROUNDS_MAX):
            received = self.counters.bytes_received
            for _ in range(2):  # one turn looks at the sockets, and the next one takes it in
                await asyncio.sleep(0)
            if self.counters.bytes_received == received:
                return

    async def close(self) -> None:
        """End all connections; nothing is reported any more."""
        self._closing = True
        self._ports.close()
        for link in self.links.values():
            await link.close()
        for accepted in [*self._strangers, *self._accepted.values()]:
            accepted.transport.abort()

    # --- what accepted connections ask -------------------------------------------------------

    def is_peer(self, node_id: str) -> bool:
        """Return whether a node id is one of the cluster's others.

        Raises:
            ReplacedNode: it was one.
        """
        if node_id in self.replaced:
            raise ReplacedNode(f"{node_id}, in whose place another node is")
        return any(link.node_id == node_id for link in self.links.values())

    def introduced(self, node_id: str, introduction: bytes) -> None:
        """A stranger has proved that it may speak for this node id.

        Raises:
            Refused: so does somebody else.
        """
        other = b""
        for accepted in self._accepted.values():
            link = self.links.get(accepted.number)
            if link is not None and link.node_id == node_id:
                other = accepted.introduction
        self.on_introduction(node_id, introduction, other)

    def accepted(self, connection: AcceptedProtocol) -> None:
        """A stranger has connected."""
        if self._closing:
            connection.transport.abort()
        elif len(self._strangers) >= STRANGERS_MAX:
            self.refusals.refused(connection.address, "strangers", "too many strangers at once")
            connection.transport.abort()
        self._strangers.add(connection)

    def let_in(self, connection: AcceptedProtocol, node_id: str) -> None:
        """A stranger has proved to be this peer; an older connection of it is a dead one."""
        for number, link in self.links.items():
            if link.node_id == node_id:
                connection.number = number
                older = self._accepted.get(number)
                if older is not None:
                    older.transport.abort()
                self._strangers.discard(connection)
                self._accepted[number] = connection
                link.dial_soon()  # it lives
                return
        connection.transport.abort()  # forgotten during the handshake

    def gone(self, connection: AcceptedProtocol) -> None:
        """An accepted connection has ended."""
        self._strangers.discard(connection)
        if self._accepted.get(connection.number) is connection:
            del self._accepted[connection.number]
