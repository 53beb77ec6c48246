"""What each command means. Importing this package fills the command table."""

from respkv.commands import (
    blocking,
    counters,
    dumps,
    expiry,
    hash_picks,
    hashes,
    internal,
    iteration,
    keys,
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
    "dumps",
    "expiry",
    "hash_picks",
    "hashes",
    "internal",
    "iteration",
    "keys",
    "list_waits",
    "lists",
    "objects",
    "server",
    "string_parts",
    "strings",
]
