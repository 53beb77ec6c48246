"""DEBUG: what test suites of Redis and of its clients use of it.

SLEEP keeps only its own client waiting, where Redis stands still for all. What looks at the data
does so once all before has been answered; it tells what this node has applied, no more.
"""

import logging
import secrets
from collections.abc import Callable
from typing import Final

from respkv.commands.arguments import int64_or_none, parse_int64
from respkv.commands.glob import matcher
from respkv.commands.objects import encoding_of
from respkv.commands.table import (
    ADMIN,
    CONNECTION,
    LOADING,
    NOSCRIPT,
    STALE,
    Command,
    command,
    lookup,
)
from respkv.config import texts
from respkv.errors import CommandError, InvariantViolation, NotAnInteger
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.redis_digest import EMPTY, dataset_digest, shown, value_digest
from respkv.keyspace.slots import slot_of
from respkv.keyspace.values import Container, Value
from respkv.node.connection import IN_TRANSACTION, LATER, Connection
from respkv.node.router import ClusterRouter
from respkv.wire.reply import OK, Reply, SetReply, Verbatim
from respkv.wire.run import Argv, encode_command

logger = logging.getLogger("respkv")

RELOAD_OPTIONS: Final = frozenset((b"MERGE", b"NOFLUSH", b"NOSAVE"))
HELP: Final = """
AOF-FLUSH-SLEEP <microsec>
    Taken, without effect.
CHANGE-REPL-ID
    Change the replication IDs of the instance.
DIGEST
    Output a hex signature representing the current DB content.
DIGEST-VALUE <key> [<key> ...]
    Output a hex signature of the values of all the specified keys.
ERROR <string>
    Return a Redis protocol error with <string> as message. Useful for clients
    unit tests to simulate Redis errors.
LOG <message>
    Write <message> to the server log.
HTSTATS <dbid>
    Return the number of keys of the specified database.
LOADAOF
    The same as RELOAD.
OBJECT <key>
    Show low level info about `key` and associated value.
POPULATE <count> [<prefix>] [<size>]
    Create <count> string keys named key:<num>. If <prefix> is specified then
    it is used instead of the 'key' prefix. Not in cluster mode.
PROTOCOL <type>
    Reply with a test value of the specified type. <type> can be: string,
    integer, double, bignum, null, array, set, map, attrib, push, verbatim,
    true, false.
RELOAD [option ...]
    Write the keyspace down and read it back; the options of Redis change
    nothing.
SET-ACTIVE-EXPIRE <0|1>
    Setting it to 0 disables expiring keys in background when they are not
    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the
    default.
QUICKLIST-PACKED-THRESHOLD <size>
    Taken, without effect.
SET-SKIP-CHECKSUM-VALIDATION <0|1>
    Taken, without effect.
SLEEP <seconds>
    Keep this client waiting for <seconds>; others are served. Decimals allowed.
STRINGMATCH-LEN <pattern> <string>
    Return whether the glob-style <pattern> matches.
STRUCTSIZE
    Return the size of different core structures.
LISTPACK <key>
    Check that <key> is reported as a listpack.
QUICKLIST <key> [<0|1>]
    Check that <key> is reported as a quicklist.
LEAK <string>
    Taken, without effect.
PAUSE-CRON <0|1>
    Taken, without effect.
REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|time>
REPLYBUFFER RESIZING <0|1>
    Taken, without effect.
SET-DISABLE-DENY-SCRIPTS <0|1>
    Taken, without effect.
"""


@command(arity=-2, flags=CONNECTION | ADMIN | NOSCRIPT | LOADING | STALE, group="server",
         since="1.0.0", complexity="Depends on subcommand.",
         summary="A container for debugging commands", system=True)  # fmt: skip
