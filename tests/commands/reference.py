"""A real redis-server to compare with, and our handlers called the way a replica calls them."""

import shlex
import socket
import subprocess
import time
from pathlib import Path

from respkv.commands.table import WRITE, resolve
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.values import Container
from respkv.wire.reply import encode
from respkv.wire.request import encode_command

Argv = list[bytes]


class Reference:
    """One redis-server process with a connection per protocol version."""

    def __init__(self, directory: Path) -> None:
        path = directory / "redis.sock"
        self._process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(path), "--dir", str(directory)]
            + ["--save", "", "--appendonly", "no", "--enable-debug-command", "local"],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"ready to accept connections" in line:
                break
        else:
            raise RuntimeError("redis-server did not start")
        self._connections = {2: RawConnection(path), 3: RawConnection(path)}
        self._connections[3].call([b"HELLO", b"3"])

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
        self._process.terminate()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


class RawConnection:
    """A connection to a Unix socket that shows replies as they come."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._socket.settimeout(30)
        self._file = self._socket.makefile("rb")

    def call(self, argv: Argv) -> bytes:
        """Send a command and return the bytes of the next reply."""
        self.send(argv)
        return self.read()

    def send(self, argv: Argv) -> None:
        """Send a command; its reply is read later, or never comes."""
        self._socket.sendall(encode_command(argv))

    def read(self) -> bytes:
        """Return the bytes of the next reply or push."""
        line = self._file.readline()
        if not line:
            return b""  # closed
        kind, count = line[:1], line[1:-2]
        if kind in b"$=" and count != b"-1":
            return line + self._file.read(int(count) + 2)
        if kind in b"*~>" and count != b"-1":
            return line + b"".join([self.read() for _ in range(int(count))])
        if kind == b"%":
            return line + b"".join([self.read() for _ in range(2 * int(count))])
        return line

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Ours:
    """A keyspace, and its commands called as a replica does: writes while applying an entry."""

    def __init__(self) -> None:
        self.keyspace = Keyspace()
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
        before = keyspace.digest() if keyspace.size() < 100 else b""
        try:
            reply = command.handler(keyspace, argv)
        except CommandError as error:
            if before:
                assert keyspace.digest() == before, f"{argv} failed and changed the keyspace"
            reply = error
        assert keyspace.db_index == self._db, f"{argv} left another database selected"
        keyspace.applying = False
        return encode(reply, resp)

    def put(self, key: bytes, value: Container) -> None:
        """Store a value whose commands are not the ones under test."""
        self._begin()
        self.keyspace.set(key, value)

    def _begin(self) -> None:
        self._index += 1
        self.keyspace.begin_entry(1, self._index, self._now_ms or int(time.time() * 1000))
        self.keyspace.select(self._db)


def split(line: str) -> Argv:
    r"""Return the arguments of a line in shell quoting; \xNN means a byte."""
    return [
        part.encode("latin-1").decode("unicode_escape").encode("latin-1")
        for part in shlex.split(line.replace("\\x", "\\\\x"))
    ]
