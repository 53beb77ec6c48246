"""Commands that act on the connection: handshake, transactions, CLIENT (as in Redis 7.0)."""

import hmac
from typing import Final

from respkv import __version__
from respkv.commands.arguments import int64_or_none, parse_int64
from respkv.commands.table import (
    ADMIN,
    ALLOW_BUSY,
    CONNECTION,
    FAST,
    LOADING,
    NO_AUTH,
    NOSCRIPT,
    SKIP_SLOWLOG,
    STALE,
    command,
    container,
)
from respkv.errors import BadSyntax, CommandError, WrongArity
from respkv.node.connection import Connection, ReplyMode
from respkv.wire.reply import OK, Reply, Verbatim
from respkv.wire.request import Argv

REDIS_VERSION: Final = "7.0.15"
_ALWAYS: Final = CONNECTION | NOSCRIPT | LOADING | STALE


@command(arity=-1, flags=CONNECTION | FAST, group="connection", since="1.0.0",
         syntax="[message]", summary="Ping the server",
         tips=("request_policy:all_shards", "response_policy:all_succeeded"))  # fmt: skip
def ping(session: Connection, argv: Argv) -> Reply:
    """PONG, or the message given."""
    if len(argv) > 2:
        raise WrongArity(b"ping")
    return argv[1] if len(argv) == 2 else "PONG"


@command(arity=2, flags=CONNECTION | FAST | LOADING | STALE, group="connection", since="1.0.0",
         syntax="message", summary="Echo the given string")  # fmt: skip
def echo(session: Connection, argv: Argv) -> Reply:
    """The message given."""
    return argv[1]


def _authenticate(session: Connection, user: bytes, password: bytes) -> None:
    required = session.node.config["requirepass"].encode()
    known = user == b"default" and (not required or hmac.compare_digest(password, required))
    if not known:
        raise CommandError(b"WRONGPASS invalid username-password pair or user is disabled.")
    session.authenticate()


@command(arity=-2, flags=_ALWAYS | FAST | NO_AUTH | ALLOW_BUSY, group="connection", since="1.0.0",
         syntax="[username@6.0.0] password", summary="Authenticate to the server",
         complexity="O(N) where N is the number of passwords defined for the user",
         history=(("6.0.0", "Added ACL style (username and password)."),))  # fmt: skip
def auth(session: Connection, argv: Argv) -> Reply:
    """AUTH [username] password."""
    if len(argv) > 3:
        raise BadSyntax()
    if len(argv) == 2:
        if not session.node.config["requirepass"]:
            raise CommandError(
                b"ERR AUTH <password> called without any password configured for the default "
                b"user. Are you sure your configuration is correct?"
            )
        _authenticate(session, b"default", argv[1])
    else:
        _authenticate(session, argv[1], argv[2])
    return OK


@command(arity=-1, flags=_ALWAYS | FAST | NO_AUTH | ALLOW_BUSY, group="connection", since="6.0.0",
         syntax="[arguments(protover:integer [AUTH username_password(username password)] [SETNAME clientname])]",
         summary="Handshake with Redis",
         history=(("6.2.0", "`protover` made optional; when called without arguments the command reports the current connection's context."),))  # fmt: skip
def hello(session: Connection, argv: Argv) -> Reply:
    """Choose the protocol version, and tell who is speaking to whom."""
    version = session.resp
    if len(argv) > 1:
        try:
            version = parse_int64(argv[1])
        except CommandError:
            raise CommandError(b"ERR Protocol version is not an integer or out of range") from None
        if version not in (2, 3):
            raise CommandError(b"NOPROTO unsupported protocol version")
    at = 2
    while at < len(argv):
        option = argv[at].upper()
        if option == b"AUTH" and at + 2 < len(argv):
            _authenticate(session, argv[at + 1], argv[at + 2])
            at += 3
        elif option == b"SETNAME" and at + 1 < len(argv):
            session.name = _checked_name(argv[at + 1])
            at += 2
        else:
            raise CommandError(b"ERR Syntax error in HELLO option '%b'" % argv[at])
    if not session.authenticated:
        raise CommandError(
            b"NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            b"HELLO AUTH <user> <pass> option can be used to authenticate the client and "
            b"select the RESP protocol version at the same time"
        )
    session.resp = version
    return {
        b"server": b"redis",
        b"version": REDIS_VERSION.encode(),
        b"proto": version,
        b"id": session.id,
        b"mode": b"standalone",
        b"role": b"master",
        b"modules": [],
    }


