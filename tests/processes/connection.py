"""A raw connection for the clients of tests: nothing is ever sent twice."""

import asyncio
from typing import Any

import hiredis

from respkv.wire.run import encode_command


class Connection:
    """To one node; requests in order, or broken."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._replies = hiredis.Reader()

    @staticmethod
    async def open(port: int) -> "Connection":
        """Connect to a node of this machine."""
        return Connection(*await asyncio.open_connection("127.0.0.1", port))

    @property
    def is_closed(self) -> bool:
        """Whether the other side has ended it: what is sent now is certainly not read."""
        return self._reader.at_eof() or self._reader.exception() is not None

    async def call(self, *commands: list[bytes]) -> list[Any]:
        """Send commands in one piece and return their replies.

        Raises:
            OSError: the connection broke first.
        """
        self._writer.write(b"".join(map(encode_command, commands)))
        replies: list[Any] = []
        while len(replies) < len(commands):
            reply = self._replies.gets()
            if reply is not False:
                replies.append(reply)
                continue
            data = await self._reader.read(65536)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            self._replies.feed(data)
        return replies

    def close(self) -> None:
        """Drop it."""
        self._writer.transport.abort()
