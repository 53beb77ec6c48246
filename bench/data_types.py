"""The data types: redis-benchmark's own list of tests, and calls on containers of a million."""

import json
import subprocess
from pathlib import Path

from bench.bench import Bench
from bench.driver import drive, shown
from bench.processes import Build, running
from bench.report import COMPILED, PURE, REDIS, Asked, Figure, of_both

POLICY = "everysec"
OPTIONS = ["-P", "16", "-c", "50"]
RANDOM_KEYS = ["-r", "100000"]
REQUESTS = 200_000
LISTED = 10_000  # elements of the list that LRANGE reads
TESTS = (
    "PING_INLINE PING_MBULK SET GET INCR LPUSH RPUSH LPOP RPOP SADD HSET SPOP ZADD ZPOPMIN MSET"
).split()
# Without -r these work on one element: with it, on a container of up to 100,000.
RANDOM_TESTS = ["INCR", "SADD", "HSET", "SPOP", "ZADD", "ZPOPMIN", "MSET"]
RANGES = {100: 50_000, 300: 20_000, 500: 15_000, 600: 10_000}  # requests by elements
TYPES = "-P 16: "
CONTAINERS = Path(__file__).parent / "micro" / "containers.py"
# What is asked, in us; the other calls are shown beside them.
SCORE_CALLS = ("ZADD, a new score", "ZADD, a new member", "ZRANK", "ZRANGEBYSCORE LIMIT 0 10")
STREAM_CALLS = ("XADD", "XRANGE COUNT 10", "XREADGROUP COUNT 10")


def types(bench: Bench) -> list[Figure]:
    """redis-benchmark -P 16, its whole default list of tests; CPU is what a busy machine leaves."""
    plans: list[tuple[str, list[str], int, list[str]]] = []
    for test in TESTS:
        plans.append((test, ["-t", test.lower()], REQUESTS, []))
    for test in RANDOM_TESTS:
        plans.append((f"{test} -r", [*RANDOM_KEYS, "-t", test.lower()], REQUESTS, []))
    for elements, requests in RANGES.items():  # spelled out: its own test fills a list each time
        command = ["LRANGE", "mylist", "0", str(elements - 1)]
        plans.append((f"LRANGE_{elements}", [], requests, command))
    asked = {PURE: [Asked("≥", 0.25, REDIS)], COMPILED: [Asked("≥", 0.5, REDIS)]}
    rates = {test: Figure(TYPES + test, "requests/s", asked) for test, *_ in plans}
    spent = {test: Figure(f"CPU of {test} at -P 16", "µs") for test, *_ in plans}

    def measure(build: Build) -> None:
        with running(build, bench.scratch, POLICY) as server:
            for test, more, requests, command in plans:
                if test == "LRANGE_100":
                    drive(server, [*OPTIONS, "-t", "lpush"], LISTED)
                options = [*OPTIONS, *more]
                run = drive(server, options, requests, *command)
                rates[test].add_run(build.name, run, "rps")
                rates[test].commands[build.name] = build.shown(POLICY)
                driver = [shown(options), "-n", str(requests), *command]
                rates[test].commands["driver"] = " ".join(driver)
                spent[test].add(build.name, run.server_cpu_us)

    bench.each("types", measure)
    return [*rates.values(), *spent.values()]


def containers(bench: Bench) -> list[Figure]:
    """Calls on a sorted set and on a stream of a million, in process."""
    figures: dict[str, Figure] = {}

    def measure(build: Build) -> None:
        if build.is_redis:
            return
        program = str(Path(build.program).with_name("python"))
        command = [program, str(CONTAINERS), "--json"]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=bench.scratch
        )
        for call, cost_us in json.loads(done.stdout).items():
            if call not in figures:
                bound = 25 if call in SCORE_CALLS else 30 if call in STREAM_CALLS else 0
                asked = of_both(Asked("≤", bound)) if bound else {}
                figures[call] = Figure(f"{call}, of 1,000,000, in process", "µs", asked)
            figures[call].add(build.name, cost_us)
            figures[call].commands[build.name] = "python bench/micro/containers.py"

    bench.each("containers", measure)
    return list(figures.values())
