"""CLIENT: naming, muting, pausing connections (as in Redis 7.0)."""

import time
from typing import Final

from respkv.commands.arguments import int64_or_none
from respkv.commands.blocking import parse_timeout_ms
from respkv.commands.help import declare_help
from respkv.commands.table import ADMIN, CONNECTION, LOADING, NOSCRIPT, STALE, command, container
from respkv.errors import BadSyntax, CommandError, NotAnInteger, quoted
from respkv.node.connection import Connection
from respkv.node.session_commands import checked_name
from respkv.wire.reply import OK, Reply
from respkv.wire.run import Argv

_ALWAYS: Final = CONNECTION | NOSCRIPT | LOADING | STALE

container("CLIENT", group="connection", since="2.4.0", flags=CONNECTION,
          summary="A container for client connection commands")  # fmt: skip


@command(name="CLIENT|ID", arity=2, flags=_ALWAYS, group="connection", since="5.0.0",
         summary="Returns the client ID for the current connection")  # fmt: skip
def client_id(session: Connection, argv: Argv) -> Reply:
    """The number this connection was given."""
    return session.id


@command(name="CLIENT|SETNAME", arity=3, flags=_ALWAYS, group="connection", since="2.6.9",
         syntax="connection-name", summary="Set the current connection name")  # fmt: skip
def client_setname(session: Connection, argv: Argv) -> Reply:
    """Name this connection, for CLIENT LIST."""
    session.name = checked_name(argv[2])
    return OK


@command(name="CLIENT|GETNAME", arity=2, flags=_ALWAYS, group="connection", since="2.6.9",
         summary="Get the current connection name")  # fmt: skip
def client_getname(session: Connection, argv: Argv) -> Reply:
    """The name CLIENT SETNAME gave."""
    return session.name or None


@command(name="CLIENT|SETINFO", arity=4, flags=_ALWAYS, group="connection", since="7.2.0",
         syntax="attr(LIB-NAME libname | LIB-VER libver)",
         summary="Set client or connection specific info")  # fmt: skip
def client_setinfo(session: Connection, argv: Argv) -> Reply:
    """Library name and version (of Redis 7.2, since today's clients send it)."""
    attribute = argv[2].lower()
    if attribute == b"lib-name":
        session.library = checked_name(argv[3], b"lib-name")
    elif attribute == b"lib-ver":
        session.library_version = checked_name(argv[3], b"lib-ver")
    else:
        raise CommandError(b"ERR Unrecognized option '%b'" % argv[2])
    return OK


@command(name="CLIENT|REPLY", arity=3, flags=_ALWAYS, group="connection", since="3.2.0",
         syntax="on_off_skip(ON | OFF | SKIP)", summary="Instruct the server whether to reply to commands")  # fmt: skip
def client_reply(session: Connection, argv: Argv) -> Reply:
    """Mute this connection, or only its next reply."""
    mode = argv[2].upper()
    if mode == b"ON":
        session.muted = False
        session.mute_next = 0
    elif mode == b"OFF":
        session.muted = True
    elif mode == b"SKIP":
        session.mute_next = 0 if session.muted else 2  # this reply, and the next
    else:
        raise BadSyntax()
    return OK


@command(name="CLIENT|NO-EVICT", arity=3, flags=_ALWAYS | ADMIN, group="connection",
         since="7.0.0", syntax="enabled(ON | OFF)",
         summary="Set client eviction mode for the current connection")  # fmt: skip
def client_no_evict(session: Connection, argv: Argv) -> Reply:
    """Clients are never evicted here; CLIENT LIST shows the flag."""
    session.no_evict = _on_off(argv[2])
    return OK


@command(name="CLIENT|NO-TOUCH", arity=3, flags=_ALWAYS, group="connection", since="7.2.0",
         syntax="enabled(ON | OFF)", summary="Controls whether commands alter the LRU/LFU of keys")  # fmt: skip
def client_no_touch(session: Connection, argv: Argv) -> Reply:
    """Accesses leave no trace here, so both are true."""
    _on_off(argv[2])
    return OK


def _on_off(text: bytes) -> bool:
    if text.upper() not in (b"ON", b"OFF"):
        raise BadSyntax()
    return text.upper() == b"ON"