def debug(session: Connection, argv: Argv) -> Reply:
    """Run a subcommand once all before it has been answered."""
    name = argv[1].upper()
    if name == b"SLEEP" and len(argv) == 3:
        session.wait()
        seconds = max(0.0, _seconds(argv[2]))  # 0 for NaN
        session.node.call_later(seconds, lambda: _answer_and_go_on(session, OK))
        return LATER
    if name == b"POPULATE" and len(argv) in (3, 4, 5):
        _populate(session, argv)
        return LATER
    session.call_when_answered(lambda: _answer(session, argv))
    return LATER


def debug_in_transaction(session: Connection, argv: Argv) -> Reply:
    """Run a subcommand between others of EXEC."""
    name = argv[1].upper()
    if name in (b"SLEEP", b"POPULATE", b"RELOAD", b"LOADAOF", b"PROTOCOL"):
        raise CommandError(b"ERR DEBUG %b is not there inside a transaction" % name)
    return _reply_to(session, argv)


IN_TRANSACTION[b"DEBUG"] = debug_in_transaction


def _answer(session: Connection, argv: Argv) -> None:
    try:
        reply = _reply_to(session, argv)
    except CommandError as error:
        reply = error
    if reply is not LATER:
        session.node.router.answer(session, reply)


def _answer_and_go_on(session: Connection, reply: Reply) -> None:
    if not session.closing:
        session.node.router.answer(session, reply)
        session.go_on()


