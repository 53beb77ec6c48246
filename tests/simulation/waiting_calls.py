"""How calls that may wait, and what they wait for, are sent; and what users see of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from respkv.errors import CommandError
from respkv.wire.reply import NULL_ARRAY
from tests.simulation.checker import Operation
from tests.simulation.connection import SimulatedConnection
from tests.simulation.observed import Observed
from tests.simulation.workload import Call
from tests.simulation.world import MILLISECOND, World

if TYPE_CHECKING:
    from tests.simulation.users import User

LONG_WAITS = 100  # per mille: users may leave before they end
CLOCKS_AGREE_PER_MILLE = 900  # of a timeout: no machine's clock runs faster than this


def timeout_ms(world: World) -> int:
    """Return how long a call is to wait."""
    if world.happens(LONG_WAITS):
        return world.between(400, 1500)
    return world.between(20, 400)


def call_of(
    world: World,
    observed: Observed,
    key: bytes,
    db: int,
    commands: list[list[bytes]],
    take: Callable[[list[object]], None],
    waits_ms: int = 0,
) -> Call:
    """Return how it is sent, alone or as a transaction; `observed` learns of its fate.

    `take` is given the replies. With `waits_ms`, it is the one call of its burst that may wait.
    """

    observed.waits = waits_ms > 0

    def parked() -> None:
        observed.parked = world.now
        observed.times_out = world.now + waits_ms * CLOCKS_AGREE_PER_MILLE * MILLISECOND // 1000

    def submit(connection: SimulatedConnection) -> None:
        # Nothing of it can happen before it arrives, and it may happen from here on.
        connection.sent += 1
        observed.invoked = world.now
        observed.refused = False
        observed.connection, observed.number = connection, connection.sent
        connection.awaited = observed if waits_ms else None
        if waits_ms:
            connection.on_park = parked
        if len(commands) == 1:
            connection.command(db, *commands[0])
        else:
            connection.transaction(db, commands)

    def done(_: "User", operation: Operation) -> None:
        replies = operation.result
        observed.answered = world.now
        observed.found_nothing = replies is None
        if replies is NULL_ARRAY and len(commands) > 1:
            observed.refused = True  # a transaction that did not run
            return
        observed.completed = operation.completed
        take(replies if len(commands) > 1 else [replies])

    def refused(error: CommandError) -> None:
        observed.refused = True
        observed.answered = world.now
        observed.error = error.text

    call = Call("wait" if waits_ms else "no wait", key, None, submit, done)
    call.refused = refused
    return call
