"""Nodes that talk over real loopback sockets, on both event loops; strangers are not let in."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from respkv.consensus.messages import APPEND, HEARTBEAT, Message
from respkv.entry import Entry
from respkv.node.peer_auth import NONCE_BYTES, PROTOCOL_VERSION, Acceptor, Dialer, Identity
from respkv.node.peer_network import STRANGERS_MAX, PeerNetwork
from respkv.node.peer_protocol import CHALLENGE, HELLO, PROOF, REFUSAL, SLICE_BYTES, WELCOME
from respkv.node.peer_queue import CHUNK, MESSAGES, PeerQueue, message_bounds
from respkv.replica.peer_codec import PeerMessage, decode_message
from respkv.replica.snapshot_transfer import SnapshotChunk
from respkv.wire.frames import MORE, Frame, FrameSplitter, pack_frame

HOST = "127.0.0.1"
SECRET = b"open sesame"
PATIENCE_SECONDS = 20

pytestmark = pytest.mark.filterwarnings("ignore:Overriding the .event_loop_policy")


@pytest.fixture(params=[uvloop.EventLoopPolicy, asyncio.DefaultEventLoopPolicy])
def event_loop_policy(request: pytest.FixtureRequest) -> object:
    return request.param()


def append(recipient: int, number: int, size: int = 20) -> Message:
    entry = Entry(1, number + 1, 0, number.to_bytes(4, "big") * (size // 4))
    return Message(APPEND, 1, recipient, 1, index=number, entries=[entry])


def heartbeat(recipient: int, number: int, sender: int = 1) -> Message:
    return Message(HEARTBEAT, sender, recipient, 1, context=number)


def entry_of(message: PeerMessage) -> Entry:
    assert isinstance(message, Message)
    return message.entries[0]


def summary(message: PeerMessage) -> tuple[str, int]:
    assert isinstance(message, Message)
    if message.kind == HEARTBEAT:
        return "heartbeat", message.context
    return "append", message.index


class Happenings(logging.Handler):
    """Wakes whoever waits when anything is received, reported or logged."""

    def __init__(self) -> None:
        super().__init__()
        self.event = asyncio.Event()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.event.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await self.event.wait()
                self.event.clear()


class Node:
    def __init__(
        self, cluster: "Cluster", number: int, cluster_id: str, secret: bytes, queue_bytes_max: int
    ) -> None:
        self.happenings = cluster.happenings
        self.inbox: list[tuple[int, PeerMessage]] = []
        self.states: list[tuple[int, bool]] = []
        self.port = 0
        self.network = PeerNetwork(
            number, f"node-{number}", cluster_id, secret, self._message, self._state,
            queue_bytes_max,
        )  # fmt: skip

    def _message(self, partition: int, message: PeerMessage) -> None:
        self.inbox.append((partition, message))
        self.happenings.event.set()

    def _state(self, number: int, up: bool) -> None:
        self.states.append((number, up))
        self.happenings.event.set()

    def say(self, *messages: Message, partition: int = 0) -> None:
        """One turn."""
        for message in messages:
            self.network.send(partition, message)
        self.network.flush()

    @property
    def heard(self) -> list[tuple[str, int]]:
        return [summary(message) for _, message in self.inbox]


class Cluster:
    """Owns what a test starts, and stops it."""

    def __init__(self) -> None:
        self.happenings = Happenings()
        self.nodes: list[Node] = []

    async def node(
        self,
        number: int,
        *,
        port: int = 0,
        cluster_id: str = "cluster",
        secret: bytes = SECRET,
        queue_bytes_max: int = 64 << 20,
    ) -> Node:
        node = Node(self, number, cluster_id, secret, queue_bytes_max)
        self.nodes.append(node)
        node.port = node.network.listen(HOST, port)
        return node

    async def pair(self) -> tuple[Node, Node]:
        """Two nodes whose links are up both ways."""
        a, b = await self.node(1), await self.node(2)
        a.network.set_peer(2, "node-2", HOST, b.port)
        b.network.set_peer(1, "node-1", HOST, a.port)
        await self.until(lambda: a.states == [(2, True)] and b.states == [(1, True)])
        return a, b

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.happenings.until(condition)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    cluster = Cluster()
    logger = logging.getLogger("respkv")
    logger.addHandler(cluster.happenings)
    try:
        yield cluster
    finally:
        logger.removeHandler(cluster.happenings)
        for node in cluster.nodes:
            await node.network.close()


class RawPeer:
    """The other end of one connection, spoken by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._splitter = FrameSplitter()
        self._frames: list[Frame] = []

    async def frame(self) -> Frame | None:
        """Return the next frame, None at the end of the connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self._frames:
                try:
                    data = await self.reader.read(1 << 16)
                except ConnectionResetError:
                    return None
                if not data:
                    return None
                self._frames = self._splitter.feed(data)
        return self._frames.pop(0)

    async def body(self, kind: int) -> bytes:
        frame = await self.frame()
        assert frame is not None
        assert frame[0] == kind
        return frame[2]

    def say(self, kind: int, body: bytes, flags: int = 0) -> None:
        self.writer.write(pack_frame(kind, flags, body))


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[RawPeer]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield RawPeer(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def let_in(node: Node) -> AsyncIterator[RawPeer]:
    """A connection to node 2 that has proved to be node 1."""
    async with connected(node.port) as raw:
        dialer = Dialer(Identity("node-1", "cluster", SECRET), "node-2", bytes(NONCE_BYTES))
        raw.say(HELLO, dialer.hello())
        raw.say(PROOF, dialer.proof(await raw.body(CHALLENGE)))
        dialer.finish(await raw.body(WELCOME))
        yield raw


async def knows_node_1(cluster: Cluster) -> Node:
    """Node 2, which nobody answers at node 1's address."""
    node = await cluster.node(2)
    node.network.set_peer(1, "node-1", HOST, unused_port())
    return node


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


