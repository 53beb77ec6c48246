"""Commands that act on the node: INFO, CONFIG, COMMAND, snapshots, SHUTDOWN (as in Redis 7.0)."""

import time

from respkv.commands import describe
from respkv.commands.table import (
    ADMIN,
    ALLOW_BUSY,
    CONNECTION,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    NO_MULTI,
    NOSCRIPT,
    STALE,
    command,
    container,
)
from respkv.config import OPTIONS, ConfigError
from respkv.errors import BadSyntax, CommandError
from respkv.node.connection import Connection
from respkv.node.info import info_text
from respkv.wire.reply import OK, Reply, Verbatim
from respkv.wire.request import Argv

_ALWAYS = CONNECTION | LOADING | STALE


@command(arity=-1, flags=_ALWAYS, group="server", since="1.0.0", categories=("dangerous",),
         syntax="[section [section ...]]",
         summary="Get information and statistics about the server",
         tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
         history=(("7.0.0", "Added support for taking multiple section arguments."),))  # fmt: skip
def info(session: Connection, argv: Argv) -> Reply:
    """What there is to know, in sections."""
    sections = [section.decode(errors="replace").lower() for section in argv[1:]]
    return Verbatim(info_text(session.node, sections).encode())


@command(arity=1, flags=_ALWAYS | FAST, group="server", since="2.6.0",
         summary="Return the current server time",
         tips=("nondeterministic_output",))  # fmt: skip
def time_(session: Connection, argv: Argv) -> Reply:
    """Seconds and microseconds of the wall clock."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return [b"%d" % seconds, b"%d" % (nanoseconds // 1000)]


container("CONFIG", group="server", since="2.0.0", flags=CONNECTION,
          summary="A container for server configuration commands")  # fmt: skip


@command(name="CONFIG|GET", arity=-3, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", syntax="parameter(parameter)...",
         summary="Get the values of configuration parameters",
         complexity="O(N) when N is the number of configuration parameters provided",
         history=(("7.0.0", "Added the ability to pass multiple pattern parameters in one call"),))  # fmt: skip
def config_get(session: Connection, argv: Argv) -> Reply:
    """The directives that match the patterns."""
    patterns = [pattern.decode(errors="replace") for pattern in argv[2:]]
    found = session.node.config.matching(patterns)
    return {name.encode(): text.encode() for name, text in found.items()}


@command(name="CONFIG|SET", arity=-4, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", syntax="parameter value [parameter value ...]",
         summary="Set configuration parameters to the given values",
         complexity="O(N) when N is the number of configuration parameters provided",
         tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
         history=(("7.0.0", "Added the ability to set multiple parameters in one call."),))  # fmt: skip
def config_set(session: Connection, argv: Argv) -> Reply:
    """Change directives that can change while the server runs."""
    if len(argv) % 2:
        raise CommandError(b"ERR wrong number of arguments for 'config|set' command")
    pairs = list(zip(argv[2::2], argv[3::2], strict=True))
    seen: set[bytes] = set()
    for name, _ in pairs:
        if name.lower() in seen:
            raise _not_set(name, b"duplicate parameter")
        seen.add(name.lower())
        option = OPTIONS.get(name.decode(errors="replace").lower())
        if option is None:
            raise CommandError(
                b"ERR Unknown option or number of arguments for CONFIG SET - '%b'" % name
            )
        if not option.mutable:
            raise _not_set(name, b"can't set immutable config")
    for name, value in pairs:
        try:
            session.node.config.set(name.decode(), value.decode(errors="replace"), "CONFIG SET")
        except ConfigError as error:
            raise _not_set(name, str(error).rpartition(": ")[2].encode()) from None
    return OK


def _not_set(name: bytes, reason: bytes) -> CommandError:
    return CommandError(
        b"ERR CONFIG SET failed (possibly related to argument '%b') - %b" % (name, reason)
    )


@command(name="CONFIG|RESETSTAT", arity=2, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", summary="Reset the stats returned by INFO")  # fmt: skip
def config_resetstat(session: Connection, argv: Argv) -> Reply:
    """Start counting anew."""
    session.node.reset_statistics()
    return OK


def _command(session: Connection, argv: Argv) -> Reply:
    return describe.info_reply(None)


container("COMMAND", group="server", since="2.8.13", flags=_ALWAYS, arity=-1, handler=_command,
          summary="Get array of Redis command details")  # fmt: skip


@command(name="COMMAND|INFO", arity=-2, flags=_ALWAYS, group="server", since="2.8.13",
         syntax="[command-name [command-name ...]]",
         summary="Get array of specific Redis command details, or all when no argument is given.",
         complexity="O(N) where N is the number of commands to look up",
         categories=("connection",),
         tips=("nondeterministic_output_order",),
         history=(("7.0.0", "Allowed to be called with no argument to get info on all commands."),))  # fmt: skip
def command_info(session: Connection, argv: Argv) -> Reply:
    """Arity, flags, keys, categories."""
    return describe.info_reply(argv[2:] or None)


@command(name="COMMAND|COUNT", arity=2, flags=_ALWAYS, group="server", since="2.8.13",
         summary="Get total number of Redis commands",
         categories=("connection",))  # fmt: skip
def command_count(session: Connection, argv: Argv) -> Reply:
    """How many commands there are."""
    return describe.count_reply()


@command(name="COMMAND|DOCS", arity=-2, flags=_ALWAYS, group="server", since="7.0.0",
         syntax="[command-name [command-name ...]]",
         summary="Get array of specific Redis command documentation",
         complexity="O(N) where N is the number of commands to look up",
         categories=("connection",),
         tips=("nondeterministic_output_order",))  # fmt: skip
def command_docs(session: Connection, argv: Argv) -> Reply:
    """Summary, arguments, history."""
    return describe.docs_reply(argv[2:])


@command(name="COMMAND|GETKEYS", arity=-4, flags=_ALWAYS, group="server", since="2.8.13",
         summary="Extract keys given a full Redis command",
         complexity="O(N) where N is the number of arguments to the command",
         categories=("connection",))  # fmt: skip
def command_getkeys(session: Connection, argv: Argv) -> Reply:
    """The keys among a command's arguments."""
    return describe.getkeys_reply(argv[2:])


