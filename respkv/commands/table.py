"""The table of commands: dispatch, COMMAND INFO, routing and the docs are all read from it."""

from collections.abc import Callable
from typing import Any, Final

from respkv.wire.reply import Reply

Argv = list[bytes]
Handler = Callable[[Any, Argv], Reply]

WRITE: Final = 1
READONLY: Final = 1 << 1
DENYOOM: Final = 1 << 2
ADMIN: Final = 1 << 3
NOSCRIPT: Final = 1 << 4
BLOCKING: Final = 1 << 5
LOADING: Final = 1 << 6
STALE: Final = 1 << 7
FAST: Final = 1 << 8
NO_AUTH: Final = 1 << 9
NO_MULTI: Final = 1 << 10
ALLOW_BUSY: Final = 1 << 11
SKIP_SLOWLOG: Final = 1 << 12
TOUCHES_ARBITRARY_KEYS: Final = 1 << 13
CONNECTION: Final = 1 << 20  # runs on the connection: handler(session, argv), never logged
INTERNAL: Final = 1 << 21  # only in payloads, never from a client
CONTAINER: Final = 1 << 22  # has subcommands

FLAG_NAMES: Final = {
    WRITE: "write",
    READONLY: "readonly",
    DENYOOM: "denyoom",
    ADMIN: "admin",
    NOSCRIPT: "noscript",
    BLOCKING: "blocking",
    LOADING: "loading",
    STALE: "stale",
    FAST: "fast",
    NO_AUTH: "no_auth",
    NO_MULTI: "no_multi",
    ALLOW_BUSY: "allow_busy",
    SKIP_SLOWLOG: "skip_slowlog",
    TOUCHES_ARBITRARY_KEYS: "touches_arbitrary_keys",
}


class Command:
    """One declaration. `arity` counts the name too and is negative for a minimum, as in Redis."""

    def __init__(
        self,
        name: bytes,
        handler: Handler,
        arity: int,
        flags: int,
        keys: tuple[int, int, int],
        group: str,
        since: str,
        complexity: str,
        syntax: str,
        summary: str,
        categories: tuple[str, ...],
    ) -> None:
        self.name = name  # upper case; "CLIENT|LIST" for a subcommand
        self.handler = handler
        self.arity = arity
        self.flags = flags
        self.keys = keys  # first, last (negative: from the end), step; first 0: no keys
        self.group = group
        self.since = since
        self.complexity = complexity
        self.syntax = syntax
        self.summary = summary
        self.categories = categories
        self.subcommands: dict[bytes, Command] = {}

    def accepts(self, count: int) -> bool:
        """Return whether `count` arguments, the name included, are a right number."""
        return count == self.arity if self.arity >= 0 else count >= -self.arity


# Keyed by upper- and lower-case name: clients send either, mixed case is folded by `lookup`.
TABLE: Final[dict[bytes, Command]] = {}


def command(
    *,
    arity: int,
    flags: int,
    group: str,
    since: str,
    complexity: str = "O(1)",
    keys: tuple[int, int, int] = (0, 0, 0),
    syntax: str = "",
    name: str = "",
    categories: tuple[str, ...] = (),
) -> Callable[[Handler], Handler]:
    """Declare the decorated handler as a command, named like the function unless `name` says."""

    def declare(handler: Handler) -> Handler:
        full_name = (name or handler.__name__.strip("_").replace("_", "-")).upper().encode()
        summary = (handler.__doc__ or "").strip().split("\n")[0].rstrip(".")
        declared = Command(
            full_name,
            handler,
            arity,
            flags,
            keys,
            group,
            since,
            complexity,
            syntax,
            summary,
            categories,
        )
        container, _, subcommand = full_name.partition(b"|")
        if subcommand:
            TABLE[container].subcommands[subcommand] = declared
        else:
            TABLE[full_name] = declared
            TABLE[full_name.lower()] = declared
        return handler

    return declare


def lookup(name: bytes) -> Command | None:
    """Return the command of that name in any case."""
    return TABLE.get(name) or TABLE.get(name.upper())


def keys_of(command: Command, argv: Argv) -> list[bytes]:
    """Return the keys among a command's arguments, in order."""
    first, last, step = command.keys
    if first == 0:
        return []
    return argv[first : (len(argv) + last if last < 0 else last) + 1 : step]