@command(arity=2, flags=CONNECTION | FAST | LOADING | STALE, group="connection", since="1.0.0",
         syntax="index:integer", summary="Change the selected database for the current connection")  # fmt: skip
def select(session: Connection, argv: Argv) -> Reply:
    """Make later commands of this connection run in another database."""
    session.select(argv)
    return OK


@command(arity=-1, flags=_ALWAYS | FAST | NO_AUTH | ALLOW_BUSY, group="connection", since="1.0.0",
         summary="Close the connection")  # fmt: skip
def quit(session: Connection, argv: Argv) -> Reply:  # noqa: A001
    """Only here to be declared: the connection itself closes once all has been answered."""
    return OK


@command(arity=1, flags=_ALWAYS | FAST | NO_AUTH | ALLOW_BUSY, group="connection", since="6.2.0",
         summary="Reset the connection")  # fmt: skip
def reset(session: Connection, argv: Argv) -> Reply:
    """As if newly connected."""
    session.reset()
    return "RESET"


@command(arity=1, flags=_ALWAYS | FAST | ALLOW_BUSY, group="transactions",
         since="1.2.0", summary="Mark the start of a transaction block")  # fmt: skip
def multi(session: Connection, argv: Argv) -> Reply:
    """Queue what follows until EXEC."""
    session.begin_transaction()
    return OK


@command(arity=1, flags=_ALWAYS | SKIP_SLOWLOG, group="transactions", since="1.2.0",
         summary="Execute all commands issued after MULTI",
         complexity="Depends on commands in the transaction")  # fmt: skip
def exec(session: Connection, argv: Argv) -> Reply:  # noqa: A001
    """Only here to be declared: the connection itself runs the transaction."""
    raise CommandError(b"ERR EXEC without MULTI")


@command(arity=1, flags=_ALWAYS | FAST | ALLOW_BUSY, group="transactions", since="2.0.0",
         summary="Discard all commands issued after MULTI",
         complexity="O(N), when N is the number of queued commands")  # fmt: skip
def discard(session: Connection, argv: Argv) -> Reply:
    """Forget what MULTI has queued."""
    if session.transaction is None:
        raise CommandError(b"ERR DISCARD without MULTI")
    session.end_transaction()
    return OK


@command(arity=-2, flags=_ALWAYS | FAST | ALLOW_BUSY, group="transactions",
         since="2.2.0", keys=(1, -1, 1), access="RO", syntax="key [key ...]",
         summary="Watch the given keys to determine execution of the MULTI/EXEC block",
         complexity="O(1) for every key.")  # fmt: skip
def watch(session: Connection, argv: Argv) -> Reply:
    """Only here to be declared: the replica reads the keys' modification counters."""
    raise BadSyntax()


@command(arity=1, flags=_ALWAYS | FAST | ALLOW_BUSY, group="transactions", since="2.2.0",
         summary="Forget about all watched keys")  # fmt: skip
def unwatch(session: Connection, argv: Argv) -> Reply:
    """Forget what WATCH has read."""
    session.unwatch()
    return OK


container("CLIENT", group="connection", since="2.4.0", flags=CONNECTION,
          summary="A container for client connection commands")  # fmt: skip


def _checked_name(name: bytes, of: bytes = b"Client names") -> bytes:
    if any(byte < 0x21 or byte > 0x7E for byte in name):
        raise CommandError(b"ERR %b cannot contain spaces, newlines or special characters." % of)
    return name


@command(name="CLIENT|ID", arity=2, flags=_ALWAYS, group="connection", since="5.0.0",
         summary="Returns the client ID for the current connection")  # fmt: skip
def client_id(session: Connection, argv: Argv) -> Reply:
    """The number this connection was given."""
    return session.id


@command(name="CLIENT|SETNAME", arity=3, flags=_ALWAYS, group="connection", since="2.6.9",
         syntax="connection-name", summary="Set the current connection name")  # fmt: skip
