"""The client that the small verbs share: one socket, one RESP2 call at a time, no imports to wait for."""

import os
import socket
from typing import TypeAlias

Answer: TypeAlias = "str | int | list[Answer] | None"

REPLY_BYTES_MAX = 64 << 20


class Refused(Exception):
    """The server answered with an error; the text is its own."""


class Unreachable(Exception):
    """Nobody answers there, or not in this protocol."""


class RespClient:
    """A connection to one server; a context manager.

    Raises:
        Unreachable: nobody answers within `timeout` seconds.
        Refused: the password is not taken.
    """

    def __init__(self, host: str, port: int, password: str = "", timeout: float = 2.0) -> None:
        self.address = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            raise Unreachable(f"no answer from {self.address}: {error}") from None
        self._input = self._socket.makefile("rb")
        if password:
            try:
                self.ask("AUTH", password)
            except BaseException:
                self.close()
                raise

    def ask(self, *argv: str) -> Answer:
        """Send one command and return its reply, bytes decoded.

        Raises:
            Refused: the reply is an error.
            Unreachable: the connection broke, or what answers speaks no RESP.
        """
        request = b"*%d\r\n" % len(argv)
        for argument in argv:
            data = os.fsencode(argument)
            request += b"$%d\r\n%b\r\n" % (len(data), data)
        try:
            self._socket.sendall(request)
            return self._read()
        except OSError as error:
            raise Unreachable(f"no answer from {self.address}: {error}") from None
        except ValueError:
            raise Unreachable(f"what answers at {self.address} is no Redis server") from None

    def text(self, *argv: str) -> str:
        """Return the reply of a command that answers with text."""
        answer = self.ask(*argv)
        if not isinstance(answer, str):
            raise Unreachable(f"{self.address} answers {argv[0]} in another way than Redis does")
        return answer

    def _read(self) -> Answer:
        line = self._input.readline(1 << 16)
        if not line.endswith(b"\r\n"):
            raise OSError("closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode(errors="replace")
        if kind == b"-":
            raise Refused(rest.decode(errors="replace"))
        size = int(rest)
        if kind == b":":
            return size
        if size < 0:
            return None
        if kind == b"$" and size <= REPLY_BYTES_MAX:
            data = self._input.read(size + 2)
            if len(data) < size + 2:
                raise OSError("closed")
            return data[:-2].decode(errors="replace")
        if kind == b"*":
            return [self._read() for _ in range(size)]
        raise ValueError(kind)

    def close(self) -> None:
        """Hang up."""
        self._input.close()
        self._socket.close()

    def __enter__(self) -> "RespClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
