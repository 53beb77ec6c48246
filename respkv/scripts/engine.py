"""The Lua state of this process: compiles scripts, and runs them on a keyspace.

Python gives Lua a few functions, which the sandbox keeps to itself: a script only gets closures of
Lua around them. They return (True, result) or (False, the error's text), and never raise.
"""

import logging
from hashlib import sha1
from importlib.resources import files
from typing import Any, Final

from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.scripts import program
from respkv.scripts.caller import Caller, find
from respkv.scripts.chance import ScriptChance
from respkv.scripts.conversions import Lua, Words, argument
from respkv.scripts.libraries import libraries
from respkv.scripts.tail_calls import without_tail_calls
from respkv.wire.reply import Reply

logger = logging.getLogger(__name__)

STEPS_MAX: Final = 100_000_000  # instructions of Lua one script may take: about a second
MEMORY_MAX: Final = 256 << 20  # bytes
COMPILED_MAX: Final = 1_000  # scripts kept compiled
LOG_LEVELS: Final = (logging.DEBUG, logging.INFO, logging.INFO, logging.WARNING)
VERSION: Final = b"7.0.15"

ARGUMENT_TYPES: Final = b"ERR Lua redis lib command arguments must be strings or integers"
NO_ARGUMENT: Final = b"ERR Please specify at least one argument for this redis lib call"


class Script:
    """A compiled script."""

    def __init__(self, text: bytes, sha: bytes, flags: int, function: Any) -> None:
        self.text = text
        self.sha = sha
        self.flags = flags
        self.function = function


class Engine:
    """See the module's text."""

    def __init__(self) -> None:
        from lupa.lua51 import LuaRuntime  # 8 ms that only users of scripts pay for

        self._runtime: Any = LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_no_attribute,
            max_memory=MEMORY_MAX,
        )
        self._lua = Lua(self._runtime.table_from)
        self._scripts: dict[bytes, Script] = {}  # by text
        self._caller: Caller | None = None
        self._resp = 2
        self._failure: Exception | None = None  # that ended the script: not its own
        self._stop_text = b""
        self._chance = ScriptChance()
        text = files(__package__).joinpath("sandbox.lua").read_bytes()
        load = self._runtime.eval(b"function(text) return loadstring(text, '=sandbox') end")
        self._compile, self._run = load(text)(self._host(), STEPS_MAX)

    def _host(self) -> Any:
        table = self._runtime.table_from
        functions: dict[bytes, object] = {
            b"call": self._call,
            b"known": self._known,
            b"sha1hex": lambda text: sha1(text, usedforsecurity=False).hexdigest().encode(),
            b"log": lambda level, text: logger.log(
                LOG_LEVELS[int(level)], "%s", text.decode(errors="replace")
            ),
            b"setresp": self._set_resp,
            b"random": lambda: self._chance.fraction(),
            b"seed": lambda number: self._chance.seed(number),
            b"without_tail_calls": without_tail_calls,
            b"too_long": self._too_long,
            b"no_memory": self._no_memory,
            b"version": VERSION,
            b"version_number": 0x070000 + 15,
        }
        functions[b"libraries"] = table(
            {name: table(members) for name, members in libraries(self._runtime).items()}
        )
        return table(functions)

    def compile(self, text: bytes) -> Script:
        """Return a script ready to run.

        Raises:
            CommandError: it does not compile, or its first line is wrong.
        """
        script = self._scripts.get(text)
        if script is None:
            flags = program.flags_of(text)
            body = text
            if flags != program.COMPATIBLE:
                body = text[text.index(b"\n") :]  # line numbers stay
            if body.startswith((b"\x1b", b"#")):
                raise CommandError(
                    _not_compiled(b"user_script:1: unexpected symbol near '%b'" % body[:1])
                )
            function, problem = self._compile(body), b""
            if isinstance(function, tuple):
                function, problem = function
            if function is None:
                raise CommandError(_not_compiled(problem))
            script = Script(text, program.sha_of(text), flags, function)
            if len(self._scripts) >= COMPILED_MAX:
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
        table = self._runtime.table_from
        db, may_park = keyspace.db_index, keyspace.may_park
        keyspace.may_park = False
        self._caller, self._resp, self._failure, self._stop_text = caller, 2, None, b""
        self._chance.seed(keyspace.chance().below(1 << 31))
        try:
            words = list(self._run(script.function, table(keys), table(arguments)).values())
        finally:
            self._caller = None
            keyspace.may_park = may_park
            if keyspace.db_index != db:
                keyspace.select(db)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        if words[0] == b"failed":
            return self._failed(script, words)
        return Words(words, self._resp).reply()

    def _failed(self, script: Script, words: list[Any]) -> CommandError:
        _, text, source, line = words
        if self._stop_text:
            return CommandError(b"%b script: %b" % (self._stop_text, script.sha))
        if not source:
            return CommandError(text)
        return CommandError(b"%b script: %b, on %b:%b." % (text, script.sha, source, line))

    # --- what the sandbox calls --------------------------------------------------------------

    def _call(self, *values: Any) -> tuple[Any, ...]:
        try:
            if not values:
                return False, NO_ARGUMENT
            argv = [value if type(value) is bytes else argument(value) for value in values]
            if None in argv or self._caller is None:
                return False, ARGUMENT_TYPES
            return True, self._lua.value(self._caller.call(argv), self._resp)  # type: ignore[arg-type]
        except CommandError as error:
            return False, error.text
        except Exception as error:
            self._failure = error
            return None, b""

    def _known(self, *values: Any) -> tuple[bool, bytes]:
        argv = [argument(value) for value in values]
        try:
            find(argv)  # type: ignore[arg-type]
        except CommandError:
            return False, b"Invalid command passed to redis.acl_check_cmd()"
        return True, b""

    def _set_resp(self, version: int) -> None:
        self._resp = version

    def _too_long(self) -> None:
        self._stop_text = b"ERR Script stopped after %d instructions" % STEPS_MAX

    def _no_memory(self) -> None:
        self._stop_text = b"ERR Script stopped: it needs more than %d bytes" % MEMORY_MAX


def _no_attribute(_: object, name: object, __: bool) -> str:
    raise AttributeError(name)


def _not_compiled(problem: bytes) -> bytes:
    return b"ERR Error compiling script (new function): " + problem


_engine: Engine | None = None


def engine() -> Engine:
    """Return this process's engine; the first call makes it."""
    global _engine
    if _engine is None:
        _engine = Engine()
    return _engine
