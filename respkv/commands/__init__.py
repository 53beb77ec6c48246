"""What each command means. Importing this package fills the command table."""

from respkv.commands import (
    counters,
    expiry,
    hash_picks,
    hashes,
    internal,
    iteration,
    keys,
    objects,
    server,
    string_parts,
    strings,
)

__all__ = [
    "counters",
    "expiry",
    "hash_picks",
    "hashes",
    "internal",
    "iteration",
    "keys",
    "objects",
    "server",
    "string_parts",
    "strings",
]
