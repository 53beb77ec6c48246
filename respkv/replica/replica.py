"""One partition on one node: takes commands, drives Raft, applies what is committed.

The log comes first, the state follows: nothing touches the keyspace before its entry is committed,
so there is nothing to roll back and nothing uncommitted to hide. `submit_*` is the client side;
`step`, `tick`, `flush` and `persisted` are the node's.
"""

from collections import deque
from typing import Final

from respkv.commands.blocking import Parked
from respkv.commands.table import WRITE, Command, lookup
from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import Message
from respkv.consensus.raft import LEADER, Raft
from respkv.entry import Entry
from respkv.errors import CommandError, InvariantViolation, LogTimeBehind, NotLeader, NotReady
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.waiters import WaiterId
from respkv.replica.batch import (
    AWAITED_READ,
    LOCAL,
    LOGGED,
    READ,
    Argv,
    Batch,
    Handler,
    Item,
)
from respkv.replica.client import Client
from respkv.replica.log_clock import LogClock
from respkv.replica.log_writer import LogWriter
from respkv.replica.parked_calls import ParkedCall
from respkv.replica.refusals import (
    OUT_OF_MEMORY,
    PENDING_BYTES_MAX,
    QUEUE_FULL,
    TOO_LARGE,
    Refusals,
)
from respkv.replica.replay import apply_entry
from respkv.replica.runtime import Runtime
from respkv.replica.serving import serve_ready
from respkv.replica.transaction import Transaction, Watch, answer_to, execute
from respkv.replica.waiting_reads import WaitingReads
from respkv.wire.reply import Reply
from respkv.wire.run import encode_command

ENTRY_BYTES_MAX: Final = 1 << 20  # a batch is cut here; one larger command travels alone
APPLY_COMMANDS_PER_TURN: Final = 5_000  # about 10 ms of work, then the loop serves others
SWEEP_KEYS: Final = 500  # expired keys one entry removes: under 1 ms to apply
TICK_MS: Final = 100
# A voter counts an election timeout in ticks, so it may begin right before one; and its clock may
# run an eighth faster than this one's.
LEASE_MS: Final = (ELECTION_TIMEOUT_TICKS - 1) * TICK_MS * 4 // 5


