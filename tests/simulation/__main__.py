"""Run seeds: `python -m tests.simulation --seed N | --seeds A..B [--seconds 60] [--jobs 2]`.

A failure prints one line that replays it. Over many seeds, a kind of trouble that never came, or
too few successes while all was well, fails the run too.
"""

import argparse
import logging
import os
import subprocess
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.cluster import Cluster

MUST_HAPPEN = (
    "ok",
    "unknown",
    "failed",
    "elections",
    "truncations",
    "snapshots built",
    "snapshots installed",
    "kills",
    "power losses",
    "torn writes",
    "lost writes",
    "disk errors",
    "restarts",
    "pauses",
    "isolations",
    "one-way cuts",
    "disks full",
    "snapshot chunks",
    "snapshots failed",
    "clock jumps",
    "messages lost",
    "messages doubled",
    "messages late",
    "transactions done",
    "transactions stopped",
    "connections closed with an unknown outcome",
    "durability checks",
    "keys checked",
)
MANY_SEEDS = 100


def run_seed(seed: int, seconds: int) -> tuple[int, dict[str, int], str]:
    """Return (seed, counts, what went wrong)."""
    logging.disable(logging.CRITICAL)
    cluster = Cluster(seed)
    try:
        cluster.run(seconds)
    except BaseException as error:
        where = traceback.format_exc() if not isinstance(error, AssertionError) else ""
        return seed, cluster.world.counts, f"{type(error).__name__}: {error}\n{where}"
    return seed, cluster.world.counts, ""


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def main() -> int:
    """Run the seeds asked for; 0 when nothing was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", default="1..20", help="A..B, both included")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--until-failure", action="store_true", help="stop at the first one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    first, last = (
        (arguments.seed, arguments.seed)
        if arguments.seed is not None
        else map(int, arguments.seeds.split(".."))
    )
    seeds = range(first, last + 1)
    started = time.monotonic()
    totals: dict[str, int] = {}
    failures = 0
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = pool.map(run_seed, seeds, [arguments.seconds] * len(seeds), chunksize=1)
        for number, (seed, counts, failure) in enumerate(results, 1):
            for what, count in counts.items():
                totals[what] = totals.get(what, 0) + count
            if failure:
                failures += 1
                print(
                    f"seed={seed} commit={_commit()} "
                    f"command=python -m tests.simulation --seed {seed} "
                    f"--seconds {arguments.seconds}\n  {failure}",
                    flush=True,
                )
                if arguments.until_failure:
                    pool.shutdown(wait=False, cancel_futures=True)
                    print(f"failed at seed {seed}")
                    return 1
            if sys.stderr.isatty():
                print(f"\r{number}/{len(seeds)} seeds", end="", file=sys.stderr)
    for what in sorted(totals):
        print(f"{what:<44}{totals[what]:>12,}")
    hours = len(seeds) * arguments.seconds / 3600
    print(
        f"{len(seeds)} seeds, {hours:.1f} simulated hours, {failures} violations, "
        f"{time.monotonic() - started:.0f} s"
    )
    if len(seeds) >= MANY_SEEDS:
        for what in MUST_HAPPEN:
            if not totals.get(what):
                print(f"nothing was proved about: {what} (it never happened)")
                failures += 1
        if totals.get("healthy ok", 0) < totals.get("healthy not ok", 0):
            print("fewer than half of the operations succeeded while all was well")
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
