"""Users whose calls may wait, for elements of lists or entries of streams."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from respkv.keyspace.keyspace import Keyspace
from tests.simulation.queues import Queues
from tests.simulation.streams import Streams
from tests.simulation.workload import Call
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.users import User

WAITING_USERS = 4  # fewer would seldom wait for the same key at the same time


class Waiting:
    """The work of these users."""

    def __init__(self, world: World, databases: int) -> None:
        self._world = world
        self._queues = Queues(world, databases)
        self._streams = Streams(world, databases)

    def burst(self, user: "User") -> list[Call]:
        """Return a few calls on one list, or on one stream."""
        work = self._queues if self._world.happens(500) else self._streams
        return work.burst(user)

    def check(self, keyspace_of: Callable[[bytes], Keyspace]) -> None:
        """Compare what users saw with each other, and with what a key's leader holds at the end.

        Raises:
            Violation: no list or stream behaves like this.
        """
        self._queues.check(keyspace_of)
        self._streams.check(keyspace_of)
