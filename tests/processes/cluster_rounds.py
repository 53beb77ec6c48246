"""Faults on three real nodes under load: nothing acknowledged is lost, all histories linearizable.

Transactions over one slot are checked for cycles besides (`append_checker.py`).

python -m tests.processes.cluster_rounds --rounds 200 [--seed N] [--writers 64]
    [--lossy [--without-fdatasync]]

Each round does one thing to the processes while the writers go on, heals it, and reads every key.
A new cluster is made after each has gone through all faults. Every second one, or with `--lossy`
each, is on disks that keep only what was synced, where every kill -9 is a loss of power; it fails
when the syncs are taken out (`--without-fdatasync`).
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.patience import until
from tests.processes.cluster_writers import KEYS_THAT_EXPIRE, Seen, read_all, work
from tests.processes.fault_proxy import FaultProxy
from tests.processes.faults import FAULTS, Fault, Scene
from tests.processes.trio import Trio
from tests.simulation.append_checker import anomalies
from tests.simulation.checker import UNKNOWN, Operation, State, explain

BEFORE_SECONDS: Final = 0.5
AFTER_WRITES: Final = 400  # acknowledged after healing before the round ends


@dataclass
class Round:
    """One line of the table."""

    number: int
    fault: str
    disk: str
    acknowledged: int
    unknown: int
    refused: int
    lost: int  # keys and slots whose history nothing explains
    transactions: int  # over one slot, of those acknowledged or only reading
    in_flight: int  # sent to nodes that were killed, and not answered
    pause_seconds: float
    errors: list[str]

    HEAD = (
        "round  fault                         disk   acknowledged  unknown  refused  lost"
        "  in flight at kills  longest pause s"
    )

    def __str__(self) -> str:
        return (
            f"{self.number:5}  {self.fault:28}  {self.disk:5}  {self.acknowledged:12}"
            f"  {self.unknown:7}  {self.refused:7}  {self.lost:4}  {self.in_flight:18}"
            f"  {self.pause_seconds:15.2f}"
        )


class Rounds:
    """Rounds on one cluster; what each key held at the end of one is where the next begins."""

    def __init__(self, trio: Trio, writers: int, seed: int, disk: str) -> None:
        self._trio = trio
        self._writers = writers
        self._seed = seed
        self._disk = disk
        self._chance = random.Random(seed)
        self._states: dict[bytes, State] = {}

    def run(self, number: int, fault: Fault) -> Round:
        """Run one round."""
        logged_before = set(self._trio.faults_logged())
        seen = Seen()
        scene = Scene(self._trio, self._chance, seen)
        asyncio.run(self._load(fault, scene, number))
        broken: list[str] = []
        for key, history in seen.histories.items():
            why = explain(history, self._states.get(key))
            if why is not None:
                broken.append(f"{key!r}: {why}")
            last: Operation = history[-1]
            self._states[key] = last.result
            if key.startswith(KEYS_THAT_EXPIRE) and last.result is not None:
                self._states[key] = (last.result, 0, UNKNOWN)
        known = 0
        for slot, transactions in seen.slots.items():
            broken += [f"slot {slot!r}: {found}" for found in anomalies(transactions)]
            known += sum(transaction.known for transaction in transactions)
        logged = [line for line in self._trio.faults_logged() if line not in logged_before]
        errors = [*broken, *seen.unexpected[:5], *logged]
        return Round(
            number, fault.__name__, self._disk, seen.acknowledged, seen.unknown, seen.refused,
            len(broken), known, scene.in_flight_at_kills, seen.longest_pause, errors,
        )  # fmt: skip

    async def _load(self, fault: Fault, scene: Scene, number: int) -> None:
        seen = scene.seen
        ports = [node.port for node in self._trio.nodes]
        stop = asyncio.Event()
        tasks = [
            asyncio.create_task(work(writer, ports, seen, stop, self._seed * 1000 + number))
            for writer in range(self._writers)
        ]
        try:
            await asyncio.sleep(BEFORE_SECONDS)
            await fault(scene)
            enough = seen.acknowledged + AFTER_WRITES
            await until(lambda: seen.acknowledged >= enough, self._logs)
        finally:
            stop.set()
            await asyncio.gather(*tasks)
        await asyncio.to_thread(self._trio.wait_ready)
        await read_all(ports, seen)

    def _logs(self) -> str:
        return "\n".join(node.log_text()[-2000:] for node in self._trio.nodes)


def run(
    directory: Path,
    faults: list[Fault],
    seed: int,
    writers: int,
    lossy: bool = False,
    without_fdatasync: bool = False,
    first: int = 1,
    show: bool = False,
) -> list[Round]:
    """Run a round of each fault on a new cluster; stops after one that found something."""
    done: list[Round] = []
    proxy = FaultProxy(3)
    program: tuple[str, ...] = ("tests.processes.faulty_server",)
    if lossy:
        program += ("--lossy",)
    if without_fdatasync:
        program += ("--without-fdatasync",)
    try:
        with Trio(directory, proxy=proxy, program=program) as trio:
            # Connections from before this are of no known sender; they are made anew.
            proxy.node_ids = [node.call("CLUSTER", "MYID") for node in trio.nodes]
            proxy.drop_connections()
            cluster = Rounds(trio, writers, seed, "lossy" if lossy else "plain")
            for number, fault in enumerate(faults, first):
                done.append(cluster.run(number, fault))
                if show:
                    print(done[-1], flush=True)
                if done[-1].errors:
                    break
    finally:
        proxy.close()
    return done


def _print_by_fault(done: list[Round]) -> None:
    print("\n| fault | rounds | acknowledged | unknown | lost | in flight at kills | pause s |")
    print("|---|--:|--:|--:|--:|--:|---|")
    kinds = Counter(round_.fault for round_ in done)
    for fault, rounds in kinds.items():
        of_kind = [round_ for round_ in done if round_.fault == fault]
        pauses = [round_.pause_seconds for round_ in of_kind]
        print(
            f"| {fault.replace('_', ' ')} | {rounds} | {sum(r.acknowledged for r in of_kind):,}"
            f" | {sum(r.unknown for r in of_kind):,} | {sum(r.lost for r in of_kind)}"
            f" | {sum(r.in_flight for r in of_kind):,} | {min(pauses):.2f}-{max(pauses):.2f} |"
        )


def main() -> int:
    """Print the table; 1 when a round found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    parser.add_argument("--fault", choices=[fault.__name__ for fault in FAULTS], action="append")
    parser.add_argument("--lossy", action="store_true")
    parser.add_argument("--without-fdatasync", action="store_true", help="needs --lossy")
    options = parser.parse_args()
    if options.without_fdatasync and not options.lossy:
        parser.error("only a disk that loses what was not synced shows that syncs are missing")
    faults = [fault for fault in FAULTS if fault.__name__ in (options.fault or [fault.__name__])]
    # redis-py forgets to close nodes it replaces, and asyncio says so each time.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    began = time.monotonic()
    print(f"seed {options.seed}\n{Round.HEAD}")
    done: list[Round] = []
    for cluster, at in enumerate(range(0, options.rounds, len(faults))):
        with tempfile.TemporaryDirectory() as directory:
            done += run(
                Path(directory),
                faults[: options.rounds - at],
                options.seed + cluster,
                options.writers,
                options.lossy or cluster % 2 == 1,
                options.without_fdatasync,
                at + 1,
                show=True,
            )
        if done[-1].errors:
            break
    for error in done[-1].errors:
        print(error)
    _print_by_fault(done)
    print(
        f"\n{len(done)} rounds in {time.monotonic() - began:.0f} s,"
        f" {sum(round_.acknowledged for round_ in done):,} acknowledged,"
        f" {sum(round_.unknown for round_ in done):,} unknown,"
        f" {sum(round_.in_flight for round_ in done):,} in flight at kills,"
        f" {sum(round_.transactions for round_ in done):,} transactions over one slot,"
        f" {sum(round_.lost for round_ in done)} keys lost"
    )
    return int(bool(done[-1].errors))


if __name__ == "__main__":
    sys.exit(main())
