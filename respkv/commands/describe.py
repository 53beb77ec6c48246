"""What COMMAND replies, derived from the declarations (formats of redis-server 7.0.15).

Pure functions: the node answers COMMAND and its subcommands with them.
"""

from typing import Final

from respkv.commands import table
from respkv.commands.glob import matcher
from respkv.commands.key_specs import KeySpec
from respkv.commands.syntax import parse_syntax
from respkv.commands.table import INTERNAL, TABLE, Argv, Command, lookup
from respkv.errors import CommandError
from respkv.wire.reply import Reply, SetReply

FLAG_NAMES: Final = (  # in the order COMMAND INFO replies them
    (table.WRITE, "write"),
    (table.READONLY, "readonly"),
    (table.DENYOOM, "denyoom"),
    (table.ADMIN, "admin"),
    (table.PUBSUB, "pubsub"),
    (table.NOSCRIPT, "noscript"),
    (table.BLOCKING, "blocking"),
    (table.LOADING, "loading"),
    (table.STALE, "stale"),
    (table.SKIP_MONITOR, "skip_monitor"),
    (table.SKIP_SLOWLOG, "skip_slowlog"),
    (table.ASKING, "asking"),
    (table.FAST, "fast"),
    (table.NO_AUTH, "no_auth"),
    (table.NO_MANDATORY_KEYS, "no_mandatory_keys"),
    (table.NO_ASYNC_LOADING, "no_async_loading"),
    (table.NO_MULTI, "no_multi"),
    (table.MOVABLE_KEYS, "movablekeys"),
    (table.ALLOW_BUSY, "allow_busy"),
)


def commands() -> list[Command]:
    """Return the commands clients can see, each once, in the order of their declarations."""
    return [
        command
        for name, command in TABLE.items()
        if name == command.name and not command.flags & INTERNAL
    ]


def find(name: bytes) -> Command | None:
    """Return the command or subcommand of a name like b"get" or b"object|freq", in any case."""
    parent, _, child = name.partition(b"|")
    command = lookup(parent)
    if command is not None and command.flags & INTERNAL:
        return None
    if command is not None and child:
        return command.subcommands.get(child.upper())
    return command


# --- COMMAND, COMMAND INFO, COMMAND COUNT ---------------------------------------------------------


def info_reply(names: list[bytes] | None) -> Reply:
    """Return what COMMAND INFO replies; None means every command, as plain COMMAND does."""
    if not names:
        return [info_of(command) for command in commands()]
    found = [find(name) for name in names]
    return [None if command is None else info_of(command) for command in found]


def info_of(command: Command) -> Reply:
    """Return one command's entry of COMMAND INFO."""
    first, last, step = command.keys
    flags = command.flags
    if flags & (table.READONLY | table.SCRIPT):
        flags &= ~table.WRITE
    return [
        command.display_name.encode(),
        command.arity,
        SetReply([name for flag, name in FLAG_NAMES if flags & flag]),
        first,
        last,
        step,
        SetReply([f"@{category}" for category in command.categories]),
        SetReply([tip.encode() for tip in command.tips]),
        SetReply([_describe_spec(spec) for spec in command.specs]),
        SetReply([info_of(subcommand) for subcommand in command.subcommands.values()]),
    ]


def count_reply() -> int:
    """Return what COMMAND COUNT replies."""
    return len(commands())


def _describe_spec(spec: KeySpec) -> Reply:
    reply: dict[bytes, Reply] = {}
    if spec.notes:
        reply[b"notes"] = spec.notes.encode()
    reply[b"flags"] = SetReply(spec.access.split())
    reply[b"begin_search"] = _describe_begin(spec)
    reply[b"find_keys"] = _describe_range(spec)
    return reply


def _describe_begin(spec: KeySpec) -> Reply:
    first = spec.keys[0]
    if spec.unknown:
        return {b"type": b"unknown", b"spec": {}}
    if spec.keyword:
        return {
            b"type": b"keyword",
            b"spec": {b"keyword": spec.keyword.encode(), b"startfrom": first},
        }
    return {b"type": b"index", b"spec": {b"index": first}}


def _describe_range(spec: KeySpec) -> Reply:
    first, last, step = spec.keys
    if spec.unknown:
        return {b"type": b"unknown", b"spec": {}}
    if spec.counted:
        numbers: Reply = {b"keynumidx": 0, b"firstkey": 1, b"keystep": step}
        return {b"type": b"keynum", b"spec": numbers}
    relative = last if last < 0 or spec.keyword else last - first
    return {
        b"type": b"range",
        b"spec": {b"lastkey": relative, b"keystep": step, b"limit": spec.limit},
    }


