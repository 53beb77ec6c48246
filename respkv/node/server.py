"""The composition root: one node with its log, its replica, its listeners and its clients."""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import select
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

from respkv.commands.table import LOADING, Command
from respkv.config import BufferLimit, Config
from respkv.consensus.raft import Raft
from respkv.errors import CommandError, LogFailed
from respkv.keyspace.accesses import Accesses
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.limits import Limits
from respkv.log.damage import LogDamaged, MemberDamaged
from respkv.log.filesystem import FileSystem, RealFileSystem
from respkv.log.wal import SEGMENT_BYTES, Wal
from respkv.node import (
    client_commands,
    client_list,
    cluster_commands,
    cluster_refusals,
    debug_commands,
    memory_commands,
    migrate,
    pubsub_commands,
    script_commands,
    server_commands,
    session_commands,
    tracking_commands,
)
from respkv.node.cluster import Cluster
from respkv.node.cluster_service import ClusterService
from respkv.node.connection import Connection
from respkv.node.listening import ListeningPorts
from respkv.node.loading import LoadingProgress
from respkv.node.long_replies import LongReplies
from respkv.node.membership import refuse_members_directory
from respkv.node.pause import Pause
from respkv.node.pubsub import PubSub
from respkv.node.router import ClusterRouter, Stream
from respkv.node.runtime import NodeRuntime
from respkv.node.snapshots import Snapshots
from respkv.node.sync_helper import SyncHelper
from respkv.node.tracking import Tracking
from respkv.node.waiting import Waiting
from respkv.replica.client import Client
from respkv.replica.log_writer import LogWriter
from respkv.replica.memory_guard import MemoryGuard
from respkv.replica.recover import recovering_replica
from respkv.replica.replica import Replica
from respkv.replica.snapshot_keeper import SnapshotKeeper
from respkv.scripts.cache import ScriptCache
from respkv.scripts.commands import IN_CLUSTER, OUT_OF_MEMORY
from respkv.steps import Result, Steps

logger = logging.getLogger("respkv")

TICK_SECONDS = 0.1
STALLED_SECONDS = 0.05  # a tick that comes so late waits for what peers have sent meanwhile
SNAPSHOT_CHILD = "respkv.node.snapshot_child"
LOADING_SLICE_SECONDS = 0.005
SLOW_TURN_SECONDS = 0.005  # between turns while the log has grown to half of its limit
COLLECTIONS_DUE_MAX = 100  # then garbage is collected also while long replies are made
FREE_ITEMS_PER_TURN = 5_000  # of emptied databases: about 2 ms
LEADERS_SECONDS = 1.5  # a starting node waits so long until it knows who leads
REDIRECTING_SECONDS = 1.0  # a stopping node stays there for clients that do not know who leads
REDIRECTING_QUIET_SECONDS = 0.2  # less when none of them has asked it for so long
DECLARED = (
    session_commands,
    client_commands,
    client_list,
    tracking_commands,
    server_commands,
    debug_commands,
    script_commands,
    cluster_commands,
    cluster_refusals,
    memory_commands,
    migrate,
    pubsub_commands,
)  # importing them declares their commands

PROTECTED_TEXT = (
    b"DENIED Redis is running in protected mode because protected mode is enabled and no password "
    b"is set for the default user. In this mode connections are only accepted from the loopback "
    b"interface. If you want to connect from external computers, set a password (requirepass), "
    b"bind to loopback only, or turn protected mode off (protected-mode no) if you know that "
    b"nobody else can reach this port."
)
DEBUG_REFUSED_TEXT = (
    b'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can '
    b"run it from a local connection, otherwise you need to set this option in the configuration "
    b"file, and then restart the server."
)
LOADING_TEXT = b"LOADING Redis is loading the dataset in memory"
DISK_FULL_TEXT = (
    b"MISCONF No room is left for the log, so writes are refused before any could be lost. "
    b"Free space on the disk; writing resumes by itself."
)
LOG_FULL_TEXT = (
    b"MISCONF The log has grown to log-bytes-max because no snapshot covers it, so writes are "
    b"refused. They resume once a snapshot is done; see INFO persistence and the server's log."
)


