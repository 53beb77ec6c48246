"""Runs of simulations beside `python -m tests.simulation`: seeds in processes, counts in a table."""

import argparse
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from respkv.replica import transaction
from tests.faulty_disk import SimulatedCrash
from tests.simulation.cluster import Cluster


def run_seed(
    simulation: Callable[[int], Cluster], seed: int, seconds: int
) -> tuple[int, dict[str, int], str]:
    """Run one seed; the text is empty when nothing was violated."""
    logging.disable(logging.CRITICAL)
    cluster = simulation(seed)
    internal_errors = transaction.internal_errors
    failure = ""
    try:
        cluster.run(seconds)
        if transaction.internal_errors != internal_errors:
            failure = "a command handler failed with an internal error"
    except (Exception, SimulatedCrash) as error:
        failure = f"{type(error).__name__}: {error}"
    return seed, cluster.world.counts, failure


def run_seeds(
    name: str, simulation: Callable[[int], Cluster], seconds: int, shown: Sequence[str] = ()
) -> int:
    """Run the seeds asked for; 0 when nothing was violated. `shown`: these counts, or all."""
    parser = argparse.ArgumentParser(prog=f"python -m {name}")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", default="1..20", help="A..B, both included")
    parser.add_argument(
        "--seconds", type=int, default=seconds, help="virtual seconds for each seed"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("..")
    seeds = range(int(first), int(last or first) + 1)
    if arguments.seed is not None:
        seeds = range(arguments.seed, arguments.seed + 1)
    totals: dict[str, int] = {}
    failures = 0
    run = partial(run_seed, simulation, seconds=arguments.seconds)
    with ProcessPoolExecutor(min(arguments.jobs, len(seeds))) as pool:
        for seed, counts, failure in pool.map(run, seeds):
            for what, count in counts.items():
                totals[what] = totals.get(what, 0) + count
            if failure:
                failures += 1
                print(f"seed={seed}: {failure}", flush=True)
    for what in shown or sorted(totals):
        print(f"{what:<44}{totals.get(what, 0):>12,}")
    print(f"{len(seeds)} seeds of {arguments.seconds} simulated seconds, {failures} violations")
    return 1 if failures else 0
