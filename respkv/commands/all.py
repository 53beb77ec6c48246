"""Import this to have every keyspace command declared."""

from respkv.commands import databases, expiry, generic, strings

__all__ = ["databases", "expiry", "generic", "strings"]
