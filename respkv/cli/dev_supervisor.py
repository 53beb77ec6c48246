"""The process behind `respkv dev-cluster`: starts the nodes, obeys other terminals, stops them all.

Nodes never outlive it: they are stopped on SIGINT, SIGTERM and SIGHUP, and the kernel kills them
when it is killed itself. They are in sessions of their own, so that Ctrl-C reaches it alone.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from respkv.cli.client import Refused, RespClient, Unreachable
from respkv.cli.cluster import status_seen
from respkv.cli.dev_state import DevError, control_path, order, write_state
from respkv.cluster.view import BUS_PORT_OFFSET

HOST = "127.0.0.1"
STOP_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1
_HINT_SECONDS = 10.0
_REQUEST_SECONDS = 2.0
_POLL_SECONDS = 0.01


class DevNode:
    """One `respkv server` and where it lives."""

    def __init__(self, number: int, port: int, peers: str, directory: str) -> None:
        self.number = number
        self.port = port
        self.log = os.path.join(directory, f"node-{number}.log")
        self.paused = False
        self.process: subprocess.Popen[bytes] | None = None
        self._command = [
            sys.executable, "-m", "respkv", "server", "--port", str(port), "--bind", HOST,
            "--dir", os.path.join(directory, f"node-{number}"),
            "--cluster-enabled", "yes", "--cluster-peers", peers,
        ]  # fmt: skip

    def start(self) -> None:
        """Start its process; it is not ready yet."""
        self.paused = False
        libc = ctypes.CDLL(None)
        parent = os.getpid()

        def die_with_parent() -> None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # this process has one thread
            )

    @property
    def state(self) -> str:
        """Return running, paused, or how it ended."""
        code = None if self.process is None else self.process.poll()
        if self.process is None or code == 0:
            return "stopped"
        if code is None:
            return "paused" if self.paused else "running"
        return "killed" if code == -signal.SIGKILL else f"failed ({code})"

    @property
    def is_alive(self) -> bool:
        """Return whether it has a process."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the server process, if it is alive."""
        if self.process is not None:
            self.process.send_signal(number)

    def is_ready(self, nodes: int) -> bool:
        """Return whether it serves and sees the whole cluster."""
        password = os.environ.get("RESPKV_REQUIREPASS", "")
        try:
            with RespClient(HOST, self.port, password) as client:
                status = status_seen(client)
        except (Refused, Unreachable):
            return False
        return bool(status["state"] == "ok" and status["nodes_up"] == nodes)

    def facts(self) -> dict[str, Any]:
        """Return what the state file says of it."""
        pid = self.process.pid if self.process is not None and self.is_alive else 0
        return {"node": self.number, "port": self.port, "pid": pid, "state": self.state}


