"""Simulated users: they send commands, wait, and write down what they saw."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from respkv.commands.table import WRITE, lookup
from respkv.errors import CommandError
from respkv.replica.client import Client
from respkv.replica.transaction import Transaction
from respkv.wire.reply import NULL_ARRAY
from respkv.wire.request import encode_command
from tests.simulation.checker import UNKNOWN, Operation
from tests.simulation.world import MILLISECOND, SECOND

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster
    from tests.simulation.node import SimulatedNode

OPERATIONS_PER_KEY_MAX = 280
PATIENCE = 3 * SECOND


class SimulatedConnection(Client):
    """A connection to one node; it dies with the node, or when an outcome is unknown."""

    def __init__(self, user: "User", node: "SimulatedNode") -> None:
        super().__init__()
        self.user = user
        self.node = node
        self.open = True
        self.watches: list[tuple[int, bytes, int]] = []
        self._values: list[Any] = []
        self._arrival = 0

    def reply(self, reply: Any) -> None:
        """Collect a reply; it leaves when the turn ends."""
        if self.open:
            self.replies.append(b"")
            self._values.append(bytes(reply) if isinstance(reply, bytearray) else reply)
            self.user.about_to_be_told(self, reply)

    def send_replies(self) -> None:
        """Replies travel; they are lost when the connection breaks first."""
        values, self._values = self._values, []
        self.replies.clear()
        world = self.node.world
        # A connection keeps its order, whatever the delay.
        self._arrival = max(self._arrival, world.now + world.between(100, MILLISECOND))
        world.after(self._arrival - world.now, lambda: self.user.take(self, values))

    def close_unknown(self) -> None:
        """The node cannot tell what became of the next command."""
        if self.open:
            self.send_replies()
            world = self.node.world
            world.count("connections closed with an unknown outcome")
            world.after(2 * MILLISECOND, self.user.disconnected_from(self))


class User:
    """Runs one small pipeline of operations after the other."""

    def __init__(self, cluster: "Cluster", number: int) -> None:
        self.cluster = cluster
        self.world = cluster.world
        self.number = number
        self.stopped = False
        self._node_id = 1 + number % 3
        self._connection: SimulatedConnection | None = None
        self._waiting: deque[tuple[Operation, Callable[[Operation, Any], None]]] = deque()
        self._told: deque[bool] = deque()  # is the next reply that of a logged write?
        self._deadline = 0
        self._swap_key = b""
        self._swap_before: bytes | None = None

    def start(self) -> None:
        """Begin, then never stop before the end."""
        self.world.after(self.world.between(0, 200 * MILLISECOND), self._next)

    # --- replies -----------------------------------------------------------------------------

    def about_to_be_told(self, connection: SimulatedConnection, reply: Any) -> None:
        """The node has made a reply: a promise, even if it never arrives."""
        if connection is not self._connection or not self._told:
            return
        if self._told.popleft() and not isinstance(reply, CommandError):
            index = connection.node.replica.applied_index + 1
            self.cluster.invariants.write_acknowledged(index)

    def take(self, connection: SimulatedConnection, values: list[Any]) -> None:
        """Replies have arrived."""
        if connection is not self._connection:
            return
        for value in values:
            operation, done = self._waiting.popleft()
            if isinstance(value, CommandError):
                self._failed(value)
            else:
                operation.completed = self.world.now
                self.world.count("ok")
                self.cluster.ok_or_not(True)
                done(operation, value)
        if not self._waiting:
            self._next_soon()

    def _failed(self, error: CommandError) -> None:
        """Certainly without effect: it never enters the history."""
        self.world.count("failed")
        self.cluster.ok_or_not(False)
        if error.text.startswith(b"MOVED"):
            self._node_id = int(error.text.split()[-1])
        else:
            self._node_id = self.world.between(1, 3)
        if error.text.startswith(b"ERR internal"):
            raise AssertionError(error.text)
        self._connection = None if not self._waiting else self._connection

    def disconnected_from(self, connection: SimulatedConnection) -> Callable[[], None]:
        """Return what happens when that connection breaks."""

        def broken() -> None:
            connection.open = False
            if connection is self._connection:
                self._lose()

        return broken

    def _lose(self) -> None:
        """Nobody will ever say what became of the operations under way."""
        for operation, _ in self._waiting:
            self.world.count("unknown")
            self.cluster.ok_or_not(False)
            if operation.name not in ("get", "watch"):
                self.cluster.history(operation)
        self._waiting.clear()
        self._told.clear()
        self._connection = None
        self._node_id = self.world.between(1, 3)
        self._next_soon()

    # --- operations --------------------------------------------------------------------------

    def _next_soon(self) -> None:
        pause = self.world.between(1, 120) * MILLISECOND
        self.world.after(pause, self._next)

    def _next(self) -> None:
        if self.stopped or self._waiting:
            return
        node = self.cluster.nodes[self._node_id]
        if not node.alive:
            self._node_id = self.world.between(1, 3)
            self._next_soon()
            return
        if self._connection is None or self._connection.node is not node:
            self._connection = SimulatedConnection(self, node)
            self._swap_key = b""
        connection = self._connection
        self._told.clear()
        calls: list[Callable[[], None]] = []
        if self._swap_key:
            calls.append(self._finish_swap(connection))
        elif self.world.happens(150):
            calls += self._begin_swap(connection)
        else:
            for _ in range(self.world.between(1, 4)):
                calls.append(self._random_call(connection))
        if not calls:
            self._next_soon()
            return
        deadline = self._deadline = self.world.now + PATIENCE
        delay = self.world.between(100, MILLISECOND)
        lost = self.disconnected_from(connection)

        def arrive(part: list[Callable[[], None]]) -> None:
            if node.alive and connection.open:
                node.handle(lambda: [call() for call in part] and None)
            else:
                lost()

        def impatient() -> None:
            if self._waiting and self._deadline == deadline:
                lost()

        # Sometimes the second half comes later, while the first may still be under way.
        half = len(calls) // 2 if self.world.happens(100) else len(calls)
        self.world.after(delay, lambda: arrive(calls[:half]))
        if half < len(calls):
            delay += self.world.between(0, 800) * MILLISECOND
            self.world.after(delay, lambda: arrive(calls[half:]))
        self.world.after(PATIENCE, impatient)

    def _expect(
        self, name: str, key: bytes, argument: Any, done: Callable[[Operation, Any], None]
    ) -> None:
        operation = Operation(name, (key, argument), self.world.now)
        self._waiting.append((operation, done))

    def _submit(self, connection: SimulatedConnection, *argv: bytes) -> Callable[[], None]:
        command = lookup(argv[0])
        assert command is not None
        arguments = list(argv)

        def call() -> None:
            replica = connection.node.replica
            self._told.append(command.flags & WRITE != 0)
            if command.flags & WRITE:
                replica.submit_write(connection, command, arguments, encode_command(arguments))
            else:
                replica.submit_read(connection, command, arguments)

        return call

    def _random_call(self, connection: SimulatedConnection) -> Callable[[], None]:
        key = self.cluster.pick_key()
        dice = self.world.chance.below(100)

        def record(operation: Operation, value: Any) -> None:
            operation.result = value
            self.cluster.history(operation)

        if key[:1] == b"c":
            if dice < 60:
                self._expect("incr", key, None, record)
                return self._submit(connection, b"INCR", key)
        elif dice < 35:
            value = self.cluster.unique_value()
            if key[:1] == b"t":
                self._expect("set ttl", key, value, record)
                lifetime = self.world.between(50, 4000)
                return self._submit(connection, b"SET", key, value, b"PX", b"%d" % lifetime)
            self._expect("set", key, value, record)
            return self._submit(connection, b"SET", key, value)
        elif dice < 45:
            self._expect("delete", key, None, record)
            return self._submit(connection, b"DEL", key)
        elif dice < 55 and key[:1] == b"t":
            value = self.cluster.unique_value()
            self._expect("set", key, value, record)
            return self._submit(connection, b"SET", key, value)
        self._expect("get", key, None, record)
        return self._submit(connection, b"GET", key)

    def _begin_swap(self, connection: SimulatedConnection) -> list[Callable[[], None]]:
        """WATCH and GET a key; the transaction follows once both are answered."""
        key = self.cluster.pick_key(b"w")
        if not key:
            return []

        watching = []

        def watched(operation: Operation, value: Any) -> None:
            watching.append((operation, value))

        def read(operation: Operation, value: Any) -> None:
            operation.result = value
            self.cluster.history(operation)
            if watching:  # WATCH may have failed where GET, a little later, did not
                self._swap_key, self._swap_before = key, value

        self._expect("watch", key, None, watched)
        self._expect("get", key, None, read)
        connection.watches = []

        def watch() -> None:
            self._told.append(False)
            connection.node.replica.submit_watch(connection, connection.watches, [b"WATCH", key])

        return [watch, self._submit(connection, b"GET", key)]

    def _finish_swap(self, connection: SimulatedConnection) -> Callable[[], None]:
        key, before = self._swap_key, self._swap_before
        after = self.cluster.unique_value()
        self._swap_key = b""

        def record(operation: Operation, value: Any) -> None:
            if value is NULL_ARRAY:
                self.world.count("transactions stopped")
            else:
                self.world.count("transactions done")
                operation.result = True
                self.cluster.history(operation)

        self._expect("swap", key, (before, after), record)
        argv = [b"SET", key, after]
        command = lookup(b"SET")
        assert command is not None

        def call() -> None:
            transaction = Transaction(connection)
            transaction.watches = connection.watches
            transaction.commands.append((command.handler, argv, False))
            self._told.append(False)
            connection.node.replica.submit_transaction(
                connection, transaction, [encode_command(argv)], [b"EXEC"]
            )

        return call


__all__ = ["UNKNOWN", "SimulatedConnection", "User"]
