"""redis-benchmark as the driver of load: its figures, its own CPU and the server's."""

import os
import statistics
import subprocess
import time

from bench.processes import Server, die_with_parent

DRIVER = "redis-benchmark"


class Run:
    """What one run of redis-benchmark measured."""

    def __init__(
        self,
        figures: dict[str, float],
        elapsed: float,
        driver_cpu: float,
        server_cpu: float,
        requests: int,
    ) -> None:
        self.rps = figures["rps"]
        self.p50_ms = figures["p50_latency_ms"]
        self.p99_ms = figures["p99_latency_ms"]
        self.max_ms = figures["max_latency_ms"]
        self.driver_cpu_share = driver_cpu / elapsed  # of one core
        self.server_cpu_share = server_cpu / elapsed
        self.server_cpu_us = server_cpu / requests * 1e6  # a request


def shown(options: list[str]) -> str:
    """Return the driver's command line as printed in reports."""
    return " ".join([DRIVER, "-p", "PORT", *options])


def drive(server: Server, options: list[str], requests: int, *command: str) -> Run:
    """Run redis-benchmark for one test (`-t` names one, or `command`) and `requests` requests.

    Raises:
        RuntimeError: it failed, or printed an error.
    """
    words = [DRIVER, "-p", str(server.port), *options, "-n", str(requests), "--csv", *command]
    cpu_before = server.cpu_seconds()
    started = time.perf_counter()
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent,
    )
    try:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    except BaseException:
        process.kill()
        process.wait()
        raise
    elapsed = time.perf_counter() - started
    server_cpu = server.cpu_seconds() - cpu_before
    if process.returncode or len(lines) < 2 or any("rror" in line for line in lines):
        raise RuntimeError(f"{' '.join(words)}: {' / '.join(lines)[-500:]}")
    names = [name.strip('"') for name in lines[-2].split(",")]
    values = [value.strip('"') for value in lines[-1].split(",")]
    figures = {
        name: float(value) for name, value in zip(names, values, strict=True) if name != "test"
    }
    return Run(figures, elapsed, usage.ru_utime + usage.ru_stime, server_cpu, requests)


def medians(runs: list[Run]) -> dict[str, float]:
    """Return the median of each figure over the rounds."""
    return {name: statistics.median(getattr(run, name) for run in runs) for name in vars(runs[0])}