def client_setname(session: Connection, argv: Argv) -> Reply:
    """Name this connection, for CLIENT LIST."""
    session.name = _checked_name(argv[2])
    return OK


@command(name="CLIENT|GETNAME", arity=2, flags=_ALWAYS, group="connection", since="2.6.9",
         summary="Get the current connection name")  # fmt: skip
def client_getname(session: Connection, argv: Argv) -> Reply:
    """The name CLIENT SETNAME gave."""
    return session.name or None


@command(name="CLIENT|SETINFO", arity=4, flags=_ALWAYS, group="connection", since="7.2.0",
         syntax="<LIB-NAME libname|LIB-VER libver>",
         summary="Set client or connection specific info")  # fmt: skip
def client_setinfo(session: Connection, argv: Argv) -> Reply:
    """Library name and version (of Redis 7.2, since today's clients send it)."""
    attribute = argv[2].lower()
    if attribute == b"lib-name":
        session.library = _checked_name(argv[3], b"lib-name")
    elif attribute == b"lib-ver":
        session.library_version = _checked_name(argv[3], b"lib-ver")
    else:
        raise CommandError(b"ERR Unrecognized option '%b'" % argv[2])
    return OK


@command(name="CLIENT|INFO", arity=2, flags=_ALWAYS, group="connection", since="6.2.0",
         summary="Returns information about the current client connection.",
         tips=("nondeterministic_output",))  # fmt: skip
def client_info(session: Connection, argv: Argv) -> Reply:
    """One line about this connection."""
    return Verbatim((describe(session) + "\n").encode())


