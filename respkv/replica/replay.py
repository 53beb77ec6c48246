"""Runs a committed entry's payload for nobody in particular: on followers, and in recovery.

python bench/micro/recovery.py times it. What takes part in a command's cost is one dictionary
lookup and one call; building the items a client's batch has would double it.
"""

from collections.abc import Iterator
from typing import Final

from respkv.commands.table import CONNECTION, lookup
from respkv.entry import COMMANDS, SEMANTICS, Entry
from respkv.errors import InvariantViolation
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.batch import Handler, select_in_transaction
from respkv.replica.serving import serve_ready
from respkv.replica.transaction import Transaction, answer_to
from respkv.scripts import commands as _scripts  # noqa: F401 - declares EVAL
from respkv.wire.request import RequestParser
from respkv.wire.run import Run

_handlers: Final[dict[bytes, Handler]] = {}  # by the name as it was sent; filled as names turn up


def apply_entry(keyspace: Keyspace, entry: Entry) -> None:
    """Apply one committed entry.

    Raises:
        InvariantViolation: the payload is not what this version (or an older one) writes.
    """
    if entry.semantics > SEMANTICS:
        raise InvariantViolation(f"{entry} was written by a newer version")
    keyspace.begin_entry(entry.term, entry.index, entry.time_ms, entry.semantics)
    if entry.kind == COMMANDS and entry.payload:
        _replay(keyspace, entry.payload)


def _replay(keyspace: Keyspace, payload: bytes) -> None:
    parser = RequestParser()
    runs = iter(parser.feed(payload))
    if parser.error is not None or parser.buffered_bytes:
        raise InvariantViolation(f"an entry's payload is not RESP: {payload[:64]!r}")
    db = 0
    ready = keyspace.waiters.ready
    keyspace.applying = True
    for argvs, _ in runs:
        name = argvs[0][0]
        handler = _handlers.get(name)
        if handler is None:
            if name.upper() == b"SELECT":
                db = int(argvs[-1][1])
                continue
            if name.upper() == b"MULTI":
                handler = _read_transaction(runs).run
            else:
                handler = _handler(name)
                if name in (name.upper(), name.lower()):  # a name has very many other spellings
                    _handlers[name] = handler
        if keyspace.db_index != db:
            keyspace.select(db)
        for argv in argvs:
            try:  # as `execute` does; its call alone would cost 60 ns of some 900
                handler(keyspace, argv)
            except Exception as error:
                answer_to(error, argv)
            if ready:
                serve_ready(keyspace)
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
            for _, db, key, counter in argvs:
                transaction.watches.append((int(db), key, int(counter)))
        else:
            handler = select_in_transaction if name == b"SELECT" else _handler(name)
            transaction.commands += [(handler, argv, False) for argv in argvs]
    raise InvariantViolation("an entry ends inside a transaction")


def _handler(name: bytes) -> Handler:
    command = lookup(name)
    if command is None or command.flags & CONNECTION:
        raise InvariantViolation(f"an entry holds a command not known here: {name!r}")
    return command.handler
