"""The command table: one declaration per command, next to its code, that everything derives from.

Dispatch, arity, slot routing, ACL categories, COMMAND INFO and DOCS and the docs table all read it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from respkv.commands.key_specs import KeySpec, positions
from respkv.errors import CommandError, WrongArity, quoted
from respkv.wire.reply import Reply

Argv = list[bytes]
# handler(keyspace, argv); of a CONNECTION command handler(session, argv)
Handler = Callable[[Any, Argv], Reply]
HandlerT = TypeVar("HandlerT", bound=Handler)

# Redis' flags, plain ints: testing one of an IntFlag costs ten times as much. A command that is
# both WRITE and READONLY is run as a write and shown as a read: Redis lets PFCOUNT, a read, change
# its key, and here only what is logged may do that.
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
MAY_STORE: Final = 1 << 26  # a write where it stores, which SORT need not: see `is_logged`
SCRIPT: Final = 1 << 27  # runs a script; EVAL is logged as a write, and shown as neither

ACL_CATEGORIES: Final = (
    "keyspace read write set sortedset list hash string bitmap hyperloglog geo stream pubsub admin "
    "fast slow blocking dangerous connection transaction scripting"
).split()
_GROUP_CATEGORIES: Final = {
    "generic": "keyspace",
    "string": "string",
    "list": "list",
    "set": "set",
    "sorted-set": "sortedset",
    "hash": "hash",
    "pubsub": "pubsub",
    "connection": "connection",
    "transactions": "transaction",
    "scripting": "scripting",
    "hyperloglog": "hyperloglog",
    "bitmap": "bitmap",
    "geo": "geo",
    "stream": "stream",
}


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
        system: bool = False,
    ) -> None:
        self.name: bytes = name.encode()  # upper case; "OBJECT|FREQ" for a subcommand
        self.display_name: str = name.lower()
        self.handler: Handler = handler
        self.arity = arity
        self.flags = flags
        self.specs = specs
        first, last, step, movable = positions(specs)
        self.keys: tuple[int, int, int] = (first, last, step)
        if movable:
            self.flags |= MOVABLE_KEYS
        self.group = group
        self.since = since
        self.complexity = complexity
        self.syntax = syntax
        self.summary = summary
        self.categories: tuple[str, ...] = acl_categories(self.flags, group, categories)
        self.tips = tips
        self.history = history
        self.deprecated = deprecated  # (since, replaced by)
        self.system = system  # not for applications, as COMMAND DOCS tells
        self.subcommands: dict[bytes, Command] = {}
        self.own_handler: Handler = handler
        self.is_subcommand = "|" in name

    def with_handler(self, handler: Handler) -> "Command":
        """Return a command that differs only in what it runs."""
        other = Command(
            self.name.decode(),
            handler,
            self.arity,
            self.flags,
            self.specs,
            self.group,
            self.since,
            self.complexity,
            self.syntax,
            self.summary,
            self.categories,
            self.tips,
            self.history,
            self.deprecated,
            self.system,
        )
        other.display_name = self.display_name
        return other

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
    if command is None or command.flags & (INTERNAL | CONNECTION) == INTERNAL:
        raise unknown_command(argv)
    if command.subcommands and len(argv) > 1:
        command = resolve_subcommand(command, argv)
    if not command.accepts(len(argv)):
        raise WrongArity(command.display_name.encode())
    return command


def resolve_logged(argv: Argv) -> Command:
    """Return what `resolve` does, also for commands that only nodes make."""
    command = TABLE.get(argv[0])
    return command if command is not None and command.flags & INTERNAL else resolve(argv)


def resolve_subcommand(container: Command, argv: Argv) -> Command:
    """Return the subcommand argv[1] names.

    Raises:
        CommandError: there is none of that name.
    """
    command = container.subcommands.get(argv[1].upper())
    if command is None:
        raise CommandError(
            b"ERR unknown subcommand '%b'. Try %b HELP." % (quoted(argv[1][:128]), container.name)
        )
    return command


def keys_of(command: Command, argv: Argv) -> list[bytes]:
    """Return the keys among the arguments; `command` is what `resolve(argv)` returned."""
    first, last, step = command.keys
    if command.flags & MOVABLE_KEYS:
        return [argv[position] for spec in command.specs for position in spec.find(argv)]
    if first == 0:
        return []
    return argv[first : (last + len(argv) if last < 0 else last) + 1 : step]


def unknown_command(argv: Argv) -> CommandError:
    """Return the error for a name that is not in the table; it repeats up to 128 bytes of argv."""
    shown = b""
    for argument in argv[1:]:
        if len(shown) >= 128:
            break
        shown += b"'%b' " % quoted(argument[: 128 - len(shown)])
    return CommandError(
        b"ERR unknown command '%b', with args beginning with: %b" % (quoted(argv[0][:128]), shown)
    )


def acl_categories(flags: int, group: str, explicit: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ACL categories of a command, in Redis' order."""
    chosen = {*explicit, _GROUP_CATEGORIES.get(group, "")}
    chosen.add("fast" if flags & FAST else "slow")
    if flags & WRITE and not flags & (READONLY | SCRIPT):
        chosen.add("write")
    if flags & READONLY and "scripting" not in chosen:
        chosen.add("read")
    if flags & ADMIN:
        chosen.update(("admin", "dangerous"))
    if flags & PUBSUB:
        chosen.add("pubsub")
    if flags & BLOCKING:
        chosen.add("blocking")
    chosen.difference_update([name[1:] for name in explicit if name.startswith("-")])
    return tuple([category for category in ACL_CATEGORIES if category in chosen])


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
    notes: str = "",
    specs: tuple[KeySpec, ...] = (),
    complexity: str = "O(1)",
    syntax: str = "",
    categories: tuple[str, ...] = (),
    tips: tuple[str, ...] = (),
    history: tuple[tuple[str, str], ...] = (),
    deprecated: tuple[str, str] | None = None,
    system: bool = False,
) -> Callable[[HandlerT], HandlerT]:
    """Declare the decorated function as a command; its name is the function's unless given.

    `keys` is (first, last, step), `access` what happens to them ("RW access update") and `notes` a
    remark on that; `specs` replaces them where they are not enough. `categories` are those that do
    not follow from flags and group, and with a "-" those that do and are not meant. `deprecated` is
    (since, replaced by); `system` commands are sent by servers to each other. `name` is
    "OBJECT|FREQ" for a subcommand, whose container is declared first. `syntax`: see
    `respkv.commands.syntax`.
    """
    if not specs and keys[0]:
        specs = (KeySpec(access, keys, notes=notes),)

    def declare(handler: HandlerT) -> HandlerT:
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
            system,
        )
        add(declared)
        return handler

    return declare


def container(
    name: str,
    *,
    group: str,
    since: str,
    summary: str,
    flags: int = 0,
    arity: int = -2,
    complexity: str = "Depends on subcommand.",
    categories: tuple[str, ...] = (),
    tips: tuple[str, ...] = (),
    handler: Handler | None = None,
) -> None:
    """Declare a command that has subcommands; its handler runs the one argv[1] names.

    `handler` is for a container that also does something by itself (COMMAND).
    """

    def run(subject: Any, argv: Argv) -> Reply:
        chosen = resolve(argv)
        if not chosen.is_subcommand:
            return chosen.own_handler(subject, argv)
        return chosen.handler(subject, argv)

    declared = Command(
        name,
        run,
        arity,
        flags,
        (),
        "",
        since,
        complexity,
        "",
        summary,
        categories,
        tips,
        (),
        None,
    )
    declared.group = group  # a container is in no category of its group
    if handler is not None:
        declared.own_handler = handler
    add(declared)


def add(declared: Command) -> None:
    """Enter a declared command into the table, or into its container."""
    parent, _, child = declared.name.partition(b"|")
    if child:
        TABLE[parent].subcommands[child] = declared
    else:
        TABLE[parent] = declared
        TABLE[parent.lower()] = declared
