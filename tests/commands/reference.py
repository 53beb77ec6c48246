"""A real redis-server to compare with, and both of ours: a real server, and the bare handlers."""

import contextlib
import select
import shlex
import socket
import subprocess
import time
from pathlib import Path

from respkv.commands.table import WRITE, resolve
from respkv.entry import Entry
from respkv.errors import CommandError
from respkv.keyspace.accesses import Accesses
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.limits import Limits
from respkv.replica.replay import apply_entry
from respkv.wire.reply import encode
from respkv.wire.run import encode_command
from tests.conftest import ServerProcess
from tests.processes.ports import listening_port

Argv = list[bytes]


class RawConnection:
    """One connection that shows the bytes of each reply; empty when the server has closed it."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._socket.settimeout(30)
        self._file = self._socket.makefile("rb")

    def call(self, argv: Argv) -> bytes:
        """Send one command and return its reply."""
        self.send(argv)
        return self.reply()

    def send(self, argv: Argv) -> None:
        """Send a command; its reply is read later, or never comes."""
        self.send_bytes(encode_command(argv))

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        with contextlib.suppress(BrokenPipeError):
            self._socket.sendall(data)

    def reply(self) -> bytes:
        """Return the bytes of the next reply."""
        try:
            line = self._file.readline()
        except ConnectionResetError:
            return b""
        kind, count = line[:1], line[1:-2]
        if kind in b"$=" and count and count != b"-1":
            return line + self._file.read(int(count) + 2)
        if kind in b"*~>" and count and count != b"-1":
            return line + b"".join([self.reply() for _ in range(int(count))])
        if kind == b"%":
            return line + b"".join([self.reply() for _ in range(2 * int(count))])
        return line

    def has_reply(self) -> bool:
        """Return whether a reply has come; asked after all earlier ones were read."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self._socket.close()


class Server:
    """A server process at a Unix socket, with a connection per protocol version."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections = {2: self.connect(), 3: self.connect(resp=3)}

    def connect(self, resp: int = 2) -> RawConnection:
        """Return a connection of its own; the caller closes it."""
        connection = RawConnection(self._path)
        if resp == 3:
            connection.call([b"HELLO", b"3"])
        return connection

    def call(self, argv: Argv, resp: int = 2) -> bytes:
        """Return the bytes of the reply."""
        return self._connections[resp].call(argv)

    def clear(self) -> None:
        """Empty all databases and select the first."""
        for connection in self._connections.values():
            connection.call([b"FLUSHALL"])
            connection.call([b"SELECT", b"0"])

    def close(self) -> None:
        """End the process."""
        for connection in self._connections.values():
            connection.close()


class Reference(Server):
    """A redis-server process."""

    def __init__(self, directory: Path, *options: str, port: int = 0) -> None:
        path = directory / "redis.sock"
        self.port = port
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(port), "--unixsocket", str(path)]
            + ["--dir", str(directory), "--save", "", "--appendonly", "no"]
            + ["--enable-debug-command", "local", *options],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"ready to accept connections" in line:
                break
        else:
            raise RuntimeError("redis-server did not start")
        super().__init__(path)

    def kill(self) -> None:
        """End the process without a word."""
        self._process.kill()

    def close(self) -> None:
        """End the process."""
        super().close()
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class ClusterReference(Reference):
    """A redis-server process in cluster mode; no slots are assigned to it."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.bus_port = listening_port()
        cluster = ("--cluster-enabled", "yes", "--cluster-port", str(self.bus_port))
        super().__init__(directory, *cluster, *options, port=listening_port())


class Served(Server):
    """A `respkv server` process: the whole way from the socket through the log and back."""

    def __init__(
        self, directory: Path, *options: str, program: tuple[str, ...] = ("respkv", "server")
    ) -> None:
        path = directory / "respkv.sock"
        self._process = ServerProcess(
            directory / "data", "--unixsocket", str(path), *options, program=program
        )
        self._process.start()
        super().__init__(path)

    def close(self) -> None:
        """End the process."""
        super().close()
        self._process.__exit__()


class Ours:
    """A keyspace, and its commands called as a replica does: writes while applying an entry.

    A second keyspace replays the log of the first, as a follower does whose options are others: no
    state follows from them.
    """

    def __init__(self) -> None:
        self.keyspace = Keyspace()
        self._follower = _with_other_options(Keyspace())
        self._db = 0
        self._index = 0
        self._now_ms = 0

    def call(self, argv: Argv, resp: int = 2) -> bytes:
        """Return the bytes of the reply, and prove that an error reply changed nothing."""
        keyspace = self.keyspace
        try:
            if argv[0].upper() == b"SELECT":
                self._db = int(argv[1])
                return encode("OK", resp)
            command = resolve(argv)
        except CommandError as error:
            return encode(error, resp)
        self._begin()
        keyspace.applying = bool(command.flags & WRITE)
        keyspace.may_park = False  # there is no client who would wait
        before = keyspace.digest() if keyspace.size() < 100 else b""
        try:
            reply = command.handler(keyspace, argv)
        except CommandError as error:
            if before:
                assert keyspace.digest() == before, f"{argv} failed and changed the keyspace"
            reply = error
        assert keyspace.db_index == self._db, f"{argv} left another database selected"
        keyspace.applying = False
        if command.flags & WRITE:
            self._replicate(argv)
        return encode(reply, resp)

    def check_replicas(self) -> None:
        """Prove that leader, follower, and who starts from a snapshot of it hold the same."""
        digest = self.keyspace.digest()
        self._follower.begin_entry(1, self._index, self.keyspace.now_ms)
        assert self._follower.digest() == digest
        self._follower = _with_other_options(Keyspace.load(list(self._follower.dump())))
        assert self._follower.digest() == digest

    def _replicate(self, argv: Argv) -> None:
        lines = [[b"MULTI"], [b"SELECT", b"%d" % self._db], argv, [b"EXEC"]]
        payload = b"".join(map(encode_command, lines))
        apply_entry(self._follower, Entry(1, self._index, self.keyspace.now_ms, payload))

    def turn_to(self, now_ms: int) -> None:
        """Give the entries from now on this time."""
        self._now_ms = now_ms

    def _begin(self) -> None:
        self._index += 1
        self.keyspace.begin_entry(1, self._index, self._now_ms or int(time.time() * 1000))
        self.keyspace.position = 1  # as on the follower, whose entry begins with a SELECT
        self.keyspace.select(self._db)


def _with_other_options(keyspace: Keyspace) -> Keyspace:
    keyspace.limits = Limits()
    keyspace.limits.take(lambda _: 0)
    keyspace.follow_accesses(Accesses(counts=True, log_factor=0, decay_minutes=0, since_ms=0))
    return keyspace


def split(line: str) -> Argv:
    r"""Return the arguments of a line in shell quoting; \xNN means a byte."""
    return [
        part.encode("latin-1").decode("unicode_escape").encode("latin-1")
        for part in shlex.split(line.replace("\\x", "\\\\x"))
    ]