# --- COMMAND DOCS ---------------------------------------------------------------------------------


def docs_reply(names: list[bytes]) -> Reply:
    """Return what COMMAND DOCS replies; unknown names are left out."""
    chosen = [find(name) for name in names] if names else commands()
    return {
        command.display_name.encode(): docs_of(command) for command in chosen if command is not None
    }


def docs_of(command: Command) -> Reply:
    """Return one command's entry of COMMAND DOCS."""
    reply: dict[bytes, Reply] = {
        b"summary": command.summary.encode(),
        b"since": command.since.encode(),
        b"group": command.group.encode(),
    }
    if command.complexity:
        reply[b"complexity"] = command.complexity.encode()
    if command.system:
        reply[b"doc_flags"] = SetReply(["syscmd"])
    if command.deprecated is not None:
        since, replaced_by = command.deprecated
        reply[b"doc_flags"] = SetReply(["deprecated"])
        reply[b"deprecated_since"] = since.encode()
        reply[b"replaced_by"] = replaced_by.encode()
    if command.history:
        changes = [[since.encode(), change.encode()] for since, change in command.history]
        reply[b"history"] = SetReply(changes)
    if command.syntax:
        reply[b"arguments"] = [argument.describe() for argument in parse_syntax(command.syntax)]
    if command.subcommands:
        reply[b"subcommands"] = {
            subcommand.display_name.encode(): docs_of(subcommand)
            for subcommand in command.subcommands.values()
        }
    return reply


# --- COMMAND LIST ---------------------------------------------------------------------------------


def list_reply(category: str | None = None, pattern: bytes | None = None) -> Reply:
    """Return what COMMAND LIST replies, filtered by ACL category or name pattern.

    Redis lists subcommands only when a filter is given.
    """
    if category is None and pattern is None:
        return SetReply([command.display_name.encode() for command in commands()])
    chosen: list[Command] = []
    for command in commands():
        chosen.append(command)
        chosen.extend(command.subcommands.values())
    if category is not None:
        chosen = [command for command in chosen if category in command.categories]
    if pattern is not None:
        matches = matcher(pattern.lower())
        chosen = [command for command in chosen if matches(command.display_name.encode())]
    return [command.display_name.encode() for command in chosen]


# --- COMMAND GETKEYS and GETKEYSANDFLAGS ----------------------------------------------------------


def getkeys_reply(argv: Argv) -> Reply:
    """Return what COMMAND GETKEYS replies to the command `argv`.

    Raises:
        CommandError: there is no such command, it has no keys, or its arguments are wrong.
    """
    return [key for key, _ in _keys_and_access(argv)]


def getkeys_and_flags_reply(argv: Argv) -> Reply:
    """Return what COMMAND GETKEYSANDFLAGS replies to the command `argv`.

    Raises:
        CommandError: as `getkeys_reply`.
    """
    return [[key, SetReply(access.split())] for key, access in _keys_and_access(argv)]


def _keys_and_access(argv: Argv) -> list[tuple[bytes, str]]:
    command = find(argv[0])
    if command is not None and command.subcommands and len(argv) > 1:
        command = command.subcommands.get(argv[1].upper())
    if command is None:
        raise CommandError(b"ERR Invalid command specified")
    if not any([spec.access != "not_key" for spec in command.specs]):
        raise CommandError(b"ERR The command has no key arguments")
    if not command.accepts(len(argv)):
        raise CommandError(b"ERR Invalid number of arguments specified for command")
    found = [
        (argv[position], _access_of(spec, argv))
        for spec in command.specs
        for position in spec.find(argv)
    ]
    if not found and not command.flags & table.NO_MANDATORY_KEYS:
        raise CommandError(b"ERR Invalid arguments specified for command")
    return found


def _access_of(spec: KeySpec, argv: Argv) -> str:
    """Return what this very call does to its keys; that of SET and BITFIELD depends on options."""
    if "variable_flags" not in spec.access:
        return spec.access
    if argv[0].upper() == b"BITFIELD":
        return "RO access" if _only_reads(argv) else "RW access update"
    if any([option.upper() == b"GET" for option in argv[3:]]):
        return "RW access update"
    return "OW update"


def _only_reads(argv: Argv) -> bool:
    """Return whether this is a BITFIELD with no more than GET in it."""
    position = 2
    while position < len(argv):
        left = len(argv) - position - 1
        option = argv[position].upper()
        if option == b"GET" and left >= 2:
            position += 3
        elif option == b"OVERFLOW" and left >= 1:
            position += 2
        else:
            return False
    return True
