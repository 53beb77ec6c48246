"""CLIENT: what connections there are, naming, muting, pausing and closing them (as in Redis 7.0)."""

import time
from typing import Final

from respkv.commands.arguments import int64_or_none, parse_int64
from respkv.commands.help import declare_help
from respkv.commands.table import ADMIN, CONNECTION, LOADING, NOSCRIPT, STALE, command, container
from respkv.errors import BadSyntax, CommandError, NotAnInteger, quoted
from respkv.node.connection import Connection
from respkv.node.session_commands import checked_name
from respkv.wire.reply import OK, Reply, Verbatim
from respkv.wire.request import Argv

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


@command(name="CLIENT|INFO", arity=2, flags=_ALWAYS, tips=("nondeterministic_output",), group="connection", since="6.2.0",
         summary="Returns information about the current client connection.")  # fmt: skip
def client_info(session: Connection, argv: Argv) -> Reply:
    """One line about this connection."""
    return Verbatim((describe(session) + "\n").encode())


@command(name="CLIENT|LIST", arity=-2, flags=_ALWAYS | ADMIN, tips=("nondeterministic_output",), group="connection", since="2.4.0",
         complexity="O(N) where N is the number of client connections",
         syntax="[TYPE normal_master_replica_pubsub(NORMAL | MASTER | REPLICA | PUBSUB)@5.0.0] "
         "[ID id(client-id:integer...)@6.2.0]",
         history=(("2.8.12", "Added unique client `id` field."),
         ("5.0.0", "Added optional `TYPE` filter."), ("6.0.0", "Added `user` field."),
         ("6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` "
         "filter."), ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
         ("7.0.3", "Added `ssub` field.")),
         summary="Get the list of client connections")  # fmt: skip
def client_list(session: Connection, argv: Argv) -> Reply:
    """One line about each connection."""
    clients = session.node.clients
    if len(argv) > 3 and argv[2].upper() == b"ID":
        wanted = {_client_id(text) for text in argv[3:]}
        chosen = [client for client in clients.values() if client.id in wanted]
    elif len(argv) == 4 and argv[2].upper() == b"TYPE":
        chosen = list(clients.values()) if _is_normal(argv[3]) else []
    elif len(argv) == 2:
        chosen = list(clients.values())
    else:
        raise BadSyntax()
    return Verbatim("".join([describe(client) + "\n" for client in chosen]).encode())


def _is_normal(text: bytes) -> bool:
    kind = text.lower()
    if kind not in (b"normal", b"master", b"replica", b"slave", b"pubsub"):
        raise CommandError(b"ERR Unknown client type '%b'" % quoted(text))
    return kind == b"normal"


def _client_id(text: bytes) -> int:
    try:
        return parse_int64(text)
    except CommandError:
        raise CommandError(b"ERR Invalid client ID") from None


def describe(client: Connection) -> str:
    """Return a client's line of CLIENT LIST."""
    now = client.node.turn_time
    transaction = client.transaction
    tracking = client.tracking
    queued = len(transaction.commands) if transaction else -1
    redirect = -1 if tracking is None else tracking.redirect
    return (
        f"id={client.id} addr={client.peer} laddr={client.local} fd={client.fd()} "
        f"name={client.name.decode()} age={max(0, int(now - client.created))} "
        f"idle={max(0, int(now - client.last_input))} flags={_flags(client)} "
        f"db={client.db} sub=0 psub=0 ssub=0 multi={queued} qbuf=0 qbuf-free=0 argv-mem=0 "
        f"multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem={client.output_bytes()} tot-mem=0 events=r "
        f"cmd={client.last_command or 'NULL'} user=default redir={redirect} resp={client.resp} "
        f"lib-name={client.library.decode()} lib-ver={client.library_version.decode()}"
    )


def _flags(client: Connection) -> str:
    tracking = client.tracking
    flags = "x" if client.transaction else ""
    if client.is_waiting:
        flags += "b"
    if tracking is not None:
        flags += "t" + ("R" if tracking.broken_redirect else "") + ("B" if tracking.bcast else "")
    if client.is_unix:
        flags += "U"
    if client.no_evict:
        flags += "e"
    return flags or "N"


@command(name="CLIENT|KILL", arity=-3, flags=_ALWAYS | ADMIN, group="connection", since="2.4.0",
         complexity="O(N) where N is the number of client connections",
         syntax="filter(ip:port:string@<2.8.12 | new-format([ID client-id:integer@2.8.12] | "
         "[TYPE normal_master_slave_pubsub(NORMAL | MASTER@3.2.0 | SLAVE | REPLICA@5.0.0 | "
         "PUBSUB)@2.8.12] | [USER username] | [ADDR ip:port:string] | "
         "[LADDR ip:port:string@6.2.0] | [SKIPME yes/no:string])...)",
         history=(("2.8.12", "Added new filter format."), ("2.8.12", "`ID` option."),
         ("3.2.0", "Added `master` type in for `TYPE` option."), ("5.0.0", "Replaced `slave` "
         "`TYPE` with `replica`. `slave` still supported for backward compatibility."),
         ("6.2.0", "`LADDR` option.")),
         summary="Kill the connection of a client")  # fmt: skip
def client_kill(session: Connection, argv: Argv) -> Reply:
    """Close connections, by address or by filters."""
    if len(argv) == 3:
        found = [c for c in session.node.clients.values() if c.peer.encode() == argv[2]]
        if not found:
            raise CommandError(b"ERR No such client")
        _close(found[0], session)
        return OK
    chosen = list(session.node.clients.values())
    spare_caller = True
    for at in range(2, len(argv), 2):
        if at + 1 == len(argv):
            raise BadSyntax()
        name, value = argv[at].upper(), argv[at + 1]
        if name == b"ID":
            number = int64_or_none(value)
            if number is None or number < 1:
                raise CommandError(b"ERR client-id should be greater than 0")
            chosen = [client for client in chosen if client.id == number]
        elif name == b"ADDR":
            chosen = [client for client in chosen if client.peer.encode() == value]
        elif name == b"LADDR":
            chosen = [client for client in chosen if client.local.encode() == value]
        elif name == b"TYPE":
            chosen = chosen if _is_normal(value) else []
        elif name == b"USER":
            if value != b"default":
                raise CommandError(b"ERR No such user '%b'" % quoted(value))
        elif name == b"SKIPME" and value.lower() in (b"yes", b"no"):
            spare_caller = value.lower() == b"yes"
        else:
            raise BadSyntax()
    chosen = [client for client in chosen if client is not session or not spare_caller]
    for client in chosen:
        _close(client, session)
    return len(chosen)


def _close(client: Connection, caller: Connection) -> None:
    if client is caller:
        client.node.call_soon(client.quit)  # behind its own reply
    else:
        client.node.close_soon(client)


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
    wait_ms = int64_or_none(argv[2])
    if wait_ms is None:
        raise CommandError(b"ERR timeout is not an integer or out of range")
    if wait_ms < 0:
        raise CommandError(b"ERR timeout is negative")
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
    """0: there are no blocking commands yet, so nobody is blocked in one."""
    if len(argv) > 4:
        raise _wrong_call(argv[1])
    if len(argv) == 4 and argv[3].upper() not in (b"TIMEOUT", b"ERROR"):
        raise CommandError(b"ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
    if int64_or_none(argv[2]) is None:
        raise NotAnInteger()
    return 0


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
