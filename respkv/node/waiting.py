"""WAIT: a client's next commands wait until other nodes hold what it wrote, or for a time."""

import asyncio
from typing import TYPE_CHECKING

from respkv.commands.blocking import UNBLOCKED
from respkv.errors import Unblocked
from respkv.node.router import ClusterRouter
from respkv.wire.reply import Reply

if TYPE_CHECKING:
    from respkv.node.connection import Connection


class _Waiter:
    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.timer: asyncio.TimerHandle | None = None


def copies(connection: "Connection") -> tuple[int, bool]:
    """Return how many other nodes hold all that the client wrote, and whether more may come to."""
    router = connection.node.router
    return router.copies(connection) if isinstance(router, ClusterRouter) else (0, True)


class Waiting:
    """The clients in WAIT; each time the node has heard of its peers they are looked at."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiters: dict[Connection, _Waiter] = {}

    def __len__(self) -> int:
        return len(self._waiters)

    def end(self, connection: "Connection", reason: bytes) -> bool:
        """CLIENT UNBLOCK, b"TIMEOUT" or b"ERROR"; return whether the client was in WAIT."""
        if connection not in self._waiters:
            return False
        reply: Reply = copies(connection)[0] if reason == b"TIMEOUT" else Unblocked(UNBLOCKED)
        self._answer(connection, reply)
        return True

    def begin(self, connection: "Connection", wanted: int, timeout_ms: int) -> None:
        """Answer once `wanted` copies are there or `timeout_ms` is over; 0: wait for ever.

        The time counts from when all before has been answered, as nothing runs beside it in Redis.
        """
        connection.park_when_answered(lambda: self._look_first(connection, wanted, timeout_ms))

    def _look_first(self, connection: "Connection", wanted: int, timeout_ms: int) -> None:
        if connection.closing:
            return
        waiter = self._waiters[connection] = _Waiter(wanted)
        if not self._look(connection, waiter) and timeout_ms:
            waiter.timer = self._loop.call_later(
                timeout_ms / 1000, lambda: self._answer(connection, copies(connection)[0])
            )

    def look(self) -> None:
        """Answer those that have what they wait for."""
        for connection, waiter in list(self._waiters.items()):
            self._look(connection, waiter)

    def forget(self, connection: "Connection") -> None:
        """The client is gone."""
        waiter = self._waiters.pop(connection, None)
        if waiter is not None and waiter.timer is not None:
            waiter.timer.cancel()

    def _look(self, connection: "Connection", waiter: _Waiter) -> bool:
        count, may_grow = copies(connection)
        is_over = count >= waiter.wanted or not may_grow
        if is_over:
            self._answer(connection, count)
        return is_over

    def _answer(self, connection: "Connection", reply: Reply) -> None:
        self.forget(connection)
        connection.node.router.answer(connection, reply)
        connection.node.call_soon(connection.go_on)
