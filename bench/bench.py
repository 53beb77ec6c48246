"""What every scenario is given: the builds, the scratch directory, how often and how long."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Build


@dataclass
class Bench:
    """One run of the benchmark."""

    builds: list[Build]  # each in turn, round by round
    etcd: str | None  # its program; None: without it
    scratch: Path
    rounds: int
    seconds: float  # of each measurement of a cluster
    faults: int  # of each kind
    minutes: float  # of each long run
    chance: random.Random
    say: Callable[[str], None]

    def each(self, what: str, measure: Callable[[Build], None]) -> None:
        """Measure every build in turn, round by round."""
        for number in range(self.rounds):
            self.say(f"{what}, round {number + 1} of {self.rounds}")
            for build in self.builds:
                measure(build)

    def respkv_builds(self) -> list[Build]:
        """Return the builds of this tree."""
        return [build for build in self.builds if not build.is_redis]
