"""Commands that act on the connection: handshake, transactions, CLIENT (as in Redis 7.0)."""

import hmac
from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.table import (
    ALLOW_BUSY,
    CONNECTION,
    FAST,
    LOADING,
    NO_AUTH,
    NOSCRIPT,
    SKIP_SLOWLOG,
    STALE,
    command,
)
from respkv.errors import BadSyntax, CommandError, InvalidDatabase, SelectInCluster, WrongArity
from respkv.node.connection import IN_TRANSACTION, LATER, Connection
from respkv.node.waiting import copies
from respkv.replica.batch import database_number
from respkv.wire.reply import OK, Reply
from respkv.wire.run import Argv

REDIS_VERSION: Final = "7.0.15"
_ALWAYS: Final = CONNECTION | NOSCRIPT | LOADING | STALE


@command(arity=-1, flags=CONNECTION | FAST, group="connection", since="1.0.0",
         tips=("request_policy:all_shards", "response_policy:all_succeeded"), syntax="[message]", summary="Ping the server")  # fmt: skip
def ping(session: Connection, argv: Argv) -> Reply:
    """PONG, or the message given."""
    if len(argv) > 2:
        raise WrongArity(b"ping")
    if session.hears_messages_only:
        return [b"pong", argv[1] if len(argv) == 2 else b""]
    return argv[1] if len(argv) == 2 else "PONG"


@command(arity=2, flags=CONNECTION | FAST | LOADING | STALE, group="connection", since="1.0.0",
         syntax="message", summary="Echo the given string")  # fmt: skip
def echo(session: Connection, argv: Argv) -> Reply:
    """The message given."""
    return argv[1]


def checked_name(name: bytes, of: bytes = b"Client names") -> bytes:
    """Return a name that CLIENT LIST can print.

    Raises:
        CommandError: it holds blanks or unprintable bytes.
    """
    if any(byte < 0x21 or byte > 0x7E for byte in name):
        raise CommandError(b"ERR %b cannot contain spaces, newlines or special characters." % of)
    return name


def _authenticate(session: Connection, user: bytes, password: bytes) -> None:
    required = session.node.config["requirepass"].encode()
    known = user == b"default" and (not required or hmac.compare_digest(password, required))
    if not known:
        raise CommandError(b"WRONGPASS invalid username-password pair or user is disabled.")
    session.authenticate()


@command(arity=-2, flags=_ALWAYS | FAST | NO_AUTH | ALLOW_BUSY, group="connection", since="1.0.0",
         syntax="[username@6.0.0] password",
         complexity="O(N) where N is the number of passwords defined for the user",
         history=(("6.0.0", "Added ACL style (username and password)."),), summary="Authenticate to the server")  # fmt: skip
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
         syntax="[arguments(protover:integer [AUTH username_password(username password)] "
         "[SETNAME clientname])]",
         history=(("6.2.0", "`protover` made optional; when called without arguments the command "
         "reports the current connection's context."),),
         summary="Handshake with Redis")  # fmt: skip
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
            session.name = checked_name(argv[at + 1])
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
        b"mode": b"standalone" if session.node.cluster is None else b"cluster",
        b"role": b"master",
        b"modules": [],
    }


@command(arity=2, flags=CONNECTION | FAST | LOADING | STALE, group="connection", since="1.0.0",
         syntax="index:integer", summary="Change the selected database for the current connection")  # fmt: skip
def select(session: Connection, argv: Argv) -> Reply:
    """Make later commands of this connection run in another database; a cluster has one."""
    if session.node.cluster is not None:
        try:
            database_number(argv, 1)
        except InvalidDatabase:
            raise SelectInCluster() from None
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
         complexity="Depends on commands in the transaction",
         summary="Execute all commands issued after MULTI")  # fmt: skip
def exec(session: Connection, argv: Argv) -> Reply:  # noqa: A001
    """Only here to be declared: the connection itself runs the transaction."""
    raise CommandError(b"ERR EXEC without MULTI")


@command(arity=1, flags=_ALWAYS | FAST | ALLOW_BUSY, group="transactions", since="2.0.0",
         complexity="O(N), when N is the number of queued commands",
         summary="Discard all commands issued after MULTI")  # fmt: skip
def discard(session: Connection, argv: Argv) -> Reply:
    """Forget what MULTI has queued."""
    if session.transaction is None:
        raise CommandError(b"ERR DISCARD without MULTI")
    session.end_transaction()
    return OK


@command(arity=-2, flags=_ALWAYS | FAST | ALLOW_BUSY, group="transactions",
         since="2.2.0", keys=(1, -1, 1), access="RO", syntax="key...",
         complexity="O(1) for every key.",
         summary="Watch the given keys to determine execution of the MULTI/EXEC block")  # fmt: skip
def watch(session: Connection, argv: Argv) -> Reply:
    """Only here to be declared: the replica reads the keys' modification counters."""
    raise BadSyntax()


@command(arity=1, flags=_ALWAYS | FAST | ALLOW_BUSY, group="transactions", since="2.2.0",
         summary="Forget about all watched keys")  # fmt: skip
def unwatch(session: Connection, argv: Argv) -> Reply:
    """Forget what WATCH has read."""
    session.unwatch()
    return OK


@command(name="WAIT", arity=3, flags=CONNECTION | NOSCRIPT, group="generic", since="3.0.0", categories=("-keyspace", "connection"),
         tips=("request_policy:all_shards", "response_policy:agg_min"),
         syntax="numreplicas:integer timeout:integer",
         summary="Wait for the synchronous replication of all the write commands sent in the "
         "context of the current connection")  # fmt: skip
def wait(session: Connection, argv: Argv) -> Reply:
    """How many other nodes have on disk what this connection wrote; waits until so many do."""
    wanted, timeout_ms = _wait_arguments(argv)
    session.node.waiting.begin(session, wanted, timeout_ms)
    return LATER


def wait_in_transaction(session: Connection, argv: Argv) -> Reply:
    """A transaction does not stop: how many there are now."""
    _wait_arguments(argv)
    return copies(session)[0]


def _wait_arguments(argv: Argv) -> tuple[int, int]:
    wanted = parse_int64(argv[1])
    try:
        timeout_ms = parse_int64(argv[2])
    except CommandError:
        raise CommandError(b"ERR timeout is not an integer or out of range") from None
    if timeout_ms < 0:
        raise CommandError(b"ERR timeout is negative")
    return wanted, timeout_ms


IN_TRANSACTION[b"WAIT"] = wait_in_transaction