# --- messages ------------------------------------------------------------------------------------


async def test_messages_arrive_in_order_in_both_directions(cluster: Cluster) -> None:
    a, b = await cluster.pair()
    for turn in range(100):
        a.say(*(append(2, 50 * turn + number, 400) for number in range(50)))
        b.say(Message(HEARTBEAT, 2, 1, 1, context=turn))
    await cluster.until(lambda: len(b.inbox) == 5000 and len(a.inbox) == 100)
    assert b.heard == [("append", number) for number in range(5000)]
    assert a.heard == [("heartbeat", number) for number in range(100)]
    assert a.network.counters.messages_sent == b.network.counters.messages_received == 5000
    assert a.network.counters.bytes_sent == b.network.counters.bytes_received


async def test_five_nodes_hear_each_only_what_is_for_them(cluster: Cluster) -> None:
    nodes = [await cluster.node(number) for number in range(1, 6)]
    for number, node in enumerate(nodes, 1):
        for peer, other in enumerate(nodes, 1):
            if peer != number:
                node.network.set_peer(peer, f"node-{peer}", HOST, other.port)
    await cluster.until(lambda: all(len(node.states) == 4 for node in nodes))
    for number, node in enumerate(nodes, 1):
        others = (peer for peer in range(1, 6) if peer != number)
        node.say(*(heartbeat(peer, 10 * number + peer, sender=number) for peer in others))
    await cluster.until(lambda: all(len(node.inbox) == 4 for node in nodes))
    for number, node in enumerate(nodes, 1):
        expected = {("heartbeat", 10 * peer + number) for peer in range(1, 6) if peer != number}
        assert set(node.heard) == expected


async def test_heartbeats_pass_a_5_mb_message_and_small_appends_of_its_partition_do_not(
    cluster: Cluster,
) -> None:
    """DESIGN.md 6: frames are chunked to 256 KiB with heartbeats between."""
    a, b = await cluster.pair()
    large = append(2, 1, 5_000_000)
    a.say(large, append(2, 2), partition=7)
    a.say(heartbeat(2, 3), partition=7)
    a.say(append(2, 4), partition=8)
    await cluster.until(lambda: len(b.inbox) == 4)
    assert b.heard == [("heartbeat", 3), ("append", 4), ("append", 1), ("append", 2)]
    assert entry_of(b.inbox[2][1]) == large.entries[0]
    assert [partition for partition, _ in b.inbox] == [7, 8, 7, 7]


