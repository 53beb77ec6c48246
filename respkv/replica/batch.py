"""The commands one turn proposes together, and how they spell an entry's payload."""

from collections.abc import Callable
from typing import Any, Final

from respkv.commands.arguments import INT32_MAX, INT32_MIN, parse_int64
from respkv.errors import CommandError, InvalidDatabase
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.client import Client
from respkv.wire.reply import OK, Reply

# How an item runs. Only LOGGED items are in the payload, so only they may change the keyspace.
READ: Final = 0
LOGGED: Final = 1
LOCAL: Final = 2  # on the connection, not on the keyspace (PING, CLIENT, refusals)
AWAITED_READ: Final = 3  # a read that its client's later commands wait for

Argv = list[bytes]
Handler = Callable[[Any, Argv], Reply]
# client (None: nobody waits), handler, commands of that one handler, database, one of the above
Item = tuple[Client | None, Handler, list[Argv], int, int]


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

    def needs_entry(self) -> bool:
        """Return whether more is in it than commands of the connections themselves."""
        return any([item[4] != LOCAL for item in self.items])

    def abandon(self) -> None:
        """Close its clients; what it logged still applies, should it ever commit."""
        for client, _, _, _, _ in self.items:
            if client is not None:
                client.close_unknown()
        self.items = [(None, *item[1:]) for item in self.items if item[4] == LOGGED]

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


def database_number(argv: Argv, databases: int) -> int:
    """Return the database SELECT asks for.

    Raises:
        CommandError: not a number, or none of the databases.
    """
    number = parse_int64(argv[1])
    if not INT32_MIN <= number <= INT32_MAX:
        raise CommandError(
            b"ERR value is out of range, value must between %d and %d" % (INT32_MIN, INT32_MAX)
        )
    if not 0 <= number < databases:
        raise InvalidDatabase()
    return number


def select_in_transaction(keyspace: Keyspace, argv: Argv) -> Reply:
    """SELECT between MULTI and EXEC: the commands after it run in another database."""
    keyspace.select(database_number(argv, len(keyspace.databases)))
    return OK
