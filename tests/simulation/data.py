"""Random commands of every type in the midst of all troubles, on nodes whose options differ.

python -m tests.simulation.data [--seed N | --seeds A..B] [--seconds 60]

Crashes, snapshots and changes of leaders come between and inside the sequences; after every few entries
the replicas of a partition must hold the same, whatever they have been through.
"""

import sys
from functools import partial
from typing import Final

from respkv.commands.table import Argv, keys_of, resolve
from respkv.errors import CommandError
from respkv.keyspace.limits import Limits
from respkv.node import script_commands
from respkv.replica.replica import Replica
from tests.commands.made_calls import Calls
from tests.long_threshold import made_long
from tests.simulation.checker import Operation
from tests.simulation.cluster import Cluster
from tests.simulation.connection import SimulatedConnection
from tests.simulation.runs import run_seeds
from tests.simulation.users import User
from tests.simulation.workload import Call
from tests.simulation.world import World

DECLARING: Final = (script_commands,)
USERS: Final = 4
SLOTS: Final = 3  # that they work on
BURST_MAX: Final = 12
STRAYS: Final = 100  # per mille: bursts without regard to who leads
NOT_RUN: Final = (
    b"MOVED",
    b"CLUSTERDOWN",
    b"TRYAGAIN",
    b"LOADING",
    b"MISCONF",
    b"OOM",
    b"UNBLOCKED",
)
KEEPING_ITS_REPLY: Final = b"""
    local reply = redis.call(unpack(ARGV))
    redis.call("SET", KEYS[1], cjson.encode({reply}))
    return reply
"""


class DataUser(User):
    """A command's own error is an answer like any other."""

    def _failed(self, error: CommandError) -> None:
        if error.text.startswith(NOT_RUN):
            super()._failed(error)
            return
        self.world.count("refused by their command")
        self.cluster.outcome(True)


class Data:
    """Calls of any command, alone, in transactions and in scripts."""

    def __init__(self, world: World, databases: int) -> None:
        self._world = world
        self._databases = databases
        self._calls = [Calls(world.chance, b"{d%d}" % slot) for slot in range(SLOTS)]

    def burst(self, user: User) -> list[Call]:
        """Return the next few calls, all of one slot, mostly of one that the user's node leads."""
        slots = list(range(SLOTS))
        if not self._world.happens(STRAYS):
            slots = [slot for slot in slots if user.expects_here(b"{d%d}" % slot)] or slots
        slot = slots[self._world.chance.below(len(slots))]
        return [self._next(slot) for _ in range(self._world.between(1, BURST_MAX))]

    def _next(self, slot: int) -> Call:
        dice = self._world.chance.below(100)
        db = self._world.chance.below(self._databases)
        tag = b"{d%d}" % slot
        if dice < 10:
            setup = self._calls[slot].setup()
            commands = [setup[self._world.chance.below(len(setup))]]
        else:
            commands = [self._command(slot) for _ in range(3 if dice < 25 else 1)]

        def submit(connection: SimulatedConnection) -> None:
            if len(commands) > 1:
                connection.transaction(db, commands)
            elif dice < 40:
                connection.command(
                    db, b"EVAL", KEEPING_ITS_REPLY, b"1", tag + b"kept", *commands[0]
                )
            else:
                connection.command(db, *commands[0])

        def done(_: User, operation: Operation) -> None:
            self._world.count("commands of every type answered")

        return Call("data", tag, None, submit, done)

    def _command(self, slot: int) -> Argv:
        while True:
            argv = self._calls[slot].of_any()
            if b"BLOCK" not in argv and self._is_of(argv, slot):
                return argv

    def _is_of(self, argv: Argv, slot: int) -> bool:
        """Return whether all its keys are of one slot, as far as that is known."""
        try:
            keys = keys_of(resolve(argv), argv)
        except (CommandError, IndexError):
            return False
        return bool(keys) and all(key.startswith(b"{d%d}" % slot) for key in keys)


class DataCluster(Cluster):
    """Its nodes have options of their own, and its users ask for anything.

    In every second seed what is long is made in steps from two items on.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._makes_long = seed % 2 == 0
        data = Data(self.world, self.databases)
        self.users = [self.users[0], *[DataUser(self, 1 + user, data) for user in range(USERS)]]
        for node in self.nodes.values():
            limits = Limits()
            limits.take(lambda _, most=node.id * 2 - 2: most)
            node.adopt = partial(_adopt, limits)  # type: ignore[method-assign]

    def run(self, seconds: int) -> None:
        """Run as others do."""
        with made_long(self._makes_long):
            super().run(seconds)


def _adopt(limits: Limits, replica: Replica) -> None:
    replica.keyspace.limits = limits


if __name__ == "__main__":
    sys.exit(run_seeds("tests.simulation.data", DataCluster, 60))
