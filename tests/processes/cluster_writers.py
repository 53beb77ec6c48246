"""Clients of a cluster that never send anything twice, and remember all they saw.

Raw connections that follow MOVED by themselves: a redirected command has certainly not run, so
it may be sent to the leader. A broken connection leaves its commands' outcomes unknown; other errors
mean that they did not run.
"""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import hiredis
import redis.asyncio
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    RedisClusterException,
    TryAgainError,
)

from tests.patience import PATIENCE_SECONDS
from tests.processes.connection import Connection
from tests.simulation.append_steps import (
    APPEND,
    KEYS_PER_SLOT,
    READ,
    Step,
    Transaction,
    command_of,
    key_of,
    reads_of,
    take_replies,
)
from tests.simulation.checker import UNKNOWN, Operation

KEYS: Final = 96  # shared by all clients
SLOTS: Final = 8  # whose keys transactions append to
STEPS_MAX: Final = 4
KEYS_THAT_EXPIRE: Final = b"expiring:"
DEADLINES_MS: Final = (20, 500, 5_000, 3_600_000)
CALL_SECONDS: Final = 1.0  # a paused node answers nobody: then ask another, the outcome unknown
REDIRECTIONS_MAX: Final = 8
REDIS_PY_EVERY: Final = 16  # writers: one is redis-py's cluster client, its retries off
WITHOUT_EFFECT: Final = ("CLUSTERDOWN", "TRYAGAIN", "LOADING", "MOVED", "EXECABORT", "MISCONF")


class Unknown(Exception):
    """The connection broke before the reply."""


class Refused(Exception):
    """An error reply that says that the command has not run."""


@dataclass
class Seen:
    """What all clients together did and saw."""

    histories: dict[bytes, list[Operation]] = field(default_factory=dict)
    slots: dict[bytes, list[Transaction]] = field(default_factory=dict)
    acknowledged: int = 0  # writes
    unknown: int = 0
    refused: int = 0
    unexpected: list[str] = field(default_factory=list)  # errors that no fault explains
    last_write_at: float = 0.0
    longest_pause: float = 0.0  # between two acknowledged writes of anybody
    in_flight: Counter[int] = field(default_factory=Counter)  # by the port they were sent to

    def write_acknowledged(self) -> None:
        """Count it, and how long nobody had one."""
        now = time.monotonic()
        if self.last_write_at:
            self.longest_pause = max(self.longest_pause, now - self.last_write_at)
        self.last_write_at = now
        self.acknowledged += 1


class ClusterClient:
    """One client with a connection for each node that it was sent to."""

    kinds = ("set", "set", "get", "delete", "incr", "transaction", "set expiring", "get expiring")

    def __init__(self, ports: list[int], chance: random.Random, seen: Seen | None = None) -> None:
        self._in_flight = Seen().in_flight if seen is None else seen.in_flight
        self._ports = ports
        self._chance = chance
        self._connections: dict[int, Connection] = {}
        self._leaders: dict[bytes, int] = {}

    async def call(self, key: bytes, *commands: list[bytes]) -> list[Any]:
        """Run commands of one key, a transaction as a whole.

        Raises:
            Unknown: they may have run.
            Refused: they have not.
        """
        port = self._leaders.get(key) or self._chance.choice(self._ports)
        for _ in range(REDIRECTIONS_MAX):
            replies = await self._ask(port, key, list(commands))
            errors = [str(reply) for reply in replies if isinstance(reply, hiredis.ReplyError)]
            moved = [error for error in errors if error.startswith("MOVED ")]
            if not moved:
                self._leaders[key] = port
                if errors:
                    raise Refused(errors[-1])
                return replies
            port = int(moved[0].rpartition(":")[2])
        raise Refused("CLUSTERDOWN too many redirections")

    async def _ask(self, port: int, key: bytes, commands: list[list[bytes]]) -> list[Any]:
        connection = self._connections.get(port)
        if connection is not None and connection.is_closed:
            connection.close()
            connection = None
        if connection is None:
            try:
                connection = await asyncio.wait_for(Connection.open(port), 1)
            except (OSError, TimeoutError):
                self._leaders.pop(key, None)
                await asyncio.sleep(0.02)
                raise Refused("CLUSTERDOWN nobody listens there") from None
            self._connections[port] = connection
        self._in_flight[port] += 1
        try:
            return await asyncio.wait_for(connection.call(*commands), CALL_SECONDS)
        except (OSError, TimeoutError) as error:
            connection.close()
            del self._connections[port]
            self._leaders.pop(key, None)
            raise Unknown from error
        finally:
            self._in_flight[port] -= 1

    async def close(self) -> None:
        """Drop all connections."""
        for connection in self._connections.values():
            connection.close()


