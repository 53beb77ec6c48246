"""Commands that act on the node: INFO, CONFIG, COMMAND, snapshots, SHUTDOWN (as in Redis 7.0)."""

import time

from respkv.commands.table import (
    ADMIN,
    CONNECTION,
    FAST,
    LOADING,
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
         summary="Get information and statistics about the server")  # fmt: skip
def info(session: Connection, argv: Argv) -> Reply:
    """What there is to know, in sections."""
    sections = [section.decode(errors="replace").lower() for section in argv[1:]]
    return Verbatim(info_text(session.node, sections).encode())


@command(arity=1, flags=_ALWAYS | FAST, group="server", since="2.6.0",
         summary="Return the current server time")  # fmt: skip
def time_(session: Connection, argv: Argv) -> Reply:
    """Seconds and microseconds of the wall clock."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return [b"%d" % seconds, b"%d" % (nanoseconds // 1000)]


container("CONFIG", group="server", since="2.0.0", flags=CONNECTION,
          summary="A container for server configuration commands")  # fmt: skip


@command(name="CONFIG|GET", arity=-3, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", syntax="parameter [parameter ...]",
         summary="Get the values of configuration parameters")  # fmt: skip
def config_get(session: Connection, argv: Argv) -> Reply:
    """The directives that match the patterns."""
    patterns = [pattern.decode(errors="replace") for pattern in argv[2:]]
    found = session.node.config.matching(patterns)
    return {name.encode(): text.encode() for name, text in found.items()}


@command(name="CONFIG|SET", arity=-4, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", syntax="parameter value [parameter value ...]",
         summary="Set configuration parameters to the given values")  # fmt: skip
def config_set(session: Connection, argv: Argv) -> Reply:
    """Change directives that can change while the server runs."""
    if len(argv) % 2:
        raise CommandError(b"ERR wrong number of arguments for 'config|set' command")
    pairs = list(zip(argv[2::2], argv[3::2], strict=True))
    for name, _ in pairs:
        option = OPTIONS.get(name.decode(errors="replace").lower())
        if option is None:
            raise CommandError(
                b"ERR Unknown option or number of arguments for CONFIG SET - '%b'" % name
            )
        if not option.mutable:
            raise CommandError(
                b"ERR CONFIG SET failed (possibly related to argument '%b') - "
                b"can't set immutable config" % name
            )
    for name, value in pairs:
        try:
            session.node.config.set(name.decode(), value.decode(errors="replace"), "CONFIG SET")
        except ConfigError as error:
            raise CommandError(
                b"ERR CONFIG SET failed (possibly related to argument '%b') - %b"
                % (name, str(error).rpartition(": ")[2].encode())
            ) from None
    return OK


@command(name="CONFIG|RESETSTAT", arity=2, flags=_ALWAYS | ADMIN | NOSCRIPT, group="server",
         since="2.0.0", summary="Reset the stats returned by INFO")  # fmt: skip
def config_resetstat(session: Connection, argv: Argv) -> Reply:
    """Start counting anew."""
    session.node.reset_statistics()
    return OK


@command(arity=1, flags=_ALWAYS | FAST, group="server", since="1.0.0", categories=("admin",),
         summary="Get the UNIX time stamp of the last successful save to disk")  # fmt: skip
def lastsave(session: Connection, argv: Argv) -> Reply:
    """When the last snapshot was finished (or the server started), Unix seconds."""
    return int(session.node.last_save)


@command(arity=-1, flags=CONNECTION | ADMIN | NOSCRIPT, group="server", since="1.0.0",
         syntax="[SCHEDULE]", summary="Asynchronously save the dataset to disk")  # fmt: skip
def bgsave(session: Connection, argv: Argv) -> Reply:
    """Start a snapshot in a process of its own."""
    if len(argv) > 1 and (len(argv) != 2 or argv[1].upper() != b"SCHEDULE"):
        raise BadSyntax()
    if session.node.saving:
        raise CommandError(b"ERR Background save already in progress")
    session.node.start_snapshot()
    return "Background saving started"


@command(arity=-1, flags=_ALWAYS | ADMIN | NOSCRIPT | NO_MULTI, group="server", since="1.0.0",
         syntax="[NOSAVE|SAVE] [NOW] [FORCE]",
         summary="Synchronously save the dataset to disk and then shut down the server")  # fmt: skip
def shutdown(session: Connection, argv: Argv) -> Reply:
    """Finish what is under way, sync the log and exit."""
    for option in argv[1:]:
        if option.upper() not in (b"NOSAVE", b"SAVE", b"NOW", b"FORCE", b"ABORT"):
            raise BadSyntax()
    session.node.call_soon(session.node.stop)
    return OK
