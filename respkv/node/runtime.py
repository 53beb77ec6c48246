"""The asyncio side of a replica: turns, clocks, syncs and the clients whose replies are ready."""

import asyncio
import errno
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from respkv.clock import Chance, SeededChance
from respkv.consensus.messages import Message
from respkv.errors import LogFailed
from respkv.log.direct import STAGED_BYTES_MAX
from respkv.log.wal import Wal
from respkv.node.sync_helper import SyncHelper
from respkv.replica.client import Client
from respkv.replica.log_writer import LogWriter
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk
from respkv.steps import Steps

SLICE_SECONDS: Final = 0.005  # of long work, each turn
# A small batch is synced here while at least 8 of 9 syncs take less time than this: another
# process costs some 100 us more. With many clients, their next requests are read meanwhile.
QUICK_SYNC_SECONDS: Final = 0.0005
QUICK_SYNCS_MIN: Final = 16
SEAL_SECONDS: Final = 0.01  # idle for so long, the last batch is sealed


class NodeRuntime:
    """Implements `respkv.replica.runtime.Runtime` on an event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wal: Wal, sync_helper: SyncHelper) -> None:
        self.chance: Chance = SeededChance(int.from_bytes(os.urandom(8), "little"))
        self.failed: asyncio.Future[None] = loop.create_future()
        self.log_writer: LogWriter
        self.on_keys_changed: Callable[[Client | None, list[bytes | None]], None]
        self.on_published: Callable[[bytes, bytes, bool], None]
        self.current_client: Client | None = None  # sends its own replies when its input is done
        self.on_end_of_turn: Callable[[], None] = lambda: None
        self.send_messages: Callable[[], None] = lambda: None  # those to peers leave now
        self.check_memory: Callable[[], None] | None = None  # while there is a limit
        self.before_replies: Callable[[], None] | None = None  # once, in this turn
        self._loop = loop
        self.wal = wal
        self._sync_helper = sync_helper
        self._ready_clients: list[Client] = []
        self._steps: deque[Steps[None]] = deque()
        self._turn_requested = False
        self._in_turn = False
        self._quick_syncs = 0  # of late; a slow one counts as 8 less
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

    def request_sending(self) -> None:
        """Have what was queued for peers or clients sent when the turn ends."""
        if not self._in_turn:
            self.request_end_of_turn()

    def start_sync(self, lsn: int) -> None:
        """Sync what was written: here if that is little and quick, or else in the helper process."""
        self.send_messages()  # the followers write and sync meanwhile
        if (
            not self.log_writer.wait_for_sync  # it is of all that a second has brought
            or self.wal.written_bytes > STAGED_BYTES_MAX
            or self._quick_syncs < QUICK_SYNCS_MIN
        ):
            self._sync_helper.sync(self.wal.sync_file, lsn)
            return
        started = time.perf_counter()
        try:
            self._sync_helper.sync_here(self.wal.sync_file)
        except OSError as error:
            self._sync_failed(error.errno or errno.EIO)
            return
        self._note_sync(time.perf_counter() - started)
        self.log_writer.synced(lsn)

    def _note_sync(self, seconds: float) -> None:
        if seconds < QUICK_SYNC_SECONDS:
            self._quick_syncs = min(self._quick_syncs + 1, 2 * QUICK_SYNCS_MIN)
        else:
            self._quick_syncs = max(self._quick_syncs - 8, 0)

    def _sync_failed(self, error: int) -> None:
        self.fail(
            LogFailed(
                f"fdatasync of the log failed: {os.strerror(error)}. Nothing tells what of it is on "
                "the disk, so the server stops: look at the disk, then start it again"
            )
        )

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
            self.request_sending()

    def keys_changed(self, client: Client | None, keys: list[bytes | None]) -> None:
        """Pass on what a command changed."""
        self.on_keys_changed(client, keys)

    def publish(self, channel: bytes, message: bytes, to_shard: bool) -> None:
        """Send what a script publishes."""
        self.on_published(channel, message, to_shard)

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
        self._in_turn = True
        try:
            self.log_writer.end_turn()
        except BaseException as error:
            self.fail(error)
            return
        if self.before_replies is not None:
            tell, self.before_replies = self.before_replies, None
            tell()
        self._in_turn = False
        self.send_messages()
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

    def _synced(self, lsn: int, error: int, seconds: float) -> None:
        if error:
            self._sync_failed(error)
            return
        self._note_sync(seconds)
        try:
            # What became durable is applied in this same turn, not in the next one.
            self._turn_requested = self._in_turn = True
            self.log_writer.synced(lsn)
            self._end_turn()
        except BaseException as failure:
            self.fail(failure)

    def _send_replies(self) -> None:
        ready, self._ready_clients = self._ready_clients, []
        for client in ready:
            client.send_replies()
