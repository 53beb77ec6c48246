"""Cluster mode: each command goes to its partition, and each client's replies keep its order.

`ClusterRouter` stands where a standalone node has its one replica. A client has a *stream* for each
partition it talks to; the stream is what that partition's replica knows as the client. The client's
own queue says in which order replies of different streams leave.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from respkv.cluster.redirect import redirect
from respkv.cluster.view import ClusterView
from respkv.commands.routing import is_routed, slot_of_command
from respkv.commands.table import WRITE, Command, resolve, resolve_logged
from respkv.errors import CommandError, CrossSlot, KeylessInTransaction, Moved, SlotNotServed
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.slots import slot_of
from respkv.node.cluster_service import local_host
from respkv.node.gathering import COMBINED, Gathering
from respkv.node.listing import Listing, copy_keys
from respkv.replica.client import Client, Wait
from respkv.replica.replica import Replica
from respkv.replica.transaction import Transaction, execute
from respkv.wire.long_reply import Encoded, encode_or_begin
from respkv.wire.reply import Reply
from respkv.wire.run import Argv, encode_command

if TYPE_CHECKING:
    from respkv.node.connection import Connection

UNROUTED: Final = -1  # a command without keys


class Stream(Client):
    """One client's commands to one partition."""

    def __init__(self, connection: "Connection", router: "ClusterRouter") -> None:
        super().__init__()
        self.connection = connection
        self.router = router
        self.is_broken = False  # the outcome of its next command is unknown

    def reply(self, reply: Reply) -> None:
        """Keep one reply until all before it have left; none may stand in for an unknown one."""
        if self.is_broken:
            return
        if type(reply) is not bytes and isinstance(reply, CommandError):
            self.connection.node.count_error(reply)
        self.replies.append(encode_or_begin(reply, self.connection.resp))

    def count_error(self, error: CommandError) -> None:
        """Count an error inside the reply to a transaction."""
        self.connection.node.count_error(error)

    def park(self, wait: Wait) -> None:
        """The client's last command waits for a key."""
        self.connection.park(wait)

    def send_replies(self) -> None:
        """Pass on what is next in the client's order."""
        self.router.drain(self.connection)

    def close_unknown(self) -> None:
        """Close the client once it comes to this stream's next reply."""
        if not self.is_broken:
            self.is_broken = True
            self.router.drain(self.connection)


# Where the client's next replies come from: a stream and how many, or one that is there already.
Awaited = tuple[Stream | None, int, Encoded]


class Lane:
    """What the router knows of one client."""

    def __init__(self) -> None:
        self.streams: dict[int, Stream] = {}
        self.order: deque[Awaited] = deque()
        self.is_gathering = False
        self.held_since_ms = 0  # a command waits for a leader since then; 0: none does
        self.has_waited = False  # long enough: what waits is answered now, leader or not
        self.watches: list[tuple[int, bytes, int]] = []  # that the slots below belong to
        self.watched_slots: set[int] = set()