async def test_snapshot_chunks_arrive(cluster: Cluster) -> None:
    a, b = await cluster.pair()
    data = bytes(range(256)) * 1024
    a.network.send(3, SnapshotChunk(1, 2, 5, 6, 4, 0, len(data) + 1, data))
    a.network.flush()
    await cluster.until(lambda: len(b.inbox) == 1)
    partition, chunk = b.inbox[0]
    assert isinstance(chunk, SnapshotChunk)
    assert (partition, chunk.term, chunk.index, chunk.data) == (3, 5, 6, data)


async def test_nothing_is_written_before_the_turn_ends_and_then_one_frame(
    cluster: Cluster,
) -> None:
    a = await cluster.node(1)
    async with raw_peer_of(a) as raw:
        await cluster.until(lambda: a.states == [(2, True)])
        sent = a.network.counters.bytes_sent
        for number in range(100):
            a.network.send(0, heartbeat(2, number))
        assert a.network.counters.bytes_sent == sent
        a.network.flush()
        body = await raw.body(MESSAGES)
        assert len(message_bounds(body)) == 100


async def test_a_message_to_nobody_is_dropped_and_counted(cluster: Cluster) -> None:
    a = await cluster.node(1)
    a.say(heartbeat(9, 1))
    assert a.network.counters.messages_dropped == 1


# --- bounds --------------------------------------------------------------------------------------


@asynccontextmanager
async def raw_peer_of(node: Node) -> AsyncIterator[RawPeer]:
    """Node 2, spoken by hand: it lets node 1 in, then reads only when the test does."""
    arrived: asyncio.Future[RawPeer] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = RawPeer(reader, writer)
        acceptor = Acceptor(
            Identity("node-2", "cluster", SECRET), {"node-1"}.__contains__, bytes(NONCE_BYTES)
        )
        raw.say(CHALLENGE, acceptor.challenge(await raw.body(HELLO)))
        raw.say(WELCOME, acceptor.welcome(await raw.body(PROOF)))
        arrived.set_result(raw)

    server = await asyncio.start_server(accept, HOST, 0)
    node.network.set_peer(2, "node-2", HOST, server.sockets[0].getsockname()[1])
    raw = await arrived
    try:
        yield raw
    finally:
        raw.writer.close()
        server.close()


async def test_a_peer_that_does_not_read_fills_a_bounded_queue_and_the_newest_is_dropped(
    cluster: Cluster,
) -> None:
    bound = 4 << 20
    a = await cluster.node(1, queue_bytes_max=bound)
    async with raw_peer_of(a) as raw:
        await cluster.until(lambda: a.states == [(2, True)])
        counters = a.network.counters
        queue = a.network.links[2].queue
        sent = 0
        while not counters.messages_dropped:
            a.say(append(2, sent, 50_000))
            sent += 1
            assert queue.bytes < bound + 60_000
            await asyncio.sleep(0)  # a turn of the loop, in which sockets take what they can
        a.say(heartbeat(2, 1))
        assert counters.messages_dropped == 1  # there is still room for a heartbeat
        heard: list[tuple[str, int]] = []
        while len(heard) < sent:
            body = await raw.body(MESSAGES)
            for start, end in message_bounds(body):
                heard.append(summary(decode_message(body, start, end)[1]))
        assert heard == [("append", number) for number in range(sent - 1)] + [("heartbeat", 1)]
        assert queue.bytes == 0


async def test_little_waits_for_a_peer_that_is_away(cluster: Cluster) -> None:
    a = await cluster.node(1)
    b = await cluster.node(2)
    b.network.set_peer(1, "node-1", HOST, a.port)
    a.network.set_peer(2, "node-2", HOST, b.port)
    for number in range(1000):
        a.say(append(2, number, 1000))
    assert a.network.counters.messages_dropped > 700
    await cluster.until(lambda: len(b.inbox) == 1000 - a.network.counters.messages_dropped)
    assert b.heard == [("append", number) for number in range(len(b.inbox))]


