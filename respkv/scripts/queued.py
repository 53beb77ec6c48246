"""Scripts that MULTI has queued: each knows, at EXEC, what the commands before it leave known."""

from contextlib import suppress
from typing import Final

from respkv.commands.table import Argv, Command, Handler
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.scripts.cache import ScriptCache, is_by_name
from respkv.scripts.engine import engine
from respkv.wire.reply import Reply

_FLUSH: Final = [b"SCRIPT", b"FLUSH"]


class QueuedScripts:
    """Goes through a transaction's commands in their order."""

    def __init__(self, cache: ScriptCache) -> None:
        self._cache = cache
        self._texts: dict[bytes, bytes] = {}  # that will be known beside those of the cache
        self._flushed = False

    def follow(self, argv: Argv) -> None:
        """Take note of a SCRIPT that will have run."""
        words = [word.upper() for word in argv[:3]]
        if words[:2] == [b"SCRIPT", b"LOAD"]:
            self._load(argv[2])
        elif words in (_FLUSH, [*_FLUSH, b"SYNC"], [*_FLUSH, b"ASYNC"]):
            self._texts.clear()
            self._flushed = True

    def with_text(self, command: Command, argv: Argv, mode: int) -> tuple[Command, Argv]:
        """Return what is run and logged, as `ScriptCache.with_text` does."""
        if not is_by_name(command):
            self._load(argv[1])
            return self._cache.in_mode(command, argv, mode)
        text = self._texts.get(argv[1].lower())
        if text is None and not self._flushed:
            text = self._cache.text_of(argv[1])
        return (command, argv) if text is None else self._cache.in_mode(command, argv, mode, text)

    def keeping(self, text: bytes, handler: Handler) -> Handler:
        """Return a handler of EVAL that has the node keep its text when it runs."""

        def run(keyspace: Keyspace, argv: Argv) -> Reply:
            self._cache.load_if_correct(text)
            return handler(keyspace, argv)

        return run

    def _load(self, text: bytes) -> None:
        with suppress(CommandError):  # that the client is told in its turn
            self._texts[engine().script(text).sha] = text
