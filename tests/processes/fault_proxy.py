"""A TCP proxy between nodes that cuts directions silently: bytes stop, connections stay open.

It can also flip bits on the way, and remembers how each conversation began.

Each node dials every peer and only sends on that connection, and its first bytes name it, so that
a cut may be of one node's messages to one other. It runs in a thread of its own.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine
from typing import Any, Final

READ_BYTES: Final = 65536
RECORDED_BYTES: Final = 4096


class FaultProxy:
    """Between the nodes of one cluster; nodes are named by their number from 0."""

    def __init__(self, count: int) -> None:
        self.ports: list[int] = []  # where to reach each node
        self.targets: list[int] = [0] * count  # where each really listens
        self.node_ids: list[bytes] = []  # known once the cluster has formed
        self.conversations: list[bytes] = []  # what dialers said, newest last; the start of it
        self.flips = 0
        self._flip_probability = 0.0  # of one bit in each piece that is read
        self._chance = random.Random(0)
        self._cut: set[tuple[int, int]] = set()
        self._changed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._run(self._listen(count))

    def cut(self, *directions: tuple[int, int]) -> None:
        """Let nothing pass from the first to the second of each pair; without any, heal."""

        async def change() -> None:
            self._cut = set(directions)
            self._changed.set()
            self._changed = asyncio.Event()

        self._run(change())

    def flip_bits(self, probability: float) -> None:
        """Damage what passes from now on: one bit of so many pieces; 0: no more."""
        self._flip_probability = probability

    def drop_connections(self) -> None:
        """End all connections; nodes dial anew."""
        self._run(self._drop_connections())

    def close(self) -> None:
        """End all connections and the thread."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self, count: int) -> None:
        for number in range(count):

            async def accepted(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int = number
            ) -> None:
                task = asyncio.current_task()
                assert task is not None
                self._tasks.add(task)
                try:
                    await self._connect(reader, writer, to)
                finally:
                    self._tasks.discard(task)

            server = await asyncio.start_server(accepted, "127.0.0.1", 0)
            self._servers.append(server)
            self.ports.append(server.sockets[0].getsockname()[1])

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int
    ) -> None:
        others: list[asyncio.StreamWriter] = [writer]
        with contextlib.suppress(OSError, asyncio.CancelledError):
            first = await reader.read(READ_BYTES)
            # Its own id comes before that of the node it wants.
            places = [(first.find(name), n) for n, name in enumerate(self.node_ids)]
            sender = min([place for place in places if place[0] >= 0], default=(0, -1))[1]
            there, back = await asyncio.open_connection("127.0.0.1", self.targets[to])
            others.append(back)
            await asyncio.gather(
                self._pass_on(reader, back, sender, to, first),
                self._pass_on(there, writer, to, sender, b""),
            )
        for other in others:
            other.transport.abort()

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        sender: int,
        to: int,
        data: bytes,
    ) -> None:
        is_dialer = bool(data)
        said = b""
        while True:
            while (sender, to) in self._cut:
                await self._changed.wait()
            if is_dialer and len(said) < RECORDED_BYTES:
                said += data
                if len(said) >= RECORDED_BYTES:
                    self.conversations.append(said[:RECORDED_BYTES])
            if data and self._chance.random() < self._flip_probability:
                damaged = bytearray(data)
                damaged[self._chance.randrange(len(data))] ^= 1 << self._chance.randrange(8)
                data = bytes(damaged)
                self.flips += 1
            if data:
                writer.write(data)
                await writer.drain()
            data = await reader.read(READ_BYTES)
            if not data:
                raise ConnectionResetError("closed")

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        await self._drop_connections()

    async def _drop_connections(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