@command(name="CLIENT|LIST", arity=-2, flags=_ALWAYS | ADMIN, group="connection", since="2.4.0",
         syntax="[TYPE normal_master_replica_pubsub(NORMAL | MASTER | REPLICA | PUBSUB)@5.0.0] [ID id(client-id:integer...)@6.2.0]",
         summary="Get the list of client connections",
         tips=("nondeterministic_output",),
         complexity="O(N) where N is the number of client connections",
         history=(("2.8.12", "Added unique client `id` field."), ("5.0.0", "Added optional `TYPE` filter."), ("6.0.0", "Added `user` field."), ("6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter."), ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."), ("7.0.3", "Added `ssub` field.")))  # fmt: skip
def client_list(session: Connection, argv: Argv) -> Reply:
    """One line about each connection."""
    clients = session.node.clients
    if len(argv) > 3 and argv[2].upper() == b"ID":
        wanted = {_client_id(text) for text in argv[3:]}
        chosen = [client for client in clients.values() if client.id in wanted]
    elif len(argv) == 4 and argv[2].upper() == b"TYPE":
        chosen = list(clients.values()) if _client_type(argv[3]) == b"normal" else []
    elif len(argv) == 2:
        chosen = list(clients.values())
    else:
        raise BadSyntax()
    return Verbatim("".join([describe(client) + "\n" for client in chosen]).encode())


def _client_type(text: bytes) -> bytes:
    kind = text.lower()
    if kind not in (b"normal", b"master", b"replica", b"slave", b"pubsub"):
        raise CommandError(b"ERR Unknown client type '%b'" % text)
    return kind


def _client_id(text: bytes) -> int:
    try:
        return parse_int64(text)
    except CommandError:
        raise CommandError(b"ERR Invalid client ID") from None


def describe(client: Connection) -> str:
    """Return a client's line of CLIENT LIST."""
    now = client.node.turn_time
    transaction = client.transaction
    flags = ("x" if transaction else "") + ("U" if client.is_unix else "")
    return (
        f"id={client.id} addr={client.peer} laddr={client.local} fd={client.fd()} "
        f"name={client.name.decode()} age={max(0, int(now - client.created))} "
        f"idle={max(0, int(now - client.last_input))} flags={flags or 'N'} "
        f"db={client.db} sub=0 psub=0 ssub=0 "
        f"multi={len(transaction.commands) if transaction else -1} qbuf=0 qbuf-free=0 argv-mem=0 "
        f"multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem={client.output_bytes()} tot-mem=0 events=r "
        f"cmd={client.last_command or 'NULL'} user=default redir=-1 resp={client.resp} "
        f"lib-name={client.library.decode()} lib-ver={client.library_version.decode()}"
    )


@command(name="CLIENT|KILL", arity=-3, flags=_ALWAYS | ADMIN, group="connection", since="2.4.0",
         syntax="filter(ip:port:string@<2.8.12 | new-format([ID client-id:integer@2.8.12] | [TYPE normal_master_slave_pubsub(NORMAL | MASTER@3.2.0 | SLAVE | REPLICA@5.0.0 | PUBSUB)@2.8.12] | [USER username] | [ADDR ip:port:string] | [LADDR ip:port:string@6.2.0] | [SKIPME yes/no])...)", summary="Kill the connection of a client",
         complexity="O(N) where N is the number of client connections",
         history=(("2.8.12", "Added new filter format."), ("2.8.12", "`ID` option."), ("3.2.0", "Added `master` type in for `TYPE` option."), ("5.0.0", "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility."), ("6.2.0", "`LADDR` option.")))  # fmt: skip
def client_kill(session: Connection, argv: Argv) -> Reply:
    """Close connections, by address or by filters."""
    if len(argv) == 3:
        found = [c for c in session.node.clients.values() if c.peer.encode() == argv[2]]
        if not found:
            raise CommandError(b"ERR No such client")
        session.node.close_soon(found[0])
        return OK
    if len(argv) % 2:
        raise BadSyntax()
    chosen = list(session.node.clients.values())
    spare_caller = True
    for option, value in zip(argv[2::2], argv[3::2], strict=True):
        name = option.upper()
        if name == b"ID":
            number = int64_or_none(value) or 0
            if number <= 0:
                raise CommandError(b"ERR client-id should be greater than 0")
            chosen = [client for client in chosen if client.id == number]
        elif name == b"ADDR":
            chosen = [client for client in chosen if client.peer.encode() == value]
        elif name == b"LADDR":
            chosen = [client for client in chosen if client.local.encode() == value]
        elif name == b"TYPE":
            chosen = chosen if _client_type(value) == b"normal" else []
        elif name == b"USER":
            if value != b"default":
                raise CommandError(b"ERR No such user '%b'" % value)
        elif name == b"SKIPME" and value.lower() in (b"yes", b"no"):
            spare_caller = value.lower() == b"yes"
        else:
            raise BadSyntax()
    chosen = [client for client in chosen if client is not session or not spare_caller]
    for client in chosen:
        session.node.close_soon(client)
    return len(chosen)


@command(name="CLIENT|REPLY", arity=3, flags=_ALWAYS, group="connection", since="3.2.0",
         syntax="ON|OFF|SKIP", summary="Instruct the server whether to reply to commands")  # fmt: skip
def client_reply(session: Connection, argv: Argv) -> Reply:
    """Mute this connection, or only its next reply."""
    mode = argv[2].upper()
    if mode not in (b"ON", b"OFF", b"SKIP"):
        raise BadSyntax()
    return ReplyMode(mode)  # replies of earlier commands may still be to come


@command(name="CLIENT|NO-EVICT", arity=3, flags=_ALWAYS | ADMIN, group="connection",
         since="7.0.0", syntax="enabled(ON | OFF)",
         summary="Set client eviction mode for the current connection")  # fmt: skip
def client_no_evict(session: Connection, argv: Argv) -> Reply:
    """Clients are never evicted here, so both are true."""
    if argv[2].upper() not in (b"ON", b"OFF"):
        raise BadSyntax()
    return OK


@command(name="CLIENT|NO-TOUCH", arity=3, flags=_ALWAYS, group="connection", since="7.2.0",
         syntax="ON|OFF", summary="Controls whether commands alter the LRU/LFU of keys")  # fmt: skip
def client_no_touch(session: Connection, argv: Argv) -> Reply:
    """Accesses are not tracked here, so both are true."""
    if argv[2].upper() not in (b"ON", b"OFF"):
        raise BadSyntax()
    return OK


@command(name="CLIENT|GETREDIR", arity=2, flags=_ALWAYS, group="connection", since="6.0.0",
         summary="Get tracking notifications redirection client ID if any")  # fmt: skip
def client_getredir(session: Connection, argv: Argv) -> Reply:
    """Tracking is off: -1."""
    return -1


VERSION_LINE: Final = f"respkv_version:{__version__}"
