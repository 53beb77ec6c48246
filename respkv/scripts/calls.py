"""What a script has called so far, so that it can begin again without calling it twice."""

from typing import Final

from respkv.errors import CommandError
from respkv.scripts.caller import Caller
from respkv.wire.reply import MapReply, Reply

KEPT_CALLS_MAX: Final = 1_000
KEPT_BYTES_MAX: Final = 1 << 20  # of their replies, about


class Outgrown(Exception):
    """The script needs a state of Lua of its own: it begins again there."""


class Calls:
    """The calls of one run of a script; `failure` is what ended it that is no matter of its own."""

    def __init__(self, caller: Caller, seed: int) -> None:
        self.seed = seed  # of math.random
        self.semantics = caller.semantics
        self.failure: Exception | None = None
        self._caller = caller
        self._kept: list[Reply] = []
        self._kept_bytes = 0
        self._keeps = True
        self._next = 0

    def begin_again(self) -> None:
        """Answer what was called before from what is kept; nothing more is kept from now on."""
        self.failure = None
        self._keeps = False
        self._next = 0

    def call(self, argv: list[bytes]) -> Reply:
        """Run a command, or give its reply once more.

        Raises:
            CommandError: what the script is told.
            Outgrown: more is called than can be kept.
        """
        if self._next < len(self._kept):
            reply = self._kept[self._next]
            self._next += 1
            if isinstance(reply, CommandError):
                raise reply.with_traceback(None)
            return reply
        if not self._keeps:
            return self._caller.call(argv)
        if len(self._kept) >= KEPT_CALLS_MAX or self._kept_bytes > KEPT_BYTES_MAX:
            raise Outgrown
        try:
            reply = self._caller.call(argv)
        except CommandError as error:
            self._keep(error)
            raise
        self._keep(reply)
        return reply

    def _keep(self, reply: Reply) -> None:
        self._kept.append(reply)
        self._kept_bytes += _size(reply)
        self._next += 1


def _size(reply: Reply) -> int:
    if isinstance(reply, bytes):
        return len(reply)
    if isinstance(reply, (list, tuple)):
        return sum(map(_size, reply)) + 8 * len(reply)
    if isinstance(reply, MapReply):
        return _size(reply.keys) + _size(reply.values)
    items = getattr(reply, "items", None)
    if isinstance(items, list):
        return _size(items)
    if isinstance(reply, dict):
        return _size(list(reply.items()))
    return 8
