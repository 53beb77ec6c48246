"""A blocking client for the benchmark's own traffic: filling, probing, asking INFO."""

import socket
import time
from collections.abc import Callable, Iterator

from respkv.wire.run import encode_command

ANSWER_SECONDS = 120
FILL_COMMANDS = 200  # in one pipeline


class Client:
    """One connection; replies come back as bytes, errors are raised."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb", 1 << 16)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def call(self, *argv: bytes) -> bytes:
        """Send one command and return its reply (of a simple type or a bulk string)."""
        self.send(encode_command(list(argv)))
        return self.reply()

    def send(self, data: bytes) -> None:
        """Send bytes of commands as they are."""
        self._socket.sendall(data)

    def reply(self) -> bytes:
        """Read one reply.

        Raises:
            RuntimeError: it is an error.
        """
        line = self._file.readline()
        if line[:1] == b"$":
            size = int(line[1:])
            return self._file.read(size + 2)[:-2] if size >= 0 else b""
        if line[:1] not in (b"+", b":", b"_"):
            raise RuntimeError(f"unexpected reply: {line!r}")
        return line[1:-2]

    def info(self, field: str) -> str:
        """Return one field of INFO."""
        for line in self.call(b"INFO").decode().splitlines():
            name, _, text = line.partition(":")
            if name == field:
                return text
        raise RuntimeError(f"INFO has no field {field}")


def fill_commands(keys: int, value: bytes, first: int = 0) -> Iterator[tuple[bytes, int]]:
    """Yield pipelines that set `keys` different keys of 16 bytes, and how many each holds."""
    for start in range(first, first + keys, FILL_COMMANDS):
        numbers = range(start, min(start + FILL_COMMANDS, first + keys))
        yield (
            b"".join(encode_command([b"SET", b"key:%012d" % number, value]) for number in numbers),
            len(numbers),
        )


def fill(port: int, keys: int, value: bytes) -> None:
    """Set `keys` different keys, two pipelines under way at a time."""
    with Client(port) as client:
        waiting = 0
        for data, count in fill_commands(keys, value):
            client.send(data)
            for _ in range(waiting):
                client.reply()
            waiting = count
        for _ in range(waiting):
            client.reply()


def probe(port: int, seconds: float, event: Callable[[Client], None] | None = None) -> list[float]:
    """Return latencies in ms of SETs sent one after the other, sorted.

    `event` is called once, on a connection of its own, when a tenth of the time has passed; it must
    only send, so that what it waits for is not missing from the latencies.
    """
    latencies: list[float] = []
    command = encode_command([b"SET", b"probe", b"x" * 64])
    with Client(port) as client, Client(port) as other:
        started = before = time.perf_counter()
        while before - started < seconds:
            if event is not None and before - started > seconds / 10:
                event(other)
                event = None
            client.send(command)
            client.reply()
            after = time.perf_counter()
            latencies.append((after - before) * 1e3)
            before = after
    return sorted(latencies)


def percentile(ordered: list[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the sorted values do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