class RedisPyClient:
    """redis-py's cluster client, which follows redirections and repeats nothing else."""

    kinds = ("set", "set", "get", "delete", "incr", "set expiring", "get expiring")

    def __init__(self, ports: list[int], chance: random.Random) -> None:
        self._client: Any = redis.asyncio.RedisCluster(
            startup_nodes=[ClusterNode("127.0.0.1", port) for port in ports],
            retry=Retry(NoBackoff(), 0),
            socket_timeout=CALL_SECONDS,
            socket_connect_timeout=CALL_SECONDS,
            reinitialize_steps=1,
        )

    async def call(self, key: bytes, *commands: list[bytes]) -> list[Any]:
        """Run one command of a key.

        Raises:
            Unknown: it may have run.
            Refused: it has not.
        """
        (argv,) = commands
        try:
            return [await self._client.execute_command(argv[0].decode(), *argv[1:])]
        except (BusyLoadingError, ClusterDownError, TryAgainError) as error:
            raise Refused(f"TRYAGAIN {error}") from error
        except redis.ResponseError as error:
            raise Refused(str(error)) from error
        except (redis.RedisError, RedisClusterException, OSError, TimeoutError) as error:
            await asyncio.sleep(0.02)
            raise Unknown from error

    async def close(self) -> None:
        """Drop all connections."""
        await self._client.aclose()


async def work(number: int, ports: list[int], seen: Seen, stop: asyncio.Event, seed: int) -> None:
    """Call again and again until told to stop; each client's values are its own."""
    chance = random.Random(f"{seed}:{number}")
    client: ClusterClient | RedisPyClient = ClusterClient(ports, chance, seen)
    if number % REDIS_PY_EVERY == REDIS_PY_EVERY - 1:
        client = RedisPyClient(ports, chance)
    serial = 0
    while not stop.is_set():
        serial += 1
        value = b"%d:%d:%d" % (seed, number, serial)
        if isinstance(client, ClusterClient) and chance.random() < 0.2:
            await _appends(client, b"%d:%d" % (seed, chance.randrange(SLOTS)), chance, value, seen)
        else:
            await _operation(client, chance, value, seen)
    await client.close()