def _seconds(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _reply_to(session: Connection, argv: Argv) -> Reply:
    name = argv[1].upper()
    found = _SUBCOMMANDS.get(name)
    if found is None or not found[0] <= len(argv) - 2 <= found[1]:
        raise _unknown(argv)
    return found[2](session, argv)


def _unknown(argv: Argv) -> CommandError:
    return CommandError(
        b"ERR unknown subcommand or wrong number of arguments for '%b'. Try DEBUG HELP."
        % argv[1][:128]
    )


# --- what looks at the data -------------------------------------------------------------------


def _keyspace(session: Connection, key: bytes) -> Keyspace | None:
    router = session.node.router
    if not isinstance(router, ClusterRouter):
        return router.keyspace
    replica = router.replicas.get(router.view.partition_of_slot[slot_of(key)])
    return None if replica is None else replica.keyspace


def _find(session: Connection, key: bytes) -> tuple[Keyspace, Value] | None:
    keyspace = _keyspace(session, key)
    value = None
    if keyspace is not None:
        value = keyspace.databases[session.db].values.get(key)
    return None if keyspace is None or value is None else (keyspace, value)


def _existing(session: Connection, key: bytes) -> tuple[Keyspace, Value]:
    found = _find(session, key)
    if found is None:
        raise CommandError(b"ERR no such key")
    return found


def _object(session: Connection, argv: Argv) -> Reply:
    keyspace, value = _existing(session, argv[2])
    size = len(value.dump()) if isinstance(value, Container) else len(value) + 1
    encoding = encoding_of(value, keyspace.limits).decode()
    return (
        f"Value at:0x{id(value):x} refcount:1 encoding:{encoding} serializedlength:{size} "
        "lru:0 lru_seconds_idle:0"
    )


def _listpack(session: Connection, argv: Argv) -> Reply:
    keyspace, value = _existing(session, argv[2])
    if encoding_of(value, keyspace.limits) != b"listpack":
        raise CommandError(b"ERR Not a listpack encoded object.")
    return "Listpack structure printed on stdout"


def _quicklist(session: Connection, argv: Argv) -> Reply:
    keyspace, value = _existing(session, argv[2])
    if encoding_of(value, keyspace.limits) != b"quicklist":
        raise CommandError(b"ERR Not a quicklist encoded object.")
    return "Quicklist structure printed on stdout"


def _digest(session: Connection, argv: Argv) -> Reply:
    """Of the partitions led here; without a cluster, of everything."""
    keyspaces = [replica.keyspace for replica in session.node.replicas() if replica.leads]

    def keys_of(db: int) -> list[tuple[bytes, Value, bool]]:
        return [
            (key, value, key in database.deadlines.by_key)
            for database in [keyspace.databases[db] for keyspace in keyspaces]
            for key, value in database.values.items()
        ]

    return shown(dataset_digest(session.node.config["databases"], keys_of))


def _digest_value(session: Connection, argv: Argv) -> Reply:
    replies = []
    for key in argv[2:]:
        found = _find(session, key)
        digest = EMPTY
        if found is not None:
            deadlines = found[0].databases[session.db].deadlines
            digest = value_digest(found[1], key in deadlines.by_key)
        replies.append(shown(digest))
    return replies


def _htstats(session: Connection, argv: Argv) -> Reply:
    db = int64_or_none(argv[2])
    if db is None:
        raise NotAnInteger()
    if not 0 <= db < session.node.config["databases"]:
        raise CommandError(b"ERR Out of range database")
    databases = [replica.keyspace.databases[db] for replica in session.node.replicas()]
    keys = sum([len(database.keys) for database in databases])
    expires = sum([len(database.deadlines.by_key) for database in databases])
    text = f"[Dictionary HT]\n number of elements: {keys}\n[Expires HT]\n"
    return Verbatim((text + f" number of elements: {expires}\n").encode())


def _reload(session: Connection, argv: Argv) -> Reply:
    if not all([option.upper() in RELOAD_OPTIONS for option in argv[2:]]):
        raise CommandError(b"ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
    for replica in session.node.replicas():
        replica.reload()
    return OK


def _populate(session: Connection, argv: Argv) -> None:
    """Have one log entry create the keys."""
    count, size = int64_or_none(argv[2]), int64_or_none(argv[4]) if len(argv) > 4 else 0
    refusal = b""
    if count is None or size is None or count < 0 or size < 0:
        refusal = b"ERR value is out of range, must be positive"
    elif isinstance(session.node.router, ClusterRouter):
        refusal = b"ERR DEBUG POPULATE is not there in cluster mode"
    if refusal:
        session.node.router.answer(session, CommandError(refusal))
        return
    populate = [
        b"RESPKV.POPULATE", argv[2], argv[3] if len(argv) > 3 else b"key", b"%d" % (size or 0)
    ]  # fmt: skip
    internal = _internal(populate[0])
    session.node.router.submit_write(session, internal, [populate], encode_command(populate))


def _internal(name: bytes) -> Command:
    found = lookup(name)
    if found is None:
        raise InvariantViolation(f"{name!r} is not declared")
    return found


# --- the rest ---------------------------------------------------------------------------------


def _protocol(session: Connection, argv: Argv) -> Reply:
    kind = argv[2].lower()
    if kind == b"push" and session.resp == 2:
        raise CommandError(b"ERR RESP2 is not supported by this command")
    if session.resp == 3 and kind in _IN_RESP3:
        session.push(_IN_RESP3[kind])
    reply = _PROTOCOL.get(kind, _UNKNOWN)
    if reply is _UNKNOWN:
        raise CommandError(
            b"ERR Wrong protocol type name. Please use one of the following: "
            b"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
        )
    return LATER if kind == b"bignum" and session.resp == 3 else reply


def _error(session: Connection, argv: Argv) -> Reply:
    raise CommandError(argv[2])


def _log(session: Connection, argv: Argv) -> Reply:
    logger.warning("DEBUG LOG: %s", argv[2].decode(errors="replace"))
    return OK


def _set_active_expire(session: Connection, argv: Argv) -> Reply:
    session.node.sweeps = argv[2] not in (b"0",)
    for replica in session.node.replicas():
        replica.sweeps = session.node.sweeps
    return OK


def _change_repl_id(session: Connection, argv: Argv) -> Reply:
    session.node.run_id = secrets.token_hex(20)
    return OK


def _packed_threshold(session: Connection, argv: Argv) -> Reply:
    try:
        texts.size(0, (4 << 30) - 1)(argv[2].decode(errors="replace"))
    except ValueError:
        raise CommandError(
            b"ERR argument must be a memory value bigger than 1 and smaller than 4gb"
        ) from None
    return OK


def _stringmatch_len(session: Connection, argv: Argv) -> Reply:
    return int(bool(matcher(argv[2])(argv[3])))


def _structsize(session: Connection, argv: Argv) -> Reply:
    return b"bits:64 robj:16 dictentry:24 sdshdr5:1 sdshdr8:3 sdshdr16:5 sdshdr32:9 sdshdr64:17 "


def _taken(session: Connection, argv: Argv) -> Reply:
    return OK


def _reply_buffer(session: Connection, argv: Argv) -> Reply:
    what, value = argv[2].upper(), argv[3].upper()
    if what == b"PEAK-RESET-TIME" and value not in (b"NEVER", b"RESET"):
        parse_int64(value)
    elif what not in (b"PEAK-RESET-TIME", b"RESIZING"):
        raise _unknown(argv)
    return OK


def _help(session: Connection, argv: Argv) -> Reply:
    return [
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        *HELP.strip("\n").splitlines(),
        "HELP",
        "    Prints this help.",
    ]


_BIG: Final = b"1234567999999999999999999999999999999"
_PROTOCOL: Final[dict[bytes, Reply]] = {
    b"string": b"Hello World",
    b"integer": 12345,
    b"double": 3.141,
    b"bignum": _BIG,
    b"null": None,
    b"array": [0, 1, 2],
    b"set": SetReply([0, 1, 2]),
    b"map": {0: False, 1: True, 2: False},
    b"attrib": b"Some real reply following the attribute",
    b"push": b"Some real reply following the push reply",
    b"verbatim": Verbatim(b"This is a verbatim\nstring"),
    b"true": True,
    b"false": False,
}
# What RESP3 has besides: before the reply, or instead of it (bignum).
_IN_RESP3: Final = {
    b"attrib": b"|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n",
    b"push": b">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n",
    b"bignum": b"(%b\r\n" % _BIG,
}
_UNKNOWN: Final = object()

# Least and most arguments, and what runs.
_Run = Callable[[Connection, Argv], Reply]
_SUBCOMMANDS: Final[dict[bytes, tuple[int, int, _Run]]] = {
    b"AOF-FLUSH-SLEEP": (1, 1, _taken),
    b"CHANGE-REPL-ID": (0, 0, _change_repl_id),
    b"DIGEST": (0, 0, _digest),
    b"DIGEST-VALUE": (0, 1 << 30, _digest_value),
    b"ERROR": (1, 1, _error),
    b"HELP": (0, 0, _help),
    b"HTSTATS": (1, 1, _htstats),
    b"LEAK": (1, 1, _taken),
    b"LISTPACK": (1, 1, _listpack),
    b"LOADAOF": (0, 0, _reload),
    b"LOG": (1, 1, _log),
    b"OBJECT": (1, 2, _object),
    b"PAUSE-CRON": (1, 1, _taken),
    b"PROTOCOL": (1, 1, _protocol),
    b"QUICKLIST": (1, 2, _quicklist),
    b"QUICKLIST-PACKED-THRESHOLD": (1, 1, _packed_threshold),
    b"RELOAD": (0, 1 << 30, _reload),
    b"REPLYBUFFER": (2, 2, _reply_buffer),
    b"SET-ACTIVE-EXPIRE": (1, 1, _set_active_expire),
    b"SET-DISABLE-DENY-SCRIPTS": (1, 1, _taken),
    b"SET-SKIP-CHECKSUM-VALIDATION": (1, 1, _taken),
    b"STRINGMATCH-LEN": (2, 2, _stringmatch_len),
    b"STRUCTSIZE": (0, 0, _structsize),
}
