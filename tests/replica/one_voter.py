"""A replica that is its group's only voter, on a faulty disk, its turns and clock moved by hand."""

from typing import Any

from respkv import commands  # noqa: F401  (importing it declares them)
from respkv.clock import SeededChance
from respkv.commands.table import resolve
from respkv.consensus.messages import VOTE_REPLY, Message
from respkv.log.wal import Wal
from respkv.replica.client import Client, Wait
from respkv.replica.log_writer import LogWriter
from respkv.replica.recover import recovering_replica
from respkv.steps import Steps, finish
from respkv.wire.run import encode_command
from tests.faulty_disk import FaultyDisk

SEGMENT_BYTES = 4096


class HandClient(Client):
    """Keeps what it is sent; `closed` once an outcome is unknown."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = False
        self.waits: list[Wait] = []

    def park(self, wait: Wait) -> None:
        """Keep it, to be ended by hand."""
        self.waits.append(wait)

    def send_replies(self) -> None:
        """They stay in `replies`."""

    def close_unknown(self) -> None:
        """Note it."""
        self.closed = True


class OneVoter:
    """Implements `respkv.replica.runtime.Runtime`."""

    def __init__(self, disk: FaultyDisk, follower: int = 0) -> None:
        """`follower` grants its vote, if there is one, and then says nothing."""
        self.chance = SeededChance(1)
        self.now = 1_700_000_000_000
        self.wal = Wal.open(disk, "data", SEGMENT_BYTES)
        self.log_writer = LogWriter(self.wal, self, wait_for_sync=True)
        voters = [1, follower] if follower else [1]
        self.replica = finish(
            recovering_replica(
                disk, "data", self.wal, self.log_writer, self, 0, 1, voters, databases=1
            )
        )
        self._turn_requested = False
        self.replica.raft.campaign()
        self.log_writer.touch(self.replica)
        self.turns()
        if follower:
            self.replica.step(Message(VOTE_REPLY, follower, 1, self.replica.raft.term))
            self.turns()

    def now_ms(self) -> int:
        """Moves with the ticks."""
        return self.now

    def monotonic_ms(self) -> int:
        """Moves with the ticks."""
        return self.now

    def send(self, message: Any) -> None:
        """There is nobody who answers."""

    def request_end_of_turn(self) -> None:
        """See `turns`."""
        self._turn_requested = True

    def start_sync(self, lsn: int) -> None:
        """The disk is fast."""
        self.wal.sync_file.datasync()
        self.log_writer.synced(lsn)

    def run_steps(self, steps: Steps[None]) -> None:
        """All at once."""
        finish(steps)

    def replies_ready(self, client: Client) -> None:
        """Clients keep their replies."""

    def publish(self, channel: bytes, message: bytes, to_shard: bool) -> None:
        """Nobody subscribes."""

    def leader_changed(self, leader_id: int, term: int) -> None:
        """Nobody needs to know."""

    def redirection(self, client: Client, leader_id: int, argv: list[bytes]) -> bytes:
        """It leads, or nobody does."""
        return b"LOADING"

    def turns(self) -> None:
        """End turns until none is asked for."""
        while self._turn_requested:
            self._turn_requested = False
            self.log_writer.end_turn()

    def tick(self) -> None:
        """One heartbeat interval, as a node takes it."""
        self.now += 100
        if self.log_writer.idle:
            self.wal.seal()
        else:
            self.request_end_of_turn()
        self.replica.tick()
        self.turns()

    def submit(self, client: Client, *argv: bytes) -> None:
        """Submit one command, which is logged; the turn goes on."""
        command = resolve(list(argv))
        self.replica.submit_write(client, command, [list(argv)], encode_command(list(argv)))

    def write(self, client: Client, *argv: bytes) -> None:
        """Submit one command and end the turn."""
        self.submit(client, *argv)
        self.turns()