async def _operation(
    client: ClusterClient | RedisPyClient, chance: random.Random, value: bytes, seen: Seen
) -> None:
    place = chance.randrange(KEYS)
    kind = chance.choice(client.kinds)
    counter, key = b"counter:%d" % (place % (KEYS // 4)), b"{key:%d}" % place
    expiring = KEYS_THAT_EXPIRE + b"%d" % (place % (KEYS // 4))
    parts: list[tuple[bytes, str, Any]]
    if kind == "transaction":
        second = key + b":second"
        commands = [[b"MULTI"], [b"SET", key, value], [b"SET", second, value], [b"EXEC"]]
        parts = [(key, "set", value), (second, "set", value)]
    elif kind == "incr":
        key, commands, parts = counter, [[b"INCR", counter]], [(counter, "incr", 1)]
    elif kind == "set":
        commands, parts = [[b"SET", key, value]], [(key, "set", value)]
    elif kind == "set expiring":
        # Clocks may be wrong by hours: gone at any time is right, and once gone it stays gone.
        deadline_ms = chance.choice(DEADLINES_MS)
        commands = [[b"SET", expiring, value, b"PX", b"%d" % deadline_ms]]
        parts = [(expiring, kind, (value, 0, UNKNOWN))]
    elif kind == "delete":
        commands, parts = [[b"DEL", key]], [(key, "delete", None)]
    else:
        key = chance.choice((key, key + b":second", counter))
        if kind == "get expiring":
            kind, key = "get", expiring
        commands, parts = [[b"GET", key]], [(key, "get", None)]
    invoked = time.monotonic_ns()
    try:
        reply = (await client.call(parts[0][0], *commands))[-1]
    except Unknown:
        if kind == "get":
            return
        seen.unknown += 1
        for name_of, name, argument in parts:
            seen.histories.setdefault(name_of, []).append(Operation(name, argument, invoked))
        return
    except Refused as error:
        seen.refused += 1
        if not str(error).startswith(WITHOUT_EFFECT):
            seen.unexpected.append(f"{commands}: {error}")
        return
    completed = time.monotonic_ns()
    for name_of, name, argument in parts:
        result = {"incr": [reply], "get": reply, "delete": reply}.get(name)
        operation = Operation(name, argument, invoked, completed, result)
        seen.histories.setdefault(name_of, []).append(operation)
    if kind != "get":
        seen.write_acknowledged()


async def _appends(
    client: ClusterClient, slot: bytes, chance: random.Random, value: bytes, seen: Seen
) -> None:
    """Append to keys of one slot and read them, in one transaction."""
    steps = []
    for number in range(chance.randint(1, STEPS_MAX)):
        key = key_of(slot, chance.randrange(KEYS_PER_SLOT))
        token = b"%b:%d" % (value, number)
        steps.append(Step(APPEND, key, token) if chance.random() < 0.5 else Step(READ, key))
    transaction = Transaction(steps, time.monotonic_ns())
    seen.slots.setdefault(slot, []).append(transaction)
    writes = any(step.kind == APPEND for step in steps)
    try:
        await _execute(client, transaction)
    except Unknown:
        seen.unknown += writes
    except Refused as error:
        transaction.refused = True
        seen.refused += 1
        if not str(error).startswith(WITHOUT_EFFECT):
            seen.unexpected.append(f"{steps}: {error}")
    else:
        if writes:
            seen.write_acknowledged()


async def _execute(client: ClusterClient, transaction: Transaction) -> None:
    commands = [command_of(step) for step in transaction.steps]
    key = transaction.steps[0].key
    if len(commands) == 1:
        replies = await client.call(key, *commands)
    else:
        replies = (await client.call(key, [b"MULTI"], *commands, [b"EXEC"]))[-1]
    take_replies(transaction, replies, time.monotonic_ns())


async def read_all(ports: list[int], seen: Seen) -> None:
    """Read every key once more, so that nothing acknowledged can hide."""
    client = ClusterClient(ports, random.Random(0))
    for key, history in seen.histories.items():
        invoked, replies = await _insist(client, key, [b"GET", key])
        history.append(Operation("get", None, invoked, time.monotonic_ns(), replies[0]))
    for slot, transactions in seen.slots.items():
        steps = reads_of(slot)
        commands = [[b"MULTI"], *map(command_of, steps), [b"EXEC"]]
        invoked, replies = await _insist(client, steps[0].key, *commands)
        last = Transaction(steps, invoked)
        take_replies(last, replies[-1], time.monotonic_ns())
        transactions.append(last)
    await client.close()


async def _insist(client: ClusterClient, key: bytes, *reads: list[bytes]) -> tuple[int, list[Any]]:
    """Return when the attempt that succeeded began, and its replies."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        invoked = time.monotonic_ns()
        try:
            return invoked, await client.call(key, *reads)
        except (Refused, Unknown):
            if time.monotonic() > until:
                raise
