"""What each command means. Importing this package fills the command table."""

from respkv.commands import (
    counters,
    expiry,
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
    "internal",
    "iteration",
    "keys",
    "objects",
    "server",
    "string_parts",
    "strings",
]
