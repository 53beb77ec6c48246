"""What each command means. Importing this package fills the command table."""

from respkv.commands import expiry, generic, internal, server, strings

__all__ = ["expiry", "generic", "internal", "server", "strings"]
