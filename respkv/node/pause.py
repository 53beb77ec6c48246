"""CLIENT PAUSE: commands, or only those that write, wait until a time or CLIENT UNPAUSE."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from respkv.commands.table import Command

if TYPE_CHECKING:
    from respkv.node.connection import Connection


class Pause:
    """A new pause never shortens or weakens the one in force, as in Redis."""

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: Callable[[], None]) -> None:
        self.active = False
        self._all = False
        self._ends_ms = 0
        self._waiting: dict[int, Connection] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop = loop
        self._changed = changed

    def begin(self, ends_ms: int, everything: bool) -> None:
        """Pause until `ends_ms` (Unix milliseconds)."""
        self._ends_ms = max(self._ends_ms, ends_ms) if self.active else ends_ms
        self._all = everything or (self.active and self._all)
        self.active = True
        self._changed()
        self._set_timer()

    def end(self) -> None:
        """Let all that waits run, in the order it came."""
        self.active = self._all = False
        self._changed()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        for client in waiting.values():
            client.go_on()

    def forget(self, client: "Connection") -> None:
        """It has left."""
        self._waiting.pop(client.id, None)

    def keeps(self, client: "Connection", command: Command) -> bool:
        """Return whether the command must wait; then the pause's end makes the client go on."""
        if not self.active or not (self._all or client.writes_next(command)):
            return False
        self._waiting[client.id] = client
        return True

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        seconds = max(0.0, self._ends_ms / 1000 - time.time())
        self._timer = self._loop.call_later(seconds, self._time_up)

    def _time_up(self) -> None:
        if time.time() * 1000 >= self._ends_ms:
            self.end()
        else:  # the clock was set back
            self._set_timer()
