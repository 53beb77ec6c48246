"""Which slot a command belongs to: the one that all of its keys share."""

from respkv.commands.table import CONNECTION, MOVABLE_KEYS, PUBSUB, Argv, Command, keys_of
from respkv.errors import CrossSlot
from respkv.keyspace.slots import slot_of


def is_routed(command: Command) -> bool:
    """Return whether its keys or shard channels decide where a command runs."""
    return not command.flags & CONNECTION or bool(command.flags & PUBSUB and command.specs)


def slot_of_command(command: Command, argv: Argv) -> int:
    """Return the slot of all keys of `command`, which is what `resolve(argv)` returned.

    -1: it has none, so any node may run it.

    Raises:
        CrossSlot: its keys belong to several slots.
    """
    # One key at a fixed place is what nearly every command has: 50 ns on top of the hash (bench/micro/slots.py).
    first, last, _ = command.keys
    if first == last and not command.flags & MOVABLE_KEYS:
        return slot_of(argv[first]) if first else -1
    slot = -1
    for key in keys_of(command, argv):
        other = slot_of(key)
        if slot != other and slot >= 0:
            raise CrossSlot()
        slot = other
    return slot