@command(name="COMMAND|GETKEYSANDFLAGS", arity=-4, flags=_ALWAYS, group="server", since="7.0.0",
         summary="Extract keys and access flags given a full Redis command",
         complexity="O(N) where N is the number of arguments to the command",
         categories=("connection",))  # fmt: skip
def command_getkeysandflags(session: Connection, argv: Argv) -> Reply:
    """The keys, and what the command does to them."""
    return describe.getkeys_and_flags_reply(argv[2:])


@command(name="COMMAND|LIST", arity=-2, flags=_ALWAYS, group="server", since="7.0.0",
         syntax="[FILTERBY filterby(MODULE module-name | ACLCAT category | PATTERN pattern)]",
         summary="Get an array of Redis command names",
         complexity="O(N) where N is the total number of Redis commands",
         categories=("connection",),
         tips=("nondeterministic_output_order",))  # fmt: skip
def command_list(session: Connection, argv: Argv) -> Reply:
    """The names, all or filtered."""
    if len(argv) == 2:
        return describe.list_reply()
    if len(argv) != 5 or argv[2].upper() != b"FILTERBY":
        raise BadSyntax()
    kind = argv[3].upper()
    if kind == b"ACLCAT":
        return describe.list_reply(category=argv[4].decode(errors="replace").lower())
    if kind == b"PATTERN":
        return describe.list_reply(pattern=argv[4])
    if kind == b"MODULE":
        return []
    raise BadSyntax()


@command(arity=1, flags=_ALWAYS | FAST, group="server", since="1.0.0", categories=("admin", "dangerous"), tips=("nondeterministic_output",),
         summary="Get the UNIX time stamp of the last successful save to disk")  # fmt: skip
def lastsave(session: Connection, argv: Argv) -> Reply:
    """When the last snapshot was finished (or the server started), Unix seconds."""
    return int(session.node.last_save)


@command(arity=-1, flags=CONNECTION | ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server", since="1.0.0",
         syntax="[SCHEDULE@3.2.2]", summary="Asynchronously save the dataset to disk",
         history=(("3.2.2", "Added the `SCHEDULE` option."),))  # fmt: skip
def bgsave(session: Connection, argv: Argv) -> Reply:
    """Start a snapshot in a process of its own."""
    if len(argv) > 1 and (len(argv) != 2 or argv[1].upper() != b"SCHEDULE"):
        raise BadSyntax()
    if session.node.saving:
        raise CommandError(b"ERR Background save already in progress")
    session.node.start_snapshot()
    return "Background saving started"


@command(arity=-1, flags=_ALWAYS | ADMIN | NOSCRIPT | NO_MULTI | ALLOW_BUSY, group="server", since="1.0.0",
         syntax="[NOSAVE | SAVE] [NOW@7.0.0] [FORCE@7.0.0] [ABORT@7.0.0]",
         summary="Synchronously save the dataset to disk and then shut down the server",
         complexity="O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
         history=(("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."),))  # fmt: skip
def shutdown(session: Connection, argv: Argv) -> Reply:
    """Finish what is under way, sync the log and exit."""
    for option in argv[1:]:
        if option.upper() not in (b"NOSAVE", b"SAVE", b"NOW", b"FORCE", b"ABORT"):
            raise BadSyntax()
    session.node.call_soon(session.node.stop)
    return OK
