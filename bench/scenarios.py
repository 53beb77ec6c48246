"""What is measured: each scenario runs every build in turn, round by round, and yields figures."""

import time
from collections.abc import Callable

from bench.bench import Bench
from bench.client import Client, fill, percentile, probe
from bench.driver import drive, shown
from bench.processes import Build, Server, running
from bench.report import COMPILED, PURE, REDIS, Asked, Figure, of_both
from respkv.wire.run import encode_command

KEYS = 1_000_000
VALUE = b"x" * 64
EXPIRING_KEYS = 100_000
PAUSE_MS_MAX = 20


def _driven(
    bench: Bench, policy: str, plans: list[tuple[Figure, list[str], int, str]]
) -> list[Figure]:
    """Run redis-benchmark for each plan: (figure, options, requests, which of the Run's values)."""

    def measure(build: Build) -> None:
        with running(build, bench.scratch, policy) as server:
            for figure, options, requests, value in plans:
                run = drive(server, options, requests)
                figure.add_run(build.name, run, value)
                figure.commands[build.name] = build.shown(policy)
                figure.commands["driver"] = f"{shown(options)} -n {requests}"

    bench.each(f"appendfsync {policy}", measure)
    return [plan[0] for plan in plans]


def throughput(bench: Bench) -> list[Figure]:
    """SET and GET, unpipelined and at -P 16, under both policies."""
    figures = []
    for policy in ("everysec", "always"):
        plans = []
        for pipeline, pure, compiled in ((1, 0.5, 0.65), (16, 0.35, 0.6)):
            for test in ("set", "get"):
                asked = {
                    PURE: [Asked("≥", pure, REDIS)],
                    COMPILED: [Asked("≥", compiled, REDIS)],
                }
                name = f"{test.upper()} -P {pipeline}, {policy}"
                options = ["-c", "50", "-d", "64", "-r", "100000", "-t", test]
                options += ["-P", str(pipeline)] if pipeline > 1 else []
                requests = 200_000 if pipeline == 1 else 1_000_000
                plans.append((Figure(name, "requests/s", asked), options, requests, "rps"))
        figures += _driven(bench, policy, plans)
    for figure in list(figures):
        if figure.name == "SET -P 16, everysec":
            asked = {PURE: [Asked("≤", 7)], COMPILED: [Asked("≤", 4)]}
            cpu = Figure("CPU of a SET at -P 16, everysec", "µs", asked)
            cpu.rounds = {build: list(spent) for build, spent in figure.server_cpu_us.items()}
            figures.append(cpu)
    return figures


def connections(bench: Bench) -> list[Figure]:
    """A thousand connections: an error fails the run; p99 beside redis-server's."""
    asked = of_both(Asked("≤", 3, REDIS))
    plans = []
    for test in ("set", "get"):
        options = ["-c", "1000", "-d", "64", "-r", "100000", "-t", test]
        figure = Figure(f"{test.upper()} p99, 1,000 connections", "ms", asked)
        plans.append((figure, options, 100_000, "p99_ms"))
    return _driven(bench, "everysec", plans)


def one_client(bench: Bench) -> list[Figure]:
    """One client that waits for each of its SETs to be on disk."""
    asked = of_both(Asked("≤", 2, REDIS))
    options = ["-c", "1", "-d", "64", "-r", "100000", "-t", "set"]
    figure = Figure("SET p50, one client, always", "ms", asked)
    return _driven(bench, "always", [(figure, options, 10_000, "p50_ms")])


def memory_and_recovery(bench: Bench) -> list[Figure]:
    """A million keys: what they weigh, and how fast their log is replayed after kill -9."""
    memory = Figure("memory of 1,000,000 keys of 64 bytes", "MB", of_both(Asked("≤", 2.5, REDIS)))
    recovery = Figure("recovery from the log", "commands/s", of_both(Asked("≥", 500_000)))

    def measure(build: Build) -> None:
        more = [] if build.is_redis else ["--save", ""]
        with running(build, bench.scratch, "everysec", *more) as server:
            empty_bytes = server.memory_bytes()
            empty_seconds = _restart(server)
            fill(server.port, KEYS, VALUE)
            memory.add(build.name, (server.memory_bytes() - empty_bytes) / 1e6)
            seconds = _restart(server)
            recovery.add(build.name, KEYS / max(0.001, seconds - empty_seconds))
            with Client(server.port) as client:
                if int(client.call(b"DBSIZE")) < KEYS:
                    raise RuntimeError(f"{build.name} lost keys")
        memory.commands[build.name] = build.shown("everysec", *more)

    bench.each("memory and recovery", measure)
    return [memory, recovery]


def _restart(server: Server) -> float:
    time.sleep(1.2)  # everysec: what was written is synced after a second
    server.kill()
    return server.start()


def pauses(bench: Bench) -> list[Figure]:
    """What a client waits at most while a snapshot, an expiry or a FLUSHALL is under way."""
    plain = Figure("p99.9 of SETs, nothing else under way", "ms")
    snapshot = Figure("p99.9 of SETs, during a snapshot: more by", "ms")
    expiry = Figure("longest pause, 100,000 keys expire at once", "ms")
    flush = Figure("longest pause, FLUSHALL of 1,000,000 keys", "ms")
    collection = Figure("longest pause in 10 s with 1,000,000 keys", "ms")
    for figure in (snapshot, expiry, flush, collection):
        figure.asked = of_both(Asked("≤", PAUSE_MS_MAX))

    def measure(build: Build) -> None:
        with running(build, bench.scratch, "everysec") as server:
            fill(server.port, KEYS, VALUE)
            quiet = probe(server.port, 10)
            plain.add(build.name, percentile(quiet, 0.999))
            collection.add(build.name, quiet[-1])
            saved = probe(server.port, 10, lambda client: client.send(b"BGSAVE\r\n"))
            snapshot.add(build.name, percentile(saved, 0.999) - percentile(quiet, 0.999))
            _fill_expiring(server.port)
            expiry.add(build.name, probe(server.port, 6)[-1])
            flushed = probe(server.port, 4, lambda client: client.send(b"FLUSHALL ASYNC\r\n"))
            flush.add(build.name, flushed[-1])

    bench.each("pauses", measure)
    return [plain, collection, snapshot, expiry, flush]


def _fill_expiring(port: int) -> None:
    """Set keys that all expire at the same moment, three seconds from now."""
    deadline = b"%d" % (time.time_ns() // 1_000_000 + 3_000)
    with Client(port) as client:
        for start in range(0, EXPIRING_KEYS, 1_000):
            argvs = [
                [b"SET", b"expiring:%d" % number, VALUE, b"PXAT", deadline]
                for number in range(start, start + 1_000)
            ]
            client.send(b"".join(map(encode_command, argvs)))
            for _ in argvs:
                client.reply()


SCENARIOS: dict[str, Callable[[Bench], list[Figure]]] = {
    "throughput": throughput,
    "connections": connections,
    "one-client": one_client,
    "memory": memory_and_recovery,
    "pauses": pauses,
}
