"""The asyncio side of a replica: turns, clocks, syncs and the clients whose replies are ready."""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable

from respkv.clock import Chance, SeededChance
from respkv.consensus.messages import Message
from respkv.log.wal import Wal
from respkv.node.sync_helper import SyncHelper
from respkv.replica.client import Client
from respkv.replica.log_writer import LogWriter
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk
from respkv.steps import Steps

SLICE_SECONDS = 0.005  # of long work, each turn
SEAL_SECONDS = 0.01  # idle for so long, the last batch is sealed


class LogFailed(Exception):
    """The log could not be written or synced: this node stops, as its promises are void."""


class NodeRuntime:
    """Implements `respkv.replica.runtime.Runtime` on an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wal: Wal, sync_helper: SyncHelper) -> None:
        self.chance: Chance = SeededChance(int.from_bytes(os.urandom(8), "little"))
        self.failed: asyncio.Future[None] = loop.create_future()
        self.log_writer: LogWriter
        self.on_keys_changed: Callable[[Client | None, list[bytes | None]], None]
        self.current_client: Client | None = None  # sends its own replies when its input is done
        self.on_end_of_turn: Callable[[], None] = lambda: None  # messages to peers leave now
        self.check_memory: Callable[[], None] | None = None  # while there is a limit
        self._loop = loop
        self.wal = wal
        self._sync_helper = sync_helper
        self._ready_clients: list[Client] = []
        self._steps: deque[Steps[None]] = deque()
        self._turn_requested = False
        self.turn_seconds = 0.0  # more: writes are slowed down
        self.seals = False  # the log is open: an empty batch seals it when it is idle
        self._seal_requested = False
        sync_helper.attach(loop, self._synced)

    def now_ms(self) -> int:
        """Wall clock, Unix milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """A clock that also counts the time a machine was suspended."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def send(self, message: Message | SnapshotChunk | SnapshotAck) -> None:
        """One voter has no peers."""
        raise LogFailed(f"a node without peers was asked to send to node {message.recipient}")

    def request_end_of_turn(self) -> None:
        """Have the turn ended once every socket that is readable now has been read."""
        if not self._turn_requested:
            self._turn_requested = True
            if self.turn_seconds:
                self._loop.call_later(self.turn_seconds, self._end_turn)
            else:
                self._loop.call_soon(self._end_turn)

    def start_sync(self, lsn: int) -> None:
        """Ask the helper process to sync what was written."""
        self._sync_helper.sync(self.wal.sync_file, lsn)

    def run_steps(self, steps: Steps[None]) -> None:
        """Run them in slices, one long work after the other."""
        self._steps.append(steps)
        if len(self._steps) == 1:
            self._loop.call_soon(self._run_slice)

    def _run_slice(self) -> None:
        slice_ends = time.monotonic() + SLICE_SECONDS
        try:
            while self._steps and time.monotonic() < slice_ends:
                if next(self._steps[0], None) is None:
                    self._steps.popleft()
        except BaseException as error:
            self.fail(error)
            return
        if self._steps:
            self._loop.call_soon(self._run_slice)

    def replies_ready(self, client: Client) -> None:
        """Send the client's replies when the turn ends."""
        if client is not self.current_client:
            self._ready_clients.append(client)
            self.request_end_of_turn()

    def keys_changed(self, client: Client | None, keys: list[bytes | None]) -> None:
        """Pass on what a command changed."""
        self.on_keys_changed(client, keys)

    def leader_changed(self, leader_id: int, term: int) -> None:
        """Nobody needs to know."""

    def redirection(self, client: Client, leader_id: int, argv: list[bytes]) -> bytes:
        """A sole voter without leadership is still loading."""
        return b"LOADING Redis is loading the dataset in memory"

    def fail(self, error: BaseException) -> None:
        """Stop the node: a broken invariant or a failed disk is never worked around."""
        if not self.failed.done():
            self.failed.set_exception(error)

    def _end_turn(self) -> None:
        self._turn_requested = False
        try:
            self.log_writer.end_turn()
        except BaseException as error:
            self.fail(error)
            return
        self._send_replies()
        self.on_end_of_turn()
        if self.check_memory is not None:
            self.check_memory()
        if self.seals and not self._seal_requested and not self.wal.sealed:
            self._seal_requested = True
            self._loop.call_later(SEAL_SECONDS, self._seal)

    def _seal(self) -> None:
        self._seal_requested = False
        try:
            if self.log_writer.idle:
                self.wal.seal()
        except BaseException as error:
            self.fail(error)

    def _synced(self, lsn: int, error: int) -> None:
        if error:
            self.fail(LogFailed(f"fdatasync of the log failed: {os.strerror(error)}"))
            return
        try:
            self.log_writer.synced(lsn)
            # What became durable is applied in this same turn, not in the next one.
            self._turn_requested = True
            self._end_turn()
        except BaseException as failure:
            self.fail(failure)

    def _send_replies(self) -> None:
        ready, self._ready_clients = self._ready_clients, []
        for client in ready:
            client.send_replies()
