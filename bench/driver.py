"""redis-benchmark as the driver of load: its figures, its own CPU and the server's."""

import os
import subprocess
import time

from bench.processes import Server, die_with_parent

DRIVER = "redis-benchmark"


class DriverProcess:
    """A driver that runs: its output and its CPU."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent,
        )

    def end(self) -> tuple[str, float]:
        """Wait; return what it printed and its CPU seconds.

        Raises:
            RuntimeError: it failed.
        """
        assert self._process.stdout is not None
        try:
            text = self._process.stdout.read()
            _, status, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        if self._process.returncode:
            raise RuntimeError(f"{' '.join(self._command)}: {text[-500:]}")
        return text, usage.ru_utime + usage.ru_stime


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
    text, driver_cpu = DriverProcess(words).end()
    elapsed = time.perf_counter() - started
    server_cpu = server.cpu_seconds() - cpu_before
    lines = text.splitlines()
    if len(lines) < 2 or any("rror" in line for line in lines):
        raise RuntimeError(f"{' '.join(words)}: {' / '.join(lines)[-500:]}")
    names = [name.strip('"') for name in lines[-2].split(",")]
    values = [value.strip('"') for value in lines[-1].split(",")]
    figures = {
        name: float(value) for name, value in zip(names, values, strict=True) if name != "test"
    }
    return Run(figures, elapsed, driver_cpu, server_cpu, requests)
