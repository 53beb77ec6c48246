"""`respkv dev-cluster` as a user runs it: a process, its lines, and orders from another terminal."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE_SECONDS

BUS_PORT_OFFSET = 10_000


def respkv(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    return subprocess.run(
        [sys.executable, "-m", "respkv", *arguments],
        capture_output=True, text=True, timeout=60, env=environment(),
    )  # fmt: skip


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.getcwd()}


def free_ports(count: int) -> int:
    """Return the first of `count` free ports in a row, for clients and for nodes."""
    while True:
        first = random.randrange(12_000, 22_000)
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + count):
                for wanted in (port, port + BUS_PORT_OFFSET):
                    probe = probes.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", wanted))
            return first


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _heed_hangup() -> None:
    """Tests that run under nohup ignore SIGHUP, and a dev-cluster would as well."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class DevCluster:
    """A context manager; it is stopped whatever happens."""

    def __init__(self, *options: str, port: int = 0) -> None:
        self.port = port or free_ports(3)
        self.ports = [self.port, self.port + 1, self.port + 2]
        self.lines: list[str] = []
        self._options = options
        self.process: subprocess.Popen[str]

    def __enter__(self) -> "DevCluster":
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "respkv", "dev-cluster", "--port", str(self.port),
                *self._options,
            ],
            stdout=subprocess.PIPE, text=True, env=environment(), preexec_fn=_heed_hangup,
        )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("ready"):
                return self
        self.process.wait()
        raise RuntimeError(f"it ended before it was ready: {self.lines}")

    def order(self, *arguments: str) -> str:
        """Give an order that must succeed; return what it prints."""
        done = respkv("dev-cluster", *arguments, "--port", str(self.port))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pids(self) -> list[int]:
        """Return those of the nodes, as their lines name them."""
        return [int(line.split()[-1]) for line in self.lines if line.startswith("node ")]

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()  # and the kernel kills the nodes
                self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
