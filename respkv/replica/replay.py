"""Runs a committed entry's payload for nobody in particular: on followers, and in recovery.

python bench/micro/recovery.py times it: all that a command of a run costs is its part of the
parsing and one call.
"""

from collections.abc import Iterator

from respkv.commands.table import CONNECTION, lookup
from respkv.entry import COMMANDS, Entry
from respkv.errors import InvariantViolation
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.batch import Handler, select_in_transaction
from respkv.replica.transaction import Transaction, answer_to
from respkv.wire.request import RequestParser, Run


def apply_entry(keyspace: Keyspace, entry: Entry) -> None:
    """Apply one committed entry.

    Raises:
        InvariantViolation: the payload is not what this version (or an older one) writes.
    """
    keyspace.begin_entry(entry.term, entry.index, entry.time_ms)
    if entry.kind == COMMANDS and entry.payload:
        _replay(keyspace, entry.payload)


def _replay(keyspace: Keyspace, payload: bytes) -> None:
    parser = RequestParser()
    runs = iter(parser.feed(payload))
    if parser.error is not None or parser.buffered_bytes:
        raise InvariantViolation(f"an entry's payload is not RESP: {payload[:64]!r}")
    db = 0
    keyspace.applying = True
    for argvs, _ in runs:
        name = argvs[0][0].upper()
        if name == b"SELECT":
            db = int(argvs[-1][1])
            continue
        handler = _read_transaction(runs).run if name == b"MULTI" else _handler(name)
        if keyspace.db_index != db:
            keyspace.select(db)
        for argv in argvs:
            try:
                handler(keyspace, argv)
            except Exception as error:
                answer_to(error, argv)
            keyspace.position += 1
    keyspace.applying = False


def _read_transaction(runs: Iterator[Run]) -> Transaction:
    """Take the commands up to EXEC."""
    transaction = Transaction()
    for argvs, _ in runs:
        name = argvs[0][0].upper()
        if name == b"EXEC":
            return transaction
        if name == b"RESPKV.WATCHED":
            transaction.watches += [(int(db), key, int(counter)) for _, db, key, counter in argvs]
            continue
        handler = select_in_transaction if name == b"SELECT" else _handler(name)
        transaction.commands += [(handler, argv, False) for argv in argvs]
    raise InvariantViolation("an entry ends inside a transaction")


def _handler(name: bytes) -> Handler:
    command = lookup(name)
    if command is None or command.flags & CONNECTION:
        raise InvariantViolation(f"an entry holds a command not known here: {name!r}")
    return command.handler
