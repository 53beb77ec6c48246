"""Commands that act on the node: INFO, CONFIG, COMMAND, snapshots, SHUTDOWN (as in Redis 7.0)."""

import logging
import time
from typing import Final

from respkv.commands import describe
from respkv.commands.help import declare_help
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
from respkv.config import InvalidArgument, option_of
from respkv.config.option import Option
from respkv.config.options import PROTECTED
from respkv.errors import BadSyntax, CommandError, quoted
from respkv.node import cluster_refusals as _declares_cluster  # noqa: F401
from respkv.node.config_file import rewrite_config
from respkv.node.connection import LATER, Connection
from respkv.node.info import info_text
from respkv.wire.reply import OK, Reply, Verbatim
from respkv.wire.run import Argv

logger = logging.getLogger("respkv")

_ALWAYS = CONNECTION | LOADING | STALE
# Why CONFIG SET of these is refused where nobody can listen.
_NOT_LISTENING: Final = {
    "port": "Unable to listen on this port. Check server logs.",
    "bind": "Failed to bind to specified addresses.",
}


@command(arity=-1, flags=_ALWAYS, group="server", since="1.0.0", categories=("dangerous",),
         tips=("nondeterministic_output", "request_policy:all_shards", "response_policy:special"),
         syntax="[section...]",
         history=(("7.0.0", "Added support for taking multiple section arguments."),),
         summary="Get information and statistics about the server")  # fmt: skip
def info(session: Connection, argv: Argv) -> Reply:
    """What there is to know, in sections."""
    sections = [section.decode(errors="replace").lower() for section in argv[1:]]
    return Verbatim(info_text(session.node, sections).encode())


@command(arity=1, flags=_ALWAYS | FAST, group="server", since="2.6.0",
         tips=("nondeterministic_output",),
         summary="Return the current server time")  # fmt: skip
def time_(session: Connection, argv: Argv) -> Reply:
    """Seconds and microseconds of the wall clock."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return [b"%d" % seconds, b"%d" % (nanoseconds // 1000)]


container("CONFIG", group="server", since="2.0.0", flags=CONNECTION,
          summary="A container for server configuration commands")  # fmt: skip


@command(name="CONFIG|GET", arity=-3, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", syntax="parameter(parameter)...",
         complexity="O(N) when N is the number of configuration parameters provided",
         history=(("7.0.0", "Added the ability to pass multiple pattern parameters in one call"),),
         summary="Get the values of configuration parameters")  # fmt: skip
def config_get(session: Connection, argv: Argv) -> Reply:
    """The directives that match the patterns."""
    patterns = [pattern.decode(errors="replace") for pattern in argv[2:]]
    found = session.node.config.matching(patterns)
    return {name.encode(): text.encode() for name, text in found.items()}


@command(name="CONFIG|SET", arity=-4, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", tips=("request_policy:all_nodes", "response_policy:all_succeeded"),
         syntax="parameter value [parameter value ...]",
         complexity="O(N) when N is the number of configuration parameters provided",
         history=(("7.0.0", "Added the ability to set multiple parameters in one call."),),
         summary="Set configuration parameters to the given values")  # fmt: skip
def config_set(session: Connection, argv: Argv) -> Reply:
    """Change directives that can change while the server runs."""
    if len(argv) % 2:
        raise BadSyntax()
    changes: list[tuple[Option, str]] = []
    names: list[str] = []
    refusal: CommandError | None = None
    config = session.node.config
    for name, value in zip(argv[2::2], argv[3::2], strict=True):
        given = name.decode(errors="replace")
        option = option_of(given)
        if option is None:
            refusal = refusal or CommandError(
                b"ERR Unknown option or number of arguments for CONFIG SET - '%b'" % quoted(name)
            )
            continue
        if option.name in PROTECTED and config["enable-protected-configs"] == "no":
            refusal = refusal or _not_set(given, "can't set protected config")
        elif not option.mutable:
            refusal = refusal or _not_set(given, "can't set immutable config")
        elif given.lower() in names:
            refusal = refusal or _not_set(given, "duplicate parameter")
        names.append(given.lower())
        changes.append((option, value.decode(errors="replace")))
    if refusal is not None:
        raise refusal
    before = [(option, config.text(option.name)) for option, _ in changes]
    try:
        config.take(changes)
    except InvalidArgument as error:
        at = next(at for at, (option, _) in enumerate(changes) if option.name == error.name)
        raise _not_set(names[at], str(error)) from None
    try:
        session.node.listen()
    except OSError as error:
        logger.warning("CONFIG SET: %s", error)
        config.take(before)
        session.node.listen()
        moved = next(name for name in names if name in _NOT_LISTENING)
        raise _not_set(moved, _NOT_LISTENING[moved]) from None
    for warning in config.take_warnings():
        logger.warning("CONFIG SET: %s", warning)
    session.node.config_changed()
    return OK


def _not_set(name: str, why: str) -> CommandError:
    text = f"ERR CONFIG SET failed (possibly related to argument '{name}') - {why}"
    return CommandError(text.encode())


@command(name="CONFIG|REWRITE", arity=2, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.8.0", summary="Rewrite the configuration file with the in memory "
         "configuration")  # fmt: skip
def config_rewrite(session: Connection, argv: Argv) -> Reply:
    """Write the options in force to the file they came from, and keep its comments."""
    path = session.node.config.path
    if path is None:
        raise CommandError(b"ERR The server is running without a config file")
    try:
        rewrite_config(session.node.config, path)
    except OSError as error:
        raise CommandError(
            b"ERR Rewriting config file: %b" % (error.strerror or str(error)).encode()
        ) from None
    return OK


@command(name="CONFIG|RESETSTAT", arity=2, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", summary="Reset the stats returned by INFO")  # fmt: skip
def config_resetstat(session: Connection, argv: Argv) -> Reply:
    """Start counting anew."""
    session.node.reset_statistics()
    return OK


declare_help("CONFIG", since="5.0.0", group="server", flags=CONNECTION, text="""
GET <pattern>
    Return parameters matching the glob-like <pattern> and their values.
