"""Commands on whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB."""

from respkv.commands.arguments import INT32_MAX, INT32_MIN, int64_or_none
from respkv.commands.table import FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError, InvalidDatabase
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK


@command(arity=1, flags=READONLY | FAST, group="server", since="1.0.0", categories=("keyspace",),
         tips=("request_policy:all_shards", "response_policy:agg_sum"),
         summary="Return the number of keys in the selected database")  # fmt: skip
def dbsize(keyspace: Keyspace, argv: Argv) -> int:
    """Count expired keys too, until a write or a sweep meets them."""
    return keyspace.size()


@command(arity=-1, flags=WRITE, group="server", since="1.0.0",
         categories=("keyspace", "dangerous"),
         tips=("request_policy:all_shards", "response_policy:all_succeeded"),
         complexity="O(1); memory is freed afterwards, in slices",
         syntax="[async(ASYNC@4.0.0 | SYNC@6.2.0)]",
         summary="Remove all keys from the current database", history=(("4.0.0", "Added the "
         "`ASYNC` flushing mode modifier."), ("6.2.0", "Added the `SYNC` flushing mode "
         "modifier.")))  # fmt: skip
def flushdb(keyspace: Keyspace, argv: Argv) -> str:
    """Empty the database at once and free its memory in slices, whatever the option says."""
    _check_flush_option(argv)
    keyspace.flush(keyspace.db_index)
    return OK


@command(arity=-1, flags=WRITE, group="server", since="1.0.0",
         categories=("keyspace", "dangerous"),
         tips=("request_policy:all_shards", "response_policy:all_succeeded"),
         complexity="O(1); memory is freed afterwards, in slices",
         syntax="[async(ASYNC@4.0.0 | SYNC@6.2.0)]", summary="Remove all keys from all databases",
         history=(("4.0.0", "Added the `ASYNC` flushing mode modifier."), ("6.2.0", "Added the "
         "`SYNC` flushing mode modifier.")))  # fmt: skip
def flushall(keyspace: Keyspace, argv: Argv) -> str:
    """Empty all databases at once and free their memory in slices, whatever the option says."""
    _check_flush_option(argv)
    keyspace.flush_all()
    return OK


@command(arity=3, flags=WRITE | FAST, group="server", since="4.0.0",
         categories=("keyspace", "dangerous"), complexity="O(N) where N is the count of clients "
         "watching or blocking on keys from both databases.",
         syntax="index1:integer index2:integer", summary="Swaps two Redis databases")  # fmt: skip
def swapdb(keyspace: Keyspace, argv: Argv) -> str:
    if len(keyspace.databases) == 1:
        raise CommandError(b"ERR SWAPDB is not allowed in cluster mode")
    first = _database_number(argv[1], b"first")
    second = _database_number(argv[2], b"second")
    if not (0 <= first < len(keyspace.databases) and 0 <= second < len(keyspace.databases)):
        raise InvalidDatabase
    if first != second:
        keyspace.swap(first, second)
    return OK


def _database_number(text: bytes, which: bytes) -> int:
    number = int64_or_none(text)
    if number is None or not INT32_MIN <= number <= INT32_MAX:
        raise CommandError(b"ERR invalid %b DB index" % which)
    return number


def _check_flush_option(argv: Argv) -> None:
    if len(argv) > 2 or (len(argv) == 2 and argv[1].upper() not in (b"SYNC", b"ASYNC")):
        raise BadSyntax
