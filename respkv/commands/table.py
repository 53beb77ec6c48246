"""The command table: one declaration per command, next to its code, that everything derives from.

Dispatch, arity, slot routing, ACL categories, COMMAND INFO and DOCS and the docs table all read it.
"""

from collections.abc import Callable
from typing import Any, Final

from respkv.commands.key_specs import KeySpec, positions
from respkv.errors import CommandError, WrongArity
from respkv.wire.reply import Reply

Argv = list[bytes]
# handler(keyspace, argv); of a CONNECTION command handler(session, argv)
Handler = Callable[[Any, Argv], Reply]

# Redis' flags, plain ints: testing one of an IntFlag costs ten times as much.
WRITE: Final = 1 << 0
READONLY: Final = 1 << 1
DENYOOM: Final = 1 << 2
ADMIN: Final = 1 << 3
PUBSUB: Final = 1 << 4
NOSCRIPT: Final = 1 << 5
BLOCKING: Final = 1 << 6
LOADING: Final = 1 << 7
STALE: Final = 1 << 8
SKIP_MONITOR: Final = 1 << 9
SKIP_SLOWLOG: Final = 1 << 10
ASKING: Final = 1 << 11
FAST: Final = 1 << 12
NO_AUTH: Final = 1 << 13
MAY_REPLICATE: Final = 1 << 14
NO_MANDATORY_KEYS: Final = 1 << 15
NO_ASYNC_LOADING: Final = 1 << 16
NO_MULTI: Final = 1 << 17
MOVABLE_KEYS: Final = 1 << 18
ALLOW_BUSY: Final = 1 << 19
# Ours: who runs the command.
CONNECTION: Final = 1 << 24  # the node: handler(session, argv), and it is never logged
INTERNAL: Final = 1 << 25  # only ever in log entries; to clients it does not exist


class Command:
    """One command, subcommand (`parent` is set) or container of subcommands."""

    def __init__(
        self,
        name: str,
        handler: Handler,
        arity: int,
        flags: int,
        specs: tuple[KeySpec, ...],
        group: str,
        since: str,
        complexity: str,
        syntax: str,
        summary: str,
        categories: tuple[str, ...],
        tips: tuple[str, ...],
        history: tuple[tuple[str, str], ...],
        deprecated: tuple[str, str] | None,
    ) -> None:
        self.name: bytes = name.encode()  # upper case; "OBJECT|FREQ" for a subcommand
        self.display_name: str = name.lower()
        self.handler: Handler = handler
        self.arity = arity
        self.flags = flags
        self.specs = specs
        self.keys: tuple[int, int, int] = positions(specs)
        self.group = group
        self.since = since
        self.complexity = complexity
        self.syntax = syntax
        self.summary = summary
        self.categories = categories
        self.tips = tips
        self.history = history
        self.deprecated = deprecated  # (since, replaced by)
        self.subcommands: dict[bytes, Command] = {}

    def accepts(self, argument_count: int) -> bool:
        """Return whether an argv of this length fits the arity (negative: at least that many)."""
        return argument_count == self.arity or argument_count >= -self.arity > 0


# By name, upper and lower case, as clients send either; subcommands are in their container.
TABLE: Final[dict[bytes, Command]] = {}


def lookup(name: bytes) -> Command | None:
    """Return the command or container of that name, in any case."""
    return TABLE.get(name) or TABLE.get(name.upper())


def resolve(argv: Argv) -> Command:
    """Return the command, or subcommand, that `argv` asks for, its arity checked.

    Raises:
        CommandError: no such command or subcommand, or the wrong number of arguments.
    """
    command = TABLE.get(argv[0]) or TABLE.get(argv[0].upper())
    if command is None or command.flags & INTERNAL:
        raise unknown_command(argv)
    if command.subcommands and len(argv) > 1:
        command = resolve_subcommand(command, argv)
    if not command.accepts(len(argv)):
        raise WrongArity(command.display_name.encode())
    return command


def resolve_subcommand(container: Command, argv: Argv) -> Command:
    """Return the subcommand argv[1] names.

    Raises:
        CommandError: there is none of that name.
    """
    command = container.subcommands.get(argv[1].upper())
    if command is None:
        raise CommandError(
            b"ERR unknown subcommand '%b'. Try %b HELP." % (argv[1][:128], container.name)
        )
    return command


def unknown_command(argv: Argv) -> CommandError:
    """Return the error for a name that is not in the table; it repeats up to 128 bytes of argv."""
    shown = b""
    for argument in argv[1:]:
        if len(shown) >= 128:
            break
        shown += b"'%b' " % argument[: 128 - len(shown)]
    return CommandError(
        b"ERR unknown command '%b', with args beginning with: %b" % (argv[0][:128], shown)
    )


def command(
    *,
    arity: int,
    flags: int,
    group: str,
    since: str,
    summary: str,
    name: str = "",
    keys: tuple[int, int, int] = (0, 0, 0),
    access: str = "",
    specs: tuple[KeySpec, ...] = (),
    complexity: str = "",
    syntax: str = "",
    categories: tuple[str, ...] = (),
    tips: tuple[str, ...] = (),
    history: tuple[tuple[str, str], ...] = (),
    deprecated: tuple[str, str] | None = None,
) -> Callable[[Handler], Handler]:
    """Declare the decorated function as a command; its name is the function's unless given.

    `keys` is (first, last, step) and `access` what happens to them ("RW ACCESS UPDATE"); `specs`
    replaces both where that is not enough. `name` is "OBJECT|FREQ" for a subcommand, whose
    container is declared first. `syntax` is described in `respkv.commands.syntax`.
    """
    if not specs and keys[0]:
        specs = (KeySpec(access, keys),)

    def declare(handler: Handler) -> Handler:
        full_name = name or handler.__name__.rstrip("_").upper()
        declared = Command(
            full_name,
            handler,
            arity,
            flags,
            specs,
            group,
            since,
            complexity,
            syntax,
            summary,
            categories,
            tips,
            history,
            deprecated,
        )
        add(declared)
        return handler

    return declare


def container(
    name: str, *, group: str, since: str, summary: str, flags: int = 0, arity: int = -2
) -> Command:
    """Declare a command that only has subcommands; its handler runs the one argv[1] names."""

    def run(subject: Any, argv: Argv) -> Reply:
        subcommand = resolve(argv)
        return subcommand.handler(subject, argv)

    declared = Command(name, run, arity, flags, (), group, since, "", "", summary, (), (), (), None)
    add(declared)
    return declared


def add(declared: Command) -> None:
    """Enter a declared command into the table, or into its container."""
    parent, _, child = declared.name.partition(b"|")
    if child:
        TABLE[parent].subcommands[child] = declared
    else:
        TABLE[parent] = declared
        TABLE[parent.lower()] = declared
