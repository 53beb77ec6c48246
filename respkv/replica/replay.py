"""Runs a committed entry's payload for nobody in particular: on followers, and in recovery.

python bench/micro/recovery.py times it. What takes part in a command's cost is one dictionary
lookup and one call; building the items a client's batch has would double it.
"""

from collections.abc import Iterator
from typing import Final

from respkv.commands.table import CONNECTION, lookup
from respkv.entry import COMMANDS, Entry
from respkv.errors import CommandError, InvariantViolation
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.batch import Argv, Handler, select_in_transaction
from respkv.replica.transaction import Transaction, internal_error
from respkv.wire.request import ProtocolError, split_commands

_handlers: Final[dict[bytes, Handler]] = {}  # by the name as it was sent; filled as names turn up


def apply_entry(keyspace: Keyspace, entry: Entry) -> None:
    """Apply one committed entry.

    Raises:
        InvariantViolation: the payload is not what this version (or an older one) writes.
    """
    keyspace.begin_entry(entry.term, entry.index, entry.time_ms)
    if entry.kind == COMMANDS and entry.payload:
        _replay(keyspace, entry.payload)


def _replay(keyspace: Keyspace, payload: bytes) -> None:
    try:
        commands = iter(split_commands(payload))
    except ProtocolError as error:
        raise InvariantViolation(f"an entry's payload is not RESP: {payload[:64]!r}") from error
    handlers = _handlers
    db = 0
    keyspace.applying = True
    for argv in commands:
        handler = handlers.get(argv[0])
        if handler is None:
            name = argv[0].upper()
            if name == b"SELECT":
                db = int(argv[1])
                continue
            if name == b"MULTI":
                handler = _read_transaction(commands).run
            else:
                handler = _handler(name)
                if argv[0] in (name, name.lower()):  # a name has very many other spellings
                    handlers[argv[0]] = handler
        if keyspace.db_index != db:
            keyspace.select(db)
        try:  # as `execute` does; its call alone would cost 60 ns of some 900
            handler(keyspace, argv)
        except CommandError:
            pass
        except (MemoryError, RecursionError, OSError, InvariantViolation):
            raise
        except Exception:
            internal_error(argv)
        keyspace.position += 1
    keyspace.applying = False


def _read_transaction(commands: Iterator[Argv]) -> Transaction:
    """Take the commands up to EXEC."""
    transaction = Transaction()
    for argv in commands:
        name = argv[0].upper()
        if name == b"EXEC":
            return transaction
        if name == b"RESPKV.WATCHED":
            transaction.watches.append((int(argv[1]), argv[2], int(argv[3])))
        elif name == b"SELECT":
            transaction.commands.append((select_in_transaction, argv, False))
        else:
            transaction.commands.append((_handler(name), argv, False))
    raise InvariantViolation("an entry ends inside a transaction")


def _handler(name: bytes) -> Handler:
    command = lookup(name)
    if command is None or command.flags & CONNECTION:
        raise InvariantViolation(f"an entry holds a command not known here: {name!r}")
    return command.handler
