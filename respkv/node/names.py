"""Where host names lead to, asked in threads that nobody waits for.

A name server may not answer for many seconds. A pool's threads would keep the process from ending
meanwhile, and a loop's own resolver others' work from starting.
"""

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

ASKED_AT_ONCE_MAX: Final = 4

Resolve = Callable[..., list[Any]]  # called as socket.getaddrinfo is, in a thread


class NameResolver:
    """Asks anew each time: a node may come back elsewhere."""

    def __init__(self, resolve: Resolve = socket.getaddrinfo) -> None:
        self._resolve = resolve
        self._free = asyncio.Semaphore(ASKED_AT_ONCE_MAX)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host.

        Raises:
            OSError, UnicodeError: there are none.
        """
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return await self._ask(host, port)
        return [host]

    async def _ask(self, host: str, port: int) -> list[str]:
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[str]] = loop.create_future()

        def take(addresses: list[str], error: Exception | None) -> None:
            self._free.release()
            if answer.done():  # who asked has gone
                return
            if error is None:
                answer.set_result(addresses)
            else:
                answer.set_exception(error)

        def ask() -> None:
            addresses: list[str] = []
            failure: Exception | None = None
            try:
                found = self._resolve(host, port, 0, socket.SOCK_STREAM)
                addresses = [str(address[0]) for *_, address in found]
            except Exception as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(take, addresses, failure)

        threading.Thread(target=ask, name="resolve", daemon=True).start()
        return await answer
