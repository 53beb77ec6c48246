"""One client's connection: bytes in, commands to the replica, replies out once a turn."""

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

from respkv.commands.table import (
    CONNECTION,
    LOADING,
    NO_AUTH,
    NO_MULTI,
    TABLE,
    WRITE,
    Command,
    resolve,
)
from respkv.errors import CommandError, WrongArity
from respkv.replica.batch import database_number, select_in_transaction
from respkv.replica.client import Client
from respkv.replica.transaction import Transaction, execute
from respkv.wire.reply import Reply, encode
from respkv.wire.request import Argv, RequestParser

if TYPE_CHECKING:
    from respkv.node.server import Node

LOADING_TEXT = b"LOADING Redis is loading the dataset in memory"


class Connection(Client):
    """An asyncio protocol (by its methods) and the session that connection commands work on."""

    def __init__(self, node: "Node") -> None:
        super().__init__()
        self.node = node
        self.id = node.next_client_id()
        self.name = b""
        self.library = b""
        self.library_version = b""
        self.authenticated = not node.config["requirepass"]
        self.created = time.time()
        self.last_input = self.created
        self.last_command = ""
        self.closing = False
        self.muted = False  # CLIENT REPLY OFF
        self.mute_next = 0  # CLIENT REPLY SKIP
        self.transaction: Transaction | None = None
        self.peer = ""
        self.local = ""
        self._raws: list[bytes] = []
        self._transaction_broken = False
        self._watches: list[tuple[int, bytes, int]] = []
        self._parser = RequestParser(node.config["proto-max-bulk-len"])
        self._parser.authenticated = self.authenticated
        self._transport: Any = None
        self._paused_reading = False

    # --- asyncio -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client has connected: admit it, or say why not."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        local = transport.get_extra_info("sockname")
        is_unix = not isinstance(peer, tuple)
        self.peer = f"{local}:0" if is_unix else f"{peer[0]}:{peer[1]}"
        self.local = f"{local}:0" if is_unix else f"{local[0]}:{local[1]}"
        connected = transport.get_extra_info("socket")
        if not is_unix and connected is not None:
            seconds = self.node.config["tcp-keepalive"]
            if seconds:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        refusal = self.node.admit(self, is_unix or peer[0] in ("127.0.0.1", "::1"))
        if refusal:
            transport.write(b"-" + refusal + b"\r\n")
            self.closing = True
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse and dispatch what has come; replies that are there already go out at once."""
        if self.closing:
            return
        node = self.node
        node.runtime.current_client = self
        node.replica.begin_input()
        parser = self._parser
        self.last_input = node.turn_time
        commands = parser.feed(data)
        while commands:
            for argv, raw in zip(commands, parser.raw, strict=True):
                self._dispatch(argv, raw)
                if self.closing:
                    break
            if not parser.held or self.closing:
                break
            commands = parser.feed(b"")
        if parser.error is not None and not self.closing:
            node.replica.answer(self, parser.error)
            self._close_after_replies()
        elif parser.buffered_bytes > node.config["client-query-buffer-limit"]:
            self._abort()
        node.runtime.current_client = None
        if self.replies:
            self.send_replies()

    def eof_received(self) -> bool:
        """The client has finished sending: nothing more is owed to it."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone; what it proposed goes on without it."""
        self.closing = True
        self.replies.clear()
        self.node.forget(self)

    def pause_writing(self) -> None:
        """The client reads too slowly: read no more commands from it meanwhile."""
        self._paused_reading = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._paused_reading:
            self._paused_reading = False
            self._transport.resume_reading()

    # --- replies -----------------------------------------------------------------------------

    def reply(self, reply: Reply) -> None:
        """Append one reply, unless the client asked for none."""
        if self.muted:
            return
        if self.mute_next:
            self.mute_next -= 1
            return
        self.replies.append(encode(reply, self.resp))

    def send_replies(self) -> None:
        """Write what is in `replies`; a client that lets too much wait is closed."""
        if not self.replies:
            return
        data = self.replies[0] if len(self.replies) == 1 else b"".join(self.replies)
        self.replies.clear()
        transport = self._transport
        if transport.is_closing():
            return
        transport.write(data)
        if self._paused_reading:
            limit = self.node.config["client-output-buffer-limit"]
            if limit and transport.get_write_buffer_size() > limit:
                self._abort()

    def close_unknown(self) -> None:
        """The outcome of the next command is unknown: send what is known, then close."""
        self.node.unknown_outcomes += 1
        self._close_after_replies()

    def quit(self) -> None:
        """Close once everything before has been answered."""
        self._close_after_replies()

    def _close_after_replies(self) -> None:
        if self.node.replica.is_idle(self):
            self.send_replies()
            self._transport.close()
        else:
            self.node.close_when_answered(self)
        self.closing = True

    def close_now(self) -> None:
        """Send the replies that are there, then close."""
        self.send_replies()
        self.closing = True
        self._transport.close()

    def _abort(self) -> None:
        self.closing = True
        self._transport.abort()

    def fd(self) -> int:
        """Return the socket's descriptor, -1 when it is closed."""
        connected = self._transport.get_extra_info("socket")
        return -1 if connected is None else int(connected.fileno())

    def output_bytes(self) -> int:
        """Return how much waits for the client to read it."""
        return int(self._transport.get_write_buffer_size())

    # --- commands ----------------------------------------------------------------------------

    def _dispatch(self, argv: Argv, raw: bytes) -> None:
        node = self.node
        command = TABLE.get(argv[0])
        try:
            if command is None or command.subcommands:
                command = resolve(argv)
            if not command.accepts(len(argv)):
                raise WrongArity(command.display_name.encode())
            flags = command.flags
            if not (self.authenticated or flags & NO_AUTH):
                raise CommandError(b"NOAUTH Authentication required.")
            if node.loading and not flags & LOADING:
                raise CommandError(LOADING_TEXT)
        except CommandError as error:
            self._transaction_broken = True
            node.count_error(error)
            node.replica.answer(self, error)
            return
        node.calls[command.display_name] = node.calls.get(command.display_name, 0) + 1
        if self.transaction is not None or flags & CONNECTION:
            self._dispatch_special(command, argv, raw)
        elif flags & WRITE:
            node.replica.submit_write(self, command, argv, raw)
        else:
            node.replica.submit_read(self, command, argv)

    def _dispatch_special(self, command: Command, argv: Argv, raw: bytes) -> None:
        """Transactions and commands of the connection itself; these take effect here and now."""
        replica = self.node.replica
        name = command.name
        self.last_command = command.display_name
        if name == b"EXEC":
            self._exec(argv)
        elif self.transaction is not None and name not in (b"DISCARD", b"RESET", b"QUIT"):
            self._queue(command, argv, raw)
        elif name == b"WATCH":
            replica.submit_watch(self, self._watches, argv)
        else:
            replica.answer(self, execute(command.handler, self, argv))

    def _queue(self, command: Command, argv: Argv, raw: bytes) -> None:
        transaction = self.transaction
        if transaction is None or command.flags & NO_MULTI:
            self._transaction_broken = command.name != b"MULTI" and command.name != b"WATCH"
            text = {
                b"MULTI": b"ERR MULTI calls can not be nested",
                b"WATCH": b"ERR WATCH inside MULTI is not allowed",
            }.get(command.name, b"ERR Command not allowed inside a transaction")
            self.node.replica.answer(self, CommandError(text))
            return
        if command.name == b"SELECT":
            transaction.commands.append((select_in_transaction, argv, False))
            self._raws.append(raw)
        else:
            local = command.flags & CONNECTION != 0
            transaction.commands.append((command.handler, argv, local))
            if not local:
                self._raws.append(raw)
                transaction.writes = transaction.writes or command.flags & WRITE != 0
        self.node.replica.answer(self, "QUEUED")

    def begin_transaction(self) -> None:
        """MULTI."""
        self.transaction = Transaction(self)
        self._raws = []
        self._transaction_broken = False

    def end_transaction(self) -> None:
        """DISCARD, or after EXEC: nothing is queued or watched any more."""
        self.transaction = None
        self._raws = []
        self._transaction_broken = False
        self.unwatch()

    def unwatch(self) -> None:
        """Forget watched keys; a WATCH still under way fills a list that nobody looks at."""
        self._watches = []

    def _exec(self, argv: Argv) -> None:
        transaction = self.transaction
        replica = self.node.replica
        if transaction is None:
            replica.answer(self, CommandError(b"ERR EXEC without MULTI"))
            return
        if self._transaction_broken:
            self.end_transaction()
            text = b"EXECABORT Transaction discarded because of previous errors."
            replica.answer(self, CommandError(text))
            return
        transaction.watches = self._watches
        raws = self._raws if transaction.writes else []
        self.end_transaction()
        selects = [
            command_argv
            for handler, command_argv, _ in transaction.commands
            if handler is select_in_transaction
        ]
        replica.submit_transaction(self, transaction, raws, argv, changes_db=bool(selects))
        for command_argv in selects:
            self.select(command_argv, quiet=True)

    def select(self, argv: Argv, quiet: bool = False) -> None:
        """Make later commands run in database argv[1].

        Raises:
            CommandError: there is no such database (`quiet`: it just stays).
        """
        try:
            self.db = database_number(argv, self.node.config["databases"])
        except CommandError:
            if not quiet:
                raise

    def authenticate(self) -> None:
        """The right password was given."""
        self.authenticated = True
        self._parser.authenticated = True

    def reset(self) -> None:
        """RESET: as if newly connected."""
        self.end_transaction()
        self.resp = 2
        self.db = 0
        self.name = b""
        self.muted = False
        self.authenticated = not self.node.config["requirepass"]
        self._parser.authenticated = self.authenticated
