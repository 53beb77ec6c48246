"""A state of Lua 5.1: compiles scripts, and runs them with what the sandbox lets them have.

Python gives Lua a few functions, which the sandbox keeps to itself: a script only gets closures of
Lua around them. They return (True, result) or (False, the error's text), and never raise.
"""

import locale
import logging
from functools import cache
from importlib.resources import files
from typing import Any, Final

from respkv.errors import CommandError
from respkv.scripts import program
from respkv.scripts.caller import find
from respkv.scripts.calls import Calls, Outgrown
from respkv.scripts.chance import ScriptChance
from respkv.scripts.cjson_settings import Settings
from respkv.scripts.conversions import Lua, argument
from respkv.scripts.libraries import libraries, new_cjson
from respkv.scripts.tail_calls import without_tail_calls

logger = logging.getLogger(__name__)

STEPS_MAX: Final = 100_000_000  # instructions of Lua one script may take: about a second
COMPILED_MAX: Final = 1_000  # scripts kept compiled
LOG_LEVELS: Final = (logging.DEBUG, logging.INFO, logging.INFO, logging.WARNING)
VERSION: Final = b"7.0.15"

ARGUMENT_TYPES: Final = b"ERR Lua redis lib command arguments must be strings or integers"
NO_ARGUMENT: Final = b"ERR Please specify at least one argument for this redis lib call"


class LuaState:
    """One state of Lua with its sandbox, and the script that runs in it."""

    def __init__(self, memory_max: int) -> None:
        from lupa.lua51 import LuaRuntime  # 8 ms that only users of scripts pay for

        if locale.nl_langinfo(locale.CODESET) != "UTF-8":
            # What %a and upper mean for bytes from 0x80 on must not differ among nodes.
            locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
        self._runtime: Any = LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_no_attribute,
            max_memory=memory_max,
        )
        self._lua = Lua(self._runtime.table_from)
        self._functions: dict[bytes, Any] = {}  # compiled scripts, by text
        self._calls: Calls | None = None  # of the script that runs
        self._resp = 2
        self._chance = ScriptChance()
        self._json_settings = Settings()
        load = self._runtime.eval(b"loadstring")
        sandbox, *others = map(load, _own_chunks())
        self._compile, self._run = sandbox(self._host(), STEPS_MAX, *others)

    def _host(self) -> Any:
        table = self._runtime.table_from
        functions: dict[bytes, object] = {
            b"call": self._call,
            b"known": self._known,
            b"sha1hex": program.sha_of,
            b"log": _log,
            b"setresp": self._set_resp,
            b"random": self._chance.fraction,
            b"seed": self._chance.seed,
            b"without_tail_calls": without_tail_calls,
            b"too_long": self._too_long,
            b"no_memory": self._no_memory,
            b"version": VERSION,
            b"version_number": 0x070000 + 15,
        }
        null = functions[b"null"] = self._runtime.eval(b"newproxy(false)")
        own = libraries(self._runtime, null, self._json_settings)
        functions[b"libraries"] = table({name: table(members) for name, members in own.items()})
        functions[b"new_cjson"] = lambda: table(new_cjson(self._runtime, null))
        return table(functions)

    def compile(self, text: bytes) -> Any:
        """Return the compiled script.

        Raises:
            CommandError: it does not compile.
        """
        function = self._functions.get(text)
        if function is None:
            body = text[text.index(b"\n") :] if text.startswith(b"#!") else text
            if body.startswith((b"\x1b", b"#")):
                raise _not_compiled(b"user_script:1: unexpected symbol near '%b'" % body[:1])
            function, problem = self._compile(body), b""
            if isinstance(function, tuple):
                function, problem = function
            if function is None:
                raise _not_compiled(problem)
            if len(self._functions) >= COMPILED_MAX:
                self._functions.clear()
            self._functions[text] = function
        return function

    def run(
        self, function: Any, keys: list[bytes], arguments: list[bytes], calls: Calls
    ) -> tuple[list[Any], int]:
        """Run a script; return the words that tell its result, and the RESP version it speaks.

        Raises:
            Outgrown: it needs more memory than this state may have.
            Exception: what ended the script that is no matter of its own.
        """
        table = self._runtime.table_from
        self._calls, self._resp = calls, 2
        self._chance.seed(calls.seed)
        self._json_settings.reset(are_fixed=calls.semantics < 3)
        try:
            words = list(self._run(function, table(keys), table(arguments)).values())
        except MemoryError:
            raise Outgrown from None
        finally:
            self._calls = None
        if calls.failure is not None:
            raise calls.failure
        if words[:2] == [b"failed", b"ERR not enough memory"]:
            raise Outgrown
        return words, self._resp

    def memory_bytes(self) -> int:
        """Return how much of its memory is in use."""
        return int(self._runtime.get_memory_used(total=True))

    # --- what the sandbox calls --------------------------------------------------------------

    def _call(self, *values: Any) -> tuple[Any, ...]:
        calls = self._calls
        if calls is None:
            return None, b""
        try:
            if not values:
                return False, NO_ARGUMENT
            argv = []
            for value in values:
                text = value if type(value) is bytes else argument(value)
                if text is None:
                    return False, ARGUMENT_TYPES
                argv.append(text)
            return True, self._lua.value(calls.call(argv), self._resp)
        except CommandError as error:
            return False, error.text
        except Exception as error:
            lua_is_full = isinstance(error, MemoryError) and type(error) is not MemoryError
            calls.failure = Outgrown() if lua_is_full else error
            return None, b""

    def _known(self, *values: Any) -> tuple[bool, bytes]:
        try:
            find([argument(value) or b"" for value in values])
        except CommandError:
            return False, b"Invalid command passed to redis.acl_check_cmd()"
        return True, b""

    def _set_resp(self, version: int) -> None:
        self._resp = version

    def _too_long(self) -> None:
        if self._calls is not None and self._calls.failure is None:
            text = b"ERR Script stopped after %d instructions; what it wrote stays" % STEPS_MAX
            self._calls.failure = CommandError(text)

    def _no_memory(self) -> None:
        if self._calls is not None:
            self._calls.failure = Outgrown()


@cache
def _own_chunks() -> tuple[bytes, ...]:
    """Return our own Lua, compiled: that takes longer than all else a new state needs."""
    from lupa.lua51 import LuaRuntime

    compiled = LuaRuntime(encoding=None, register_builtins=False).eval(
        b"function(text, name) return string.dump(loadstring(text, '=' .. name)) end"
    )
    return tuple(
        compiled(files(__package__).joinpath(f"{name}.lua").read_bytes(), name.encode())
        for name in ("sandbox", "pattern_items", "pattern_search", "patterns")
    )


def _log(level: float, text: bytes) -> None:
    logger.log(LOG_LEVELS[int(level)], "%s", text.decode(errors="replace"))


def _no_attribute(_: object, name: object, __: bool) -> str:
    raise AttributeError(name)


def _not_compiled(problem: bytes) -> CommandError:
    return CommandError(b"ERR Error compiling script (new function): " + problem)
