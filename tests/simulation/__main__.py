"""Run seeds: `python -m tests.simulation --seed N | --seeds A..B [--seconds 60] [--jobs 2]`.

A failure prints one line that replays it; Ctrl-C ends a run with what it has found. Over many
seeds, a kind of trouble that never came, or too few successes while all was well, fails it too.
"""

import argparse
import gc
import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from respkv.replica import transaction
from tests.faulty_disk import SimulatedCrash
from tests.simulation.cluster import Cluster
from tests.simulation.report import Totals
from tests.simulation.troubles import PROFILES, SHARES, profile_of, share_of

IGNORE_INTERRUPT = (signal.SIGINT, signal.SIG_IGN)  # of the processes that run seeds


@dataclass
class Result:
    """One seed's run; `failure` is empty when nothing was violated."""

    seed: int
    profile: str
    counts: dict[str, int]
    trace: int
    failure: str


def run_seed(seed: int, seconds: int) -> Result:
    """Run one seed in this process."""
    logging.disable(logging.CRITICAL)
    gc.disable()  # a tenth of the time; what refers to itself goes between seeds
    gc.collect()
    cluster = Cluster(seed)
    failure = ""
    internal_errors = transaction.internal_errors
    try:
        cluster.run(seconds)
        if transaction.internal_errors != internal_errors:
            failure = "a command handler failed with an internal error"
    except AssertionError as error:
        failure = f"{type(error).__name__}: {error}"
    except (Exception, SimulatedCrash) as error:
        failure = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    world = cluster.world
    return Result(seed, cluster.troubles.profile, world.counts, world.trace, failure)


def _commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _report_failure(result: Result, seconds: int) -> None:
    print(
        f"seed={result.seed} commit={_commit()} command=python -m tests.simulation "
        f"--seed {result.seed} --seconds {seconds}\n"
        f"  ({result.profile}) {result.failure}",
        flush=True,
    )


def main() -> int:
    """Run the seeds asked for; 0 when nothing was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", default="1..20", help="A..B, both included")
    parser.add_argument("--profile", choices=PROFILES, help="only the seeds that have this one")
    parser.add_argument("--share", choices=SHARES, help="only the seeds that have this as well")
    parser.add_argument("--seconds", type=int, default=60, help="virtual seconds for each seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--failures", type=int, default=0, help="stop at so many; 0: run all seeds")
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("..")
    seeds = list(range(int(first), int(last or first) + 1))
    if arguments.seed is not None:
        seeds = [arguments.seed]
    if arguments.profile is not None:
        seeds = [seed for seed in seeds if profile_of(seed) == arguments.profile]
    if arguments.share is not None:
        seeds = [seed for seed in seeds if share_of(seed) == arguments.share]
    started = time.monotonic()
    totals = Totals()
    run = partial(run_seed, seconds=arguments.seconds)
    jobs = min(arguments.jobs, len(seeds))
    with ProcessPoolExecutor(jobs, initializer=signal.signal, initargs=IGNORE_INTERRUPT) as pool:
        try:
            for result in pool.map(run, seeds):
                totals.add(result.counts, result.failure != "")
                if result.failure:
                    _report_failure(result, arguments.seconds)
                    if totals.violations == arguments.failures:
                        pool.shutdown(wait=False, cancel_futures=True)
                        return 1
                if sys.stderr.isatty():
                    print(f"\r{totals.seeds}/{len(seeds)} seeds", end="\r", file=sys.stderr)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            print(f"stopped after seed {seeds[totals.seeds - 1] if totals.seeds else 'none'}")
    print("\n".join(totals.table()))
    print(f"{totals.summary(arguments.seconds)}, {time.monotonic() - started:.0f} s")
    unproved = totals.unproved()
    for line in unproved:
        print(line)
    return 1 if totals.violations or unproved else 0


if __name__ == "__main__":
    sys.exit(main())
