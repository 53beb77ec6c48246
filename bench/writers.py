"""Retrying cluster clients that write without a break, each one tag, and tell of their slow writes.

python -m bench.writers PORT,PORT,... TAG,TAG,...

A process of its own, so that nothing else delays it. Every line it prints is JSON: a slow write as
[tag, began, ended, retries, error or null], in seconds of the monotonic clock, and each half second
a count of writes as one number. SIGTERM ends it once all writes under way have ended.
"""

import asyncio
import gc
import json
import signal
import sys
import time
from typing import ClassVar, cast

import uvloop

from respkv.wire.run import encode_command

SLOW_SECONDS = 0.02
REPLY_SECONDS = 0.5  # of silence on all connections: others are asked; a held write may wait
SUSPECT_SECONDS = 0.5  # for so long nobody's MOVED leads back there
RETRY_SECONDS = 0.01
GIVE_UP_SECONDS = 15.0
TELL_SECONDS = 0.5


class Connection(asyncio.Protocol):
    """To one node, one request at a time."""

    heard_at: ClassVar[dict[int, float]] = {}  # when each port has last answered anybody

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport
        self._answer: asyncio.Future[bytes] | None = None
        self._sent_at = 0.0
        self.is_open = True
        self.was_silent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is of no common class

    def data_received(self, data: bytes) -> None:
        """Take a reply; those of SET fit into one packet."""
        self.heard_at[self._port] = time.monotonic()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(data)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits."""
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError())

    async def call(self, command: bytes) -> bytes:
        """Return the reply; broken connections raise OSError."""
        if not self.is_open:
            raise ConnectionResetError
        self._answer = asyncio.get_running_loop().create_future()
        self._sent_at = time.monotonic()
        self._transport.write(command)
        try:
            return await self._answer
        finally:
            self._answer = None

    def end_overdue(self, now: float) -> None:
        """Break a connection to a node that answers nobody."""
        last = max(self._sent_at, self.heard_at.get(self._port, 0.0))
        if self._answer is not None and now - last > REPLY_SECONDS:
            self.was_silent = True
            self._transport.abort()


class Writer:
    """One client: one write after the other to the keys of one tag."""

    def __init__(self, number: int, ports: list[int], tag: str) -> None:
        self._ports = ports
        self._tag = tag
        self._port = ports[number % len(ports)]
        self._suspected: dict[int, float] = {}
        self.connections: dict[int, Connection] = {}
        self._serial = 0
        self.written = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Write until told to stop."""
        while not stop.is_set():
            began = time.monotonic()
            retries, error = await self._write(began)
            self.written += 1
            ended = time.monotonic()
            if retries or error is not None or ended - began > SLOW_SECONDS:
                print(json.dumps([self._tag, began, ended, retries, error]), flush=True)

    async def _write(self, began: float) -> tuple[int, str | None]:
        self._serial += 1
        key = f"{{{self._tag}}}:{self._serial % 1000}".encode()
        command = encode_command([b"SET", key, b"x" * 64])
        retries = 0
        while True:
            try:
                reply = await (await self._connection(self._port)).call(command)
            except OSError as error:
                reply = f"-{type(error).__name__}".encode()
                found = self.connections.pop(self._port, None)
                if found is not None and found.was_silent:
                    self._suspected[self._port] = time.monotonic()
                self._port = self._another()
            if reply == b"+OK\r\n":
                return retries, None
            if time.monotonic() - began > GIVE_UP_SECONDS:
                return retries, reply.decode(errors="replace").strip()
            if reply.startswith(b"-MOVED"):
                port = int(reply.rpartition(b":")[2])
                if not self._is_suspected(port):
                    self._port = port
                    continue
                self._port = self._another()
            retries += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def _connection(self, port: int) -> Connection:
        found = self.connections.get(port)
        if found is None or not found.is_open:
            loop = asyncio.get_running_loop()
            _, found = await loop.create_connection(lambda: Connection(port), "127.0.0.1", port)
            self.connections[port] = found
        return found

    def _is_suspected(self, port: int) -> bool:
        return time.monotonic() - self._suspected.get(port, 0.0) < SUSPECT_SECONDS

    def _another(self) -> int:
        """Return the next node that is not suspected, or else just the next."""
        place = self._ports.index(self._port) + 1
        others = self._ports[place:] + self._ports[: place - 1]
        return next((port for port in others if not self._is_suspected(port)), others[0])


async def _main(ports: list[int], tags: list[str]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    writers = [Writer(number, ports, tag) for number, tag in enumerate(tags)]
    tasks = [asyncio.create_task(writer.run(stop)) for writer in writers]
    gc.freeze()
    gc.disable()  # nothing here makes cycles in earnest, and its pauses would be measured
    told_at = time.monotonic()
    while not stop.is_set():
        await asyncio.sleep(REPLY_SECONDS / 10)
        now = time.monotonic()
        for writer in writers:
            for connection in writer.connections.values():
                connection.end_overdue(now)
        if now - told_at > TELL_SECONDS:
            told_at = now
            print(sum(writer.written for writer in writers), flush=True)
    await asyncio.wait(tasks, timeout=GIVE_UP_SECONDS)
    print(sum(writer.written for writer in writers), flush=True)


if __name__ == "__main__":
    uvloop.run(_main([int(port) for port in sys.argv[1].split(",")], sys.argv[2].split(",")))
