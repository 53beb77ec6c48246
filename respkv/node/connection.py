"""One client's connection: bytes in, commands to the replica, replies out once a turn."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from respkv.commands.blocking import may_wait
from respkv.commands.routing import is_routed
from respkv.commands.sort import is_logged
from respkv.commands.table import (
    ADMIN,
    BLOCKING,
    CONNECTION,
    DENYOOM,
    INTERNAL,
    MAY_REPLICATE,
    MAY_STORE,
    NO_AUTH,
    NO_MULTI,
    PUBSUB,
    SCRIPT,
    TABLE,
    WRITE,
    Command,
    lookup,
    resolve,
)
from respkv.config import BufferLimit
from respkv.errors import CommandError, NotForSubscribers
from respkv.node.pubsub import Subscriptions
from respkv.node.router import ClusterRouter
from respkv.replica.batch import database_number, select_in_transaction
from respkv.replica.client import Client, Wait
from respkv.replica.refusals import OUT_OF_MEMORY
from respkv.replica.transaction import Transaction, answer_to, execute
from respkv.scripts.cache import as_sent, is_by_name
from respkv.scripts.queued import QueuedScripts
from respkv.wire.long_reply import Encoded, LongReply, encode_or_begin
from respkv.wire.reply import (
    BULK_HEADERS,
    CRLF,
    INTEGERS,
    NULL_RESP2,
    NULL_RESP3,
    OK,
    OK_RESP,
    SHORT_BULK_BYTES,
    SMALL_INTEGERS,
    Reply,
    Several,
)
from respkv.wire.request import RequestParser
from respkv.wire.run import Argv, Run, encode_command

if TYPE_CHECKING:
    from respkv.node.server import Node
    from respkv.node.tracking import ClientTracking

# How replies are written changes with these, so they run once all before has been answered.
CHANGES_REPLIES: Final = frozenset((b"HELLO", b"RESET", b"CLIENT|REPLY"))
ECHOES: Final = frozenset((b"PING", b"ECHO"))  # they look at nothing but their argument
# With RESP2 there is no telling a message from a reply, so a subscriber may send only these.
ALLOWED_TO_SUBSCRIBERS: Final = frozenset(
    b"SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE PING QUIT RESET".split()
)
LATER: Final = object()  # a handler's reply: none yet, `go_on` comes with it


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
        self.no_evict = False
        self.reads_followers = False  # READONLY
        self.transaction: Transaction | None = None
        self.tracking: ClientTracking | None = None
        self.subscriptions: Subscriptions | None = None
        # In a transaction, tracking, or subscribed: every command takes the longer way.
        self._special = False
        self.is_unix = False
        self.is_local = False
        self.peer = ""
        self.local = ""
        self._raws: list[bytes] = []
        self._transaction_broken = False
        self._transaction_publishes = False  # or subscribes
        self._transaction_has_scripts = False
        self._watches: list[tuple[int, bytes, int]] = []
        self._parser = RequestParser(node.config["proto-max-bulk-len"])
        self._parser.authenticated = self.authenticated
        self._transport: Any = None
        self._paused_reading = False
        self._long: LongReply | None = None  # being sent
        self._has_long = False  # one is being sent, or in `replies`
        self._waits_for_long = False  # that is why the next requests wait
        self._long_is_due = False  # to go on once the client has read more
        self._over_soft_since = 0.0  # when more than the soft limit began to wait; 0: it does not
        self._waiting: list[Run] | None = None  # requests behind one that waits
        self._waiting_bytes = 0  # of those that came while it waits
        self._when_answered: Callable[[], None] | None = None
        self.blocked: Wait | None = None  # in a call that waits for a key
        self._blocked_timer: asyncio.TimerHandle | None = None

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
        self.is_local = is_unix or peer[0] in ("127.0.0.1", "::1")
        refusal = self.node.admit(self, self.is_local)
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
        node.router.begin_input()
        parser = self._parser
        self.last_input = node.turn_time
        runs = parser.feed(data)
        while runs:
            for argvs, raw in runs:
                if self._waiting is not None:
                    self._waiting.append((argvs, raw))
                    self._waiting_bytes += len(raw)
                    continue
                self._dispatch(argvs, raw)
                if self.closing:
                    break
            if not parser.held or self.closing:
                break
            runs = parser.feed(b"")
        if parser.error is not None and not self.closing:
            self._broken_stream()
        elif parser.buffered_bytes + self._waiting_bytes > node.config["client-query-buffer-limit"]:
            self.abort()
        elif parser.is_amid_many and self._waiting is None and not self._paused_reading:
            self._transport.pause_reading()  # others first: a chunk takes up to 10 ms
            node.call_soon(self._read_on)
        node.runtime.current_client = None
        if self.replies:
            self.send_replies()

    def _read_on(self) -> None:
        if not (self.closing or self._paused_reading) and self._waiting is None:
            self._transport.resume_reading()

    def _broken_stream(self) -> None:
        error = self._parser.error
        if error is not None and self._waiting is None:
            self.node.router.answer(self, error)
            self._close_after_replies()

    def wait(self) -> None:
        """Let this client's next requests wait until `go_on`, and read no more of them."""
        if self._waiting is None:
            self._waiting = []
            if not self._paused_reading:
                self._transport.pause_reading()

    def park_when_answered(self, call: Callable[[], None]) -> None:
        """Have the next requests wait, and `call` called once all before have been answered.

        It sees to `go_on`. The client is read on, so that its going away is noticed.
        """
        if self._waiting is None:
            self._waiting = []
        self._when_answered = call
        self._check_answered()

    def go_on(self) -> None:
        """Run the requests that waited, up to one that waits again."""
        waiting, self._waiting = self._waiting, None
        self._waiting_bytes = 0
        self._waits_for_long = False
        if waiting is None or self.closing:
            return
        self.node.router.begin_input()
        for position, (argvs, raw) in enumerate(waiting):
            self._dispatch(argvs, raw)
            if self.closing:
                return
            still_waiting = self._still_waiting()
            if still_waiting is not None:
                still_waiting.extend(waiting[position + 1 :])
                return
        if not self._paused_reading:
            self._transport.resume_reading()
        self._broken_stream()

    @property
    def is_waiting(self) -> bool:
        """Whether requests wait for `go_on`."""
        return self._waiting is not None

    @property
    def is_unread(self) -> bool:
        """Whether nothing is read from it at the moment, so that nobody notices when it leaves.

        Unless it is being sent a long reply: that notices, and who only stopped sending gets it.
        """
        return self._long is None and (self._waiting is not None or self._paused_reading)

    @property
    def is_answered(self) -> bool:
        """Whether every command of the client has been answered, and nothing is still to be sent."""
        return not self._has_long and self.node.router.is_idle(self)

    def _still_waiting(self) -> list[Run] | None:
        """Return the requests that wait for `go_on`; None when nothing does."""
        return self._waiting

    def eof_received(self) -> bool:
        """The client has finished sending; what it sent is still answered."""
        if self.closing or self.blocked is not None or self.is_answered:
            return False
        self.node.close_when_answered(self)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone; what it proposed goes on without it."""
        self.closing = True
        self.replies.clear()
        long, self._long = self._long, None
        if long is not None:
            self.node.runtime.run_steps(long.giving_up())
        self._has_long = False
        if self.blocked is not None:
            self.blocked.end(b"GONE")
            self._unblocked()
        self.node.forget(self)

    def pause_writing(self) -> None:
        """The client reads too slowly: read no more commands from it meanwhile."""
        self._paused_reading = True
        if self._waiting is None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has caught up."""
        if self._paused_reading:
            self._paused_reading = False
            if self._waiting is None:
                self._transport.resume_reading()
            if self._long_is_due:
                self._long_is_due = False
                self.node.long_replies.add(self)

    # --- replies -----------------------------------------------------------------------------

    def reply(self, reply: Reply) -> None:
        """Append one reply, unless the client asked for none."""
        if type(reply) is not bytes and isinstance(reply, CommandError):
            self.node.count_error(reply)
        if self.muted or self.mute_next:
            self.mute_next = max(0, self.mute_next - 1)
            if not isinstance(reply, Several):  # confirmations are pushes
                return
        encoded = encode_or_begin(reply, self.resp)
        if type(encoded) is bytes:
            self.replies.append(encoded)
        else:
            self._append(encoded)

    def reply_all(self, replies: list[Reply]) -> None:
        """Append the replies to a run of commands, the most frequent kinds flat."""
        if self.muted or self.mute_next:
            for reply in replies:
                self.reply(reply)
            return
        out = self.replies
        for reply in replies:
            if type(reply) is bytes and len(reply) < SHORT_BULK_BYTES:
                out += (BULK_HEADERS[len(reply)], reply, CRLF)
            elif reply is OK:
                out.append(OK_RESP)
            elif type(reply) is int:
                small = 0 <= reply < SMALL_INTEGERS
                out.append(INTEGERS[reply] if small else b":%d\r\n" % reply)
            elif reply is None:
                out.append(NULL_RESP2 if self.resp == 2 else NULL_RESP3)
            else:
                self.reply(reply)

    def take_encoded(self, replies: list[Encoded]) -> None:
        """Append replies that are encoded and counted already (cluster mode)."""
        for reply in replies:
            if self.mute_next:
                self.mute_next -= 1
            elif not self.muted:
                self._append(reply)

    def _append(self, reply: Encoded) -> None:
        self.replies.append(reply)
        if type(reply) is not bytes:
            self._has_long = True
            if self._waiting is None:  # what more it asks for would pile up behind
                self.wait()
                self._waits_for_long = True

    def count_error(self, error: CommandError) -> None:
        """Count an error inside the reply to a transaction."""
        self.node.count_error(error)

    def send_replies(self) -> None:
        """Write what is in `replies`; a client that lets too much wait is closed."""
        if self._when_answered is not None:
            self._check_answered()
        if self._has_long:
            self._begin_long()
            return
        if not self.replies:
            return
        replies: Any = self.replies
        data = replies[0] if len(replies) == 1 else b"".join(replies)
        self.replies.clear()
        self._write(data)

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport.is_closing():
            return
        transport.write(data)
        if self._paused_reading or self.output_limit.hard:
            self.check_output()

    @property
    def output_limit(self) -> BufferLimit:
        """How much may wait for it."""
        node = self.node
        return node.output_limit if self.subscriptions is None else node.subscriber_limit

    def _begin_long(self) -> None:
        """Send what comes before the first long reply, and have that one sent, unless it is already."""
        if self._long is not None:
            return
        before: Any = []
        for reply in self.replies:
            if isinstance(reply, LongReply):
                self._long = reply
                break
            before.append(reply)
        del self.replies[: len(before) + 1]
        if before:
            self._write(b"".join(before))
        self.node.long_replies.add(self)

    def send_some(self) -> bool:
        """Send more of the long reply; return whether it can go on at once."""
        long = self._long
        if long is None or self._transport.is_closing():
            return False
        parts: list[bytes] = []
        part: bytes | None = b""
        while part is not None and self.node.long_replies.has_time():
            try:
                part = long.next_part()
            except Exception as error:
                answer = answer_to(error, [])
                self.node.count_error(answer)
                long.end_with(answer)
                part = b""
            if part:
                parts.append(part)
        if parts:
            self._write(b"".join(parts))
        if part is None:
            self._long_sent()
        elif self._paused_reading:
            self._long_is_due = True
        return part is not None and not self._paused_reading

    def _long_sent(self) -> None:
        self._long = None
        self._has_long = any([type(reply) is not bytes for reply in self.replies])
        self.send_replies()
        if self._waits_for_long and not self._has_long:
            self.node.call_soon(self._go_on_after_long)

    def _go_on_after_long(self) -> None:
        if self._waits_for_long:
            self.go_on()

    def check_output(self) -> None:
        """Close the client if more waits for it than client-output-buffer-limit allows."""
        limit = self.output_limit
        size = self.output_bytes()
        if limit.hard and size > limit.hard:
            self.abort()
        elif not limit.soft or size <= limit.soft:
            self._over_soft_since = 0.0
        elif not self._over_soft_since:
            self._over_soft_since = time.monotonic()
        elif time.monotonic() - self._over_soft_since > limit.seconds:
            self.abort()

    def call_when_answered(self, call: Callable[[], None]) -> None:
        """Have the next requests wait, and `call` called once all before have been answered."""
        self.wait()

        def answered() -> None:
            call()
            self.node.call_soon(self.go_on)

        self._when_answered = answered
        self._check_answered()

    def _check_answered(self) -> None:
        call = self._when_answered
        if call is not None and self.node.router.is_idle(self):
            self._when_answered = None
            call()

    def close_unknown(self) -> None:
        """The outcome of the next command is unknown: send what is known, then close."""
        if not self._transport.is_closing():
            self.node.unknown_outcomes += 1
            self.close_now()

    def quit(self) -> None:
        """Close once everything before has been answered."""
        self._close_after_replies()

    def _close_after_replies(self) -> None:
        if self.is_answered:
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

    def abort(self) -> None:
        """Close at once, whatever is still to be sent."""
        self.closing = True
        self._transport.abort()

    def fd(self) -> int:
        """Return the socket's descriptor, -1 when it is closed."""
        connected = self._transport.get_extra_info("socket")
        return -1 if connected is None else int(connected.fileno())

    def output_bytes(self) -> int:
        """Return how much waits for the client to read it; of a long reply, about."""
        waiting = int(self._transport.get_write_buffer_size())
        return waiting if self._long is None else waiting + self._long.bytes_left

    # --- commands ----------------------------------------------------------------------------

    def _dispatch(self, argvs: list[Argv], raw: bytes) -> None:
        """Run commands of one name and argument count; `raw` is their RESP form."""
        node = self.node
        command = TABLE.get(argvs[0][0])
        if (
            command is None
            or command.subcommands
            or command.flags & (CONNECTION | INTERNAL | BLOCKING | MAY_STORE | SCRIPT)
            or self._special
            or not self.authenticated
            or node.guarded
            or not command.accepts(len(argvs[0]))
        ):
            if command is not None and command.name in ECHOES and self._echo(command, argvs):
                return
            for position, argv in enumerate(argvs):
                self._dispatch_checked(argv)
                if self.closing:
                    break
                if self.is_waiting:
                    self.wait_with(argvs[position + 1 :])
                    break
            return
        name = command.display_name
        node.calls[name] = node.calls.get(name, 0) + len(argvs)
        if command.flags & WRITE:
            node.router.submit_write(self, command, argvs, raw)
        else:
            node.router.submit_read(self, command, argvs)

    def _echo(self, command: Command, argvs: list[Argv]) -> bool:
        """Answer a run of PING or ECHO; False where more has to be looked at first."""
        node = self.node
        if (
            self._special
            or not self.authenticated
            or node.guarded
            or not command.accepts(len(argvs[0]))
            or not node.router.is_idle(self)
        ):
            return False
        self.last_command = name = command.display_name
        node.calls[name] = node.calls.get(name, 0) + len(argvs)
        if not self.replies:
            node.runtime.replies_ready(self)
        self.reply_all([execute(command.handler, self, argv) for argv in argvs])
        return True

    def _dispatch_checked(self, argv: Argv) -> None:
        """Run one command with every check: it may be unknown, of the connection, or queued."""
        node = self.node
        command = lookup(argv[0])
        try:
            command = resolve(argv)
            flags = command.flags
            if not (self.authenticated or flags & NO_AUTH) and node.config["requirepass"]:
                raise CommandError(b"NOAUTH Authentication required.")
            if self.hears_messages_only and command.name not in ALLOWED_TO_SUBSCRIBERS:
                raise NotForSubscribers(command.display_name.encode())
            if flags & ADMIN and command.name == b"DEBUG":
                node.check_debug(self)
            if node.guarded and node.must_wait(self, command):
                self.wait_with([argv])
                return
        except CommandError as error:
            self._transaction_broken = True
            if argv[0].upper() == b"EXEC":  # whatever is wrong with it, it ends the transaction
                self.end_transaction()
                reason = error.text.removeprefix(b"ERR ")
                error = CommandError(b"EXECABORT Transaction discarded because of: " + reason)
            node.count_rejected(command)
            node.router.answer(self, error)
            return
        name = command.display_name
        node.calls[name] = node.calls.get(name, 0) + 1
        if flags & SCRIPT and self.transaction is None:
            command, argv = node.scripts.with_text(command, argv, node.script_mode())
        if self._special or flags & (CONNECTION | BLOCKING):
            self._dispatch_special(command, argv)
        elif is_logged(command, argv):
            node.router.submit_write(self, command, [argv], encode_command(argv))
        else:
            node.router.submit_read(self, command, [argv])

    def wait_with(self, argvs: list[Argv]) -> None:
        """Run these requests, and what follows, once `go_on` is called."""
        self.wait()
        waiting = self._waiting
        if waiting is not None and argvs:
            argvs = [as_sent(argv) for argv in argvs]
            waiting.append((argvs, b"".join(map(encode_command, argvs))))

    def _dispatch_special(self, command: Command, argv: Argv) -> None:
        """Transactions and commands of the connection itself; these take effect here and now."""
        router = self.node.router
        name = command.name
        self.last_command = command.display_name
        if name == b"EXEC":
            if self._transaction_publishes and not router.is_idle(self):
                self._wait_until_answered(command, argv)
            else:
                self._exec(argv)
        elif self.transaction is not None and name not in (b"DISCARD", b"RESET", b"QUIT"):
            self._queue(command, argv)
        elif name == b"QUIT":
            router.answer(self, OK)
            self._close_after_replies()
        elif (name in CHANGES_REPLIES or command.flags & PUBSUB) and not router.is_idle(self):
            self._wait_until_answered(command, argv)
        elif name == b"WATCH":
            router.submit_watch(self, self._watches, argv)
        elif may_wait(command, argv):
            router.submit_write(self, command, [argv], encode_command(argv))
            if self._waiting is None:  # else it has no leader yet, and comes by here again
                self.park_when_answered(self._unblocked)
        elif not command.flags & CONNECTION:
            command = self.node.tracking.remembering(self, command)
            if is_logged(command, argv):
                router.submit_write(self, command, [argv], encode_command(argv))
            else:
                router.submit_read(self, command, [argv])
        else:
            reply = execute(command.handler, self, argv)
            if reply is not LATER:
                router.answer(self, reply)
        if self.tracking is not None and self.transaction is None and name[:7] != b"CLIENT|":
            self.tracking.caching = False

    def _wait_until_answered(self, command: Command, argv: Argv) -> None:
        """Run a command once all before it has been answered.

        A message must not reach anybody before what its sender wrote first has been committed.
        """
        self.node.calls[command.display_name] -= 1  # it comes by here again
        self.wait_with([argv])
        self.call_when_answered(lambda: None)

    def park(self, wait: Wait) -> None:
        """The last command waits for a key; its time begins now."""
        if self.closing:
            wait.end(b"GONE")
            return
        self.blocked = wait
        if wait.timeout_ms:
            self._blocked_timer = self.node.call_later(
                wait.timeout_ms / 1000, lambda: wait.end(b"TIMEOUT")
            )

    def _unblocked(self) -> None:
        self.blocked = None
        if self._blocked_timer is not None:
            self._blocked_timer.cancel()
            self._blocked_timer = None
        self.node.call_soon(self.go_on)

    def _queue(self, command: Command, argv: Argv) -> None:
        transaction = self.transaction
        text = b""
        if command.name == b"MULTI":
            text = b"ERR MULTI calls can not be nested"
        elif command.name == b"WATCH":
            text = b"ERR WATCH inside MULTI is not allowed"
        elif command.flags & NO_MULTI or command.name == b"MIGRATE":
            text = b"ERR Command not allowed inside a transaction"
            self._transaction_broken = True
        if transaction is None or text:
            self.node.router.answer(self, CommandError(text))
            return
        router = self.node.router
        if isinstance(router, ClusterRouter) and is_routed(command):
            try:
                if router.holds_queued(self, command, argv):
                    return
            except CommandError as error:
                self._transaction_broken = True
                router.answer(self, error)
                return
        if self.node.memory.refuses:  # a queue could grow without end
            self._transaction_broken = True
            router.answer(self, CommandError(OUT_OF_MEMORY))
            return
        if command.name == b"SELECT":
            transaction.commands.append((select_in_transaction, argv, False))
            self._raws.append(encode_command(argv))
        else:
            local = command.flags & CONNECTION != 0
            command = self.node.tracking.remembering(self, command)
            handler = IN_TRANSACTION.get(command.name, command.handler)
            self._transaction_publishes |= command.flags & PUBSUB != 0
            self._transaction_has_scripts |= command.flags & SCRIPT != 0
            transaction.commands.append((handler, argv, local))
            if not local:
                self._raws.append(encode_command(argv))
                transaction.writes = transaction.writes or is_logged(command, argv)
                transaction.may_grow = transaction.may_grow or command.flags & DENYOOM != 0
        self.node.router.answer(self, "QUEUED")

    def begin_transaction(self) -> None:
        """MULTI."""
        self._special = True
        self.transaction = Transaction(self)
        self._raws = []
        self._transaction_broken = self._transaction_publishes = False
        self._transaction_has_scripts = False

    def end_transaction(self) -> None:
        """DISCARD, or after EXEC: nothing is queued or watched any more."""
        self.transaction = None
        self._raws = []
        self._transaction_broken = self._transaction_publishes = False
        self._transaction_has_scripts = False
        self._update_special()
        self.unwatch()

    def track(self, state: "ClientTracking | None") -> None:
        """CLIENT TRACKING with these choices, or off."""
        self.tracking = state
        self._update_special()

    def listen(self, subscriptions: Subscriptions | None) -> None:
        """Be a subscriber, or none any more."""
        self.subscriptions = subscriptions
        self._update_special()

    @property
    def hears_messages_only(self) -> bool:
        """Whether it has subscribed with RESP2, and so is not to send ordinary commands."""
        return self.resp == 2 and self.subscriptions is not None

    def _update_special(self) -> None:
        states = (self.transaction, self.tracking, self.subscriptions)
        self._special = any([state is not None for state in states])

    def push(self, message: bytes) -> None:
        """Send something that answers no command."""
        if not self.replies:
            self.node.runtime.replies_ready(self)
        self.replies.append(message)

    def unwatch(self) -> None:
        """Forget watched keys; a WATCH still under way fills a list that nobody looks at."""
        self._watches = []

    def _exec(self, argv: Argv) -> None:
        transaction = self.transaction
        router = self.node.router
        if transaction is None:
            router.answer(self, CommandError(b"ERR EXEC without MULTI"))
            return
        if self._transaction_broken:
            self.end_transaction()
            text = b"EXECABORT Transaction discarded because of previous errors."
            router.answer(self, CommandError(text))
            return
        transaction.watches = self._watches
        if isinstance(router, ClusterRouter) and router.holds_exec(self, transaction, argv):
            return
        if self._transaction_has_scripts:
            self._find_scripts(transaction)
        publishes = self._transaction_publishes
        raws = self._raws if transaction.writes else []
        self.end_transaction()
        selects = any([handler is select_in_transaction for handler, _, _ in transaction.commands])
        if not selects:
            router.submit_transaction(self, transaction, raws, argv)
            if publishes:
                self.call_when_answered(lambda: None)
            return
        # Which database comes next is known once it has run, or WATCH has stopped it.
        run = transaction
        router.submit_transaction(self, transaction, raws, argv, changes_db=True)
        self.call_when_answered(lambda: self._select_after(run))

    def _find_scripts(self, transaction: Transaction) -> None:
        """Give queued scripts their texts: which are known may have changed since, or does there."""
        node = self.node
        scripts = QueuedScripts(node.scripts)
        logged = 0
        for position, (handler, argv, local) in enumerate(transaction.commands):
            if local:
                scripts.follow(argv)
                continue
            command = lookup(argv[0])
            if command is not None and command.flags & SCRIPT:
                by_name = is_by_name(command)
                command, found = scripts.with_text(command, argv, node.script_mode())
                handler = node.tracking.remembering(self, command).handler
                if not by_name:
                    handler = scripts.keeping(argv[1], handler)
                transaction.commands[position] = handler, found, False
                self._raws[logged] = encode_command(found)
            logged += 1

    def _select_after(self, transaction: Transaction) -> None:
        if transaction.last_db >= 0:
            self.db = transaction.last_db

    def writes_next(self, command: Command) -> bool:
        """Return whether running `command` now may change the keyspace (EXEC: what it runs)."""
        transaction = self.transaction
        if command.name == b"EXEC":
            return transaction is not None and transaction.writes
        return command.flags & (WRITE | MAY_REPLICATE) != 0

    def select(self, argv: Argv) -> None:
        """Make later commands run in database argv[1].

        Raises:
            CommandError: there is no such database.
        """
        self.db = database_number(argv, self.node.config["databases"])

    def authenticate(self) -> None:
        """The right password was given."""
        self.authenticated = True
        self._parser.authenticated = True

    def reset(self) -> None:
        """RESET: as if newly connected."""
        self.end_transaction()
        self.node.tracking.disable(self)
        self.node.pubsub.forget(self)
        self.no_evict = False
        self.reads_followers = False
        self.mute_next = 0
        self.resp = 2
        self.db = 0
        self.name = b""
        self.muted = False
        self.authenticated = not self.node.config["requirepass"]
        self._parser.authenticated = self.authenticated


def _answer_ok(_: object, __: Argv) -> Reply:
    """CLIENT REPLY inside a transaction: its replies are one, so it changes nothing there."""
    return OK


# What runs instead of a command of the connection that MULTI has queued.
IN_TRANSACTION: Final[dict[bytes, Callable[[Any, Argv], Reply]]] = {b"CLIENT|REPLY": _answer_ok}
