"""Server processes under test: started on a free port, measured from /proc, always stopped."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.client import Client
from tests.processes.ports import listening_port

START_SECONDS = 300  # recovery of a large log included
STOP_SECONDS = 30
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Runs in the child: no benchmark that is killed leaves a server behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Build:
    """One column of the tables: how to start a server for a port and a directory."""

    def __init__(self, name: str, program: str, is_redis: bool) -> None:
        self.name = name
        self.program = program
        self.is_redis = is_redis

    def command(self, port: str, directory: str, policy: str, *more: str) -> list[str]:
        """Return the command line; `policy` is what both call appendfsync."""
        common = ["--port", port, "--dir", directory, "--appendfsync", policy]
        if self.is_redis:
            return [self.program, *common, "--appendonly", "yes", "--save", "", *more]
        return [self.program, "server", *common, *more]

    def shown(self, policy: str, *more: str) -> str:
        """Return the command line as printed in reports: without paths of this machine."""
        words = self.command("PORT", "DIR", policy, *more)
        words[0] = Path(words[0]).name
        return " ".join(word or "''" for word in words)


class Process:
    """One server process: launched, signalled, measured from /proc."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory.parent / f"{directory.name}.log"
        self.process: subprocess.Popen[bytes]

    def launch(self, command: list[str]) -> None:
        """Start it; it may not be listening yet."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory.parent,
                preexec_fn=die_with_parent,
            )

    def log_end(self) -> str:
        """Return the last lines that it has logged."""
        return self.log.read_text(errors="replace")[-2000:]

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it politely, or else not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def cpu_seconds(self) -> float:
        """CPU used by the server and its child processes, ended ones included."""
        return sum(_cpu_ticks(pid) for pid in self._processes()) / _TICKS_PER_SECOND

    def memory_bytes(self) -> int:
        """Memory held by the server and its children; what they share counts once (Pss)."""
        total = 0
        for pid in self._processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total

    def _processes(self) -> list[int]:
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    found += map(int, (task / "children").read_text().split())
        return found


class Server(Process):
    """One running server of a build; `running` makes them."""

    def __init__(self, build: Build, directory: Path, policy: str, *more: str) -> None:
        super().__init__(directory)
        self.build = build
        self.policy = policy
        self.more = more
        self.port = 0

    def start(self) -> float:
        """Start it and return the seconds until it serves."""
        self.port = listening_port()
        command = self.build.command(str(self.port), str(self.directory), self.policy, *self.more)
        started = time.perf_counter()
        self.launch(command)
        while not self._serves():
            if self.process.poll() is not None or time.perf_counter() - started > START_SECONDS:
                raise RuntimeError(f"{self.build.name} did not start:\n{self.log_end()}")
            time.sleep(0.005)
        return time.perf_counter() - started

    def _serves(self) -> bool:
        with contextlib.suppress(OSError, RuntimeError), Client(self.port) as client:
            return client.call(b"SET", b"started", b"1") == b"OK"
        return False


def _cpu_ticks(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # ended meanwhile: its parent's child time has it
        return 0
    fields = text[text.rindex(")") + 2 :].split()
    return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime


@contextlib.contextmanager
def running(build: Build, scratch: Path, policy: str, *more: str) -> Iterator[Server]:
    """Run a server on an empty directory of its own; both are gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="server-", dir=scratch))
    server = Server(build, home / "data", policy, *more)
    try:
        server.start()
        yield server
    finally:
        if hasattr(server, "process"):
            server.stop()
        shutil.rmtree(home, ignore_errors=True)
