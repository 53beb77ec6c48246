"""What the product asks of a node that runs it: clocks, turns and counters, on virtual time.

It stands where connections and the cluster side have their `Node` and its `NodeRuntime`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from respkv.clock import SeededChance
from respkv.commands.table import LOADING, Command
from respkv.config import Config
from respkv.errors import CommandError
from respkv.log.wal import Wal
from respkv.node.connection import Connection
from respkv.node.long_replies import LongReplies
from respkv.node.pubsub import PubSub
from respkv.node.router import ClusterRouter
from respkv.node.tracking import Tracking
from respkv.replica.client import Client
from respkv.replica.log_writer import LogWriter
from respkv.replica.memory_guard import MemoryGuard
from respkv.replica.replica import Replica
from respkv.scripts.cache import ScriptCache
from respkv.scripts.commands import IN_CLUSTER, OUT_OF_MEMORY
from respkv.steps import Steps
from tests.faulty_disk import FaultyDisk
from tests.simulation.process import Process
from tests.simulation.world import MILLISECOND, SECOND

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

WALL_AT_START_MS = 1_700_000_000_000
PORT_BASE = 7000  # a node's port is this and its number


class Timer:
    """A call that is still to come."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """It never comes."""
        self._call = None

    def fire(self) -> None:
        """Its time has come."""
        if self._call is not None:
            self._call()


class SimulatedLongReplies(LongReplies):
    """How much of a reply is made at once is chance, and other things happen in between."""

    def __init__(self, host: "Host") -> None:
        super().__init__(self, self._failed)  # type: ignore[arg-type]
        self._host = host

    def call_soon(self, call: Callable[[], None]) -> None:
        """Run the next slice: in place of the event loop."""
        self._host.later(self._host.world.between(0, MILLISECOND), call)

    def has_time(self) -> bool:
        """Return whether the slice goes on."""
        return self._host.world.happens(900)

    def _failed(self, error: BaseException) -> None:
        raise error


class NobodyWaits:
    """Stands where the node has those in WAIT."""

    def __len__(self) -> int:
        return 0

    def end(self, client: Connection, reason: bytes) -> bool:
        """The client is not in WAIT."""
        return False


class Host:
    """One process on one machine; its subclass says how it lives and dies."""

    def __init__(self, cluster: "Cluster", number: int) -> None:
        self.simulation = cluster
        self.world = cluster.world
        self.id = number
        self.chance = SeededChance(cluster.world.chance.below(1 << 62))
        self.disk = FaultyDisk(SeededChance(cluster.world.chance.below(1 << 62)))
        self.skew_ms = 0
        self.speed_per_mille = 1000
        self.sync_us = (50, 2000)
        self.config = Config()
        addresses = [f"127.0.0.1:{PORT_BASE + other}" for other in range(1, cluster.size + 1)]
        for name, text in (
            ("port", f"{PORT_BASE + number}"),
            ("cluster-peers", " ".join(addresses)),
            ("cluster-partitions", f"{cluster.partitions}"),
            ("databases", f"{cluster.databases}"),
            ("read-consistency", "lease" if cluster.troubles.leases else "readindex"),
        ):
            self.config.set(name, text, "simulation")
        self.output_limit = self.config["client-output-buffer-limit"]["normal"]
        self.subscriber_limit = self.config["client-output-buffer-limit"]["pubsub"]
        self.runtime = self
        self.cluster: Any = None  # what commands ask, in cluster mode
        self.waiting = NobodyWaits()
        self.wal: Wal
        self.log_writer: LogWriter
        self.router: ClusterRouter | Replica
        self.reset()

    def reset(self) -> None:
        """A new process knows nothing of the one before."""
        self.loading = self.guarded = True
        self.turn_time = 0.0
        self.calls: dict[str, int] = {}
        self.clients: dict[int, Connection] = {}
        self.current_client: Client | None = None
        self.unknown_outcomes = 0
        self.memory = MemoryGuard(self.replicas, self.chance, self)  # without a limit at first
        self.tracking = Tracking(self)  # type: ignore[arg-type]
        self.pubsub = PubSub()
        self.scripts = ScriptCache()
        self.process = Process()
        self.long_replies = SimulatedLongReplies(self)
        self._last_client_id = 0
        self._answering: list[Connection] = []
        self._turn_requested = self._in_turn = False
        self._ready_clients: list[Client] = []
        self.send_messages: Callable[[], None] = lambda: None

    def later(self, delay: int, call: Callable[[], None]) -> None:
        """Call something of this process, if it still lives by then."""
        raise NotImplementedError

    def replicas(self) -> list[Replica]:
        """Return the replicas on this node."""
        raise NotImplementedError

    def adopt(self, replica: Replica) -> None:
        """No options here say anything about its data."""

    # --- Runtime -----------------------------------------------------------------------------

    def now_ms(self) -> int:
        """A wall clock that is off, and jumps."""
        return WALL_AT_START_MS + self.world.now // MILLISECOND + self.skew_ms

    def monotonic_ms(self) -> int:
        """A clock that never goes back and runs a little fast or slow."""
        return self.world.now * self.speed_per_mille // (1000 * MILLISECOND)

    def request_end_of_turn(self) -> None:
        """End the turn at this same time, behind what else happens now."""
        if not self._turn_requested:
            self._turn_requested = True
            self.later(0, self.end_turn)

    def request_sending(self) -> None:
        """Have what was queued sent when the turn ends."""
        if not self._in_turn:
            self.request_end_of_turn()

    def end_turn(self) -> None:
        """Everything that came in this turn is written, answered and sent on."""
        self._turn_requested = False
        self._in_turn = True
        self.log_writer.end_turn()
        self._in_turn = False
        self.send_messages()
        ready, self._ready_clients = self._ready_clients, []
        for client in ready:
            client.send_replies()
        self.on_end_of_turn()

    def on_end_of_turn(self) -> None:
        """What is done once a turn."""
        raise NotImplementedError

    def start_sync(self, lsn: int) -> None:
        """The disk takes its time; it may crash before it is done."""
        self.send_messages()
        file = self.wal.sync_file
        quick = self.simulation.troubles.quick_syncs
        if self.world.happens(quick):  # waited for, in this very turn
            file.datasync()
            self.log_writer.synced(lsn)
            return

        def complete() -> None:
            file.datasync()
            self._turn_requested = self._in_turn = True
            self.log_writer.synced(lsn)
            self.end_turn()

        self.later(self.world.between(*self.sync_us), complete)

    def run_steps(self, steps: Steps[None]) -> None:
        """Other things happen between them."""
        if next(steps, None) is not None:
            self.later(self.world.between(100, MILLISECOND), lambda: self.run_steps(steps))

    def replies_ready(self, client: Client) -> None:
        """Send when the turn ends."""
        if client is not self.current_client:
            self._ready_clients.append(client)
            self.request_sending()

    def keys_changed(self, client: Client | None, keys: list[bytes | None]) -> None:
        """Nobody tracks keys here."""

    def publish(self, channel: bytes, message: bytes, to_shard: bool) -> None:
        """Nobody subscribes here."""

    # --- Node --------------------------------------------------------------------------------

    def call_soon(self, call: Callable[[], None]) -> None:
        """Run something behind what else happens now."""
        self.later(0, call)

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Run something after a while of this machine's clock."""
        timer = Timer(call)
        self.later(int(seconds * SECOND) * 1000 // self.speed_per_mille, timer.fire)
        return timer

    def next_client_id(self) -> int:
        """Return a number no other connection of this process has."""
        self._last_client_id += 1
        return self._last_client_id

    def admit(self, client: Connection, is_local: bool) -> bytes:
        """Everybody is welcome."""
        self.clients[client.id] = client
        return b""

    def script_mode(self) -> int:
        """Return what a script's outcome depends on beside the keyspace."""
        mode = IN_CLUSTER if self.cluster is not None else 0
        return mode | OUT_OF_MEMORY if self.memory.refuses else mode

    def forget(self, client: Connection) -> None:
        """The connection is gone."""
        if isinstance(self.router, ClusterRouter):
            self.router.forget(client)
        self.clients.pop(client.id, None)

    def must_wait(self, client: Connection, command: Command) -> bool:
        """Refuse what needs the data while it is loaded."""
        if self.loading and not command.flags & LOADING:
            raise CommandError(b"LOADING Redis is loading the dataset in memory")
        return False

    def close_when_answered(self, client: Connection) -> None:
        """Close a connection once its outstanding commands have been answered."""
        self._answering.append(client)

    def close_answered(self) -> None:
        """Close those whose time has come; once a tick."""
        waiting, self._answering = self._answering, []
        for client in waiting:
            if self.router.is_idle(client):  # type: ignore[arg-type]
                client.close_now()
            else:
                self._answering.append(client)

    def count_error(self, error: CommandError) -> None:
        """Users count what they are told."""

    def count_rejected(self, command: Any) -> None:
        """Users count what they are told."""
