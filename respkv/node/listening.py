"""TCP ports, for clients and for peers, at addresses as redis.conf's `bind` writes them."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable
from typing import Any, Final

_EVERYWHERE: Final = {"*": "0.0.0.0", "::*": "::"}
_NOT_THERE: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class ListeningPorts:
    """Where connections of one kind come in; that can change while the node runs."""

    def __init__(
        self, factory: Callable[[], asyncio.BaseProtocol], options: str, backlog: int = 100
    ) -> None:
        self._factory = factory
        self._options = options  # those that choose the place, for who cannot have it
        self._backlog = backlog
        self._addresses: list[str] = []
        self._port = 0
        self._sockets: list[socket.socket] = []
        self._servers: dict[socket.socket, Any] = {}  # uvloop's are not of asyncio's class
        self._starting: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port, also where a free one was asked for; 0: none."""
        return int(self._sockets[0].getsockname()[1]) if self._sockets else 0

    def listen(self, addresses: list[str], port: int) -> None:
        """Listen at these addresses, and nowhere else any more; established connections stay.

        One written with a `-` may be missing on this machine.

        Raises:
            OSError: it cannot listen there, and listens where it did before; the text says which
                options choose another place.
        """
        if (addresses, port) == (self._addresses, self._port):
            return
        if port != self._port:
            sockets = self._open(addresses, port)
            self.close()
        else:  # an address cannot be listened on beside *
            self.close()
            try:
                sockets = self._open(addresses, port)
            except OSError:
                self._serve(self._open(self._addresses, port))
                raise
        self._addresses, self._port = addresses, port
        self._serve(sockets)

    def close(self) -> None:
        """Listen no more."""
        for opened in self._sockets:
            server = self._servers.pop(opened, None)
            if server is not None:
                server.close()
            opened.close()
        self._sockets = []

    def _open(self, addresses: list[str], port: int) -> list[socket.socket]:
        with contextlib.ExitStack() as opened:
            sockets = []
            for address in addresses:
                name = address.removeprefix("-")
                host = _EVERYWHERE.get(name, name)
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                try:
                    sockets.append(
                        socket.create_server((host, port), family=family, backlog=self._backlog)
                    )
                except OSError as error:
                    number = error.errno or 0  # below 0: a name that is not found
                    if name != address and number in _NOT_THERE:
                        continue
                    why = os.strerror(number) if number > 0 else str(error)
                    raise OSError(
                        f"cannot listen on {name} port {port}: {why}; free it, or choose another "
                        f"with {self._options}"
                    ) from None
                opened.enter_context(sockets[-1])
            opened.pop_all()
            return sockets

    def _serve(self, sockets: list[socket.socket]) -> None:
        self._sockets = sockets
        task = asyncio.get_running_loop().create_task(self._start(sockets))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self, sockets: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for opened in sockets:
            if opened.fileno() >= 0:  # not closed again already
                server = await loop.create_server(
                    self._factory, sock=opened, backlog=self._backlog, start_serving=False
                )
                self._servers[opened] = server
                await server.start_serving()
