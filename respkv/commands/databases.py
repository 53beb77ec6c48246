"""Commands of the group *server* that concern whole databases, as in Redis 7.0."""

from respkv.commands.arguments import parse_int64
from respkv.commands.table import FAST, READONLY, WRITE, command
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK, Reply

Argv = list[bytes]


@command(arity=1, flags=READONLY | FAST, group="server", since="1.0.0",
         categories=("keyspace",))  # fmt: skip
def dbsize(keyspace: Keyspace, argv: Argv) -> Reply:
    """Return the number of keys in the selected database."""
    return len(keyspace.db)


def _check_flush_option(argv: Argv) -> None:
    if len(argv) > 2 or (len(argv) == 2 and argv[1].upper() not in (b"SYNC", b"ASYNC")):
        raise BadSyntax()


@command(arity=-1, flags=WRITE, group="server", since="1.0.0", syntax="[ASYNC|SYNC]",
         complexity="O(N) where N is the total number of keys in all databases",
         categories=("keyspace", "dangerous"))  # fmt: skip
def flushall(keyspace: Keyspace, argv: Argv) -> Reply:
    """Remove all keys from all databases."""
    _check_flush_option(argv)
    for number in range(len(keyspace.databases)):
        keyspace.flush(number)
    return OK


@command(arity=-1, flags=WRITE, group="server", since="1.0.0", syntax="[ASYNC|SYNC]",
         complexity="O(N) where N is the number of keys in the selected database",
         categories=("keyspace", "dangerous"))  # fmt: skip
def flushdb(keyspace: Keyspace, argv: Argv) -> Reply:
    """Remove all keys from the current database."""
    _check_flush_option(argv)
    keyspace.flush(keyspace.db_index)
    return OK


@command(arity=3, flags=WRITE | FAST, group="server", since="4.0.0", syntax="index1 index2",
         complexity="O(N) where N is the count of clients watching or blocking on keys from both "
                    "databases.",
         categories=("keyspace", "dangerous"))  # fmt: skip
def swapdb(keyspace: Keyspace, argv: Argv) -> Reply:
    """Swap two Redis databases."""
    numbers = []
    for position, text in ((b"first", argv[1]), (b"second", argv[2])):
        try:
            numbers.append(parse_int64(text))
        except CommandError:
            raise CommandError(b"ERR invalid %b DB index" % position) from None
    if not all(0 <= number < len(keyspace.databases) for number in numbers):
        raise CommandError(b"ERR DB index is out of range")
    keyspace.swap(numbers[0], numbers[1])
    return OK
