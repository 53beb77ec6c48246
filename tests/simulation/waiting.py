"""Users whose calls may wait, for elements of lists and sorted sets or entries of streams."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from respkv.keyspace.keyspace import Keyspace
from tests.simulation.queues import Queues
from tests.simulation.sorted_sets import SortedSets
from tests.simulation.streams import Streams
from tests.simulation.unblocking import Unblocking
from tests.simulation.workload import Call
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.users import User

WAITING_USERS = 4  # fewer would seldom wait for the same key at the same time
UNBLOCKS = 100  # per mille: bursts that end the wait of another user, if one waits there


class Waiting:
    """The work of these users."""

    def __init__(self, world: World, databases: int) -> None:
        self._world = world
        self._queues = Queues(world, databases)
        self._sorted_sets = SortedSets(world, databases)
        self._streams = Streams(world, databases)
        self._unblocking = Unblocking(world)

    def burst(self, user: "User") -> list[Call]:
        """Return a few calls on one key, or one that ends what another user waits for."""
        if self._world.happens(UNBLOCKS):
            calls = self._unblock(user)
            if calls:
                return calls
        dice = self._world.chance.below(100)
        if dice < 40:
            return self._queues.burst(user)
        return (self._sorted_sets if dice < 60 else self._streams).burst(user)

    def _unblock(self, user: "User") -> list[Call]:
        """Often something to wait for comes together with the end of the wait."""
        found = self._unblocking.call(user)
        if found is None:
            return []
        unblock, awaited = found
        if self._world.happens(500):
            return [unblock]
        for work in (self._queues, self._sorted_sets):
            calls = work.pushing_for(awaited)
            if calls:
                return [unblock, *calls] if self._world.happens(500) else [*calls, unblock]
        return [unblock]

    def check(self, keyspace_of: Callable[[bytes], Keyspace]) -> None:
        """Compare what users saw with each other, and with what a key's leader holds at the end.

        Raises:
            Violation: no list, sorted set or stream behaves like this.
        """
        works = (self._queues, self._sorted_sets, self._streams)
        for work in works:
            work.check(keyspace_of)
        self._unblocking.check([call for work in works for call in work.calls()])
