"""Three real nodes of one cluster, for tests: formed, on free ports, always stopped."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import hiredis

from respkv.keyspace.slots import slot_of
from respkv.wire.run import encode_command
from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.fault_proxy import FaultProxy
from tests.processes.ports import listening_port

NOT_RUN = ("MOVED ", "CLUSTERDOWN ", "TRYAGAIN ", "LOADING ")


class TrioProcess(ServerProcess):
    """One of the three."""

    peers = ""

    def __init__(
        self, directory: Path, *options: str, program: tuple[str, ...] = ("respkv", "server")
    ) -> None:
        super().__init__(directory, *options, program=program)
        self.port, self.bus_port = listening_port(), listening_port()
        self.announced_bus_port = 0  # the same

    def launch(self) -> None:
        """Start the process."""
        kept = self.options
        self.options = (
            "--cluster-enabled", "yes", "--cluster-peers", self.peers,
            "--cluster-port", str(self.bus_port), "--cluster-announce-ip", "127.0.0.1",
            "--cluster-announce-bus-port", str(self.announced_bus_port), *kept,
        )  # fmt: skip
        try:
            super().launch()
        finally:
            self.options = kept

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process.poll() is None

    def strike(self) -> None:
        """kill -9 without waiting for the end; on a lossy disk, its power goes."""
        if "--lossy" in self.program:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def call(self, *argv: bytes | str, seconds: float = PATIENCE_SECONDS) -> Any:
        """Send one command and return its reply, an error as a `hiredis.ReplyError`."""
        with socket.create_connection(("127.0.0.1", self.port), seconds) as connection:
            connection.settimeout(seconds)
            words = [word.encode() if isinstance(word, str) else word for word in argv]
            connection.sendall(encode_command(words))
            return replies_of(connection, 1)[0]

    def log_text(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(errors="replace")


def replies_of(connection: socket.socket, count: int) -> list[Any]:
    """Read so many replies; the last one is "closed" when the server closed the connection."""
    reader = hiredis.Reader()
    replies: list[Any] = []
    while len(replies) < count:
        reply = reader.gets()
        if reply is not False:
            replies.append(reply)
            continue
        data = connection.recv(65536)
        if not data:
            return [*replies, "closed"]
        reader.feed(data)
    return replies


class Trio:
    """The three, or `count` of them; use it as a context manager."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        proxy: FaultProxy | None = None,
        count: int = 3,
        program: tuple[str, ...] = ("respkv", "server"),
    ) -> None:
        self.proxy = proxy
        self.nodes = [
            TrioProcess(directory / f"node{number}", *options, program=program)
            for number in range(1, count + 1)
        ]
        peers = " ".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        for number, node in enumerate(self.nodes):
            node.peers = peers
            if proxy is not None:
                node.announced_bus_port = proxy.ports[number]
                proxy.targets[number] = node.bus_port

    def __enter__(self) -> "Trio":
        try:
            for node in self.nodes:
                node.launch()
            self.wait_ready()
            if len(self.running()) < len(self.nodes):
                ended = [node.log_text() for node in self.nodes if node not in self.running()]
                raise RuntimeError("a node has ended: " + "".join(ended))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        started = [node for node in self.nodes if hasattr(node, "process")]
        for node in started:
            with contextlib.suppress(ProcessLookupError):
                node.resume()
                node.process.send_signal(signal.SIGTERM)
        for node in started:
            try:
                node.process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                node.kill()

    def running(self) -> list[TrioProcess]:
        """Return the nodes whose process is there."""
        return [node for node in self.nodes if node.is_running]

    def wait_ready(self) -> None:
        """Wait until every running node knows a leader of every slot, and they agree."""

        def agree() -> bool:
            seen = [self._view_of(node) for node in self.running()]
            return all(seen) and len(set(seen)) == 1

        wait_until(agree, self._logs)

    def _logs(self) -> str:
        return "\n".join(f"{node.port}:\n{node.log_text()}" for node in self.nodes)

    def _view_of(self, node: TrioProcess) -> str:
        try:
            info = node.call("CLUSTER", "INFO", seconds=1)
            slots = node.call("CLUSTER", "SLOTS", seconds=1)
        except OSError:
            return ""
        if not isinstance(info, bytes) or b"cluster_state:ok" not in info:
            return ""
        if (
            not isinstance(slots, list)
            or sum(last - first + 1 for first, last, *_ in slots) < 16384
        ):
            return ""
        ports = {running.port for running in self.running()}
        if not ports.issuperset(leader[1] for _, _, leader, *_ in slots):
            return ""
        return repr([(first, last, leader[1]) for first, last, leader, *_ in slots])

    def leader_of(self, key: bytes, asked: TrioProcess | None = None) -> TrioProcess:
        """Return the node that leads a key's slot, as `asked` or else the first that runs sees it."""
        # During an election nodes show who led last.
        slot = slot_of(key)
        for first, last, leader, *_ in (asked or self.running()[0]).call("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == leader[1])
        raise LookupError(key)

    def at_leader(self, *argv: bytes, asked: TrioProcess | None = None) -> Any:
        """Return what whoever leads its first key replies; it is sent again while nobody runs it.

        Raises:
            OSError: the connection broke, and it may have run.
        """
        replies: list[Any] = []

        def has_run() -> bool:
            with contextlib.suppress(ConnectionRefusedError):
                replies.append(self.leader_of(argv[1], asked).call(*argv))
                return not str(replies[-1]).startswith(NOT_RUN)
            return False

        wait_until(has_run, lambda: f"{replies[-1:]}\n{self._logs()}")
        return replies[-1]

    def leaders(self) -> set[int]:
        """Return the ports of all nodes that lead something."""
        return {leader[1] for _, _, leader, *_ in self.running()[0].call("CLUSTER", "SLOTS")}

    def key_led_by(self, node: TrioProcess, prefix: str = "key") -> bytes:
        """Return a key whose slot this node leads, once it leads one."""
        return self.keys_led_by(node, 1, prefix)[0]

    def keys_led_by(self, node: TrioProcess, count: int, prefix: str = "key") -> list[bytes]:
        """Return so many keys of different slots that this node leads, once it leads them."""
        found: list[bytes] = []

        def are_found() -> bool:
            # Who was paused or started a moment ago gets back what the ring gives it to lead.
            with contextlib.suppress(LookupError):
                found.extend(_keys_in(self._slots_led_by(node), count, prefix))
            return bool(found)

        wait_until(are_found, self._logs)
        return found

    def key_led_now(self, node: TrioProcess, prefix: str = "key") -> bytes:
        """Return a key whose slot this node leads.

        Raises:
            LookupError: it leads nothing.
        """
        return _keys_in(self._slots_led_by(node), 1, prefix)[0]

    def _slots_led_by(self, node: TrioProcess) -> set[int]:
        return {
            slot
            for first, last, leader, *_ in node.call("CLUSTER", "SLOTS")
            if leader[1] == node.port
            for slot in range(first, last + 1)
        }

    def faults_logged(self) -> list[str]:
        """Return log lines that no fault from outside explains."""
        return [
            f"{node.port}: {line}"
            for node in self.nodes
            for line in node.log_text().splitlines()
            if "Traceback" in line or "internal error" in line or "InvariantViolation" in line
        ]


def _keys_in(slots: set[int], count: int, prefix: str) -> list[bytes]:
    """Return so many keys, each in another one of these slots."""
    if len(slots) < count:
        raise LookupError(f"{len(slots)} slots")
    found: list[bytes] = []
    for number in itertools.count(1):
        key = f"{prefix}:{number}".encode()
        if slot_of(key) in slots:
            slots.remove(slot_of(key))
            found.append(key)
            if len(found) == count:
                break
    return found
