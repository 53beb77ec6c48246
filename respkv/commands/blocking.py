"""What commands that wait have in common: how they park, and who serves them later.

A handler that finds nothing returns `park(...)`. Once a key it waits for has changed, the function
declared with `serves` answers the oldest waiter, or returns NOT_SERVED.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from respkv.commands import long_double
from respkv.commands.arguments import INT64_MAX, int64_or_none
from respkv.commands.table import BLOCKING, INTERNAL, WRITE, Argv, Command, command
from respkv.errors import CommandError, NotAFloat, Unblocked
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import NULL_ARRAY, Reply

# (keyspace, the parked argv, the key that is ready) -> reply; it changes nothing if NOT_SERVED
Server = Callable[[Keyspace, Argv, bytes], Reply]
ServerT = TypeVar("ServerT", bound=Server)

NOT_SERVED: Final = object()
UNBLOCKED: Final = b"UNBLOCKED client unblocked via CLIENT UNBLOCK"

# By command name: the type of value it waits for, and what serves it.
SERVERS: Final[dict[bytes, tuple[str, Server]]] = {}


class Parked:
    """The reply of a call that waits: none yet. `timeout_ms` is 0 for ever."""

    def __init__(self, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms


def park(
    keyspace: Keyspace,
    argv: Argv,
    keys: list[bytes],
    timeout_ms: int,
    null: Reply = NULL_ARRAY,
    *,
    bound: bool = False,
) -> Reply:
    """Park the call until one of `keys` is ready; where it may not wait (MULTI), return `null`.

    A `bound` call ends with an error as soon as a key is gone, or holds another type.
    """
    return Parked(timeout_ms) if keyspace.park(keys, argv, bound) else null


def first_served(keys: list[bytes], serve: Callable[[bytes], Reply]) -> Reply:
    """Return what the first of the keys gives that has something, NOT_SERVED when none has."""
    for key in keys:
        reply = serve(key)
        if reply is not NOT_SERVED:
            return reply
    return NOT_SERVED


def serve_or_park(
    keyspace: Keyspace,
    argv: Argv,
    keys: list[bytes],
    timeout_ms: int,
    serve: Callable[[bytes], Reply],
) -> Reply:
    """Return what the first of the keys gives that has something, or park the call."""
    reply = first_served(keys, serve)
    return park(keyspace, argv, keys, timeout_ms) if reply is NOT_SERVED else reply


def serves(*names: str, type_name: str) -> Callable[[ServerT], ServerT]:
    """Declare what answers parked calls of the named commands when a key of that type is ready."""

    def declare(server: ServerT) -> ServerT:
        for name in names:
            SERVERS[name.encode()] = (type_name, server)
        return server

    return declare


def may_wait(called: Command, argv: Argv) -> bool:
    """Return whether this call may wait; of the commands that only read, those with BLOCK."""
    if not called.flags & BLOCKING:
        return False
    return called.flags & WRITE != 0 or any([word.upper() == b"BLOCK" for word in argv[1:]])


def parse_timeout(text: bytes) -> int:
    """Return a timeout given in seconds as milliseconds, rounded up; 0 waits for ever.

    Raises:
        CommandError: no number, negative or too large.
    """
    try:
        seconds = long_double.parse(text)
    except NotAFloat:
        raise CommandError(b"ERR timeout is not a float or out of range") from None
    if seconds is None or not 0 <= seconds[0] * 1000 <= INT64_MAX * seconds[1]:
        # In C, what is too large becomes negative.
        raise CommandError(b"ERR timeout is negative")
    return -(-seconds[0] * 1000 // seconds[1])


def parse_timeout_ms(text: bytes) -> int:
    """Return a timeout given in milliseconds; 0 waits for ever.

    Raises:
        CommandError: no integer, or negative.
    """
    timeout_ms = int64_or_none(text)
    if timeout_ms is None:
        raise CommandError(b"ERR timeout is not an integer or out of range")
    if timeout_ms < 0:
        raise CommandError(b"ERR timeout is negative")
    return timeout_ms


@command(name="RESPKV.UNPARK", arity=4, flags=WRITE | INTERNAL, group="internal", since="7.0.15",
         summary="End the wait of the call parked at (entry, position): TIMEOUT, ERROR or GONE"
         )  # fmt: skip
def unpark(keyspace: Keyspace, argv: Argv) -> Reply:
    """Do nothing when the call was served meanwhile."""
    waiters = keyspace.waiters
    waiter_id = (int(argv[1]), int(argv[2]))
    waiter = waiters.by_id.get(waiter_id)
    if waiter is None:
        return None
    if argv[3] == b"GONE":
        waiters.remove(waiter_id)
    elif argv[3] == b"TIMEOUT":
        waiters.answer(waiter, NULL_ARRAY)
    else:
        waiters.answer(waiter, Unblocked(UNBLOCKED))
    return None
