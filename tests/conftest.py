"""Real processes for tests: each on a free port, always stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.ports import listening_port

pytest.register_assert_rewrite("tests.commands.comparing")


class ServerProcess:
    """A `respkv server` of its own, or what `program` names; use it as a context manager."""

    def __init__(
        self, directory: Path, *options: str, program: tuple[str, ...] = ("respkv", "server")
    ) -> None:
        self.port = listening_port()
        self.directory = directory
        self.options = options
        self.program = program
        self.log = directory.parent / f"{directory.name}.log"
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start the process; it may still be loading, or not even listening."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", *self.program,
                    "--port", str(self.port), "--dir", str(self.directory), *self.options,
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.getcwd()},
                start_new_session=True,  # so that `lose_power` reaches its children as well
            )  # fmt: skip

    def wait_ready(self) -> None:
        """Wait until it answers commands."""
        wait_until(lambda: self.process.poll() is not None or self._answers(), self.log.read_text)
        if self.process.poll() is not None:
            raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")

    def _answers(self) -> bool:
        return self.ask(b"PING") in (b"+PONG\r\n", b"-NOAUTH Authentication required.\r\n")

    def ask(self, line: bytes, seconds: float = 2) -> bytes:
        """Send one inline command; empty when nobody answers."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), seconds) as connection:
                connection.sendall(line + b"\r\n")
                return connection.recv(65536)
        except OSError:
            return b""

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def lose_power(self) -> None:
        """Kill the server and every process it has started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def __enter__(self) -> "ServerProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
        if self.process.poll() is None:
            self.kill()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("respkv") / "data") as server:
        yield server


@pytest.fixture
def server(shared_server: ServerProcess) -> ServerProcess:
    """A running server without keys, shared with other tests."""
    assert shared_server.ask(b"FLUSHALL") == b"+OK\r\n"
    return shared_server
