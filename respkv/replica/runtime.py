"""What a replica asks of the world around it; asyncio in production, virtual time in the simulator."""

from typing import Protocol

from respkv.clock import Chance, Clock
from respkv.consensus.messages import Message
from respkv.replica.client import Client
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk
from respkv.steps import Steps


class Runtime(Clock, Protocol):
    """The node under a replica."""

    chance: Chance

    def send(self, message: Message | SnapshotChunk | SnapshotAck) -> None:
        """Send to `message.recipient`; it may be lost, doubled or late, never changed."""
        ...

    def request_end_of_turn(self) -> None:
        """Call `LogWriter.end_turn()` once all input of this turn has been handled."""
        ...

    def start_sync(self, lsn: int) -> None:
        """Make the log durable up to `lsn`, then call `LogWriter.synced(lsn)`, at once or later."""
        ...

    def run_steps(self, steps: Steps[None]) -> None:
        """Run them to their end, a few milliseconds a turn; what else happens goes on between."""
        ...

    def replies_ready(self, client: Client) -> None:
        """Send what is in `client.replies` before the turn ends."""
        ...

    def keys_changed(self, client: Client | None, keys: list[bytes | None]) -> None:
        """Learn what a command changed, while `Keyspace.changed` asks for it."""
        ...

    def publish(self, channel: bytes, message: bytes, to_shard: bool) -> None:
        """Send what a script publishes, to a channel or a shard channel."""
        ...

    def leader_changed(self, leader_id: int, term: int) -> None:
        """Learn who leads the partition (0: nobody is known) in which term."""
        ...

    def redirection(self, client: Client, leader_id: int, argv: list[bytes]) -> bytes:
        """Return the error line that sends a client with this command to the leader (0: unknown)."""
        ...