SET <directive> <value>
    Set the configuration <directive> to <value>.
RESETSTAT
    Reset statistics reported by the INFO command.
REWRITE
    Rewrite the configuration file.
""")  # fmt: skip


def _command(session: Connection, argv: Argv) -> Reply:
    return describe.info_reply(None)


_ORDER = ("nondeterministic_output_order",)
_OF_COMMAND = ("connection",)  # COMMAND is of the group server, and in this category

container("COMMAND", group="server", since="2.8.13", flags=_ALWAYS, arity=-1, handler=_command,
          categories=_OF_COMMAND, tips=_ORDER,
          complexity="O(N) where N is the total number of Redis commands",
          summary="Get array of Redis command details")  # fmt: skip


@command(name="COMMAND|INFO", categories=_OF_COMMAND, tips=_ORDER, arity=-2, flags=_ALWAYS, group="server", since="2.8.13",
         syntax="[command-name...]",
         complexity="O(N) where N is the number of commands to look up",
         history=(("7.0.0", "Allowed to be called with no argument to get info on all commands."),),
         summary="Get array of specific Redis command details, or all when no argument is given.")  # fmt: skip
def command_info(session: Connection, argv: Argv) -> Reply:
    """Arity, flags, keys, categories."""
    return describe.info_reply(argv[2:] or None)


@command(name="COMMAND|COUNT", categories=_OF_COMMAND, arity=2, flags=_ALWAYS, group="server", since="2.8.13",
         summary="Get total number of Redis commands")  # fmt: skip
def command_count(session: Connection, argv: Argv) -> Reply:
    """How many commands there are."""
    return describe.count_reply()


@command(name="COMMAND|DOCS", categories=_OF_COMMAND, tips=_ORDER, arity=-2, flags=_ALWAYS, group="server", since="7.0.0",
         syntax="[command-name...]",
         complexity="O(N) where N is the number of commands to look up",
         summary="Get array of specific Redis command documentation")  # fmt: skip
def command_docs(session: Connection, argv: Argv) -> Reply:
    """Summary, arguments, history."""
    return describe.docs_reply(argv[2:])


@command(name="COMMAND|GETKEYS", categories=_OF_COMMAND, arity=-4, flags=_ALWAYS, group="server", since="2.8.13",
         complexity="O(N) where N is the number of arguments to the command",
         summary="Extract keys given a full Redis command")  # fmt: skip
def command_getkeys(session: Connection, argv: Argv) -> Reply:
    """The keys among a command's arguments."""
    return describe.getkeys_reply(argv[2:])


@command(name="COMMAND|GETKEYSANDFLAGS", categories=_OF_COMMAND, arity=-4, flags=_ALWAYS, group="server", since="7.0.0",
         complexity="O(N) where N is the number of arguments to the command",
         summary="Extract keys and access flags given a full Redis command")  # fmt: skip
