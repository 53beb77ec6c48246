"""Whole strings: SET, GET and their relatives."""

from respkv.commands.string_options import StringOptions, parse_deadline
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import WrongArity, WrongType
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.values import Container
from respkv.wire.reply import OK, Reply, stepped_if_large


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="string",
         since="1.0.0", syntax="key", summary="Get the value of a key")  # fmt: skip
def get(keyspace: Keyspace, argv: Argv) -> Reply:
    value = keyspace.lookup(argv[1])
    if value is None or type(value) is bytes:
        return value
    if isinstance(value, Container):
        raise WrongType
    return bytes(value)


@command(arity=-3, flags=WRITE | DENYOOM, keys=(1, 1, 1),
         access="RW access update variable_flags",
         notes="RW and ACCESS due to the optional `GET` argument", group="string", since="1.0.0",
         syntax="key value [condition(NX | XX)@2.6.12] [GET@6.2.0] [expiration(EX "
         "seconds:integer@2.6.12 | PX milliseconds:integer@2.6.12 | EXAT "
         "unix-time-seconds:unix-time@6.2.0 | PXAT unix-time-milliseconds:unix-time@6.2.0 | "
         "KEEPTTL@6.0.0)]", summary="Set the string value of a key",
         history=(("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."), ("6.0.0", "Added "
         "the `KEEPTTL` option."), ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
         ("7.0.0", "Allowed the `NX` and `GET` options to be used together.")))  # fmt: skip
def set_(keyspace: Keyspace, argv: Argv) -> Reply:
    key, value = argv[1], argv[2]
    if len(argv) == 3:
        keyspace.set(key, value)
        return OK
    options = StringOptions()
    options.parse(argv, 3, of_set=True)
    deadline_ms = options.deadline_ms(keyspace.now_ms, b"set")
    reply: Reply = None
    if options.get:
        reply = get(keyspace, argv)
    if options.condition and (keyspace.lookup(key) is None) == (options.condition == b"XX"):
        return reply
    if deadline_ms is not None and deadline_ms < keyspace.now_ms:
        keyspace.delete(key)  # Redis stores it, and nobody can ever see it
    elif options.keep_deadline and keyspace.contains(key):
        keyspace.set(key, value, keeps_deadline=True)
    else:
        keyspace.store(keyspace.db_index, key, value, deadline_ms)
    return reply if options.get else OK


@command(arity=3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="OW insert",
         group="string", since="1.0.0", syntax="key value",
         summary="Set the value of a key, only if the key does not exist")  # fmt: skip
def setnx(keyspace: Keyspace, argv: Argv) -> int:
    if keyspace.lookup(argv[1]) is not None:
        return 0
    keyspace.set(argv[1], argv[2])
    return 1


@command(arity=4, flags=WRITE | DENYOOM, keys=(1, 1, 1), access="OW update", group="string",
         since="2.0.0", syntax="key seconds:integer value",
         summary="Set the value and expiration of a key")  # fmt: skip
def setex(keyspace: Keyspace, argv: Argv) -> str:
    deadline_ms = parse_deadline(argv[2], 1000, keyspace.now_ms, b"setex")
    keyspace.store(keyspace.db_index, argv[1], argv[3], deadline_ms)
    return OK


@command(arity=4, flags=WRITE | DENYOOM, keys=(1, 1, 1), access="OW update", group="string",
         since="2.6.0", syntax="key milliseconds:integer value",
         summary="Set the value and expiration in milliseconds of a key")  # fmt: skip
def psetex(keyspace: Keyspace, argv: Argv) -> str:
    deadline_ms = parse_deadline(argv[2], 1, keyspace.now_ms, b"psetex")
    keyspace.store(keyspace.db_index, argv[1], argv[3], deadline_ms)
    return OK


@command(arity=-2, flags=WRITE | FAST, keys=(1, 1, 1), access="RW access update",
         notes="RW and UPDATE because it changes the TTL", group="string", since="6.2.0",
         syntax="key [expiration(EX seconds:integer | PX milliseconds:integer | EXAT "
         "unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | PERSIST)]",
         summary="Get the value of a key and optionally set its expiration")  # fmt: skip
def getex(keyspace: Keyspace, argv: Argv) -> Reply:
    key = argv[1]
    options = StringOptions()
    options.parse(argv, 2, of_set=False)
    value = get(keyspace, argv)
    if value is None:
        return None
    deadline_ms = options.deadline_ms(keyspace.now_ms, b"getex")
    if deadline_ms is not None:
        if deadline_ms <= keyspace.now_ms:
            keyspace.delete(key)
        else:
            keyspace.set_deadline(key, deadline_ms)
    elif options.persist:
        keyspace.persist(key)
    return value


@command(arity=2, flags=WRITE | FAST, keys=(1, 1, 1), access="RW access delete", group="string",
         since="6.2.0", syntax="key", summary="Get the value of a key and delete the key"
         )  # fmt: skip
def getdel(keyspace: Keyspace, argv: Argv) -> Reply:
    value = get(keyspace, argv)
    if value is not None:
        keyspace.delete(argv[1])
    return value


@command(arity=3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="string", since="1.0.0", syntax="key value",
         summary="Set the string value of a key and return its old value",
         deprecated=("6.2.0", "`SET` with the `!GET` argument"))  # fmt: skip
def getset(keyspace: Keyspace, argv: Argv) -> Reply:
    value = get(keyspace, argv)
    keyspace.set(argv[1], argv[2])
    return value


@command(arity=-2, flags=READONLY | FAST, keys=(1, -1, 1), access="RO access", group="string",
         since="1.0.0", tips=("request_policy:multi_shard",),
         complexity="O(N) where N is the number of keys to retrieve.", syntax="key...",
         summary="Get the values of all the given keys")  # fmt: skip
def mget(keyspace: Keyspace, argv: Argv) -> Reply:
    """A key of another type counts as missing."""
    replies: list[bytes | None] = []
    for key in argv[1:]:
        value = keyspace.lookup(key)
        if value is None or isinstance(value, Container):
            replies.append(None)
        else:
            replies.append(bytes(value))
    return stepped_if_large(replies, sum([len(text) for text in replies if text is not None]))


@command(arity=-3, flags=WRITE | DENYOOM, keys=(1, -1, 2), access="OW update", group="string",
         since="1.0.1", tips=("request_policy:multi_shard", "response_policy:all_succeeded"),
         complexity="O(N) where N is the number of keys to set.",
         syntax="key_value(key value)...", summary="Set multiple keys to multiple values"
         )  # fmt: skip
def mset(keyspace: Keyspace, argv: Argv) -> str:
    if len(argv) % 2 == 0:
        raise WrongArity(b"mset")
    for position in range(1, len(argv), 2):
        keyspace.set(argv[position], argv[position + 1])
    return OK


@command(arity=-3, flags=WRITE | DENYOOM, keys=(1, -1, 2), access="OW insert", group="string",
         since="1.0.1", tips=("request_policy:multi_shard", "response_policy:agg_min"),
         complexity="O(N) where N is the number of keys to set.",
         syntax="key_value(key value)...",
         summary="Set multiple keys to multiple values, only if none of the keys exist"
         )  # fmt: skip
def msetnx(keyspace: Keyspace, argv: Argv) -> int:
    if len(argv) % 2 == 0:
        raise WrongArity(b"msetnx")
    for key in argv[1::2]:
        if keyspace.lookup(key) is not None:
            return 0
    for position in range(1, len(argv), 2):
        keyspace.set(argv[position], argv[position + 1])
    return 1
