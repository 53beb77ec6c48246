"""What each command means. Importing this package fills the command table."""

from respkv.commands import (
    blocking,
    counters,
    expiry,
    hash_picks,
    hashes,
    internal,
    iteration,
    keys,
    list_items,
    list_moves,
    list_waits,
    lists,
    objects,
    server,
    string_parts,
    strings,
)

__all__ = [
    "blocking",
    "counters",
    "expiry",
    "hash_picks",
    "hashes",
    "internal",
    "iteration",
    "keys",
    "list_items",
    "list_moves",
    "list_waits",
    "lists",
    "objects",
    "server",
    "string_parts",
    "strings",
]