class Replica:
    """See the module's text. Not thread-safe; every call belongs to one turn of the loop."""

    def __init__(
        self,
        partition: int,
        raft: Raft,
        keyspace: Keyspace,
        applied: tuple[int, int],
        log_writer: LogWriter,
        runtime: Runtime,
    ) -> None:
        self.partition = partition
        self.raft = raft
        self.keyspace = keyspace
        self.applied_index, self.applied_term = applied
        self.refusals = Refusals()
        self.pending_bytes = 0
        self.log_clock = LogClock(runtime, keyspace.now_ms)
        self.snapshot_index = raft.log.base_index  # a durable snapshot covers the log up to here
        self._snapshot_peers: list[int] = []
        self._runtime = runtime
        self._log_writer = log_writer
        self._sole_voter = raft.voters == [raft.node_id]
        self._leading_term = 0  # the term this replica leads in, 0 when it does not lead
        self._batch = Batch(1)
        self._led_until_ms = 0
        self.hold_ms = 1_500  # how long the outcome of a proposal may stay open from then on
        self._known_leader = (0, 0)  # and its term, as the runtime was told
        self._done_serial = 0
        self._proposed: deque[Batch] = deque()
        self._has_unproposed = False  # batches in there wait for who leads next
        self._committed: deque[Entry] = deque()
        self._waiting_reads = WaitingReads()
        self._round_began_ms = 0
        self._renews_lease = False
        self.lease_reads = 0  # runs of commands answered without a round
        self._parked: dict[WaiterId, ParkedCall] = {}
        self.sweeps = True  # DEBUG SET-ACTIVE-EXPIRE
        self._sweep_serial = 0
        self._reads_at_once = False  # a sole voter that serves: no quorum to ask
        self._time_read = False  # whether `keyspace.leader_ms` is this input's
        self._sweep: Command = _internal(b"RESPKV.SWEEP")
        self._evict_serial = 0
        self._evict: Command = _internal(b"RESPKV.EVICT")
        self._unpark: Command = _internal(b"RESPKV.UNPARK")

    @property
    def leads(self) -> bool:
        """Whether this replica leads its partition; `serving` may still be to come."""
        return self._leading_term != 0

    @property
    def serving(self) -> bool:
        """Whether this leader has applied an entry of its own term, so its reads are current."""
        return self._leading_term != 0 and self.applied_term == self._leading_term

    @property
    def follows(self) -> bool:
        """Whether this replica hears a leader, and has applied an entry of that leader's term.

        Its state is then as old as replication takes, or at most an election timeout more.
        """
        raft = self.raft
        return self._leading_term == 0 and raft.leader_id != 0 and self.applied_term == raft.term

    # --- the client side ---------------------------------------------------------------------

    def begin_input(self) -> None:
        """Commands that came together follow: time is read once for all of them."""
        self._time_read = False

    def submit_write(self, client: Client, command: Command, argvs: list[Argv], raw: bytes) -> None:
        """Queue a run of a command that may change the keyspace; `raw` is its RESP form."""
        if client.reads_pending:
            client.hold(lambda: self.submit_write(client, command, argvs, raw))
            return
        if self._leading_term == 0:
            self._redirect_all(client, argvs)
            return
        if command.flags & self.refusals.flags or self._is_full(len(raw)):
            self._refuse_write(client, command, argvs, raw)
            return
        batch = self._batch
        if batch.payload_bytes + len(raw) > ENTRY_BYTES_MAX and batch.payload:
            batch = self._cut_batch()
        if client.db != batch.payload_db:
            batch.select(client.db)
        batch.items.append((client, command.handler, argvs, client.db, LOGGED))
        batch.payload.append(raw)
        batch.payload_bytes += len(raw)
        client.batch_serial = batch.serial
        if len(batch.items) == 1:
            self._log_writer.touch(self)

    def submit_transaction(
        self,
        client: Client,
        transaction: Transaction,
        raws: list[bytes],
        argv: Argv,
        changes_db: bool = False,
    ) -> None:
        """Queue MULTI ... EXEC; `raws` are the RESP forms of its keyspace commands that it logs.

        Empty `raws` means that nothing in it writes: it is one read.
        """
        if not raws:
            self._submit_read(client, transaction.run, [argv])
            return
        if client.reads_pending:
            client.hold(
                lambda: self.submit_transaction(client, transaction, raws, argv, changes_db)
            )
            return
        if self._leading_term == 0:
            self._redirect_all(client, [argv])
            return
        if self.refusals.growth and transaction.may_grow:
            text = b"EXECABORT Transaction discarded because of: " + OUT_OF_MEMORY
            self.answer(client, CommandError(text))
            return
        if self.refusals.all_writes or self._is_full(sum(map(len, raws))):
            self._refuse(client, [argv], WRITE, sum(map(len, raws)))
            return
        if (
            self._batch.payload_bytes + sum(map(len, raws)) > ENTRY_BYTES_MAX
            and self._batch.payload
        ):
            self._cut_batch()
        batch = self._batch
        batch.select(client.db)
        batch.log(b"*1\r\n$5\r\nMULTI\r\n")
        for db, key, counter in transaction.watches:
            batch.log(encode_command([b"RESPKV.WATCHED", b"%d" % db, key, b"%d" % counter]))
        for raw in raws:
            batch.log(raw)
        batch.log(b"*1\r\n$4\r\nEXEC\r\n")
        if changes_db:
            batch.payload_db = -1
        self._join_batch(client, transaction.run, [argv], LOGGED)

    def submit_read(self, client: Client, command: Command, argvs: list[Argv]) -> None:
        """Answer a run of a command that only reads; linearizable, behind the client's writes."""
        handler = command.handler
        if (
            not self._reads_at_once
            or client.reads_pending
            or client.batch_serial > self._done_serial
        ):
            if not (self.raft.offers_lease and self._read_in_lease(client, handler, argvs)):
                self._submit_read(client, handler, argvs)
            return
        # A sole voter's reads of an idle client, flat: this is every GET of a standalone server.
        keyspace = self.keyspace
        if not self._time_read:
            keyspace.leader_ms = self.log_clock.now_ms()
            self._time_read = True
        if keyspace.db_index != client.db:
            keyspace.select(client.db)
        replies: list[Reply] = []
        remaining: list[Argv] = []
        try:
            for argv in argvs:
                try:
                    replies.append(handler(keyspace, argv))
                except CommandError as error:
                    replies.append(error.with_traceback(None))
        except Exception:  # log time is behind, or a bug: the longer way tells them apart
            remaining = argvs[len(replies) :]
        if replies:
            self._reply_all(client, replies)
        if remaining:
            self._submit_read(client, handler, remaining)

    def submit_stale_read(self, client: Client, handler: Handler, argvs: list[Argv]) -> None:
        """Answer from what is applied here, which may be old; expiry is judged at log time."""
        if client.reads_pending:
            client.hold(lambda: self.submit_stale_read(client, handler, argvs))
            return
        db = client.db

        def read(_: object, argv: Argv) -> Reply:
            self.keyspace.applying = False
            self.keyspace.leader_ms = self.keyspace.now_ms
            self.keyspace.select(db)
            return execute(handler, self.keyspace, argv)

        if client.batch_serial > self._done_serial:  # behind what it wrote while this was leading
            self._join_batch(client, read, argvs, LOCAL)
        else:
            self._reply_all(client, [read(None, argv) for argv in argvs])

    def submit_watch(
        self, client: Client, watches: list[tuple[int, bytes, int]], argv: Argv
    ) -> None:
        """Answer WATCH; later commands of the client wait until the counters are in `watches`."""
        self._submit_read(client, Watch(watches, client.db).run, [argv], awaited=True)

    def answer(self, client: Client, reply: Reply) -> None:
        """Give a reply that is known already, in its turn behind the client's earlier commands."""
        if client.reads_pending:
            client.hold(lambda: self.answer(client, reply))
        elif client.batch_serial <= self._done_serial:
            if not client.replies:
                self._runtime.replies_ready(client)
            client.reply(reply)
        else:
            self._join_batch(client, lambda _, __: reply, [[]], LOCAL)

    def copies(self, index: int) -> int:
        """Return how many followers are known to hold the log up to an applied `index` on disk.

        Wherever this replica stands now, a majority does, of which it may be one.
        """
        return max(len(self.raft.voters) // 2, self.raft.matching(index))

    def is_idle(self, client: Client) -> bool:
        """Return whether every command of the client has been answered."""
        return (
            not client.reads_pending
            and client.batch_serial <= self._done_serial
            and not client.is_parked
        )

    def end_wait(self, waiter_id: WaiterId, reason: bytes) -> None:
        """Have an entry end a parked call; without leadership the next leader's first one does."""
        call = self._parked.get(waiter_id)
        if call is None:
            return
        if reason == b"GONE":
            del self._parked[waiter_id]
        if self._leading_term:
            index, position = waiter_id
            self._log(self._unpark, b"%d" % index, b"%d" % position, reason)

    def _submit_read(
        self, client: Client, handler: Handler, argvs: list[Argv], awaited: bool = False
    ) -> None:
        if client.held:
            client.hold(lambda: self._submit_read(client, handler, argvs, awaited))
        elif self._leading_term == 0:
            self._redirect_all(client, argvs)
        elif client.reads_pending:
            self._await_round(client, handler, argvs, awaited)
        elif client.batch_serial == self._batch.serial:
            # Behind its own unsent write: it rides the same entry, in order, and is not logged.
            self._read_in_batch(client, handler, argvs, client.db, awaited)
        elif self._sole_voter and client.batch_serial <= self._done_serial and self.serving:
            self._read_now(client, handler, argvs, client.db, awaited)
        else:
            self._await_round(client, handler, argvs, awaited)

    def _read_in_batch(
        self, client: Client, handler: Handler, argvs: list[Argv], db: int, awaited: bool
    ) -> None:
        if awaited:
            client.reads_pending += 1
        self._join_batch(client, handler, argvs, AWAITED_READ if awaited else READ, db)

    def _read_now(
        self, client: Client, handler: Handler, argvs: list[Argv], db: int, awaited: bool
    ) -> None:
        keyspace = self.keyspace
        keyspace.applying = False
        keyspace.leader_ms = self.log_clock.now_ms()
        if keyspace.db_index != db:
            keyspace.select(db)
        replies: list[Reply] = []
        remaining: list[Argv] = []
        try:
            for argv in argvs:
                replies.append(execute(handler, keyspace, argv))
        except LogTimeBehind:
            # Past its deadline by this clock and not by log time: only an entry may say so.
            remaining = argvs[len(replies) :]
        if replies:
            self._reply_all(client, replies)
        if remaining:
            self._read_in_batch(client, handler, remaining, db, awaited)

    def _read_in_lease(self, client: Client, handler: Handler, argvs: list[Argv]) -> bool:
        """Answer at once while nobody else can lead; False when that is not certain.

        The clock is looked at again after reading: this process may have stood still meanwhile.
        """
        from_ms = self.raft.read_rounds.lease_from_ms
        if (
            not self.serving
            or not self.is_idle(client)
            or self._runtime.monotonic_ms() >= from_ms + LEASE_MS
        ):
            return False
        keyspace = self.keyspace
        keyspace.applying = False
        keyspace.leader_ms = self.log_clock.now_ms()
        keyspace.select(client.db)
        try:
            replies = [execute(handler, keyspace, argv) for argv in argvs]
        except LogTimeBehind:
            return False
        now_ms = self._runtime.monotonic_ms()
        if now_ms >= from_ms + LEASE_MS:
            return False
        if min(now_ms - from_ms, now_ms - self._round_began_ms) > LEASE_MS // 2:
            self._renews_lease = True
            self._log_writer.touch(self)
        self.lease_reads += 1
        self._reply_all(client, replies)
        return True

    def _await_round(
        self, client: Client, handler: Handler, argvs: list[Argv], awaited: bool
    ) -> None:
        kind = AWAITED_READ if awaited else READ
        self._waiting_reads.add((client, handler, argvs, client.db, kind), client.batch_serial)
        client.reads_pending += 1
        self._log_writer.touch(self)

    def _join_batch(
        self, client: Client | None, handler: Handler, argvs: list[Argv], kind: int, db: int = -1
    ) -> None:
        batch = self._batch
        if client is not None:
            batch.items.append((client, handler, argvs, client.db if db < 0 else db, kind))
            client.batch_serial = batch.serial
        else:
            batch.items.append((None, handler, argvs, 0, kind))
        self._log_writer.touch(self)

    def _log(self, command: Command, *arguments: bytes) -> None:
        """Have an entry run one of the replica's own commands."""
        argv = [command.name, *arguments]
        self._batch.log(encode_command(argv))
        self._join_batch(None, command.handler, [argv], LOGGED)

    def _is_full(self, size: int) -> bool:
        waiting = self.pending_bytes + self._batch.payload_bytes
        return waiting + size > PENDING_BYTES_MAX and self._is_full_of_many(size)

    def _is_full_of_many(self, size: int) -> bool:
        """A sole voter's command counts at most half of the limit: however large it is, it can be
        written, and while it waits others can. Followers would miss heartbeats behind it.
        """
        if not self._sole_voter:
            return True
        sizes = [size, self._batch.payload_bytes, *[each.payload_bytes for each in self._proposed]]
        return sum([min(each, PENDING_BYTES_MAX // 2) for each in sizes]) > PENDING_BYTES_MAX

    def _refuse_write(
        self, client: Client, command: Command, argvs: list[Argv], raw: bytes
    ) -> None:
        if (
            len(argvs) > 1 and len(raw) > PENDING_BYTES_MAX
        ):  # perhaps one of them alone is too large
            for argv in argvs:
                self.submit_write(client, command, [argv], encode_command(argv))
        else:
            self._refuse(client, argvs, command.flags, len(raw))

    def _refuse(self, client: Client, argvs: list[Argv], flags: int, size: int) -> None:
        too_large = size > PENDING_BYTES_MAX and not self._sole_voter
        text = self.refusals.text(flags, TOO_LARGE if too_large else QUEUE_FULL)
        for _ in argvs:
            self.answer(client, CommandError(text))

    def _redirect_all(self, client: Client, argvs: list[Argv]) -> None:
        """Send the client to the leader, once one is known."""
        if self.raft.leader_id:
            for argv in argvs:
                self.answer(client, self._redirection(client, argv))
        elif client.reads_pending:
            client.hold(lambda: self._redirect_all(client, argvs))
        else:
            self._join_batch(client, self._redirecting(client), argvs, READ)

    def _reply_all(self, client: Client, replies: list[Reply]) -> None:
        if not client.replies:
            self._runtime.replies_ready(client)
        client.reply_all(replies)

    # --- the node's side ---------------------------------------------------------------------

    @property
    def is_evicting(self) -> bool:
        """Whether keys that `evict` logged have not gone yet."""
        return self._evict_serial > self._done_serial

    def evict(self, victims: list[tuple[int, bytes]]) -> None:
        """Have an entry remove keys, given with their databases, unless they change before it."""
        keyspace = self.keyspace
        by_database: dict[int, list[bytes]] = {}
        for db, key in victims:
            pairs = by_database.setdefault(db, [])
            pairs += (key, b"%d" % keyspace.counter(db, key))
        for db, pairs in by_database.items():
            self._log(self._evict, b"%d" % db, *pairs)
            self._evict_serial = self._batch.serial

    def step(self, message: Message) -> None:
        """Take one message of a peer."""
        self.raft.step(message)
        self._log_writer.touch(self)

    def tick(self) -> None:
        """One heartbeat interval has passed (100 ms)."""
        if self.raft.tick():
            self._log_writer.touch(self)
        self._sweep_if_due()
        self._give_up_old_proposals()

    def send(self, message: Message) -> None:
        """Send a message that had to wait for the log to be durable."""
        self._runtime.send(message)

    def persisted(self, term: int, index: int) -> bool:
        """The log is durable here up to (term, index); return whether `flush` has work since."""
        return self.raft.persisted(term, index)

    def snapshot_installed(self, keyspace: Keyspace, index: int, term: int) -> None:
        """Go on from a leader's snapshot that is durable here and ahead of this replica."""
        if index <= self.applied_index:
            return
        while self._proposed and self._proposed[0].index <= index:
            # Whether these were applied before the snapshot was taken, nobody here can tell.
            batch = self._proposed.popleft()
            self.pending_bytes -= batch.payload_bytes
            batch.abandon()
            self._done_serial = batch.serial
        self._committed = deque(entry for entry in self._committed if entry.index > index)
        if self.keyspace.changed is not None:
            keyspace.changed = [None]  # what the skipped entries changed, nobody can tell
        keyspace.take_over(self.keyspace)
        self.keyspace = keyspace
        self._abandon_parked()  # what became of their calls, nobody here can tell
        self._tell_changed(None)
        self.applied_index, self.applied_term = index, term
        self._log_writer.touch(self)

    def reload(self) -> None:
        """Write the keyspace down and go on with what is read back (DEBUG RELOAD).

        Raises:
            InvariantViolation: that is another state.
        """
        old = self.keyspace
        keyspace = Keyspace.load(list(old.dump()))
        if keyspace.digest() != old.digest():
            raise InvariantViolation("a keyspace differs from what it was written down as")
        keyspace.changed = old.changed
        keyspace.take_over(old)
        self.keyspace = keyspace

    def flush(self) -> None:
        """Propose this turn's commands, start its read round, and do what Raft has decided."""
        if self.raft.role == LEADER and not self._leading_term:
            # Commands that wait here for a leader travel with the first entry of its term.
            self._follow_role()
            self._tell_leader()
        if self._log_writer.syncing:
            if self._batch.items or self._has_unproposed:
                self._log_writer.touch_when_synced(self)  # one entry for all that comes meanwhile
        else:
            self._propose_batch()
        self._start_round()
        self._drain_raft()
        if self.raft.role != LEADER:
            self._tell_leader()  # whoever is refused below is sent there
        self._apply_committed()
        self._serve_reads()
        self._follow_role()
        self._tell_leader()
        self._resolve_unproposed()
        self._compact_memory()
        self._reads_at_once = self._sole_voter and self.serving
        self._time_read = False

    def _tell_leader(self) -> None:
        raft = self.raft
        if (raft.leader_id, raft.term) != self._known_leader:
            self._known_leader = (raft.leader_id, raft.term)
            self._runtime.leader_changed(raft.leader_id, raft.term)

    def take_snapshot_peers(self) -> list[int]:
        """Return the followers whose next entry is no longer in memory, each once."""
        peers, self._snapshot_peers = self._snapshot_peers, []
        return peers

    def _compact_memory(self) -> None:
        """Forget entries that nobody will ask for: a sole voter's once applied, others' once a
        durable snapshot can stand in for them.
        """
        covered = self.applied_index
        if not self._sole_voter:
            covered = min(covered, self.snapshot_index)
        if covered > self.raft.log.base_index:
            self.raft.compact(covered)

    def _propose_batch(self) -> None:
        if self.raft.is_handing_over:
            return  # goes on when that has succeeded or is given up
        if self._has_unproposed and self._leading_term:
            waiting = [batch for batch in self._proposed if not batch.index and batch.needs_entry()]
            self._has_unproposed = not all([self._propose(batch) for batch in waiting])
        if self._batch.items:
            self._cut_batch()
            self._resolve_unproposed()

    def _cut_batch(self) -> Batch:
        """Propose the collected batch (or let it fail in its turn) and begin the next."""
        batch = self._batch
        self._batch = Batch(batch.serial + 1)
        self._proposed.append(batch)
        self.pending_bytes += batch.payload_bytes
        # A batch of the connections' own commands only waits its turn.
        if batch.needs_entry() and (self._has_unproposed or not self._propose(batch)):
            self._has_unproposed = True
        self._log_writer.touch(self)
        return self._batch

    def _propose(self, batch: Batch) -> bool:
        if not self._leading_term or self._leading_term != self.raft.term:
            return False
        try:
            entry = self.raft.propose(self.log_clock.now_ms(), b"".join(batch.payload))
        except (NotLeader, NotReady):
            return False
        batch.term, batch.index = entry.term, entry.index
        return True

    def _start_round(self) -> None:
        if not self._waiting_reads.any_unasked() and not self._renews_lease:
            return
        self._renews_lease = False
        self._round_began_ms = self._runtime.monotonic_ms()
        try:
            number = self.raft.read_index(self._round_began_ms)
        except NotReady:
            return  # its own term's first entry is on the way; the round starts behind it
        except NotLeader:
            self._fail_reads(self._waiting_reads.take_unasked())
            return
        self._waiting_reads.round_began(number)

    def _drain_raft(self) -> None:
        ready = self.raft.ready()
        if ready is None:
            return
        if ready.hard_state is not None or ready.entries or ready.messages_after_sync:
            self._log_writer.add(self, ready)
        for message in ready.messages:
            self._runtime.send(message)
        if ready.committed:
            self._committed.extend(ready.committed)
        if ready.snapshot_peers:
            self._snapshot_peers.extend(ready.snapshot_peers)
        for number, read_index in ready.reads:
            self._waiting_reads.round_confirmed(number, read_index)
        self._sole_voter = self.raft.voters == [self.raft.node_id] and not self.raft.learners

    def _follow_role(self) -> None:
        leading_term = self.raft.term if self.raft.role == LEADER else 0
        if leading_term == self._leading_term:
            return
        self._leading_term = leading_term
        if leading_term:
            last_ms = max(self.keyspace.now_ms, self.raft.log_time_ms)
            self.log_clock = LogClock(self._runtime, last_ms)
            self._abandon_replaced()
        else:
            self._led_until_ms = self._runtime.monotonic_ms()
        self._fail_reads(self._waiting_reads.take_all())
        if self._batch.items:
            self._cut_batch()
        self._resolve_unproposed()

    # --- applying ----------------------------------------------------------------------------

    def _apply_committed(self) -> None:
        applied_commands = 0
        while self._committed:
            if applied_commands >= APPLY_COMMANDS_PER_TURN:
                self._log_writer.touch(self)
                return
            applied_commands += self._apply(self._committed.popleft())

    def _apply(self, entry: Entry) -> int:
        if entry.index != self.applied_index + 1:
            raise InvariantViolation(f"applying {entry.index} on top of {self.applied_index}")
        self._resolve_unproposed()
        items: list[Item] | None = None
        batch: Batch | None = None
        if self._proposed and self._proposed[0].index == entry.index:
            batch = self._proposed.popleft()
            self.pending_bytes -= batch.payload_bytes
            if batch.term == entry.term:
                items = batch.items
            else:
                self._refuse_batch(batch)
                self._done_serial = batch.serial
                batch = None
        if items is None:
            apply_entry(self.keyspace, entry)
            self._tell_changed(None)
        else:
            self.keyspace.begin_entry(entry.term, entry.index, entry.time_ms, entry.semantics)
            self._run_items(items)
        if self.keyspace.waiters.answered:
            self._answer_parked()
        self.applied_index = entry.index
        self.applied_term = entry.term
        if batch is not None:
            self._done_serial = batch.serial
            if batch.serial == self._sweep_serial:
                self._sweep_if_due()
        self._resolve_unproposed()
        return self.keyspace.position + 1

    def _run_items(self, items: list[Item]) -> None:
        keyspace = self.keyspace
        ready = keyspace.waiters.ready
        keyspace.publish = self._runtime.publish
        for client, handler, argvs, db, kind in items:
            if kind == LOCAL:
                if client is not None:
                    for argv in argvs:
                        self._reply_all(client, [execute(handler, client, argv)])
                continue
            if keyspace.db_index != db:
                keyspace.select(db)
            logged = kind == LOGGED
            keyspace.applying = logged
            if logged and client is not None:
                client.written_index = self.applied_index + 1
            replies: list[Reply] = []
            for argv in argvs:
                try:
                    replies.append(handler(keyspace, argv))
                except Exception as error:
                    replies.append(answer_to(error, argv))
                if logged:
                    if ready:
                        serve_ready(keyspace)
                    keyspace.position += 1
            if type(replies[-1]) is Parked:
                self._park(client, replies.pop())
            if client is not None:
                self._reply_all(client, replies)
                if kind == AWAITED_READ:
                    self._read_done(client)
            if keyspace.changed:
                self._tell_changed(client)
        keyspace.applying = False
        keyspace.publish = None

    def _park(self, client: Client | None, parked: Parked) -> None:
        """Remember who made the call that has just been run and parked."""
        keyspace = self.keyspace
        waiter_id = (keyspace.index, keyspace.position - 1)
        if client is not None:
            call = ParkedCall(client, waiter_id, parked.timeout_ms, self.end_wait)
            self._parked[waiter_id] = call
            client.is_parked = True
            client.park(call)

    def _answer_parked(self) -> None:
        for waiter_id, reply in self.keyspace.waiters.answered:
            call = self._parked.pop(waiter_id, None)
            if call is not None:
                call.client.is_parked = False
                self._reply_all(call.client, [reply])
        self.keyspace.waiters.answered.clear()

    def _abandon_parked(self) -> None:
        parked, self._parked = self._parked, {}
        for call in parked.values():
            call.client.close_unknown()

    def _tell_changed(self, client: Client | None) -> None:
        changed = self.keyspace.changed
        if changed:
            self.keyspace.changed = []
            self._runtime.keys_changed(client, changed)

    def _read_done(self, client: Client) -> None:
        client.reads_pending -= 1
        while client.held and not client.reads_pending:
            held, client.held = client.held, []
            selected_db = client.db
            for position, (db, submit) in enumerate(held):
                client.db = db
                submit()
                client.db = selected_db
                if client.reads_pending:
                    # Whatever this one held again is already in `client.held`; the rest follows.
                    client.held.extend(held[position + 1 :])
                    break

    def _serve_reads(self) -> None:
        while True:
            round_ = self._waiting_reads.take_served(self.applied_index, self._done_serial)
            if round_ is None:
                return
            for client, handler, argvs, db, kind in round_.items:
                if client is None:
                    continue
                awaited = kind == AWAITED_READ
                if client.batch_serial > self._done_serial:
                    # An earlier read of this client waits for log time to move: stay behind it.
                    self._read_in_batch(client, handler, argvs, db, awaited)
                else:
                    self._read_now(client, handler, argvs, db, awaited)
                self._read_done(client)

    def _refuse_batch(self, batch: Batch) -> None:
        """Answer a batch that is certain never to be applied."""
        for client, handler, argvs, _, kind in batch.items:
            if client is None:
                continue
            for argv in argvs:
                if kind == LOCAL:
                    reply = execute(handler, client, argv)
                else:
                    reply = self._redirection(client, argv)
                self._reply_all(client, [reply])
            if kind == AWAITED_READ:
                self._read_done(client)

    def _resolve_unproposed(self) -> None:
        """Answer, in their turn, batches that were never appended."""
        while self._proposed and self._proposed[0].index == 0:
            batch = self._proposed[0]
            if batch.needs_entry() and self._may_yet_lead():
                return
            self._proposed.popleft()
            self.pending_bytes -= batch.payload_bytes
            self._refuse_batch(batch)
            self._done_serial = batch.serial

    def _may_yet_lead(self) -> bool:
        """Return whether who leads next is open; it may be this replica."""
        raft = self.raft
        if self._leading_term or raft.role == LEADER:
            return True
        waited_ms = self._runtime.monotonic_ms() - self._led_until_ms
        return not raft.leader_id and waited_ms < self.hold_ms

    def _fail_reads(self, reads: list[Item]) -> None:
        """Reads that no quorum confirmed go behind what their clients still wait for."""
        for client, handler, argvs, db, _ in reads:
            if client is not None:
                self._join_batch(client, handler, argvs, AWAITED_READ, db)

    def _redirecting(self, client: Client) -> Handler:
        """Return what redirects a read in its turn."""
        return lambda _, argv: self._redirection(client, argv)

    def _redirection(self, client: Client, argv: Argv) -> CommandError:
        return CommandError(self._runtime.redirection(client, self.raft.leader_id, argv))

    def _give_up_old_proposals(self) -> None:
        """Close clients of an ex-leader's proposals that stay open: they may still commit."""
        if (
            self._leading_term
            or not (self._proposed or self._parked)
            or self._runtime.monotonic_ms() - self._led_until_ms < self.hold_ms
        ):
            return
        self._resolve_unproposed()
        for batch in self._proposed:
            batch.abandon()
            if not batch.index:
                batch.items = []
        self._abandon_parked()

    def _abandon_replaced(self) -> None:
        """Let go of proposals of an earlier term that the log no longer holds: new ones take
        their indexes, though another leader may yet commit them (Raft paper, figure 8)."""
        for batch in self._proposed:
            if batch.index and self.raft.term_at(batch.index) != batch.term:
                batch.abandon()
                batch.items = []
                batch.index = 0

    def _sweep_if_due(self) -> None:
        if self._leading_term == 0:
            return
        deadline_ms = self.keyspace.next_deadline_ms()
        if (
            deadline_ms is not None
            and self._sweep_serial <= self._done_serial
            and deadline_ms < self.log_clock.now_ms()
        ):
            self._log(self._sweep, b"%d" % SWEEP_KEYS)
            self._sweep_serial = self._batch.serial


def _internal(name: bytes) -> Command:
    command = lookup(name)
    if command is None:
        raise InvariantViolation(f"{name!r} is not declared")
    return command
