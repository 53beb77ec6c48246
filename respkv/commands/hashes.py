"""Hashes: fields of a key with their values."""

from respkv.commands import long_double
from respkv.commands.arguments import INT64_MAX, INT64_MIN, int64_or_none, parse_int64
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import CommandError, NotAFloat, WouldOverflow, WrongArity, WrongType
from respkv.keyspace.hash import Hash
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK, MapReply, Reply, stepped_if_large


@command(arity=-4, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW update", group="hash",
         since="2.0.0", complexity="O(1) for each field/value pair added, so O(N) to add N "
         "field/value pairs when the command is called with multiple field/value pairs.",
         syntax="key field_value(field value)...", summary="Set the string value of a hash field",
         history=(("4.0.0", "Accepts multiple `field` and `value` arguments."),))  # fmt: skip
def hset(keyspace: Keyspace, argv: Argv) -> int:
    if len(argv) % 2:
        raise WrongArity(argv[0].lower())
    hash_ = _hash_to_change(keyspace, argv[1])
    added = hash_.set_all(argv[2:]) if len(argv) > 4 else int(hash_.set(argv[2], argv[3]))
    keyspace.modified(argv[1])
    return added


@command(arity=-4, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW update", group="hash",
         since="2.0.0", complexity="O(N) where N is the number of fields being set.",
         deprecated=("4.0.0", "`HSET` with multiple field-value pairs"),
         syntax="key field_value(field value)...", summary="Set multiple hash fields to multiple "
         "values")  # fmt: skip
def hmset(keyspace: Keyspace, argv: Argv) -> str:
    hset(keyspace, argv)
    return OK


@command(arity=4, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW insert", group="hash",
         since="2.0.0", syntax="key field value", summary="Set the value of a hash field, only if "
         "the field does not exist")  # fmt: skip
def hsetnx(keyspace: Keyspace, argv: Argv) -> int:
    hash_ = lookup_hash(keyspace, argv[1])
    if hash_ is not None and hash_.get(argv[2]) is not None:
        return 0
    hset(keyspace, argv)
    return 1


@command(arity=3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="hash",
         since="2.0.0", syntax="key field", summary="Get the value of a hash field")  # fmt: skip
def hget(keyspace: Keyspace, argv: Argv) -> bytes | None:
    hash_ = lookup_hash(keyspace, argv[1])
    return None if hash_ is None else hash_.get(argv[2])


@command(arity=-3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="hash",
         since="2.0.0", complexity="O(N) where N is the number of fields being requested.",
         syntax="key field...", summary="Get the values of all the given hash fields")  # fmt: skip
def hmget(keyspace: Keyspace, argv: Argv) -> list[bytes | None]:
    hash_ = lookup_hash(keyspace, argv[1])
    if hash_ is None:
        return [None] * (len(argv) - 2)
    return [hash_.get(field) for field in argv[2:]]


@command(arity=-3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW delete", group="hash",
         since="2.0.0", complexity="O(N) where N is the number of fields to be removed.",
         syntax="key field...", summary="Delete one or more hash fields",
         history=(("2.4.0", "Accepts multiple `field` arguments."),))  # fmt: skip
def hdel(keyspace: Keyspace, argv: Argv) -> int:
    hash_ = lookup_hash(keyspace, argv[1])
    if hash_ is None:
        return 0
    removed = 0
    for field in argv[2:]:
        if hash_.remove(field):
            removed += 1
    if removed:
        keyspace.shrunk(argv[1], hash_)
    return removed


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="hash", since="2.0.0",
         syntax="key", summary="Get the number of fields in a hash")  # fmt: skip
def hlen(keyspace: Keyspace, argv: Argv) -> int:
    hash_ = lookup_hash(keyspace, argv[1])
    return 0 if hash_ is None else len(hash_)


@command(arity=3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="hash", since="3.2.0",
         syntax="key field", summary="Get the length of the value of a hash field")  # fmt: skip
def hstrlen(keyspace: Keyspace, argv: Argv) -> int:
    return len(hget(keyspace, argv) or b"")


@command(arity=3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="hash", since="2.0.0",
         syntax="key field", summary="Determine if a hash field exists")  # fmt: skip
def hexists(keyspace: Keyspace, argv: Argv) -> int:
    return int(hget(keyspace, argv) is not None)


@command(arity=2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="hash", since="2.0.0",
         complexity="O(N) where N is the size of the hash.",
         tips=("nondeterministic_output_order",), syntax="key", summary="Get all the fields and "
         "values in a hash")  # fmt: skip
def hgetall(keyspace: Keyspace, argv: Argv) -> Reply:
    hash_ = lookup_hash(keyspace, argv[1])
    if hash_ is None:
        return MapReply([], [])
    reply = MapReply(hash_.fields.items.copy(), hash_.values.copy())
    return stepped_if_large(reply, hash_.payload_bytes)


@command(arity=2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="hash", since="2.0.0",
         complexity="O(N) where N is the size of the hash.",
         tips=("nondeterministic_output_order",), syntax="key", summary="Get all the fields in a "
         "hash")  # fmt: skip
def hkeys(keyspace: Keyspace, argv: Argv) -> Reply:
    hash_ = lookup_hash(keyspace, argv[1])
    if hash_ is None:
        return []
    return stepped_if_large(hash_.fields.items.copy(), hash_.payload_bytes)


@command(arity=2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="hash", since="2.0.0",
         complexity="O(N) where N is the size of the hash.",
         tips=("nondeterministic_output_order",), syntax="key", summary="Get all the values in a "
         "hash")  # fmt: skip
def hvals(keyspace: Keyspace, argv: Argv) -> Reply:
    hash_ = lookup_hash(keyspace, argv[1])
    return [] if hash_ is None else stepped_if_large(hash_.values.copy(), hash_.payload_bytes)


@command(arity=4, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="hash", since="2.0.0", syntax="key field increment:integer",
         summary="Increment the integer value of a hash field by the given number")  # fmt: skip
def hincrby(keyspace: Keyspace, argv: Argv) -> int:
    increment = parse_int64(argv[3])
    old = hget(keyspace, argv)
    number = 0 if old is None else int64_or_none(old)
    if number is None:
        raise CommandError(b"ERR hash value is not an integer")
    number += increment
    if not INT64_MIN <= number <= INT64_MAX:
        raise WouldOverflow
    hset(keyspace, [argv[0], argv[1], argv[2], b"%d" % number])
    return number


@command(arity=4, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW access update",
         group="hash", since="2.6.0", syntax="key field increment:double",
         summary="Increment the float value of a hash field by the given amount")  # fmt: skip
def hincrbyfloat(keyspace: Keyspace, argv: Argv) -> bytes:
    increment = long_double.parse(argv[3])
    if increment is None:
        raise CommandError(b"ERR value is NaN or Infinity")
    old = hget(keyspace, argv)
    try:
        number = long_double.parse(b"0" if old is None else old)
    except NotAFloat:
        raise CommandError(b"ERR hash value is not a float") from None
    result = long_double.render(long_double.add(number, increment))
    hset(keyspace, [argv[0], argv[1], argv[2], result])
    return result


def lookup_hash(keyspace: Keyspace, key: bytes) -> Hash | None:
    """Return the hash at `key`, None when there is none.

    Raises:
        WrongType: the key holds another type.
    """
    value = keyspace.lookup(key)
    if value is None or isinstance(value, Hash):
        return value
    raise WrongType


def _hash_to_change(keyspace: Keyspace, key: bytes) -> Hash:
    hash_ = lookup_hash(keyspace, key)
    if hash_ is None:
        hash_ = Hash()
        keyspace.set(key, hash_)
    return hash_
