"""Commands that exist only in log entries."""

from respkv.commands.table import INTERNAL, WRITE, Argv, command
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK


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


@command(
    name="RESPKV.POPULATE",
    arity=4,
    flags=WRITE | INTERNAL,
    group="internal",
    since="7.0.15",
    summary="Create string keys for tests: how many, prefix, size of each or 0",
)
def populate(keyspace: Keyspace, argv: Argv) -> str:
    """What is there stays as it is; see DEBUG POPULATE."""
    prefix, size = argv[2], int(argv[3])
    for number in range(int(argv[1])):
        key = b"%b:%d" % (prefix, number)
        if not keyspace.contains(key):
            value = b"value:%d" % number
            keyspace.set(key, value[:size].ljust(size, b"\0") if size else value)
    return OK
