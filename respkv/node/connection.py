"""One client's connection: bytes in, commands to the replica, replies out once a turn."""

import asyncio
import socket
import time
from collections.abc import Iterator
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
from respkv.wire.reply import OK, OK_RESP, Reply, encode
from respkv.wire.request import Argv, RequestParser

if TYPE_CHECKING:
    from respkv.node.server import Node

LOADING_TEXT = b"LOADING Redis is loading the dataset in memory"


class ReplyMode:
    """What CLIENT REPLY changes, at its place among the replies."""

    def __init__(self, mode: bytes) -> None:
        self.mode = mode


def _answer_ok(session: object, argv: Argv) -> Reply:
    """CLIENT REPLY between MULTI and EXEC: the array that EXEC replies with has no holes."""
    return OK


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
        self.is_unix = False
        self.replies_skipped = 0  # how many more: 1 after CLIENT REPLY SKIP, -1: all (OFF)
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
        # An EXEC with a SELECT inside: the database of later commands depends on whether it ran.
        self._undecided: Transaction | None = None
        self._held_input: list[tuple[Argv, bytes]] = []

    # --- asyncio -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client has connected: admit it, or say why not."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        local = transport.get_extra_info("sockname")
        is_unix = self.is_unix = not isinstance(peer, tuple)
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
        parser = self._parser
        self.last_input = self.node.turn_time
        commands = zip(parser.feed(data), parser.raw, strict=True)
        if self._undecided is None:
            self._take(commands)
        else:
            self._held_input.extend(commands)

    def _take(self, commands: Iterator[tuple[Argv, bytes]]) -> None:
        node = self.node
        node.runtime.current_client = self
        node.replica.begin_input()
        parser = self._parser
        for argv, raw in commands:
            self._dispatch(argv, raw)
            if self.closing or self._undecided is not None:
                break
        if self._undecided is not None:
            self._held_input.extend(commands)
            if not self.closing:
                self._transport.pause_reading()
        elif parser.error is not None and not self.closing:
            node.replica.answer(self, parser.error)
            self._close_after_replies()
        elif parser.buffered_bytes > node.config["client-query-buffer-limit"]:
            self._abort()
        node.runtime.current_client = None
        if self.replies:
            self.send_replies()

    def eof_received(self) -> bool:
        """The client has finished sending; what it sent is still answered."""
        if self.closing or self.node.replica.is_idle(self):
            return False
        self.node.close_when_answered(self)
        return True

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
            if self._undecided is None:
                self._transport.resume_reading()

    # --- replies -----------------------------------------------------------------------------

    def reply(self, reply: Reply) -> None:
        """Append one reply, unless the client asked for none."""
        if self.replies_skipped or type(reply) is ReplyMode:
            self._reply_or_skip(reply)
        else:
            self.replies.append(encode(reply, self.resp))

    def _reply_or_skip(self, reply: Reply) -> None:
        if not isinstance(reply, ReplyMode):
            self.replies_skipped = min(self.replies_skipped, 0)
        elif reply.mode == b"ON":
            self.replies_skipped = 0
            self.replies.append(OK_RESP)
        elif reply.mode == b"OFF":
            self.replies_skipped = -1
        elif not self.replies_skipped:
            self.replies_skipped = 1

    def send_replies(self) -> None:
        """Write what is in `replies`; a client that lets too much wait is closed."""
        if self._undecided is not None:
            self._go_on_when_decided()
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
            if not (self.authenticated or flags & NO_AUTH) and node.config["requirepass"]:
                raise CommandError(b"NOAUTH Authentication required.")
            if node.loading and not flags & LOADING:
                raise CommandError(LOADING_TEXT)
        except CommandError as error:
            self._transaction_broken = True
            if argv[0].upper() == b"EXEC":  # whatever is wrong with it, it ends the transaction
                self.end_transaction()
                reason = error.text.removeprefix(b"ERR ")
                error = CommandError(b"EXECABORT Transaction discarded because of: " + reason)
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
        elif name == b"QUIT":
            replica.answer(self, OK)
            self._close_after_replies()
        elif name == b"WATCH":
            replica.submit_watch(self, self._watches, argv)
        else:
            replica.answer(self, execute(command.handler, self, argv))

    def _queue(self, command: Command, argv: Argv, raw: bytes) -> None:
        transaction = self.transaction
        is_refused_alone = command.name in (b"MULTI", b"WATCH")
        if transaction is None or is_refused_alone or command.flags & NO_MULTI:
            self._transaction_broken = self._transaction_broken or not is_refused_alone
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
            handler = _answer_ok if command.name == b"CLIENT|REPLY" else command.handler
            transaction.commands.append((handler, argv, local))
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
        selects = any([handler is select_in_transaction for handler, _, _ in transaction.commands])
        replica.submit_transaction(self, transaction, raws, argv, changes_db=selects)
        if selects:
            self._undecided = transaction
            if replica.is_idle(self):
                self._select_as_decided()

    def _select_as_decided(self) -> None:
        """EXEC is answered: its SELECTs hold for what follows, if it ran at all."""
        transaction, self._undecided = self._undecided, None
        if transaction is not None and transaction.ran:
            for handler, argv, _ in transaction.commands:
                if handler is select_in_transaction:
                    self.select(argv, quiet=True)

    def _go_on_when_decided(self) -> None:
        """Take the input that came behind an EXEC with a SELECT inside."""
        if not self.node.replica.is_idle(self):
            return
        self._select_as_decided()
        held, self._held_input = self._held_input, []
        if not self.closing:
            if not self._paused_reading:
                self._transport.resume_reading()
            self._take(iter(held))

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
        self.replies_skipped = 0
        self.authenticated = not self.node.config["requirepass"]
        self._parser.authenticated = self.authenticated