def command_getkeysandflags(session: Connection, argv: Argv) -> Reply:
    """The keys, and what the command does to them."""
    return describe.getkeys_and_flags_reply(argv[2:])


@command(name="COMMAND|LIST", categories=_OF_COMMAND, tips=_ORDER, arity=-2, flags=_ALWAYS, group="server", since="7.0.0",
         complexity="O(N) where N is the total number of Redis commands",
         syntax="[FILTERBY filterby(MODULE module-name | ACLCAT category | PATTERN pattern)]",
         summary="Get an array of Redis command names")  # fmt: skip
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


declare_help("COMMAND", since="5.0.0", group="server", flags=CONNECTION, categories=_OF_COMMAND, text="""
(no subcommand)
    Return details about all Redis commands.
COUNT
    Return the total number of commands in this Redis server.
LIST
    Return a list of all commands in this Redis server.
INFO [<command-name> ...]
    Return details about multiple Redis commands.
    If no command names are given, documentation details for all
    commands are returned.
DOCS [<command-name> ...]
    Return documentation details about multiple Redis commands.
    If no command names are given, documentation details for all
    commands are returned.
GETKEYS <full-command>
    Return the keys from a full Redis command.
GETKEYSANDFLAGS <full-command>
    Return the keys and the access flags from a full Redis command.
""")  # fmt: skip


@command(arity=1, flags=_ALWAYS | FAST, group="server", since="1.0.0",
         categories=("admin", "dangerous"), tips=("nondeterministic_output",),
         summary="Get the UNIX time stamp of the last successful save to disk")  # fmt: skip
def lastsave(session: Connection, argv: Argv) -> Reply:
    """When the last snapshot was finished (or the server started), Unix seconds."""
    return int(session.node.snapshots.last_time)


@command(arity=1, flags=CONNECTION | ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
         group="server", since="1.0.0", complexity="O(N) where N is the total number of keys in "
         "all databases", summary="Synchronously save the dataset to disk")  # fmt: skip
def save(session: Connection, argv: Argv) -> Reply:
    """As BGSAVE, and this client waits for the end; others are served meanwhile."""
    if session.node.snapshots.running:
        raise CommandError(b"ERR Background save already in progress")
    session.wait()

    def ended(ok: bool) -> None:
        failed = CommandError(b"ERR the snapshot could not be written; see the log")
        session.node.router.answer(session, OK if ok else failed)
        session.go_on()

    session.node.snapshots.start(ended)
    return LATER


@command(arity=-1, flags=CONNECTION | ADMIN | NOSCRIPT | NO_ASYNC_LOADING, group="server",
         since="1.0.0", syntax="[SCHEDULE@3.2.2]", history=(("3.2.2", "Added the `SCHEDULE` "
         "option."),), summary="Asynchronously save the dataset to disk")  # fmt: skip
def bgsave(session: Connection, argv: Argv) -> Reply:
    """Start a snapshot in a process of its own; SCHEDULE has nothing else to wait for."""
    if len(argv) > 1 and (len(argv) != 2 or argv[1].upper() != b"SCHEDULE"):
        raise BadSyntax()
    if session.node.snapshots.running:
        raise CommandError(b"ERR Background save already in progress")
    session.node.snapshots.start()
    return "Background saving started"


@command(arity=-1, flags=_ALWAYS | ADMIN | NOSCRIPT | NO_MULTI | ALLOW_BUSY, group="server", since="1.0.0",
         complexity="O(N) when saving, where N is the total number of keys in all databases when "
         "saving data, otherwise O(1)",
         syntax="[NOSAVE | SAVE] [NOW@7.0.0] [FORCE@7.0.0] [ABORT@7.0.0]",
         history=(("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."),),
         summary="Synchronously save the dataset to disk and then shut down the server")  # fmt: skip
def shutdown(session: Connection, argv: Argv) -> Reply:
    """Finish what is under way, sync the log and exit; its connection ends without a reply."""
    options = {option.upper() for option in argv[1:]}
    saves, aborts = {b"SAVE", b"NOSAVE"}, b"ABORT" in options
    if not options <= {*saves, b"NOW", b"FORCE", b"ABORT"}:
        raise BadSyntax()
    if saves <= options or (aborts and len(argv) > 2):
        raise BadSyntax()
    if aborts:
        raise CommandError(b"ERR No shutdown in progress.")
    session.wait()
    session.node.call_soon(session.node.stop)
    return LATER
