"""Nodes are killed, stopped, paused and started at any moment; whenever a majority runs, all agree.

python -m tests.processes.liveness_rounds --rounds 50 [--seed N]

A round is a new cluster of three nodes with 2 or 4 partitions, and some twenty random steps. Again
and again all running nodes have to come to the same leaders of all slots, and writes to be taken.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.processes.trio import Trio, TrioProcess

STEPS: Final = 20
HEALED_EVERY: Final = 4  # steps, on average
KEYS: Final = 8


class Rounds:
    """One cluster, and what is done to it."""

    def __init__(self, trio: Trio, chance: random.Random) -> None:
        self.done: list[str] = []
        self._trio = trio
        self._chance = chance
        self._paused: set[TrioProcess] = set()

    def run(self, steps: int) -> None:
        """Take random steps; the last heals."""
        for _ in range(steps):
            step = self._chance.choice([self._strike, self._stop, self._start, self._pause])
            node = self._chance.choice(self._trio.nodes)
            self.done.append(f"{step.__name__} {node.port}")
            step(node)
            if self._chance.randrange(HEALED_EVERY) == 0:
                self._heal()
        self._heal()

    def _strike(self, node: TrioProcess) -> None:
        if node.is_running:
            node.kill()
            self._paused.discard(node)

    def _stop(self, node: TrioProcess) -> None:
        if node.is_running and node not in self._paused:
            node.stop()

    def _start(self, node: TrioProcess) -> None:
        if not node.is_running:
            node.launch()

    def _pause(self, node: TrioProcess) -> None:
        if node.is_running:
            node.pause()
            self._paused.add(node)

    def _heal(self) -> None:
        """Let a majority run, and see that it agrees and takes writes."""
        while self._paused:
            self._paused.pop().resume()
        while len(self._trio.running()) < 2:
            self._start(self._chance.choice(self._trio.nodes))
        self.done.append("heal")
        self._trio.wait_ready()
        for number in range(KEYS):
            if self._trio.at_leader(b"SET", b"key:%d" % number, b"v") != b"OK":
                raise RuntimeError(f"key:{number} is not written")


def run(directory: Path, seed: int, steps: int = STEPS) -> list[str]:
    """Run one round; return what was done.

    Raises:
        AssertionError: the nodes that ran did not agree in time, or took no writes.
    """
    chance = random.Random(seed)
    with Trio(directory, "--cluster-partitions", str(chance.choice([2, 4]))) as trio:
        rounds = Rounds(trio, chance)
        try:
            rounds.run(steps)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, after {', '.join(rounds.done)}") from error
        if faults := trio.faults_logged():
            raise AssertionError(f"seed {seed}, after {', '.join(rounds.done)}: {faults}")
    return rounds.done


def main() -> int:
    """Run rounds with consecutive seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for seed in range(options.seed, options.seed + options.rounds):
        with tempfile.TemporaryDirectory() as directory:
            done = run(Path(directory), seed)
        print(f"seed {seed}: agreed {done.count('heal')} times in {len(done)} steps", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