class Supervisor:
    """All nodes of one dev-cluster; `run` returns when they are stopped."""

    def __init__(self, directory: str, port: int, nodes: int) -> None:
        self._directory = os.path.abspath(directory)
        self._port = port
        self._control = control_path(port)
        ports = range(port, port + nodes)
        peers = ",".join(f"{HOST}:{own}" for own in ports)
        self._nodes = [
            DevNode(number, own, peers, self._directory) for number, own in enumerate(ports, 1)
        ]
        self._signals = 0  # that tell it to stop
        self._ended: set[int] = set()  # known to be; not by themselves, or it was told

    def run(self) -> int:
        """Start, print `ready`, obey until told to stop; 0 when all went well.

        Raises:
            DevError: it cannot start, and what to do.
        """
        self._check()
        woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, self._told_to_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._control)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._control)
            listener.listen()
            try:
                return self._serve(listener, woken)
            finally:
                self._stop_all()
                os.remove(self._control)

    def _check(self) -> None:
        with contextlib.suppress(OSError):
            order(self._control, "status")
            raise DevError(
                f"a dev-cluster runs on port {self._port} already: stop it with "
                f"respkv dev-cluster stop --port {self._port}, or choose another --port"
            )
        for node in self._nodes:
            for port, use in ((node.port, ""), (node.port + BUS_PORT_OFFSET, " (for other nodes)")):
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        probe.bind((HOST, port))
                    except OSError as error:
                        raise DevError(
                            f"port {port} of node {node.number}{use} is not free "
                            f"({error.strerror}): stop what uses it, or choose another --port"
                        ) from None

    def _told_to_stop(self, *_: object) -> None:
        self._signals += 1

    # --- running -----------------------------------------------------------------------------

    def _serve(self, listener: socket.socket, woken: int) -> int:
        for node in self._nodes:
            node.start()
            pid = node.process.pid if node.process is not None else 0
            print(f"node {node.number}  {HOST}:{node.port}  pid {pid}", flush=True)
        self._save()
        waiting, hint_at = list(self._nodes), time.monotonic() + _HINT_SECONDS
        while not self._signals:
            if waiting:
                alive = [node for node in self._nodes if node.is_alive]
                waiting = [node for node in waiting if not node.is_ready(len(alive))]
                if not waiting:
                    print(f"ready: {len(alive)} nodes, data in {self._directory}", flush=True)
                elif time.monotonic() > hint_at:
                    hint_at = float("inf")
                    print(f"not ready yet: {waiting[0].log} may say why; Ctrl-C stops", flush=True)
            files = [listener.fileno(), woken]
            readable, _, _ = select.select(files, [], [], _POLL_SECONDS if waiting else None)
            if woken in readable:
                os.read(woken, 4096)
            if self._report_ended() and waiting:
                return 1
            if listener.fileno() in readable:
                connection, _ = listener.accept()
                with connection:
                    self._answer(connection)
        return 0

    def _report_ended(self) -> bool:
        """Tell of nodes that have ended by themselves; return whether there are any."""
        ended = [n for n in self._nodes if not n.is_alive and n.number not in self._ended]
        for node in ended:
            self._ended.add(node.number)
            print(f"node {node.number} {node.state}: see {node.log}", file=sys.stderr, flush=True)
        if ended:
            self._save()
        return bool(ended)

    def _stop_all(self) -> None:
        for node in self._nodes:
            node.signal(signal.SIGTERM)
            node.signal(signal.SIGCONT)
        before, ends = self._signals, time.monotonic() + STOP_SECONDS
        while any(node.is_alive for node in self._nodes):
            if self._signals > before or time.monotonic() > ends:  # Ctrl-C again, or it hangs
                for node in self._nodes:
                    node.signal(signal.SIGKILL)
            time.sleep(0.005)
        self._save(stopped=True)

    def _save(self, stopped: bool = False) -> None:
        write_state(
            self._directory,
            {
                "pid": 0 if stopped else os.getpid(),
                "control": self._control,
                "nodes": [node.facts() for node in self._nodes],
            },
        )

    # --- orders ------------------------------------------------------------------------------

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(_REQUEST_SECONDS)
        try:
            with connection.makefile("rb") as lines:
                asked = json.loads(lines.readline())
            try:
                answer = self._obey(asked["verb"], asked["node"])
            except DevError as error:
                answer = {"error": str(error)}
            connection.sendall(json.dumps(answer).encode() + b"\n")
        except (OSError, ValueError, KeyError, TypeError):
            pass  # whoever asked has gone, or is no respkv: nothing was done

    def _obey(self, verb: str, name: str) -> dict[str, Any]:
        if verb == "stop":
            self._signals += 1
            self._stop_all()
        elif verb != "status":
            node = self._find(name)
            if verb == "start" and not node.is_alive:
                node.start()
                self._ended.discard(node.number)
            elif verb == "kill" and node.is_alive and node.process is not None:
                self._ended.add(node.number)
                node.process.kill()
                node.process.wait()
            elif verb == "pause" and node.state == "running":
                node.signal(signal.SIGSTOP)
                node.paused = True
            elif verb == "resume" and node.state == "paused":
                node.signal(signal.SIGCONT)
                node.paused = False
            else:
                raise DevError(_refusal(verb, node))
            self._save()
            return {"node": node.facts()}
        return {"directory": self._directory, "nodes": [node.facts() for node in self._nodes]}

    def _find(self, name: str) -> DevNode:
        for node in self._nodes:
            if name in (str(node.number), str(node.port)):
                return node
        last = self._nodes[-1]
        raise DevError(
            f"no node '{name}': name one by its number, 1 to {last.number}, "
            f"or its port, {self._port} to {last.port}"
        )


def _refusal(verb: str, node: DevNode) -> str:
    wanted = {"start": "stopped", "kill": "running", "pause": "running", "resume": "paused"}
    if verb not in wanted:
        return f"'{verb}' is no order"
    help_by_state = {"running": "kill or pause", "paused": "resume or kill"}
    possible = help_by_state.get(node.state, "start")
    return f"node {node.number} is {node.state}, not {wanted[verb]}: it can take {possible}"