@command(name="CLIENT|PAUSE", arity=-3, flags=_ALWAYS | ADMIN, group="connection", since="2.9.50",
         syntax="timeout:integer [mode(WRITE | ALL)@6.2.0]",
         history=(("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option."),),
         summary="Stop processing commands from clients for some time")  # fmt: skip
def client_pause(session: Connection, argv: Argv) -> Reply:
    """Let commands, or those that write, wait for some milliseconds."""
    if len(argv) > 4:
        raise _wrong_call(argv[1])
    mode = argv[3].upper() if len(argv) == 4 else b"ALL"
    if mode not in (b"ALL", b"WRITE"):
        raise CommandError(b"ERR CLIENT PAUSE mode must be WRITE or ALL")
    wait_ms = parse_timeout_ms(argv[2])
    session.node.pause.begin(time.time_ns() // 1_000_000 + wait_ms, mode == b"ALL")
    return OK


@command(name="CLIENT|UNPAUSE", arity=2, flags=_ALWAYS | ADMIN, group="connection", since="6.2.0",
         complexity="O(N) Where N is the number of paused clients",
         summary="Resume processing of clients that were paused")  # fmt: skip
def client_unpause(session: Connection, argv: Argv) -> Reply:
    """End a CLIENT PAUSE WRITE (ALL keeps this command waiting as well)."""
    session.node.call_soon(session.node.pause.end)
    return OK


@command(name="CLIENT|UNBLOCK", arity=-3, flags=_ALWAYS | ADMIN, group="connection", since="5.0.0",
         complexity="O(log N) where N is the number of client connections",
         syntax="client-id:integer [timeout_error(TIMEOUT | ERROR)]",
         summary="Unblock a client blocked in a blocking command from a different connection")  # fmt: skip
def client_unblock(session: Connection, argv: Argv) -> Reply:
    """End a client's wait for a key as if its time were up, or with an error."""
    if len(argv) > 4:
        raise _wrong_call(argv[1])
    if len(argv) == 4 and argv[3].upper() not in (b"TIMEOUT", b"ERROR"):
        raise CommandError(b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    number = int64_or_none(argv[2])
    if number is None:
        raise NotAnInteger()
    node = session.node
    reason = argv[3].upper() if len(argv) == 4 else b"TIMEOUT"
    client = node.clients.get(number)
    if client is None:
        return 0
    if client.blocked is None:
        return int(node.waiting.end(client, reason))
    client.blocked.end(reason)
    return 1


def _wrong_call(subcommand: bytes) -> CommandError:
    return CommandError(
        b"ERR unknown subcommand or wrong number of arguments for '%b'. Try CLIENT HELP."
        % quoted(subcommand)
    )


declare_help("CLIENT", since="5.0.0", group="connection", flags=CONNECTION, text="""
CACHING (YES|NO)
    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.
GETREDIR
    Return the client ID we are redirecting to when tracking is enabled.
GETNAME
    Return the name of the current connection.
ID
    Return the ID of the current connection.
INFO
    Return information about the current client connection.
KILL <ip:port>
    Kill connection made from <ip:port>.
KILL <option> <value> [<option> <value> [...]]
    Kill connections. Options are:
    * ADDR (<ip:port>|<unixsocket>:0)
      Kill connections made from the specified address
    * LADDR (<ip:port>|<unixsocket>:0)
      Kill connections made to specified local address
    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)
      Kill connections by type.
    * USER <username>
      Kill connections authenticated by <username>.
    * SKIPME (YES|NO)
      Skip killing current connection (default: yes).
LIST [options ...]
    Return information about client connections. Options:
    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)
      Return clients of specified type.
UNPAUSE
    Stop the current client pause, resuming traffic.
PAUSE <timeout> [WRITE|ALL]
    Suspend all, or just write, clients for <timeout> milliseconds.
REPLY (ON|OFF|SKIP)
    Control the replies sent to the current connection.
SETNAME <name>
    Assign the name <name> to the current connection.
UNBLOCK <clientid> [TIMEOUT|ERROR]
    Unblock the specified blocked client.
TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]
         [OPTIN] [OPTOUT] [NOLOOP]
    Control server assisted client side caching.
TRACKINGINFO
    Report tracking status for the current connection.
NO-EVICT (ON|OFF)
    Protect current client connection from eviction.
""")  # fmt: skip
