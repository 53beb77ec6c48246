"""Sends long replies: a few milliseconds of work between two turns, for one client after the other."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from respkv.node.runtime import SLICE_SECONDS

if TYPE_CHECKING:
    from respkv.node.connection import Connection


class LongReplies:
    """The clients with a long reply under way that can take more of it now."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, fail: Callable[[BaseException], None]
    ) -> None:
        self._loop = loop
        self._fail = fail
        self._ready: deque[Connection] = deque()
        self._slice_ends = 0.0  # monotonic seconds

    @property
    def is_busy(self) -> bool:
        """Whether one is being made, or sent to a client that takes it."""
        return bool(self._ready)

    def add(self, connection: "Connection") -> None:
        """Go on with what this client is to be sent."""
        self._ready.append(connection)
        if len(self._ready) == 1:
            self._loop.call_soon(self._run_slice)

    def has_time(self) -> bool:
        """Return whether the slice goes on."""
        return time.monotonic() < self._slice_ends

    def _run_slice(self) -> None:
        connection = self._ready[0]
        self._slice_ends = time.monotonic() + SLICE_SECONDS
        try:
            goes_on = connection.send_some()
        except BaseException as error:  # what `answer_to` does not answer
            self._fail(error)
            return
        self._ready.popleft()
        if goes_on:
            self._ready.append(connection)
        if self._ready:
            self._loop.call_soon(self._run_slice)
