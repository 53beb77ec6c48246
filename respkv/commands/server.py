"""Commands on whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB."""

from respkv.commands.table import FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK


@command(
    arity=1,
    flags=READONLY | FAST,
    group="server",
    since="1.0.0",
    complexity="O(1)",
    categories=("keyspace",),
    tips=("request_policy:all_shards", "response_policy:agg_sum"),
    summary="Return the number of keys in the selected database",
)
def dbsize(keyspace: Keyspace, argv: Argv) -> int:
    """Count expired keys too, until a lookup or a sweep meets them."""
    return keyspace.size()


@command(
    arity=-1,
    flags=WRITE,
    group="server",
    since="1.0.0",
    complexity="O(1); memory is freed afterwards, in slices",
    categories=("keyspace", "dangerous"),
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
    syntax="[ASYNC | SYNC]",
    summary="Remove all keys from the current database",
)
def flushdb(keyspace: Keyspace, argv: Argv) -> str:
    """Empty the database at once and free its memory in slices, whatever the option says."""
    _check_flush_option(argv)
    keyspace.flush(keyspace.db_index)
    return OK


@command(
    arity=-1,
    flags=WRITE,
    group="server",
    since="1.0.0",
    complexity="O(1); memory is freed afterwards, in slices",
    categories=("keyspace", "dangerous"),
    tips=("request_policy:all_shards", "response_policy:all_succeeded"),
    syntax="[ASYNC | SYNC]",
    summary="Remove all keys from all databases",
)
def flushall(keyspace: Keyspace, argv: Argv) -> str:
    """Empty all databases at once and free their memory in slices, whatever the option says."""
    _check_flush_option(argv)
    keyspace.flush_all()
    return OK


def _check_flush_option(argv: Argv) -> None:
    if len(argv) > 2 or (len(argv) == 2 and argv[1].upper() not in (b"SYNC", b"ASYNC")):
        raise BadSyntax