async def test_a_flood_is_read_in_slices_between_which_others_are_served(
    cluster: Cluster,
) -> None:
    node = await knows_node_1(cluster)
    queue = PeerQueue(1 << 30)
    for number in range(20_000):
        queue.add(0, append(2, number, 400))
    flood = b"".join(queue.take(1 << 30))
    async with let_in(node) as raw:
        loop = asyncio.get_running_loop()
        slices: list[int] = []
        seen = node.network.counters.bytes_received

        def each_turn() -> None:
            nonlocal seen
            received = node.network.counters.bytes_received
            slices.append(received - seen)
            seen = received
            if len(node.inbox) < 20_000:
                loop.call_soon(each_turn)

        each_turn()
        raw.writer.write(flood)
        await cluster.until(lambda: len(node.inbox) == 20_000)
    assert node.heard == [("append", number) for number in range(20_000)]
    assert max(slices) <= 2 * SLICE_BYTES


async def test_a_stranger_cannot_announce_a_large_frame(cluster: Cluster) -> None:
    node = await knows_node_1(cluster)
    async with connected(node.port) as raw:
        raw.writer.write(pack_frame(HELLO, 0, bytes(200_000))[:20])
        assert await raw.frame() is None
    assert "a body of 200000 bytes, more than 4096" in cluster.happenings.lines[0]


async def test_strangers_are_bounded(cluster: Cluster) -> None:
    node = await knows_node_1(cluster)
    silent = [await asyncio.open_connection(HOST, node.port) for _ in range(STRANGERS_MAX)]
    try:
        async with connected(node.port) as raw:
            assert await raw.frame() is None
        assert node.network.counters.refused == 1
    finally:
        for _, writer in silent:
            writer.close()


async def test_who_says_nothing_is_given_up_and_a_silent_peer_is_dialed_again(
    cluster: Cluster,
) -> None:
    node = await knows_node_1(cluster)
    arrivals: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await arrivals.put(writer)

    silent = await asyncio.start_server(say_nothing, HOST, 0)
    node.network.set_peer(3, "node-3", HOST, silent.sockets[0].getsockname()[1])
    async with asyncio.timeout(PATIENCE_SECONDS), connected(node.port) as raw:
        first = await arrivals.get()
        assert await raw.frame() is None
        second = await arrivals.get()
    for writer in (first, second):
        writer.close()
    silent.close()
    # A stopped process accepts as well: that is no refusal.
    assert len(cluster.happenings.lines) == node.network.counters.refused == 1
    assert "not finished in 2 s" in cluster.happenings.lines[0]


# --- links that come and go ----------------------------------------------------------------------


async def test_a_peer_that_restarts_is_reported_down_then_up_and_hears_again(
    cluster: Cluster,
) -> None:
    a, b = await cluster.pair()
    await b.network.close()
    await cluster.until(lambda: a.states == [(2, True), (2, False)])
    again = await cluster.node(2, port=b.port)
    again.network.set_peer(1, "node-1", HOST, a.port)
    await cluster.until(lambda: a.states[-1] == (2, True) and again.states == [(1, True)])
    a.say(heartbeat(2, 1))
    await cluster.until(lambda: again.heard == [("heartbeat", 1)])
    assert a.states == [(2, True), (2, False), (2, True)]
    assert a.network.counters.reconnects == 1
    assert b.heard == []


async def test_a_peer_that_was_never_reached_is_reported_down(cluster: Cluster) -> None:
    node = await knows_node_1(cluster)
    await cluster.until(lambda: node.states == [(1, False)])