class Node:
    """Owns everything with a lifetime; commands reach it as `session.node`."""

    def __init__(
        self,
        config: Config,
        sync_helper: SyncHelper,
        fs: FileSystem,
        snapshot_child: str = SNAPSHOT_CHILD,
    ) -> None:
        self.config = config
        if config["cluster-enabled"]:
            config.set("databases", "1", "cluster mode")
        self.limits = Limits()  # one for all keyspaces, also those of partitions to come
        self.accesses: Accesses | None = None  # the same of when and how often keys are used
        self._follows = ("", 0, 0)
        self.sweeps = True
        self._log_open = False
        self.started = time.time()
        self.turn_time = self.started
        self.loading = True
        self.run_id = secrets.token_hex(20)
        self.clients: dict[int, Connection] = {}
        self.calls: dict[str, int] = {}
        self.rejected: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.error_replies = 0
        self.connections_received = 0
        self.connections_rejected = 0
        self.unknown_outcomes = 0
        self._last_client_id = 0
        self._answering: list[Connection] = []
        self._ports = ListeningPorts(
            lambda: Connection(self),  # type: ignore[arg-type,return-value]
            "--port or --bind",
            config["tcp-backlog"],
        )
        self._unix_server: asyncio.AbstractServer | None = None
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self.pause = Pause(self._loop, self.update_guard)
        self.tracking = Tracking(self)
        self.pubsub = PubSub()
        self.scripts = ScriptCache()
        self.waiting = Waiting(self._loop)
        self.guarded = True  # loading, or CLIENT PAUSE: see `must_wait`
        self._sync_helper = sync_helper
        self._fs = fs
        self._directory = str(config["dir"])
        self.snapshots = Snapshots(self, self._directory, snapshot_child)
        self._write_refusal = b""
        self.cluster: ClusterService | None = None  # what commands ask
        self._members: Cluster | None = None  # the same, as the owner of the replicas
        self.progress: LoadingProgress | None = None
        self.recovered_index = 0
        # Until the directory is loaded, an empty replica that never leads stands in: it answers
        # every client LOADING, in its turn, and nothing of it ever reaches a file.
        wal = Wal(self._fs, self._directory, SEGMENT_BYTES)
        self.runtime = NodeRuntime(self._loop, wal, sync_helper)
        self.runtime.on_keys_changed = self._keys_changed
        self.runtime.on_published = self._publish_for_script
        self.long_replies = LongReplies(self._loop, self.runtime.fail)
        self.memory = MemoryGuard(self.replicas, self.runtime.chance, self.runtime)
        self._take_log(wal)
        raft = Raft(1, [1], 0, 0, 0, 0, [], self.runtime.chance)
        keyspace = Keyspace(config["databases"])
        self._take_replica(Replica(0, raft, keyspace, (0, 0), self.log_writer, self.runtime))
        self.config_changed()

    def _take_log(self, wal: Wal) -> None:
        always = self.config["appendfsync"] == "always"
        self.wal = self.runtime.wal = wal
        wal.when_full = self._refuse_writes_when_full
        self.log_writer = self.runtime.log_writer = LogWriter(wal, self.runtime, always)

    def _take_replica(self, replica: Replica) -> None:
        self.replica = replica
        self.adopt(replica)
        self.router: Replica | ClusterRouter = replica
        self.tracking.update_watching()
        self.keeper = SnapshotKeeper(
            replica, self.wal, self.log_writer, self.runtime, self._fs, self._directory
        )

    # --- what connections ask ----------------------------------------------------------------

    def next_client_id(self) -> int:
        """Return a number no other connection of this process has."""
        self._last_client_id += 1
        return self._last_client_id

    def admit(self, client: Connection, is_local: bool) -> bytes:
        """Take a new connection in, or return the error that turns it away."""
        self.connections_received += 1
        if len(self.clients) >= self.config["maxclients"]:
            self.connections_rejected += 1
            return b"ERR max number of clients reached"
        if not (is_local or self.config["requirepass"] or not self.config["protected-mode"]):
            self.connections_rejected += 1
            return PROTECTED_TEXT
        self.clients[client.id] = client
        return b""

    def forget(self, client: Connection) -> None:
        """The connection is gone."""
        if isinstance(self.router, ClusterRouter):
            self.router.forget(client)
        self.tracking.disable(client)
        self.pubsub.forget(client)
        self.pause.forget(client)
        self.waiting.forget(client)
        self.clients.pop(client.id, None)

    def update_guard(self) -> None:
        """Decide anew whether `must_wait` has to be asked before each command."""
        self.guarded = self.loading or self.pause.active

    def check_debug(self, client: Connection) -> None:
        """Let DEBUG pass.

        Raises:
            CommandError: enable-debug-command does not allow it to this client.
        """
        allowed = self.config["enable-debug-command"]
        if allowed != "yes" and not (allowed == "local" and client.is_local):
            raise CommandError(DEBUG_REFUSED_TEXT)

    def must_wait(self, client: Connection, command: Command) -> bool:
        """Return whether CLIENT PAUSE keeps this command waiting.

        Raises:
            CommandError: the data is still being loaded, and the command needs it.
        """
        if self.loading and not command.flags & LOADING:
            raise CommandError(LOADING_TEXT)
        return self.pause.keeps(client, command)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send a message to all subscribers; return how many of them are on this node."""
        if self.cluster is not None:
            self.cluster.publish(channel, message)
        return self.pubsub.publish(channel, message)

    def _publish_for_script(self, channel: bytes, message: bytes, to_shard: bool) -> None:
        if to_shard:
            self.pubsub.publish_to_shard(channel, message)
        else:
            self.publish(channel, message)

    def _keys_changed(self, client: Client | None, keys: list[bytes | None]) -> None:
        if isinstance(client, Stream):
            client = client.connection
        writer = client.id if isinstance(client, Connection) else 0
        self.tracking.changed(writer, keys)

    def count_error(self, error: CommandError) -> None:
        """Count an error reply by its first word."""
        word = error.text.split(b" ", 1)[0].decode(errors="replace")
        self.errors[word] = self.errors.get(word, 0) + 1
        self.error_replies += 1

    def count_rejected(self, command: Command | None) -> None:
        """Count a command that was refused before it ran; None: there is no such command."""
        if command is not None:
            name = command.display_name
            self.rejected[name] = self.rejected.get(name, 0) + 1

    def config_changed(self) -> None:
        """Take over the options that are looked at too often to look them up."""
        config = self.config
        limits = config["client-output-buffer-limit"]
        self.output_limit: BufferLimit = limits["normal"]
        self.subscriber_limit: BufferLimit = limits["pubsub"]
        self.limits.take(config.__getitem__)
        self._follow_memory()
        for replica in self.replicas():
            replica.hold_ms = config["cluster-hold-ms"]
        if self._log_open:
            self.log_writer.wait_for_sync = config["appendfsync"] == "always"
        if self._members is not None:
            self._members.announce_changes()

    def _follow_memory(self) -> None:
        config = self.config
        limit, policy = config["maxmemory"], config["maxmemory-policy"]
        kind = policy.rpartition("-")[2]
        follows = (kind, config["lfu-log-factor"], config["lfu-decay-time"])
        if follows != self._follows:
            self._follows = follows
            self.accesses = None
            if kind in ("lru", "lfu"):
                self.accesses = Accesses(kind == "lfu", *follows[1:], int(time.time() * 1000))
            for replica in self.replicas():
                replica.keyspace.follow_accesses(self.accesses)
        self.memory.limit(limit, policy, config["maxmemory-samples"])
        self.runtime.check_memory = self.memory.end_turn if limit else None

    def adopt(self, replica: Replica) -> None:
        """Tell a replica's keyspace what this node is told about its data."""
        replica.sweeps = self.sweeps
        replica.hold_ms = self.config["cluster-hold-ms"]
        replica.keyspace.limits = self.limits
        replica.keyspace.follow_accesses(self.accesses)

    def script_mode(self) -> int:
        """Return what a script's outcome depends on beside the keyspace."""
        mode = IN_CLUSTER if self.config["cluster-enabled"] else 0
        return mode | OUT_OF_MEMORY if self.memory.refuses else mode

    def call_soon(self, call: Callable[[], None]) -> None:
        """Run something after the replies of this turn are on their way."""
        self._loop.call_soon(call)

    def call_later(self, seconds: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Run something after a while."""
        return self._loop.call_later(seconds, call)

    def close_soon(self, client: Connection) -> None:
        """Close another connection after this turn; nobody sees it any more."""
        self.forget(client)
        self._loop.call_soon(client.close_now)

    def close_when_answered(self, client: Connection) -> None:
        """Close a connection once its outstanding commands have been answered."""
        self._answering.append(client)

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self.calls.clear()
        self.rejected.clear()
        self.errors.clear()
        self.error_replies = 0
        for replica in self.replicas():
            keyspace = replica.keyspace
            keyspace.hits = keyspace.misses = keyspace.expired = keyspace.evicted = 0
        self.connections_received = 0
        self.connections_rejected = 0

    def replicas(self) -> list[Replica]:
        """Return the replicas on this node: one, or those of its partitions."""
        return [self.replica] if self._members is None else list(self._members.replicas.values())

    def keepers(self) -> list[SnapshotKeeper]:
        """Return what keeps the snapshots of each of them."""
        return [self.keeper] if self._members is None else list(self._members.keepers.values())

    def stop(self) -> None:
        """Finish, sync, exit 0."""
        self._stopping.set()

    # --- work beside the turns ----------------------------------------------------------------

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run work beside the turns; what it raises stops the node."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.runtime.fail(task.exception() or LogFailed("a background task failed"))

    async def _keep_spares(self) -> None:
        """Have zeroed segments ready, or refuse writes while there is no room for one."""
        path = self.wal.begin_spare()
        if path is not None:
            failure = None
            try:
                await self._loop.run_in_executor(None, self.wal.fill_spare, path)
            except OSError as error:
                failure = error
            self.wal.end_spare(path, failure)
        self._refuse_writes_when_full()

    def _refuse_writes_when_full(self) -> None:
        held, held_max = self.wal.bytes_held(), self.config["log-bytes-max"]
        self.runtime.turn_seconds = SLOW_TURN_SECONDS if held > held_max // 2 else 0.0
        refusal = b""
        if self.wal.full:
            refusal = DISK_FULL_TEXT
        elif held >= held_max:
            refusal = LOG_FULL_TEXT
        if refusal != self._write_refusal:
            self._write_refusal = refusal
            logger.warning("writes: %s", refusal.decode() or "taken again")
        for replica in self.replicas():
            replica.refusals.refuse_writes(refusal)

    # --- running -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen, load, serve until `stop` or a failure, then finish and sync."""
        # Cycles are rare here and a full collection over a large keyspace takes 100s of ms:
        # what exists now is never looked at again, and the rest is collected on purpose.
        gc.disable()
        opening = Wal.opening(self._fs, self._directory)
        next(opening)  # the directory is this server's, or another's: then no port is opened
        if not self.config["cluster-enabled"]:
            refuse_members_directory(self._fs, self._directory)
        elif self.cluster is None:
            self.cluster = self._members = Cluster(self, self._fs, self._directory)
            self.runtime.on_end_of_turn = self._members.end_turn
        self.progress = LoadingProgress(self._directory)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.stop)
        await self._open_listeners()
        serving = asyncio.create_task(self._load_and_tick(opening))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            ends: set[asyncio.Future[Any]] = {serving, stopping, self.runtime.failed}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in (self.runtime.failed, serving):
                if end.done():
                    end.result()
            await self._finish()
        finally:
            for task in (serving, stopping, *self._tasks):
                task.cancel()
            await asyncio.gather(serving, stopping, *self._tasks, return_exceptions=True)
            self._close_listeners()
            self._sync_helper.close(self._loop)

    async def _load_and_tick(self, opening: Steps[Wal]) -> None:
        try:
            await self._load(opening)
        except LogDamaged as damage:
            if self._members is not None and self._members.membership.is_shared:
                raise MemberDamaged(damage, self._members.membership.node_id) from None
            raise
        if self._members is not None:
            await asyncio.gather(self._tick(), self._ready_with_leaders(self._members))
        await self._tick()

    async def _load(self, opening: Steps[Wal]) -> None:
        self._take_log(await self._run_steps(opening))
        if self._members is not None:
            self._members.membership.refuse_foreign_log(bool(self.wal.recovered))
        self._log_open = self.runtime.seals = True
        if self._members is not None:
            await self._members.form()
            await self._run_steps(self._members.recovering())
            self._members.join()
            self.router = self._members.start()
            self.tracking.update_watching()
            return
        recovering = recovering_replica(
            self._fs,
            self._directory,
            self.wal,
            self.log_writer,
            self.runtime,
            partition=0,
            node_id=1,
            voters=[1],
            databases=self.config["databases"],
        )
        self._take_replica(await self._run_steps(recovering))
        self.recovered_index = self.replica.raft.last_index
        self.replica.raft.campaign()
        self.log_writer.touch(self.replica)
        await self._apply_tail()

    async def _run_steps(self, steps: Steps[Result]) -> Result:
        """Work in slices of a few milliseconds; clients are answered between them."""
        progress = self.progress
        slice_ends = 0.0
        while True:
            try:
                size = next(steps)
            except StopIteration as end:
                result: Result = end.value
                return result
            if progress is not None:
                progress.read(size)
                progress.show()
            if time.monotonic() >= slice_ends:
                await asyncio.sleep(0)
                slice_ends = time.monotonic() + LOADING_SLICE_SECONDS

    async def _apply_tail(self) -> None:
        """Wait until the replica has applied all that was recovered, a slice each turn."""
        first = self.replica.applied_index
        while not self.replica.serving:
            if self.progress is not None:
                done = self.replica.applied_index - first
                self.progress.applied(done, self.recovered_index - first)
                self.progress.show()
            await asyncio.sleep(LOADING_SLICE_SECONDS)
        self._ready()

    async def _ready_with_leaders(self, members: Cluster) -> None:
        """Serve once every client can be sent on; without a majority there may be no leader."""
        ends = time.monotonic() + LEADERS_SECONDS
        while not members.knows_leaders() and time.monotonic() < ends:
            await asyncio.sleep(LOADING_SLICE_SECONDS)
        self._ready()

    async def _open_listeners(self) -> None:
        self.listen()
        path = self.config["unixsocket"]
        if path:
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
            self._unix_server = await self._loop.create_unix_server(
                lambda: Connection(self),  # type: ignore[arg-type,return-value]
                path,
                backlog=self.config["tcp-backlog"],
            )
            os.chmod(path, int(self.config["unixsocketperm"], 8))

    def listen(self) -> None:
        """Listen where the options say, for clients and for peers.

        Raises:
            OSError: that cannot be had; the text says which options choose another place.
        """
        port = self.config["port"]
        self._ports.listen(self.config["bind"].split() if port else [], port)
        if self._members is not None:
            self._members.listen()

    def _close_listeners(self) -> None:
        self._ports.close()
        if self._unix_server is not None:
            self._unix_server.close()

    def _ready(self) -> None:
        self.loading = False
        self.update_guard()
        if self.progress is not None:
            self.progress.done()
        gc.collect()
        gc.freeze()
        address = f"{self.config['bind']} port {self.config['port']}"
        data = os.path.abspath(self._directory)
        logger.info(
            "ready on %s, data in %s, recovered index %d",
            address,
            data,
            self.recovered_index,
            extra={
                "fields": {
                    "event": "ready",
                    "bind": self.config["bind"].split(),
                    "port": self.config["port"],
                    "dir": data,
                    "recovered_index": self.recovered_index,
                }
            },
        )

    async def _tick(self) -> None:
        synced_at = time.monotonic()
        ticks = collections_due = 0
        while True:
            due = time.monotonic() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            if self._members is not None and time.monotonic() - due > STALLED_SECONDS:
                await self._members.drain()
            ticks += 1
            self.turn_time = time.time()
            if self.log_writer.idle:
                self.wal.seal()
            else:
                # What found no room before may be written now; a command larger than the spares may
                # have met a full disk while all of them are in place.
                self.runtime.request_end_of_turn()
            if self._members is not None:
                self._members.tick()
            else:
                self.replica.tick()
                self.keeper.tick()
            for replica in self.replicas():
                while replica.keyspace.free_some(FREE_ITEMS_PER_TURN):
                    await asyncio.sleep(0)
            policy = self.config["appendfsync"]
            if policy == "everysec" and time.monotonic() - synced_at >= 1:
                synced_at = time.monotonic()
                self.runtime.start_sync(self.wal.next_lsn - 1)
            self.snapshots.start_due()
            # A fast writer fills a segment within a second; a disk known full is tried less often.
            if ticks % 10 == 0 or not self.wal.full:
                await self._keep_spares()
            if ticks % 10 == 0:
                self._close_idle()
                self._close_slow()
                self._close_gone()
                collections_due += 1  # what is new is looked through while it is little
            # Lists of a million items would be looked through as well: 20 ms for each.
            waits = self.long_replies.is_busy and collections_due < COLLECTIONS_DUE_MAX
            if collections_due and not waits:
                collections_due = 0
                gc.collect(1)
            self._close_answered()

    def _close_answered(self) -> None:
        waiting, self._answering = self._answering, []
        for client in waiting:
            if client.is_answered:
                client.close_now()
            else:
                self._answering.append(client)

    def _close_slow(self) -> None:
        if self.output_limit.soft or self.subscriber_limit.soft:
            for client in list(self.clients.values()):
                if client.output_limit.soft:
                    client.check_output()

    def _close_gone(self) -> None:
        """Free clients that have left while they were kept waiting and not read."""
        unread = {client.fd(): client for client in self.clients.values() if client.is_unread}
        if unread:
            poller = select.poll()
            for fd in unread:
                poller.register(fd, select.POLLRDHUP)
            for fd, _ in poller.poll(0):
                unread[fd].abort()

    def _close_idle(self) -> None:
        seconds = self.config["timeout"]
        if seconds:
            for client in list(self.clients.values()):
                waits = client.blocked is not None or client.subscriptions is not None
                if self.turn_time - client.last_input > seconds and not waits:
                    client.close_now()

    async def _finish(self) -> None:
        """Hand over, take no more connections, let what was proposed commit, then sync."""
        if self._members is not None and not self.loading:
            await self._members.handing_over.before_stop()
            await self._send_clients_on(self._members.router)
        self._close_listeners()
        deadline = time.monotonic() + 5
        while not (self.loading or self.log_writer.idle) and time.monotonic() < deadline:
            await asyncio.sleep(0.001)
        for client in list(self.clients.values()):
            client.close_now()
        await asyncio.sleep(0)
        if self._members is not None:
            await self._members.close()
        if self._log_open:
            self.wal.close()
        logger.info("stopped: everything is synced")

    async def _send_clients_on(self, router: ClusterRouter) -> None:
        """Redirect clients until they have found the new leaders, or for a second."""
        ends = time.monotonic() + REDIRECTING_SECONDS
        quiet_until = time.monotonic() + REDIRECTING_QUIET_SECONDS
        redirections = router.redirections
        while self.clients and time.monotonic() < min(ends, quiet_until):
            await asyncio.sleep(LOADING_SLICE_SECONDS)
            are_idle = all([client.is_answered for client in self.clients.values()])
            if router.redirections != redirections or not are_idle:
                redirections = router.redirections
                quiet_until = time.monotonic() + REDIRECTING_QUIET_SECONDS


def serve(
    config: Config,
    fs: FileSystem | None = None,
    datasync: Callable[[int], None] = os.fdatasync,
    snapshot_child: str = SNAPSHOT_CHILD,
) -> None:
    """Run a node until it is told to stop.

    The disk can be another than the operating system's: `fs`, how the helper process syncs a
    descriptor of it, and the module that builds snapshots on it.

    Raises:
        DirectoryLocked, LogDamaged, LogFailed, InvariantViolation, OSError: it cannot go on.
    """
    sync_helper = SyncHelper(datasync)
    files = RealFileSystem() if fs is None else fs

    async def main() -> None:
        await Node(config, sync_helper, files, snapshot_child).run()

    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
