"""Commands on keys of any type: DEL, EXISTS."""

from respkv.commands.table import FAST, READONLY, WRITE, Argv, command
from respkv.keyspace.keyspace import Keyspace


@command(
    name="DEL",
    arity=-2,
    flags=WRITE,
    keys=(1, -1, 1),
    access="RM DELETE",
    group="generic",
    since="1.0.0",
    complexity="O(N), N being the number of keys",
    categories=("keyspace",),
    tips=("request_policy:multi_shard", "response_policy:agg_sum"),
    syntax="key [key ...]",
    summary="Delete a key",
)
def del_(keyspace: Keyspace, argv: Argv) -> int:
    """Return how many keys were removed; an expired key does not count."""
    removed = 0
    for key in argv[1:]:
        if keyspace.contains(key):
            keyspace.delete(key)
            removed += 1
    return removed


@command(
    arity=-2,
    flags=READONLY | FAST,
    keys=(1, -1, 1),
    access="RO",
    group="generic",
    since="1.0.0",
    complexity="O(N), N being the number of keys",
    categories=("keyspace",),
    tips=("request_policy:multi_shard", "response_policy:agg_sum"),
    syntax="key [key ...]",
    summary="Determine if a key exists",
)
def exists(keyspace: Keyspace, argv: Argv) -> int:
    """Count the keys that exist, each as often as it is named."""
    found = 0
    for key in argv[1:]:
        if keyspace.contains(key):
            found += 1
    return found
