"""CLIENT UNBLOCK: some users end the waits of others, as if their time were up or with an error.

Whoever waits is answered once: with what it waited for, or as it was unblocked, and then it took
nothing. That no element is lost between the two is for the checkers of what was waited for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from respkv.commands.blocking import UNBLOCKED
from tests.simulation.checker import Operation
from tests.simulation.connection import SimulatedConnection
from tests.simulation.observed import Observed
from tests.simulation.workload import Call
from tests.simulation.world import Violation, World

if TYPE_CHECKING:
    from tests.simulation.users import User


@dataclass(slots=True, eq=False)
class Unblock(Observed):
    """CLIENT UNBLOCK of the client that made a call; `ended` says that the client did wait."""

    target: Observed | None = field(default=None, kw_only=True)
    reason: bytes = field(kw_only=True)
    ended: bool = field(default=False, kw_only=True)


def problem(calls: Iterable[Observed], unblocks: list[Unblock]) -> str:
    """Return what is wrong with how waits ended, or nothing."""
    with_error = set()
    for unblock in unblocks:
        target = unblock.target
        if target is not None and unblock.reason == b"ERROR":
            with_error.add(id(target))
        if unblock.ended and (
            target is None
            or not 0 < target.parked <= unblock.invoked
            or 0 < target.answered < unblock.invoked
        ):
            return f"{unblock} ended a wait, and its client did not wait"
    for call in calls:
        if call.error == UNBLOCKED and id(call) not in with_error:
            return f"nobody has unblocked {call}"
        if call.waits and call.known and call.found_nothing:
            if not call.parked:
                return f"{call} found nothing, and did not wait for it"
            if call.completed < call.times_out:
                return f"{call} found nothing before its time was up, and nobody unblocked it"
    return ""


class Unblocking:
    """All that users have unblocked in a run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._unblocks: list[Unblock] = []

    def call(self, user: "User") -> tuple[Call, Observed] | None:
        """Return what ends the wait of somebody at the node that a user talks to, and that wait."""
        assert user.connection is not None
        waiting = [
            other.connection
            for other in user.cluster.users
            if other.connection is not None
            and other.connection.node is user.connection.node
            and other.connection.awaited is not None
            and not other.connection.awaited.answered
        ]
        if not waiting:
            return None
        chosen = waiting[self._world.chance.below(len(waiting))]
        reason = (b"TIMEOUT", b"ERROR")[self._world.chance.below(2)]
        awaited = chosen.awaited
        assert awaited is not None
        unblock = Unblock(reason=reason)
        self._unblocks.append(unblock)

        def submit(connection: SimulatedConnection) -> None:
            unblock.invoked = self._world.now
            unblock.refused = False
            client_id = chosen.client_id
            target = chosen.awaited if client_id else None
            if target is not None and target.parked:
                unblock.target = target
                if reason == b"TIMEOUT":
                    target.times_out = min(target.times_out, unblock.invoked)
            connection.awaited = None
            connection.command(0, b"CLIENT", b"UNBLOCK", b"%d" % client_id, reason)

        def done(_: "User", operation: Operation) -> None:
            unblock.completed = unblock.answered = operation.completed
            if operation.result not in (0, 1):
                raise Violation(f"CLIENT UNBLOCK was answered {operation.result!r}")
            unblock.ended = operation.result == 1

        return Call("unblock", b"", None, submit, done), awaited

    def check(self, calls: list[Observed]) -> None:
        """Compare what was unblocked with how all calls ended.

        Raises:
            Violation: somebody was answered what nobody had caused.
        """
        found = problem(calls, self._unblocks)
        if found:
            raise Violation(found)
        count = self._world.count
        for unblock in self._unblocks:
            target = unblock.target
            if unblock.ended and target is not None and target.answered:
                is_first = target.error == UNBLOCKED or target.found_nothing
                count("waits ended by others" if is_first else "waits served before their end")
