"""CLIENT LIST, INFO and KILL: which connections there are, and closing some (as in Redis 7.0)."""

from collections.abc import Iterable
from typing import Final

from respkv.commands.arguments import int64_or_none, parse_int64
from respkv.commands.table import ADMIN, CONNECTION, LOADING, NOSCRIPT, STALE, command
from respkv.errors import BadSyntax, CommandError, quoted
from respkv.node.connection import Connection
from respkv.node.pubsub import KINDS, Subscriptions
from respkv.wire.reply import OK, Reply, Verbatim
from respkv.wire.run import Argv

_ALWAYS: Final = CONNECTION | NOSCRIPT | LOADING | STALE


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
        chosen = _of_type(clients.values(), argv[3])
    elif len(argv) == 2:
        chosen = list(clients.values())
    else:
        raise BadSyntax()
    return Verbatim("".join([describe(client) + "\n" for client in chosen]).encode())


def _of_type(clients: Iterable[Connection], text: bytes) -> list[Connection]:
    kind = text.lower()
    if kind not in (b"normal", b"master", b"replica", b"slave", b"pubsub"):
        raise CommandError(b"ERR Unknown client type '%b'" % quoted(text))
    if kind not in (b"normal", b"pubsub"):
        return []
    subscribed = kind == b"pubsub"
    return [client for client in clients if (client.subscriptions is not None) == subscribed]


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
        f"db={client.db} {_subscribed(client)} multi={queued} qbuf=0 qbuf-free=0 argv-mem=0 "
        f"multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem={client.output_bytes()} tot-mem=0 events=r "
        f"cmd={client.last_command or 'NULL'} user=default redir={redirect} resp={client.resp} "
        f"lib-name={client.library.decode()} lib-ver={client.library_version.decode()}"
    )


def _subscribed(client: Connection) -> str:
    own = client.subscriptions or Subscriptions()
    sub, psub, ssub = [len(own.names[kind]) for kind in KINDS]
    return f"sub={sub} psub={psub} ssub={ssub}"


def _flags(client: Connection) -> str:
    tracking = client.tracking
    flags = "P" if client.subscriptions is not None else ""
    if client.transaction:
        flags += "x"
    if client.is_waiting:
        flags += "b"
    if tracking is not None:
        flags += "t" + ("R" if tracking.broken_redirect else "") + ("B" if tracking.bcast else "")
    if client.is_unix:
        flags += "U"
    if client.reads_followers:
        flags += "r"
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
            chosen = _of_type(chosen, value)
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
