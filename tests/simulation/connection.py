"""A simulated connection to one node: replies in order, or a break that leaves outcomes unknown."""

from collections import deque
from typing import TYPE_CHECKING, Any

from respkv.commands.table import WRITE, lookup
from respkv.errors import CommandError
from respkv.replica.client import Client
from respkv.replica.transaction import Transaction
from respkv.wire.request import encode_command
from tests.simulation.world import MILLISECOND

if TYPE_CHECKING:
    from tests.simulation.node import SimulatedNode
    from tests.simulation.users import User


class SimulatedConnection(Client):
    """What a node's connection does in production, without bytes.

    It dies with the node, when the user loses patience, or when an outcome is unknown.
    """

    def __init__(self, user: "User", node: "SimulatedNode") -> None:
        super().__init__()
        self.user = user
        self.node = node
        self.open = True
        self.arrival = 0  # when the latest thing sent reaches the node: nothing overtakes it
        self._arrival_back = 0
        self.watches: list[tuple[int, bytes, int]] = []
        self._run: list[list[bytes]] = []
        self._values: list[Any] = []
        self._promises: deque[bool] = deque()  # is the next reply one for a logged write?

    # --- what the node does with it ----------------------------------------------------------

    def reply(self, reply: Any) -> None:
        """Collect a reply; it leaves when the turn ends."""
        if not self.open:
            return
        self.replies.append(b"")
        self._values.append(bytes(reply) if isinstance(reply, bytearray) else reply)
        if self._promises.popleft() and not isinstance(reply, CommandError):
            # A promise from here on, even if it never arrives.
            self.user.cluster.invariants.write_acknowledged(self.node.replica.applied_index + 1)

    def send_replies(self) -> None:
        """Replies travel; they are lost when the connection breaks first."""
        values, self._values = self._values, []
        self.replies.clear()
        world = self.node.world
        arrival = max(self._arrival_back, world.now + world.between(100, MILLISECOND))
        self._arrival_back = arrival
        world.after(arrival - world.now, lambda: self.user.take(self, values))

    def close_unknown(self) -> None:
        """The node cannot tell what became of the next command."""
        if self.open:
            self.send_replies()
            world = self.node.world
            world.count("connections closed with an unknown outcome")
            world.after(2 * MILLISECOND, self.break_off)
            self.open = False

    def break_off(self) -> None:
        """Neither side hears of the other again."""
        self.open = False
        self.user.lost(self)

    # --- what the user sends -----------------------------------------------------------------

    def command(self, db: int, *argv: bytes) -> None:
        """One command of the keyspace arrives; it joins a run of its kind that came with it."""
        first = self._run[0] if self._run else list(argv)
        if (db, argv[0], len(argv)) != (self.db, first[0], len(first)):
            self.end_of_input()
        self.db = db
        self._run.append(list(argv))

    def end_of_input(self) -> None:
        """What arrived together has all been handed over."""
        run, self._run = self._run, []
        if not run:
            return
        command = lookup(run[0][0])
        assert command is not None
        writes = command.flags & WRITE != 0
        self._promises.extend(writes for _ in run)
        if writes:
            raw = b"".join(map(encode_command, run))
            self.node.replica.submit_write(self, command, run, raw)
        else:
            self.node.replica.submit_read(self, command, run)

    def watch(self, db: int, key: bytes) -> None:
        """WATCH arrives at the node."""
        self.end_of_input()
        self.db = db
        self.watches = []
        self._promises.append(False)
        self.node.replica.submit_watch(self, self.watches, [b"WATCH", key])

    def transaction(self, db: int, commands: list[list[bytes]]) -> None:
        """EXEC arrives at the node, behind WATCH, MULTI and the commands."""
        self.end_of_input()
        self.db = db
        transaction = Transaction(self)
        transaction.watches, self.watches = self.watches, []
        for argv in commands:
            command = lookup(argv[0])
            assert command is not None
            transaction.commands.append((command.handler, argv, False))
            transaction.writes = transaction.writes or command.flags & WRITE != 0
        self._promises.append(transaction.writes)
        raws = [encode_command(argv) for argv in commands] if transaction.writes else []
        self.node.replica.submit_transaction(self, transaction, raws, [b"EXEC"])

    def echo(self, token: bytes) -> None:
        """A command of the connection itself: answered in its turn, and without an entry."""
        self.end_of_input()
        self._promises.append(False)
        self.node.replica.answer(self, token)