async def test_what_a_lost_link_left_unsent_is_dropped_also_a_message_sent_in_part(
    cluster: Cluster,
) -> None:
    a = await cluster.node(1)
    queue_of_2 = None
    async with raw_peer_of(a) as raw:
        await cluster.until(lambda: a.states == [(2, True)])
        queue_of_2 = a.network.links[2].queue
        a.say(append(2, 1, 30_000_000), append(2, 2))
        frame = await raw.frame()
        assert frame is not None
        assert frame[:2] == (CHUNK, MORE)
    await cluster.until(lambda: a.states[-1] == (2, False))
    assert a.network.counters.messages_dropped == 2
    assert queue_of_2.bytes == 0
    for number in range(1000):  # most of these would be out of date before anybody reads them
        a.say(append(2, number, 1000))
    assert a.network.counters.messages_dropped > 700
    b = await cluster.node(2)
    b.network.set_peer(1, "node-1", HOST, a.port)
    a.network.set_peer(2, "node-2", HOST, b.port)
    await cluster.until(lambda: a.states[-1] == (2, True) and queue_of_2.bytes == 0)
    a.say(append(2, 5000, 1_000_000))
    await cluster.until(lambda: b.heard[-1:] == [("append", 5000)])
    assert b.heard[:-1] == [("append", number) for number in range(len(b.heard) - 1)]


async def test_a_peer_at_a_new_address_is_found_again(cluster: Cluster) -> None:
    a, b = await cluster.pair()
    moved = await cluster.node(2)
    moved.network.set_peer(1, "node-1", "localhost", a.port)
    a.network.set_peer(2, "node-2", "localhost", moved.port)
    await cluster.until(lambda: moved.states == [(1, True)])
    await b.network.close()
    a.say(heartbeat(2, 1))
    await cluster.until(lambda: moved.heard == [("heartbeat", 1)])


async def test_a_second_connection_of_a_peer_ends_the_first(cluster: Cluster) -> None:
    node = await knows_node_1(cluster)
    async with let_in(node) as first, let_in(node) as second:
        assert await first.frame() is None
        queue = PeerQueue(1 << 20)
        queue.add(0, heartbeat(2, 5))
        second.writer.write(b"".join(queue.take(1 << 20)))
        await cluster.until(lambda: node.heard == [("heartbeat", 5)])


async def test_a_forgotten_peer_is_not_let_in_any_more(cluster: Cluster) -> None:
    a, b = await cluster.pair()
    await b.network.forget_peer(1)
    await cluster.until(lambda: a.states[-1] == (2, False))
    await cluster.until(lambda: any("foreign node id" in line for line in cluster.happenings.lines))
    b.say(heartbeat(1, 1, sender=2))
    assert b.network.counters.messages_dropped == 1


async def test_after_close_nothing_is_reported(cluster: Cluster) -> None:
    a, b = await cluster.pair()
    a.say(heartbeat(2, 1))
    await a.network.close()
    await cluster.until(lambda: b.heard == [("heartbeat", 1)] and b.states[-1] == (1, False))
    assert a.states == [(2, True)]


# --- who is not let in ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"secret": b"wrong"}, "wrong cluster secret"),
        ({"secret": b""}, "wrong cluster secret"),
        ({"cluster_id": "other"}, "wrong cluster id"),
    ],
    ids=["secret", "empty secret", "cluster id"],
)
async def test_a_node_that_does_not_belong_is_refused_and_each_side_says_so_once(
    cluster: Cluster, wrong: dict[str, str], reason: str
) -> None:
    a, b = await cluster.node(1), await cluster.node(2, **wrong)  # type: ignore[arg-type]
    b.network.set_peer(1, "node-1", HOST, unused_port())
    a.network.set_peer(2, "node-2", HOST, b.port)
    a.say(heartbeat(2, 1))
    await cluster.until(lambda: len(cluster.happenings.lines) == 2)
    refused = b.network.counters.refused
    a.network.links[2].dial_soon()
    # The next attempts are counted, and not logged again.
    await turns_until(lambda: b.network.counters.refused >= refused + 2)
    lines = sorted(cluster.happenings.lines)
    assert len(lines) == 2
    assert all(reason in line for line in lines)
    assert "by the other side" in " ".join(lines)
    assert not any("sesame" in line or "wrong'" in line for line in lines)
    assert (2, True) not in a.states
    assert (1, True) not in b.states
    assert b.inbox == []


