"""The commands one turn proposes together, and how an entry's payload spells them."""

from collections.abc import Callable
from typing import Any, Final

from respkv.commands.arguments import INT32_MAX, INT32_MIN, parse_range
from respkv.commands.table import CONNECTION, lookup
from respkv.errors import InvalidDatabase, InvariantViolation
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.client import Client
from respkv.replica.transaction import Transaction
from respkv.wire.reply import OK, Reply
from respkv.wire.request import RequestParser

# How an item runs. Only LOGGED items are in the payload, so only they may change the keyspace.
READ: Final = 0
LOGGED: Final = 1
LOCAL: Final = 2  # on the connection, not on the keyspace (PING, CLIENT, refusals)
AWAITED_READ: Final = 3  # a read that its client's later commands wait for

Argv = list[bytes]
Handler = Callable[[Any, Argv], Reply]
# client (None: nobody waits), handler, argv, database, one of the constants above
Item = tuple[Client | None, Handler, Argv, int, int]


class Batch:
    """Items in the order they run; `term` and `index` are 0 until the batch is proposed."""

    def __init__(self, serial: int) -> None:
        self.serial = serial
        self.items: list[Item] = []
        self.payload: list[bytes] = []
        self.payload_bytes = 0
        self.payload_db = 0  # database the payload's next command would run in; -1: not known
        self.term = 0
        self.index = 0
        self.proposed_ms = 0

    def select(self, db: int) -> None:
        """Make the payload continue in `db`."""
        if db != self.payload_db:
            number = b"%d" % db
            self.log(b"*2\r\n$6\r\nSELECT\r\n$%d\r\n%b\r\n" % (len(number), number))
            self.payload_db = db

    def log(self, raw: bytes) -> None:
        """Append one command's RESP bytes to the payload."""
        self.payload.append(raw)
        self.payload_bytes += len(raw)


def parse_payload(payload: bytes) -> list[Item]:
    """Return the items a payload spells; nobody waits for their replies.

    Raises:
        InvariantViolation: the payload is not what this version (or an older one) writes.
    """
    parser = RequestParser()
    commands = parser.feed(payload)
    if parser.error is not None or parser.buffered_bytes:
        raise InvariantViolation(f"an entry's payload is not RESP: {payload[:64]!r}")
    items: list[Item] = []
    db = 0
    transaction: Transaction | None = None
    for argv in commands:
        name = argv[0].upper()
        if transaction is not None:
            if name == b"EXEC":
                items.append((None, transaction.run, argv, db, LOGGED))
                transaction = None
                continue
            if name == b"RESPKV.WATCHED":
                transaction.watches.append((int(argv[1]), argv[2], int(argv[3])))
                continue
        elif name == b"SELECT":
            db = int(argv[1])
            continue
        elif name == b"MULTI":
            transaction = Transaction()
            continue
        handler: Handler = select_in_transaction
        if name != b"SELECT":
            command = lookup(argv[0])
            if command is None or command.flags & CONNECTION:
                raise InvariantViolation(f"an entry holds a command not known here: {name!r}")
            handler = command.handler
        if transaction is not None:
            transaction.commands.append((handler, argv, False))
        else:
            items.append((None, handler, argv, db, LOGGED))
    if transaction is not None:
        raise InvariantViolation("an entry ends inside a transaction")
    return items


def database_number(argv: Argv, databases: int) -> int:
    """Return the database SELECT asks for.

    Raises:
        CommandError: not a number, or none of the databases.
    """
    number = parse_range(argv[1], INT32_MIN, INT32_MAX)
    if not 0 <= number < databases:
        raise InvalidDatabase()
    return number


def select_in_transaction(keyspace: Keyspace, argv: Argv) -> Reply:
    """SELECT between MULTI and EXEC: the commands after it run in another database."""
    keyspace.select(database_number(argv, len(keyspace.databases)))
    return OK
