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


@command(
    name="RESPKV.EVICT",
    arity=-4,
    flags=WRITE | INTERNAL,
    group="internal",
    since="7.0.15",
    summary="Remove keys of a database that memory is short for, unless they have changed since",
)
def evict(keyspace: Keyspace, argv: Argv) -> int:
    """Database, then keys, each with the modification counter that the leader saw."""
    return keyspace.evict(int(argv[1]), argv[2::2], [int(counter) for counter in argv[3::2]])
