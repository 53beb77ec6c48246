"""Commands that exist only in log entries."""

from respkv.commands.table import INTERNAL, WRITE, Argv, command
from respkv.keyspace.keyspace import Keyspace


@command(
    name="RESPKV.SWEEP",
    arity=2,
    flags=WRITE | INTERNAL,
    group="internal",
    since="7.0.15",
    summary="Remove keys that have expired by the entry's time, at most a given number",
)
def sweep(keyspace: Keyspace, argv: Argv) -> int:
    """Remove at most argv[1] keys; never a DEL by name, which could meet a newer value."""
    return keyspace.sweep(int(argv[1]))
