"""Each node of a cluster is stopped and started again, while redis-py's cluster clients write.

python -m tests.processes.rolling --rounds 3 [--writers 4] [--partitions 32]

The clients have their default settings. What each of them was told is kept and read again at the
end. A pause is the longest that any one command took, redirections and retries included.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import redis
import redis.asyncio

from respkv.keyspace.slots import slot_of
from tests.processes.trio import Trio, TrioProcess

KEYS: Final = 64  # of one writer, over all slots
SETTLED_BY_SECONDS: Final = 60.0
BEFORE_SECONDS: Final = 1.0


@dataclass
class Phase:
    """One thing that was done to the cluster, and how long a command took meanwhile."""

    name: str
    seconds: float = 0.0
    calls: int = 0
    longest_seconds: float = 0.0


@dataclass
class Rolled:
    """What the clients saw."""

    phases: list[Phase] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    told: dict[bytes, int] = field(default_factory=dict)  # key -> the last number acknowledged
    tried: dict[bytes, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def took(self, phase: Phase, seconds: float) -> None:
        """Count an acknowledged write: it belongs to the phase in which it began."""
        phase.calls += 1
        phase.longest_seconds = max(phase.longest_seconds, seconds)


class Writers:
    """Threads with a synchronous client each, and one with as many tasks of an asyncio client."""

    def __init__(self, trio: Trio, count: int, rolled: Rolled) -> None:
        self._port = trio.nodes[0].port
        self._rolled = rolled
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(number,)) for number in range(count)
        ]
        self._threads.append(threading.Thread(target=self._write_async, args=(count,)))

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _key(self, name: str, serial: int) -> bytes:
        return f"{name}:{serial % KEYS}".encode()

    def _write(self, number: int) -> None:
        client = redis.RedisCluster(host="127.0.0.1", port=self._port)
        serial = 0
        while not self._stop.is_set():
            serial += 1
            key = self._begins(f"sync{number}", serial)
            phase, begun = self._rolled.phases[-1], time.monotonic()
            try:
                client.set(key, serial)
            except redis.RedisError as error:
                self._rolled.errors.append(f"{phase.name}: {type(error).__name__} {error}")
            else:
                self._acknowledged(key, serial, phase, time.monotonic() - begun)
        client.close()

    def _write_async(self, count: int) -> None:
        asyncio.run(self._tasks(count))

    async def _tasks(self, count: int) -> None:
        client = redis.asyncio.RedisCluster(host="127.0.0.1", port=self._port)
        async with client:
            await asyncio.gather(*[self._task(client, number) for number in range(count)])

    async def _task(self, client: Any, number: int) -> None:
        serial = 0
        while not self._stop.is_set():
            serial += 1
            key = self._begins(f"async{number}", serial)
            phase, begun = self._rolled.phases[-1], time.monotonic()
            try:
                await client.set(key, serial)
            except redis.RedisError as error:
                self._rolled.errors.append(f"{phase.name}: async {type(error).__name__} {error}")
            else:
                self._acknowledged(key, serial, phase, time.monotonic() - begun)

    def _begins(self, name: str, serial: int) -> bytes:
        key = self._key(name, serial)
        self._rolled.tried[key] = serial
        return key

    def _acknowledged(self, key: bytes, serial: int, phase: Phase, seconds: float) -> None:
        self._rolled.told[key] = serial
        self._rolled.took(phase, seconds)


def roll(directory: Path, rounds: int, writers: int, *options: str) -> Rolled:
    """Stop and start every node in turn, so often; return what the clients saw."""
    rolled = Rolled([Phase("undisturbed")])
    with Trio(directory, *options) as trio:
        shares = _shares(trio)
        with Writers(trio, writers, rolled):
            time.sleep(BEFORE_SECONDS)
            for _ in range(rounds):
                for number, node in enumerate(trio.nodes, 1):
                    _during(rolled, f"stop {number}", lambda node=node: _stop(node))
                    _during(rolled, f"start {number}", lambda node=node: _start(trio, node, shares))
        read_back(trio, rolled)
        rolled.errors += trio.faults_logged()
    return rolled


def _during(rolled: Rolled, name: str, act: Any) -> None:
    phase = Phase(name)
    rolled.phases.append(phase)
    begun = time.monotonic()
    act()
    phase.seconds = time.monotonic() - begun


def _stop(node: TrioProcess) -> None:
    if node.stop() != 0:
        raise RuntimeError(f"node {node.port} did not stop in order:\n{node.log_text()}")


def _start(trio: Trio, node: TrioProcess, shares: dict[int, int]) -> None:
    """Start it, and wait until it leads again what the ring wants it to lead."""
    node.start()
    ends = time.monotonic() + SETTLED_BY_SECONDS
    while _shares(trio) != shares:
        if time.monotonic() > ends:
            raise RuntimeError(f"{_shares(trio)}, not {shares}:\n{node.log_text()}")
        time.sleep(0.05)


def _shares(trio: Trio) -> dict[int, int]:
    """Return how many slots each port leads."""
    shares: dict[int, int] = {}
    for first, last, leader, *_ in trio.running()[0].call("CLUSTER", "SLOTS"):
        shares[leader[1]] = shares.get(leader[1], 0) + last - first + 1
    return shares


def read_back(trio: Trio, rolled: Rolled) -> None:
    """Read every key from its leader: it holds what was acknowledged, or a later attempt."""
    trio.wait_ready()
    ports: dict[int, TrioProcess] = {node.port: node for node in trio.nodes}
    slots = trio.nodes[0].call("CLUSTER", "SLOTS")
    for key, told in rolled.told.items():
        slot = slot_of(key)
        leader = next(by[1] for first, last, by, *_ in slots if first <= slot <= last)
        found = int(ports[leader].call("GET", key) or 0)
        if not told <= found <= rolled.tried[key]:
            rolled.lost.append(f"{key!r} holds {found}, {told} was acknowledged")


def main() -> int:
    """Run, print a line for each phase, return 1 when anything failed."""
    parser = argparse.ArgumentParser(description="Rolling restarts under redis-py's clients.")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--partitions", type=int, default=32)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        rolled = roll(
            Path(directory),
            arguments.rounds,
            arguments.writers,
            "--cluster-partitions",
            str(arguments.partitions),
        )
    print("phase        seconds   writes  longest ms")
    for phase in rolled.phases:
        print(
            f"{phase.name:11}  {phase.seconds:7.2f}  {phase.calls:7}"
            f"  {phase.longest_seconds * 1000:10.1f}"
        )
    for line in rolled.errors + rolled.lost:
        print(line)
    writes = sum(phase.calls for phase in rolled.phases)
    print(f"{writes} acknowledged, {len(rolled.lost)} lost, {len(rolled.errors)} errors")
    return 1 if rolled.errors or rolled.lost else 0


if __name__ == "__main__":
    sys.exit(main())