class ClusterRouter:
    """Does for a node in cluster mode what its one replica does without; see `Replica`."""

    def __init__(self, node: Any, view: ClusterView, replicas: dict[int, Replica]) -> None:
        self.node = node
        self.view = view
        self.replicas = replicas
        self.redirections = 0  # clients sent elsewhere
        self._lanes: dict[int, Lane] = {}
        self._held: list[Connection] = []

    # --- what connections call ---------------------------------------------------------------

    def begin_input(self) -> None:
        """Commands that came together follow."""

    def is_idle(self, connection: "Connection") -> bool:
        """Return whether every command of the client has been answered."""
        lane = self._lanes.get(connection.id)
        return lane is None or not (lane.order or lane.is_gathering)

    def answer(self, connection: "Connection", reply: Reply) -> None:
        """Give a reply that is known already, in its turn."""
        lane = self._lane(connection)
        if lane.order:
            if type(reply) is not bytes and isinstance(reply, CommandError):
                self.node.count_error(reply)
            lane.order.append((None, 1, encode_or_begin(reply, connection.resp)))
        else:
            if not connection.replies:
                self.node.runtime.replies_ready(connection)
            connection.reply(reply)

    def submit_write(
        self, connection: "Connection", command: Command, argvs: list[Argv], raw: bytes
    ) -> None:
        """Queue a run of a command that may change the keyspace; `raw` is its RESP form."""
        self._submit(connection, command, argvs, raw, logged=True)

    def submit_read(self, connection: "Connection", command: Command, argvs: list[Argv]) -> None:
        """Queue a run of a command that only reads."""
        self._submit(connection, command, argvs, b"", logged=False)

    def submit_watch(
        self, connection: "Connection", watches: list[tuple[int, bytes, int]], argv: Argv
    ) -> None:
        """Answer WATCH; EXEC behind it waits until the counters are in `watches`."""
        slots = {slot_of(key) for key in argv[1:]}
        if len(slots) > 1:
            self.answer(connection, CrossSlot())
            return
        slot = slots.pop()
        replica = self._leading(slot)
        if replica is None:
            refusal = self.redirection(connection, slot)
            if not (isinstance(refusal, SlotNotServed) and self._hold(connection, [argv])):
                self.answer(connection, refusal)
            return
        lane = self._lane(connection)
        if lane.watches is not watches:
            lane.watches, lane.watched_slots = watches, set()
        lane.watched_slots.add(slot)  # known now; the counters only once the read is served
        stream = self._stream(connection, replica.partition)
        self._expect(connection, stream)
        replica.submit_watch(stream, watches, argv)

    def submit_transaction(
        self,
        connection: "Connection",
        transaction: Transaction,
        raws: list[bytes],
        argv: Argv,
        changes_db: bool = False,
    ) -> None:
        """Queue MULTI ... EXEC, all of whose keys must be in one slot."""
        slots = self._slots_of(connection, transaction)
        if len(slots) > 1:
            self.answer(connection, CrossSlot())
        elif not slots:
            self.answer(connection, transaction.run(self._no_keys(), argv))
        else:
            slot = next(iter(slots))
            replica = self._leading(slot)
            follower = None if replica is not None or raws else self._following(connection, slot)
            if follower is not None:
                stream = self._stream(connection, follower.partition)
                self._expect(connection, stream)
                follower.submit_stale_read(stream, transaction.run, [argv])
                return
            if replica is None:
                self.answer(connection, self.redirection(connection, slot))
                return
            stream = self._stream(connection, replica.partition)
            self._expect(connection, stream)
            replica.submit_transaction(stream, transaction, raws, argv, changes_db)

    def _slots_of(self, connection: "Connection", transaction: Transaction) -> set[int]:
        if transaction.slots is not None:
            return transaction.slots
        lane = self._lane(connection)
        slots = set(lane.watched_slots) if lane.watches is transaction.watches else set()
        for _, command_argv, _ in transaction.commands:
            command = resolve_logged(command_argv)
            if is_routed(command):
                slots.add(slot_of_command(command, command_argv))
        slots.discard(UNROUTED)
        transaction.slots = slots
        return slots

    def holds_queued(self, connection: "Connection", command: Command, argv: Argv) -> bool:
        """Check a command that MULTI queues, so that EXEC does not fail later.

        Return whether it waits for a leader, and is queued again later.

        Raises:
            CommandError: its keys are in several slots, another node leads theirs, or it is one
                for all partitions.
        """
        if command.name in COMBINED:
            raise KeylessInTransaction
        slot = slot_of_command(command, argv)
        if slot == UNROUTED:
            return False
        if not command.flags & WRITE and self._following(connection, slot) is not None:
            return False
        return self._waits_for_leader(connection, slot, argv)

    def replica_for(self, connection: "Connection", argv: Argv) -> Replica | None:
        """Return the replica that serves the keys; None: the command waits for a leader.

        Raises:
            CommandError: they are in several slots, or another node leads theirs.
        """
        slot = slot_of_command(resolve(argv), argv)
        if self._waits_for_leader(connection, slot, argv):
            return None
        return self._leading(slot)

    def holds_exec(self, connection: "Connection", transaction: Transaction, argv: Argv) -> bool:
        """Return whether EXEC waits for a leader; a redirection is left to the submission."""
        slots = self._slots_of(connection, transaction)
        if len(slots) != 1:
            return False
        slot = next(iter(slots))
        if not transaction.writes and self._following(connection, slot) is not None:
            return False
        try:
            return self._waits_for_leader(connection, slot, argv)
        except CommandError:
            return False

    def _waits_for_leader(self, connection: "Connection", slot: int, argv: Argv) -> bool:
        if self._leading(slot) is not None:
            return False
        error = self.redirection(connection, slot)
        if isinstance(error, SlotNotServed) and self._hold(connection, [argv]):
            return True
        raise error

    def copies(self, connection: "Connection") -> tuple[int, bool]:
        """Return how many other nodes hold all that the client wrote here on disk.

        And whether that may still grow as far as this node will hear: of a partition that it does
        not lead any more it learns nothing. A client that wrote nothing is told how many there are.
        """
        written = [
            (self.replicas[partition], stream.written_index)
            for partition, stream in self._lane(connection).streams.items()
            if stream.written_index
        ]
        if not written:
            others = [
                node.up
                for number, node in self.view.nodes.items()
                if number != self.view.own_number
            ]
            return min(self.view.replication_factor - 1, sum(others)), True
        return (
            min([replica.copies(index) for replica, index in written]),
            all([replica.leads for replica, _ in written]),
        )

    def forget(self, connection: "Connection") -> None:
        """The client is gone; what it proposed goes on without it."""
        self._lanes.pop(connection.id, None)
        if connection in self._held:
            self._held.remove(connection)

    # --- commands to partitions --------------------------------------------------------------

    def _submit(
        self,
        connection: "Connection",
        command: Command,
        argvs: list[Argv],
        raw: bytes,
        logged: bool,
    ) -> None:
        shares: dict[int, list[Argv]] = {}
        for position, argv in enumerate(argvs):
            try:
                slot = slot_of_command(command, argv)
            except CrossSlot as error:
                self.answer(connection, error)
                continue
            if slot == UNROUTED:
                if command.name not in COMBINED:  # OBJECT HELP: it looks at no keyspace
                    self.answer(connection, execute(command.handler, self._no_keys(), argv))
                    continue
                self._submit_shares(connection, command, shares, b"", logged)
                self._gather(connection, command, argvs[position:])
                return
            replica = self._leading(slot)
            if replica is None and not command.flags & WRITE:
                replica = self._following(connection, slot)
            if replica is not None:
                self._expect(connection, self._stream(connection, replica.partition))
                shares.setdefault(replica.partition, []).append(argv)
                continue
            refusal = self.redirection(connection, slot)
            if isinstance(refusal, SlotNotServed) and self._hold(connection, argvs[position:]):
                break
            self.answer(connection, refusal)
        if sum(map(len, shares.values())) < len(argvs):
            raw = b""  # it has commands that do not go to a partition here
        self._submit_shares(connection, command, shares, raw, logged)

    def _submit_shares(
        self,
        connection: "Connection",
        command: Command,
        shares: dict[int, list[Argv]],
        raw: bytes,
        logged: bool,
    ) -> None:
        """Submit each partition's commands; `raw` is theirs when one partition got all."""
        for partition, argvs in shares.items():
            replica = self.replicas[partition]
            stream = self._stream(connection, partition)
            if not logged:
                if not replica.leads:
                    replica.submit_stale_read(stream, command.handler, argvs)
                    continue
                replica.begin_input()
                replica.submit_read(stream, command, argvs)
            elif len(shares) > 1 or not raw:
                replica.submit_write(stream, command, argvs, b"".join(map(encode_command, argvs)))
            else:
                replica.submit_write(stream, command, argvs, raw)

    def _no_keys(self) -> Keyspace:
        """Return what a command without keys runs on."""
        keyspace = Keyspace(1)
        keyspace.leader_ms = self.node.runtime.now_ms()
        keyspace.publish = self.node.runtime.publish
        return keyspace

    def redirection(self, connection: "Connection", slot: int) -> CommandError:
        """Return what a client is told whose command this node cannot serve."""
        preferred = self.node.config["cluster-preferred-endpoint-type"]
        error = redirect(self.view, slot, local_host(connection), preferred)
        self.redirections += isinstance(error, Moved)
        return error

    def leads(self, key: bytes) -> bool:
        """Return whether this node leads the slot of a key or shard channel."""
        return self._leading(slot_of(key)) is not None

    def _leading(self, slot: int) -> Replica | None:
        """Return the replica that serves a slot; None when none on this node leads it."""
        replica = self.replicas.get(self.view.partition_of_slot[slot])
        return replica if replica is not None and replica.leads else None

    def _following(self, connection: "Connection", slot: int) -> Replica | None:
        """Return the follower here that a READONLY client may read a slot from; None for none."""
        if not connection.reads_followers:
            return None
        replica = self.replicas.get(self.view.partition_of_slot[slot])
        return replica if replica is not None and replica.follows else None

    def _lane(self, connection: "Connection") -> Lane:
        lane = self._lanes.get(connection.id)
        if lane is None:
            lane = self._lanes[connection.id] = Lane()
        return lane

    def _stream(self, connection: "Connection", partition: int) -> Stream:
        streams = self._lane(connection).streams
        stream = streams.get(partition)
        if stream is None:
            stream = streams[partition] = Stream(connection, self)
        return stream

    def _expect(self, connection: "Connection", stream: Stream) -> None:
        order = self._lane(connection).order
        if order:
            last, count, _ = order[-1]
            if last is stream:
                order[-1] = (stream, count + 1, b"")
                return
        order.append((stream, 1, b""))

    # --- commands that wait for a leader ------------------------------------------------------

    def _hold(self, connection: "Connection", argvs: list[Argv]) -> bool:
        """Keep commands until their slot has a leader; False when they have waited long enough."""
        lane = self._lane(connection)
        if lane.has_waited:
            return False
        if not lane.held_since_ms:
            lane.held_since_ms = self.node.runtime.monotonic_ms()
        connection.wait_with(argvs)
        if connection not in self._held:
            self._held.append(connection)
        return True

    def retry_held(self) -> None:
        """Try commands again that wait for a leader: one may be known, or they waited too long."""
        held, self._held = self._held, []
        for connection in held:
            if connection.id not in self._lanes:
                continue  # closed by what went on before it
            lane = self._lanes[connection.id]
            waited_ms = self.node.runtime.monotonic_ms() - lane.held_since_ms
            lane.has_waited = waited_ms >= self.node.config["cluster-hold-ms"]
            connection.go_on()
            lane.has_waited = False
            if connection not in self._held:
                lane.held_since_ms = 0

    # --- commands without keys ---------------------------------------------------------------

    def _gather(self, connection: "Connection", command: Command, argvs: list[Argv]) -> None:
        """Run a command on every partition this node leads; nothing of the client overlaps it."""
        if not self.is_idle(connection):
            connection.wait_with(argvs)
            connection.call_when_answered(lambda: None)
            return
        if any(self.view.leaders[number] == 0 for number in self.replicas):
            # It might be this node in a moment, and then its keys belong to the answer.
            if not self._hold(connection, argvs):
                for _ in argvs:
                    self.answer(connection, SlotNotServed())
            return
        lane = self._lane(connection)
        lane.is_gathering = True

        def done(reply: Reply) -> None:
            lane.is_gathering = False
            if self._lanes.get(connection.id) is not lane:
                return  # the client is gone
            if gathering.has_unknown and command.flags & WRITE:
                connection.close_unknown()
                return
            for number, part in gathering.parts.items():
                if part.written_index:
                    self._stream(connection, number).written_index = part.written_index
            self.answer(connection, reply)
            self.node.call_soon(connection.go_on)

        led = {number: replica for number, replica in self.replicas.items() if replica.leads}
        connection.wait_with(argvs[1:])
        copies_keys = command.name == b"KEYS"
        gathering = Gathering(
            led,
            command.with_handler(copy_keys) if copies_keys else command,
            argvs[0],
            COMBINED[command.name],
            self._listing(connection, argvs[0], led, done) if copies_keys else done,
        )
        gathering.start(self.view.partitions)

    def _listing(
        self,
        connection: "Connection",
        argv: Argv,
        led: dict[int, Replica],
        done: Callable[[Reply], None],
    ) -> Callable[[Reply], None]:
        """Return what lists the keys that KEYS has copied; `done` is for errors."""
        lane = self._lane(connection)

        def listed(encoded: bytes) -> None:
            lane.is_gathering = False
            self.node.runtime.replies_ready(connection)
            connection.take_encoded([encoded])
            self.node.call_soon(connection.go_on)

        def copied(reply: Any) -> None:
            if isinstance(reply, CommandError):
                done(reply)
                return
            listing = Listing(
                led,
                argv[1],
                self.node.call_soon,
                lambda: self._lanes.get(connection.id) is lane,
                listed,
            )
            listing.start(reply)

        return copied

    # --- replies -----------------------------------------------------------------------------

    def drain(self, connection: "Connection") -> None:
        """Pass on the replies whose turn has come."""
        lane = self._lanes.get(connection.id)
        if lane is None:
            return
        order = lane.order
        out: list[Encoded] = []
        broken = False
        while order:
            stream, count, reply = order[0]
            if stream is None:
                out.append(reply)
                order.popleft()
                continue
            replies = stream.replies
            if len(replies) >= count:
                out += replies[:count]
                del replies[:count]
                order.popleft()
                continue
            out += replies
            order[0] = (stream, count - len(replies), b"")
            replies.clear()
            broken = stream.is_broken
            break
        connection.take_encoded(out)
        if broken:
            order.clear()
            connection.close_unknown()
        connection.send_replies()
