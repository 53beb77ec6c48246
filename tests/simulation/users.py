"""Simulated users: they send bursts of commands, wait, and write down what they saw."""

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from respkv.errors import CommandError
from respkv.keyspace.slots import SLOTS
from tests.simulation.checker import Operation
from tests.simulation.connection import SimulatedConnection
from tests.simulation.host import PORT_BASE
from tests.simulation.workload import Call
from tests.simulation.world import MILLISECOND, Violation

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster
    from tests.simulation.node import SimulatedNode

MOVES = 250  # per mille: bursts that go to another leader than the one before


class Work(Protocol):
    """What a user is to do."""

    def burst(self, user: "User") -> list[Call]:
        """Return the next few calls."""
        ...


class User:
    """Runs one burst after the other, on one connection at a time; never repeats an unknown one."""

    def __init__(self, cluster: "Cluster", number: int, work: Work) -> None:
        self.number = number
        self._work = work
        self.cluster = cluster
        self.world = cluster.world
        self.stopped = False
        patience_ms = cluster.workload.patience_ms
        self._patience = patience_ms[number % len(patience_ms)] * MILLISECOND
        self.connection: SimulatedConnection | None = None
        self.watched = b""
        self.swap: tuple[bytes, bytes | None] | None = None  # watched key and what it held
        self._node_id = 1 + number % cluster.size
        self._leaders: dict[int, int] = {}  # of partitions, as this user has heard
        self._waiting: deque[tuple[Call, Operation]] = deque()
        self._unsent = 0  # chunks of this burst that have not left yet
        self._burst = 0
        self._about_to_send = False

    @property
    def waits(self) -> bool:
        """Whether the user expects an answer."""
        return bool(self._waiting)

    def start(self) -> None:
        """Begin, and go on until stopped."""
        self.world.after(self.world.between(0, 200 * MILLISECOND), self._next)

    # --- sending -----------------------------------------------------------------------------

    def _next(self) -> None:
        self._about_to_send = False
        if self.stopped or self._waiting or self._unsent:
            return
        if self.swap is None and self._leaders and self.world.happens(MOVES):
            leaders = sorted(set(self._leaders.values()))
            self._node_id = leaders[self.world.chance.below(len(leaders))]
        node = self.cluster.nodes[self._node_id]
        if not node.booted:
            self._node_id = self._any_node()
            self._next_soon()
            return
        if self.connection is None or self.connection.node is not node:
            if self.connection is not None:
                self.connection.leave()
            self.connection = SimulatedConnection(self, node)
            self.watched, self.swap = b"", None
        self._send_burst(self.connection, self._work.burst(self))

    def look_again(self, node: "SimulatedNode", after_ms: int) -> None:
        """Write something through this very node, if idle there, and read it so much later."""
        workload = self.cluster.workload
        connection = self.connection
        if (
            connection is not None
            and connection.node is node
            and self._work is workload
            and self._patience > after_ms * MILLISECOND
            and not (self.stopped or self._waiting or self._unsent or self.swap)
        ):
            self._send_burst(connection, workload.second_look(self, after_ms))

    def _send_burst(self, connection: SimulatedConnection, calls: list[Call]) -> None:
        self._burst += 1
        self._send_in_chunks(connection, calls)

    def _any_node(self) -> int:
        return self.world.between(1, self.cluster.size)

    def expects_here(self, key: bytes) -> bool:
        """Whether the user takes the node it talks to for the leader of a key."""
        return self._leaders.get(self.cluster.partition_of(key)) == self._node_id

    def _next_soon(self) -> None:
        if not self._about_to_send:
            self._about_to_send = True
            self.world.after(self.world.between(1, 120) * MILLISECOND, self._next)

    def _send_in_chunks(self, connection: SimulatedConnection, calls: list[Call]) -> None:
        """Most bursts arrive in one piece; others keep coming while earlier ones are under way."""
        world = self.world
        burst = self._burst
        at = 0
        chunks: list[list[Call]] = [[]]
        for call in calls:
            if chunks[-1] and (call.after_ms or world.happens(self.cluster.workload.chunks)):
                chunks.append([])
            chunks[-1].append(call)
        self._unsent = len(chunks)
        for chunk in chunks:
            at += chunk[0].after_ms * MILLISECOND
            world.after(at, lambda chunk=chunk: self._send(connection, burst, chunk))
            at += world.between(1, 8) * MILLISECOND
            if world.happens(self.cluster.workload.late_chunks):
                at += world.between(10, 2000) * MILLISECOND

    def _send(self, connection: SimulatedConnection, burst: int, calls: list[Call]) -> None:
        if connection is not self.connection or burst != self._burst:
            return  # broken meanwhile: these never left
        world = self.world
        node = connection.node
        self._unsent -= 1
        for call in calls:
            self._waiting.append((call, Operation(call.name, call.argument, world.now)))
        connection.arrival = max(connection.arrival, world.now + world.between(100, MILLISECOND))

        def arrive() -> None:
            if connection.open:
                for call in calls:
                    call.submit(connection)
                connection.end_of_input()

        def reach() -> None:
            if node.booted:
                node.handle(arrive)
            else:
                connection.break_off()

        def impatient() -> None:
            if self._waiting and connection is self.connection and burst == self._burst:
                connection.break_off()

        world.after(connection.arrival - world.now, reach)
        world.after(self._patience, impatient)

    # --- hearing -----------------------------------------------------------------------------

    def take(self, connection: SimulatedConnection, values: list[Any]) -> None:
        """Replies have arrived."""
        if connection is not self.connection:
            return
        for value in values:
            call, operation = self._waiting.popleft()
            if isinstance(value, CommandError) and not call.is_result(value):
                call.refused(value)
                self._failed(value)
                continue
            operation.completed = self.world.now
            operation.result = value
            self.world.count("ok")
            self.cluster.outcome(True)
            if call.key:
                partition = self.cluster.partition_of(call.key)
                self._leaders[partition] = self._node_id
                self.cluster.served.add(partition)
            call.done(self, operation)
        if not self._waiting and not self._unsent and values:
            self._next_soon()

    def _failed(self, error: CommandError) -> None:
        """Certainly without effect: it never enters the history."""
        if error.text.startswith(b"ERR"):
            raise Violation(f"a user was told: {error.text.decode()}")
        if error.text.startswith(b"NOSCRIPT"):
            self.world.count("scripts not known")
            return  # this node is as good as any other: it will be sent the text
        self.world.count("failed")
        self.cluster.outcome(False)
        self.watched, self.swap = b"", None
        if error.text.startswith(b"MOVED"):
            self.world.count("redirections")
            _, slot, address = error.text.split()
            self._node_id = int(address.rpartition(b":")[2]) - PORT_BASE
            self._leaders[int(slot) * self.cluster.partitions // SLOTS] = self._node_id
        else:
            self._node_id = self._any_node()

    def lost(self, connection: SimulatedConnection) -> None:
        """Nobody will ever say what became of the operations under way."""
        if connection is not self.connection:
            return
        for call, operation in self._waiting:
            self.world.count("unknown")
            self.cluster.outcome(False)
            call.lost(operation)
        self._waiting.clear()
        self._unsent = 0
        self.connection = None
        self.swap = None
        self._node_id = self._any_node()
        self._next_soon()
