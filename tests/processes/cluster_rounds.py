"""Faults on three real nodes under load: nothing acknowledged is lost, all histories linearizable.

python -m tests.processes.cluster_rounds --rounds 20 [--seed N] [--writers 32]

Each round does one thing to the processes while the writers go on, heals it, and reads every key.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.processes.cluster_writers import Seen, read_all, work
from tests.processes.fault_proxy import FaultProxy
from tests.processes.trio import Trio, TrioProcess
from tests.simulation.checker import Operation, State, explain

BEFORE_SECONDS: Final = 0.5
FAULT_SECONDS: Final = 2.0
AFTER_WRITES: Final = 400  # acknowledged after healing before the round ends
HEALED_BY_SECONDS: Final = 20.0


@dataclass
class Round:
    """One line of the table."""

    number: int
    fault: str
    acknowledged: int
    unknown: int
    refused: int
    lost: int  # keys whose history nothing explains
    pause_seconds: float
    errors: list[str]

    HEAD = "round  fault                  acknowledged  unknown  refused  lost  longest pause s"

    def __str__(self) -> str:
        return (
            f"{self.number:5}  {self.fault:21}  {self.acknowledged:12}  {self.unknown:7}"
            f"  {self.refused:7}  {self.lost:4}  {self.pause_seconds:15.2f}"
        )


async def _leader(trio: Trio, chance: random.Random) -> TrioProcess:
    """Return the node that leads some key; with luck another one each round."""
    key = b"{key:%d}" % chance.randrange(96)
    return await asyncio.to_thread(trio.leader_of, key)


async def _leading_least(trio: Trio) -> TrioProcess:
    """Return the node with the fewest slots: a follower more than anything else."""

    def count() -> TrioProcess:
        slots = {node.port: 0 for node in trio.nodes}
        for first, last, leader, *_ in trio.nodes[0].call("CLUSTER", "SLOTS"):
            slots[leader[1]] += last - first + 1
        return min(trio.nodes, key=lambda node: slots[node.port])

    return await asyncio.to_thread(count)


async def _start(*nodes: TrioProcess) -> None:
    for node in nodes:
        node.launch()
    for node in nodes:
        await asyncio.to_thread(node.wait_ready)


async def kill_leader(trio: Trio, chance: random.Random) -> None:
    """kill -9 of a leader, and a restart."""
    node = await _leader(trio, chance)
    node.kill()
    await asyncio.sleep(FAULT_SECONDS)
    await _start(node)


async def kill_follower(trio: Trio, chance: random.Random) -> None:
    """kill -9 of the node that leads least, and a restart at once."""
    node = await _leading_least(trio)
    node.kill()
    await _start(node)


async def pause_leader(trio: Trio, chance: random.Random) -> None:
    """SIGSTOP for longer than an election takes: it comes back and believes that it leads."""
    node = await _leader(trio, chance)
    node.pause()
    await asyncio.sleep(FAULT_SECONDS + 1)
    node.resume()


async def kill_two(trio: Trio, chance: random.Random) -> None:
    """No majority for a while."""
    nodes = chance.sample(trio.nodes, 2)
    for node in nodes:
        node.kill()
    await asyncio.sleep(FAULT_SECONDS)
    await _start(*nodes)


async def kill_all(trio: Trio, chance: random.Random) -> None:
    """All at once, and back at once."""
    for node in trio.nodes:
        node.process.kill()
    for node in trio.nodes:
        node.process.wait()
    await _start(*trio.nodes)


async def stop_gracefully(trio: Trio, chance: random.Random) -> None:
    """SIGTERM hands leadership over first."""
    node = await _leader(trio, chance)
    code = await asyncio.to_thread(node.stop)
    if code != 0:
        raise RuntimeError(f"SIGTERM ended with status {code}")
    await _start(node)


async def move_leaders(trio: Trio, chance: random.Random) -> None:
    """CLUSTER FAILOVER on each in turn."""
    for node in trio.nodes:
        await asyncio.to_thread(node.call, "CLUSTER", "FAILOVER")
        await asyncio.sleep(0.3)


async def _cut(trio: Trio, *directions: tuple[int, int]) -> None:
    """Cut directions for a while, silently, and heal them."""
    assert trio.proxy is not None
    await asyncio.to_thread(trio.proxy.cut, *directions)
    await asyncio.sleep(FAULT_SECONDS + 1)
    await asyncio.to_thread(trio.proxy.cut)


async def cut_off_leader(trio: Trio, chance: random.Random) -> None:
    """A leader neither hears the others nor is heard."""
    cut = trio.nodes.index(await _leader(trio, chance))
    others = [number for number in range(3) if number != cut]
    await _cut(trio, *[(cut, other) for other in others], *[(other, cut) for other in others])


async def mute_leader(trio: Trio, chance: random.Random) -> None:
    """A leader hears the others and is not heard."""
    cut = trio.nodes.index(await _leader(trio, chance))
    await _cut(trio, *[(cut, other) for other in range(3) if other != cut])


async def deafen_leader(trio: Trio, chance: random.Random) -> None:
    """A leader is heard and hears nobody."""
    cut = trio.nodes.index(await _leader(trio, chance))
    await _cut(trio, *[(other, cut) for other in range(3) if other != cut])


async def cut_one_pair(trio: Trio, chance: random.Random) -> None:
    """Two nodes that do not reach each other, and a third that reaches both."""
    one, two = chance.sample(range(3), 2)
    await _cut(trio, (one, two), (two, one))


Fault = Callable[[Trio, random.Random], Awaitable[None]]
FAULTS: Final[list[Fault]] = [
    kill_leader, pause_leader, stop_gracefully, kill_two, move_leaders, kill_follower, kill_all,
    cut_off_leader, mute_leader, deafen_leader, cut_one_pair,
]  # fmt: skip


class Rounds:
    """Rounds on one cluster; what each key held at the end of one is where the next begins."""

    def __init__(self, trio: Trio, writers: int, seed: int, faults: list[Fault] = FAULTS) -> None:
        self._trio = trio
        self._faults = faults
        self._writers = writers
        self._seed = seed
        self._chance = random.Random(seed)
        self._states: dict[bytes, State] = {}

    def run(self, number: int) -> Round:
        """Run one round."""
        fault = self._faults[(number - 1 + self._seed) % len(self._faults)]
        logged_before = set(self._trio.faults_logged())
        seen = Seen()
        asyncio.run(self._load(fault, seen, number))
        broken: list[str] = []
        for key, history in seen.histories.items():
            why = explain(history, self._states.get(key))
            if why is not None:
                broken.append(f"{key!r}: {why}")
            last: Operation = history[-1]
            self._states[key] = last.result
        logged = [line for line in self._trio.faults_logged() if line not in logged_before]
        errors = [*broken, *seen.unexpected[:5], *logged]
        return Round(
            number, fault.__name__, seen.acknowledged, seen.unknown, seen.refused, len(broken),
            seen.longest_pause, errors,
        )  # fmt: skip

    async def _load(self, fault: Fault, seen: Seen, number: int) -> None:
        ports = [node.port for node in self._trio.nodes]
        stop = asyncio.Event()
        tasks = [
            asyncio.create_task(work(writer, ports, seen, stop, self._seed * 1000 + number))
            for writer in range(self._writers)
        ]
        try:
            await asyncio.sleep(BEFORE_SECONDS)
            await fault(self._trio, self._chance)
            enough = seen.acknowledged + AFTER_WRITES
            deadline = time.monotonic() + HEALED_BY_SECONDS
            while seen.acknowledged < enough:
                if time.monotonic() > deadline:
                    logs = "\n".join(node.log_text()[-2000:] for node in self._trio.nodes)
                    raise RuntimeError(f"writes did not resume:\n{logs}")
                await asyncio.sleep(0.01)
        finally:
            stop.set()
            await asyncio.gather(*tasks)
        await asyncio.to_thread(self._trio.wait_ready)
        await read_all(ports, seen)


def run(directory: Path, rounds: int, seed: int, writers: int, show: bool = False) -> list[Round]:
    """Run the rounds; stops after one that found something."""
    done: list[Round] = []
    proxy = FaultProxy(3)
    try:
        with Trio(directory, proxy=proxy) as trio:
            # Connections from before this are of no known sender; they are made anew.
            proxy.node_ids = [node.call("CLUSTER", "MYID") for node in trio.nodes]
            proxy.drop_connections()
            cluster = Rounds(trio, writers, seed)
            for number in range(1, rounds + 1):
                done.append(cluster.run(number))
                if show:
                    print(done[-1], flush=True)
                if done[-1].errors:
                    break
    finally:
        proxy.close()
    return done


def main() -> int:
    """Print the table; 1 when a round found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    options = parser.parse_args()
    print(f"seed {options.seed}\n{Round.HEAD}")
    with tempfile.TemporaryDirectory() as directory:
        done = run(Path(directory), options.rounds, options.seed, options.writers, show=True)
    for round_ in done:
        for error in round_.errors:
            print(error)
    total = sum(round_.acknowledged for round_ in done)
    unknown = sum(round_.unknown for round_ in done)
    lost = sum(round_.lost for round_ in done)
    print(f"{len(done)} rounds, {total} acknowledged, {unknown} unknown, {lost} keys lost")
    return int(any(round_.errors for round_ in done))


if __name__ == "__main__":
    sys.exit(main())
