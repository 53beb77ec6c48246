"""Clusters over minutes: one kill, full load beside KEYS, and nothing at all."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator

from bench.bench import Bench
from bench.faults import loaded
from bench.loads import Load, compiled_load, drive_resp
from bench.processes import Build, die_with_parent
from bench.report import Asked, Figure, of_both
from bench.trios import RespkvNodes, home_of, running_nodes

SUCCESS = 0.999
DOWN_SECONDS = 5.0  # of the node that is killed
CLIENTS = 32
SCANNED_KEYS = 1_000_000
IDLE_NODES, IDLE_PARTITIONS, IDLE_SECONDS = 5, 64, 60
IDLE_SHARE_MAX = 0.02


def availability(bench: Bench) -> list[Figure]:
    """A run with one kill in its middle: a write that had to be sent again counts as failed."""
    asked = of_both(Asked("≥", SUCCESS))
    name = f"writes that succeed at once in {bench.minutes:g} minutes with one kill"
    figure = Figure(name, "of all", asked, ())
    written = Figure(f"writes in {bench.minutes:g} minutes with one kill", "writes/s", None, ())
    for build in bench.respkv_builds():
        bench.say(f"{bench.minutes:g} minutes with one kill, {build.name}")
        with loaded(bench, build) as cluster:
            began = time.monotonic()
            time.sleep(bench.minutes * 30)
            node = bench.chance.choice(cluster.nodes.nodes)
            cluster.kill(node)
            time.sleep(DOWN_SECONDS)
            cluster.restart(node)
            time.sleep(max(0.0, began + bench.minutes * 60 - time.monotonic()))
        writers = cluster.writers
        failed = sum(write.retries > 0 or write.error is not None for write in writers.slow)
        figure.add(build.name, 1 - failed / writers.written)
        written.add(build.name, writers.written / (time.monotonic() - began))
        figure.commands[build.name] = cluster.nodes.shown()
    return [figure, written]


def keys_under_load(bench: Bench) -> list[Figure]:
    """Full load, and a client that runs KEYS * over a million keys: no leader may be doubted."""
    name = f"elections in {bench.minutes:g} minutes of full load with KEYS *"
    elections = Figure(name, "elections", of_both(Asked("≤", 0)), ())
    rate = Figure("SET beside KEYS * over 1,000,000 keys", "requests/s", None, ())
    longest = Figure("longest wait beside KEYS * over 1,000,000 keys", "ms", None, ())
    program = compiled_load(bench.scratch)
    for build in bench.respkv_builds():
        bench.say(f"{bench.minutes:g} minutes of full load with KEYS *, {build.name}")
        with home_of(bench.scratch) as home:
            nodes = RespkvNodes(build, home)
            with running_nodes(nodes):
                drive_resp(program, nodes, Load("fill", 8, 16, SCANNED_KEYS), 0, 1)
                before = nodes.elections()
                with _listing_keys(nodes):
                    load = Load("set", CLIENTS, 1, SCANNED_KEYS)
                    run = drive_resp(program, nodes, load, bench.minutes * 60, 1)
                elections.add(build.name, nodes.elections() - before)
        rate.add_run(build.name, run, "rps")
        longest.add(build.name, run.max_ms)
        elections.commands[build.name] = nodes.shown()
    return [elections, rate, longest]


@contextlib.contextmanager
def _listing_keys(nodes: RespkvNodes) -> Iterator[None]:
    """Run KEYS * again and again, on one node after the other."""
    ports = " ".join(str(node.port) for node in nodes.nodes)
    script = f"while :; do for port in {ports}; do redis-cli -p $port KEYS '*'; done; done"
    lister = subprocess.Popen(
        ["sh", "-c", script], stdout=subprocess.DEVNULL, preexec_fn=die_with_parent
    )
    try:
        yield
    finally:
        lister.kill()
        lister.wait()


def idle(bench: Bench) -> list[Figure]:
    """What each of five nodes takes of a core while nobody asks anything; the busiest counts."""
    name = f"core of the busiest of {IDLE_NODES} idle nodes, {IDLE_PARTITIONS} partitions"
    figure = Figure(name, "share", of_both(Asked("≤", IDLE_SHARE_MAX)), ())

    def measure(build: Build) -> None:
        with home_of(bench.scratch) as home:
            more = ("--cluster-partitions", str(IDLE_PARTITIONS))
            nodes = RespkvNodes(build, home, *more, count=IDLE_NODES)
            with running_nodes(nodes):
                before = [node.cpu_seconds() for node in nodes.nodes]
                began = time.monotonic()
                time.sleep(IDLE_SECONDS)
                after = [node.cpu_seconds() for node in nodes.nodes]
                elapsed = time.monotonic() - began
        spent = [(last - first) / elapsed for first, last in zip(before, after, strict=True)]
        figure.add(build.name, max(spent))
        figure.commands[build.name] = nodes.shown()
        bench.say(f"idle, {build.name}: {', '.join(f'{share:.1%}' for share in spent)}")

    for build in bench.respkv_builds():
        measure(build)
    return [figure]


LONG_RUNS: dict[str, Callable[[Bench], list[Figure]]] = {
    "availability": availability,
    "keys": keys_under_load,
    "idle": idle,
}