async def turns_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (
            Identity("node-1", "cluster", SECRET, version=PROTOCOL_VERSION + 1),
            "wrong protocol version",
        ),
        (Identity("node-9", "cluster", SECRET), "foreign node id"),
        (Identity("node-2", "cluster", SECRET), "foreign node id"),
    ],
    ids=["version", "stranger", "itself"],
)
async def test_a_dialer_that_is_not_let_in_is_told_why(
    cluster: Cluster, identity: Identity, reason: str
) -> None:
    node = await knows_node_1(cluster)
    async with connected(node.port) as raw:
        raw.say(HELLO, Dialer(identity, "node-2", bytes(NONCE_BYTES)).hello())
        assert len(await raw.body(REFUSAL)) == 1
        assert await raw.frame() is None
    assert reason in cluster.happenings.lines[0]
    assert node.network.counters.refused == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n" * 10,
        bytes(5000),
        b"rK\x07" + bytes(20),
        pack_frame(HELLO, 0, b"")[:-1] + b"\xff",
        pack_frame(HELLO, 0, b"garbage"),
        pack_frame(PROOF, 0, bytes(32)),
        pack_frame(MESSAGES, 0, b"before anybody is let in"),
        pack_frame(HELLO, 0, bytes(2000)),
        pack_frame(99, 0, b""),
    ],
    ids=lambda garbage: repr(garbage[:12]),
)
async def test_garbage_is_refused_and_the_node_goes_on(cluster: Cluster, garbage: bytes) -> None:
    a, b = await cluster.pair()
    for _ in range(2):
        async with connected(b.port) as raw:
            raw.writer.write(garbage)
            frame = await raw.frame()
            assert frame is None or (frame[0] == REFUSAL and await raw.frame() is None)
    assert b.network.counters.refused == 2
    assert len(cluster.happenings.lines) == 1
    a.say(heartbeat(2, 1))
    await cluster.until(lambda: b.heard == [("heartbeat", 1)])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MESSAGES, b"\xff\xff\xff\xff"),
        (MESSAGES, b"\1\0\0\0\x63"),
        (CHUNK, b"\x63"),
        (CHUNK, b""),
        (HELLO, b""),
        (99, b""),
    ],
)
async def test_a_peer_that_sends_no_messages_loses_its_connection(
    cluster: Cluster, kind: int, body: bytes
) -> None:
    node = await knows_node_1(cluster)
    async with let_in(node) as raw:
        raw.say(kind, body)
        assert await raw.frame() is None
    assert node.inbox == []
    assert node.network.counters.refused == 1


@pytest.mark.parametrize(("sender", "recipient"), [(3, 2), (1, 3)])
async def test_a_peer_cannot_speak_for_another_nor_to_another(
    cluster: Cluster, sender: int, recipient: int
) -> None:
    node = await knows_node_1(cluster)
    queue = PeerQueue(1 << 20)
    queue.add(0, heartbeat(2, 1))
    queue.add(0, heartbeat(recipient, 2, sender=sender))
    async with let_in(node) as raw:
        raw.writer.write(b"".join(queue.take(1 << 20)))
        assert await raw.frame() is None
    assert node.inbox == []


async def test_draining_takes_what_came_while_the_node_stood_still(cluster: Cluster) -> None:
    node = await knows_node_1(cluster)
    async with let_in(node) as raw:
        queue = PeerQueue(1 << 20)
        for number in range(10):
            queue.add(0, heartbeat(2, number))
        descriptor = raw.writer.get_extra_info("socket").fileno()
        with socket.socket(fileno=os.dup(descriptor)) as direct:
            direct.sendall(b"".join(queue.take(1 << 20)))  # the loop does not run meanwhile
        await node.network.drain()
        assert node.heard == [("heartbeat", number) for number in range(10)]


async def test_a_message_cut_off_by_the_end_of_a_connection_is_not_delivered(
    cluster: Cluster,
) -> None:
    node = await knows_node_1(cluster)
    async with let_in(node) as raw:
        raw.say(CHUNK, b"a part", MORE)
    async with let_in(node) as raw:
        queue = PeerQueue(1 << 20)
        queue.add(0, heartbeat(2, 1))
        raw.writer.write(b"".join(queue.take(1 << 20)))
        await cluster.until(lambda: node.heard == [("heartbeat", 1)])
