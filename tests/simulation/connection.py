"""A user's connection with one node: bytes, on the product's own connection and router."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import hiredis

from respkv.errors import CommandError
from respkv.node import client_commands, script_commands, server_commands, session_commands
from respkv.node.connection import Connection
from respkv.replica.client import Wait
from respkv.wire.reply import NULL_ARRAY
from respkv.wire.run import encode_command
from tests.simulation.observed import Observed
from tests.simulation.world import MILLISECOND

if TYPE_CHECKING:
    from tests.simulation.node import SimulatedNode
    from tests.simulation.users import User

COMMANDS = (
    client_commands,
    script_commands,
    server_commands,
    session_commands,
)  # declared by being imported
DROPPED, TAKEN, EXEC = 0, 1, 2  # what becomes of a reply


class Session(Connection):
    """The node's end; it tells when a call of its client begins to wait."""

    def __init__(self, node: "SimulatedNode", on_park: Callable[[], None]) -> None:
        super().__init__(node)  # type: ignore[arg-type]
        self._on_park = on_park

    def park(self, wait: Wait) -> None:
        """The call is a part of the replicated state by now."""
        super().park(wait)
        self._on_park()


class SimulatedConnection:
    """The user's end, and the transport of the node's.

    It dies with the node, when the user loses patience, or when an outcome is unknown.
    """

    def __init__(self, user: "User", node: "SimulatedNode") -> None:
        self.user = user
        self.node = node
        self.open = True
        self.arrival = 0  # when the latest thing sent reaches the node: nothing overtakes it
        self.sent = 0  # calls whose order on the connection is looked at
        self.on_park: Callable[[], None] = lambda: None  # set by the one call that may wait
        self.awaited: Observed | None = None  # the call that was sent last, if it may wait
        self._incarnation = node.incarnation
        self._arrival_back = 0
        self._session: Connection | None = None
        self._input: list[bytes] = []
        self._fates: deque[int] = deque()
        self._reader = hiredis.Reader()
        self._db = 0
        self._queueing_error: CommandError | None = None

    # --- what the user sends -----------------------------------------------------------------

    def command(self, db: int, *argv: bytes) -> None:
        """Send one command."""
        self._select(db)
        self._send(TAKEN, list(argv))

    def watch(self, db: int, key: bytes) -> None:
        """Send WATCH."""
        self.command(db, b"WATCH", key)

    def echo(self, token: bytes) -> None:
        """Send a command that the connection itself answers, in its turn."""
        self._send(TAKEN, [b"ECHO", token])

    def transaction(self, db: int, commands: list[list[bytes]]) -> None:
        """Send MULTI, the commands and EXEC: one reply."""
        self._select(db)
        self._send(DROPPED, [b"MULTI"])
        for argv in commands:
            self._send(DROPPED, argv)
        self._send(EXEC, [b"EXEC"])

    def _select(self, db: int) -> None:
        if db != self._db:
            self._db = db
            self._send(DROPPED, [b"SELECT", b"%d" % db])

    def _send(self, fate: int, argv: list[bytes]) -> None:
        self._fates.append(fate)
        self._input.append(encode_command(argv))

    @property
    def client_id(self) -> int:
        """Return its number at the node; 0 when nobody has it there (any more)."""
        here = self.node.alive and self.node.incarnation == self._incarnation
        return self._session.id if self._session is not None and here else 0

    def end_of_input(self) -> None:
        """What was sent reaches the node in one piece."""
        data = b"".join(self._input)
        self._input.clear()
        if self._session is None:
            self._session = Session(self.node, lambda: self.on_park())
            self._session.connection_made(self)  # type: ignore[arg-type]
        self._session.data_received(data)

    # --- the transport of the node's end -----------------------------------------------------

    def get_extra_info(self, name: str) -> Any:
        """Return the addresses, and no socket."""
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 1)}.get(name)

    def write(self, data: bytes) -> None:
        """Replies travel; they are lost when the connection breaks first."""
        if self.open:
            world = self.node.world
            arrival = max(self._arrival_back, world.now + world.between(100, MILLISECOND))
            self._arrival_back = arrival
            world.after(arrival - world.now, lambda: self._hear(data))

    def close(self) -> None:
        """The node closes; what it has written still arrives."""
        if self.open:
            self.open = False
            self.node.world.after(2 * MILLISECOND, self.break_off)

    abort = close

    def is_closing(self) -> bool:
        """Return whether nothing can be written any more."""
        return not self.open

    def pause_reading(self) -> None:
        """What comes all the same waits in the connection."""

    def resume_reading(self) -> None:
        """What has come waits in the connection."""

    def get_write_buffer_size(self) -> int:
        """The user reads at once."""
        return 0

    # --- the end, and what the user hears ----------------------------------------------------

    def break_off(self) -> None:
        """Neither side hears of the other again."""
        self.open = False
        self.leave()
        self.user.lost(self)

    def leave(self) -> None:
        """The node learns that its client is gone."""
        self.open = False
        session, self._session = self._session, None
        node = self.node
        if session is not None and node.alive and node.incarnation == self._incarnation:
            node.handle(lambda: session.connection_lost(None))

    def _hear(self, data: bytes) -> None:
        self._reader.feed(data)
        values: list[Any] = []
        while (reply := self._reader.gets()) is not False:
            fate = self._fates.popleft()
            if isinstance(reply, hiredis.ReplyError):
                reply = CommandError(str(reply).encode())
                if fate == DROPPED:
                    self._queueing_error = self._queueing_error or reply
                elif fate == EXEC:
                    reply = self._queueing_error or reply
            elif fate == EXEC and reply is None:
                reply = NULL_ARRAY
            if fate == EXEC:
                self._queueing_error = None
            if fate != DROPPED:
                values.append(reply)
        self.user.take(self, values)
