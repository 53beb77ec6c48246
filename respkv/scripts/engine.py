"""Runs scripts on a keyspace, in one state of Lua for all, or in a new one for what needs much.

How much memory a script may have must not depend on what ran before it, which differs between
replicas. So what outgrows the common state begins again in a fresh one, with the replies it got.
"""

from typing import Any, Final

from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.limits import DEFAULT_LIMITS
from respkv.scripts import program
from respkv.scripts.caller import Caller
from respkv.scripts.calls import Calls, Outgrown
from respkv.scripts.conversions import Words
from respkv.scripts.lua_state import LuaState
from respkv.wire.reply import Reply

COMMON_MEMORY_MAX: Final = 64 << 20  # bytes
MEMORY_MAX: Final = 256 << 20  # far more: what fits in the common state always fits in a fresh one
KEPT_MAX: Final = 1_000  # scripts whose name and flags are kept


class Script:
    """A script that compiles."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.flags = program.flags_of(text)
        self.sha = program.sha_of(text)


class Engine:
    """See the module's text."""

    def __init__(self) -> None:
        self._common = LuaState(COMMON_MEMORY_MAX)
        self._scripts: dict[bytes, Script] = {}  # by text

    def script(self, text: bytes) -> Script:
        """Return a script ready to run.

        Raises:
            CommandError: it does not compile, or its first line is wrong.
        """
        script = self._scripts.get(text)
        if script is None:
            script = Script(text)
            self._common.compile(text)
            if len(self._scripts) >= KEPT_MAX:
                self._scripts.clear()
            self._scripts[text] = script
        return script

    def run(
        self,
        script: Script,
        keyspace: Keyspace,
        keys: list[bytes],
        arguments: list[bytes],
        caller: Caller,
    ) -> Reply:
        """Run a script and return its reply, an error where it failed.

        Raises:
            Exception: what a command raised that is no reply; the script ended there.
        """
        db, may_park, limits = keyspace.db_index, keyspace.may_park, keyspace.limits
        keyspace.may_park = False
        keyspace.limits = DEFAULT_LIMITS
        calls = Calls(caller, keyspace.chance().below(1 << 31))
        try:
            words, resp = self._run(script, keys, arguments, calls)
        except CommandError as error:
            return CommandError(b"%b script: %b" % (error.text, script.sha))
        finally:
            keyspace.may_park = may_park
            keyspace.limits = limits
            if keyspace.db_index != db:
                keyspace.select(db)
        if words[0] != b"failed":
            return Words(words, resp).reply()
        _, text, source, line = words
        if not source:
            return CommandError(text)
        return CommandError(b"%b script: %b, on %b:%b." % (text, script.sha, source, line))

    def _run(
        self, script: Script, keys: list[bytes], arguments: list[bytes], calls: Calls
    ) -> tuple[list[Any], int]:
        try:
            return self._common.run(self._common.compile(script.text), keys, arguments, calls)
        except Outgrown:
            self._common = LuaState(COMMON_MEMORY_MAX)  # the old one may be full of what is left
        calls.begin_again()
        fresh = LuaState(MEMORY_MAX)
        try:
            return fresh.run(fresh.compile(script.text), keys, arguments, calls)
        except Outgrown:
            text = (
                b"ERR Script stopped: it needs more than %d bytes; what it wrote stays" % MEMORY_MAX
            )
            raise CommandError(text) from None

    def memory_bytes(self) -> int:
        """Return what the common state of Lua takes."""
        return self._common.memory_bytes()


_engine: Engine | None = None


def engine() -> Engine:
    """Return this process's engine; the first call makes it."""
    global _engine
    if _engine is None:
        _engine = Engine()
    return _engine


def memory_bytes() -> int:
    """Return what Lua takes in this process: nothing before the first script."""
    return 0 if _engine is None else _engine.memory_bytes()
