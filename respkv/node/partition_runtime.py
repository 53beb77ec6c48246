"""What the replica of one partition asks of its node: time, sending, syncs, who is redirected where."""

import contextlib
from typing import TYPE_CHECKING

from respkv.clock import Chance
from respkv.commands.routing import slot_of_command
from respkv.commands.table import resolve_logged
from respkv.consensus.messages import Message
from respkv.errors import CommandError, SlotNotServed, TryAgain
from respkv.node.router import Stream
from respkv.replica.client import Client
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk
from respkv.steps import Steps

if TYPE_CHECKING:
    from respkv.node.cluster import Cluster


class PartitionRuntime:
    """The node's runtime, as the replica of one partition sees it."""

    def __init__(self, cluster: "Cluster", partition: int) -> None:
        self.chance: Chance = cluster.node.runtime.chance
        self._cluster = cluster
        self._runtime = cluster.node.runtime
        self._partition = partition

    def now_ms(self) -> int:
        """Wall clock, Unix milliseconds."""
        return self._runtime.now_ms()

    def monotonic_ms(self) -> int:
        """A clock that also counts the time a machine was suspended."""
        return self._runtime.monotonic_ms()

    def send(self, message: Message | SnapshotChunk | SnapshotAck) -> None:
        """Queue it for the peer; it leaves when the turn ends."""
        self._cluster.network.send(self._partition, message)
        self._runtime.request_sending()

    def request_end_of_turn(self) -> None:
        """Have the turn ended."""
        self._runtime.request_end_of_turn()

    def start_sync(self, lsn: int) -> None:
        """Make the log durable up to `lsn`."""
        self._runtime.start_sync(lsn)

    def run_steps(self, steps: Steps[None]) -> None:
        """Run long work in slices."""
        self._runtime.run_steps(steps)

    def replies_ready(self, client: Client) -> None:
        """Send the client's replies when the turn ends."""
        self._runtime.replies_ready(client)

    def keys_changed(self, client: Client | None, keys: list[bytes | None]) -> None:
        """Tell the clients that track them."""
        self._runtime.keys_changed(client, keys)

    def publish(self, channel: bytes, message: bytes, to_shard: bool) -> None:
        """Send what a script publishes."""
        self._runtime.publish(channel, message, to_shard)

    def leader_changed(self, leader_id: int, term: int) -> None:
        """Clients are sent to this leader from now on."""
        self._cluster.leader_changed(self._partition, leader_id, term)

    def redirection(self, client: Client, leader_id: int, argv: list[bytes]) -> bytes:
        """Return the error line that sends a client with this command to the leader."""
        if not isinstance(client, Stream):  # a part of a gathering, which tells its own client
            return SlotNotServed().text
        slot = -1
        with contextlib.suppress(CommandError):  # EXEC: any of the partition's slots will do
            slot = slot_of_command(resolve_logged(argv), argv)
        if slot < 0:
            slot = self._cluster.view.partition_of_slot.index(self._partition)
        if leader_id == self._cluster.view.own_number:
            return TryAgain().text
        return self._cluster.router.redirection(client.connection, slot).text
