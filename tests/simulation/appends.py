"""Transactions over keys of one slot: they append unique tokens, and read; checked for cycles."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from respkv.commands.table import lookup
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import NULL_ARRAY
from tests.simulation.append_checker import anomalies
from tests.simulation.append_steps import (
    APPEND,
    KEYS_PER_SLOT,
    READ,
    Step,
    Transaction,
    command_of,
    key_of,
    reads_of,
    take_replies,
)
from tests.simulation.checker import Operation
from tests.simulation.connection import SimulatedConnection
from tests.simulation.world import Violation, World

if TYPE_CHECKING:
    from tests.simulation.users import User

SLOTS_IN_USE = 2
APPENDS_PER_SLOT_MAX = 90  # then another slot is taken, so that values stay short
STEPS_MAX = 4
RANDOM_KEYS_MIN = 4  # a database with fewer says little about chance
RANDOM_KEYS_SAMPLES = 30  # pairs of picks that cannot all be equal: one case in 4 ** 30


class Appends:
    """The slots of a run, with everything that happened to each."""

    def __init__(self, world: World) -> None:
        self.histories: dict[bytes, list[Transaction]] = {}
        self.slots: list[bytes] = []  # those in use, by their hash tags
        self._world = world
        self._appends: dict[bytes, int] = {}
        self._next_token = 0
        self._picks = 0
        self._equal_picks = 0
        for _ in range(SLOTS_IN_USE):
            self._use_another_slot()

    def _use_another_slot(self) -> None:
        slot = b"s%d" % len(self.histories)
        self.slots.append(slot)
        self.histories[slot] = []
        self._appends[slot] = 0

    def transaction(self, slot: bytes) -> Transaction:
        """Return a new transaction on a slot that is in use; it counts as refused until sent."""
        world = self._world
        steps = []
        for _ in range(world.between(1, STEPS_MAX)):
            key = key_of(slot, world.chance.below(KEYS_PER_SLOT))
            if world.happens(500):
                self._next_token += 1
                self._appends[slot] += 1
                steps.append(Step(APPEND, key, b"%d" % self._next_token))
            else:
                steps.append(Step(READ, key))
        transaction = Transaction(steps, refused=True)
        self.histories[slot].append(transaction)
        if self._appends[slot] >= APPENDS_PER_SLOT_MAX:
            self.slots.remove(slot)
            self._use_another_slot()
        return transaction

    def submit(
        self, transaction: Transaction, with_picks: bool
    ) -> Callable[[SimulatedConnection], None]:
        """Return how it reaches a node: one command alone, several between MULTI and EXEC.

        With picks it looks at the whole database as well, which a cluster refuses.
        """
        picks = [[b"DBSIZE"], [b"RANDOMKEY"], [b"RANDOMKEY"]] if with_picks else []
        commands = [command_of(step) for step in transaction.steps]

        def arrive(connection: SimulatedConnection) -> None:
            # Nothing of it can happen before it arrives, and it may happen from here on.
            transaction.invoked = self._world.now
            transaction.refused = False
            if len(commands) == 1:
                connection.command(0, *commands[0])
            else:
                connection.transaction(0, [*commands, *picks])

        return arrive

    def done(self, transaction: Transaction) -> Callable[["User", Operation], None]:
        """Return what is done with its replies."""

        def take(_: "User", operation: Operation) -> None:
            replies = operation.result
            if replies is NULL_ARRAY:  # stopped by a WATCH whose own transaction was never sent
                transaction.refused = True
                return
            if len(transaction.steps) == 1:
                replies = [replies]
            elif any(step.kind == APPEND for step in transaction.steps):
                self._take_picks(replies[len(transaction.steps) :])
            take_replies(transaction, replies, operation.completed)

        return take

    def read_all(self, keyspace_of: Callable[[bytes], Keyspace]) -> None:
        """Read every key once more at the end, so that nothing acknowledged can hide.

        `keyspace_of` returns what a key's leader holds.
        """
        get = lookup(b"GET")
        assert get is not None
        now = self._world.now
        for slot, history in self.histories.items():
            last = Transaction(reads_of(slot), now)
            keyspace = keyspace_of(slot)
            keyspace.select(0)
            values = [get.handler(keyspace, command_of(step)) for step in last.steps]
            take_replies(last, values, now)
            history.append(last)

    def _take_picks(self, picks: list[Any]) -> None:
        """Each logged command has a chance of its own, also of those in one entry."""
        if not picks:
            return
        if len(picks) != 3:
            raise Violation(f"replies swapped: {picks} to DBSIZE and RANDOMKEY twice")
        size, one, other = picks
        if size >= RANDOM_KEYS_MIN:
            self._picks += 1
            self._equal_picks += one == other

    def check(self) -> None:
        """Look for anomalies in every slot.

        Raises:
            Violation: no serial execution explains what was seen.
        """
        for slot, history in self.histories.items():
            self._world.count("slots checked for cycles")
            self._world.count("transactions over one slot", sum(t.known for t in history))
            self._world.count(
                "transactions of unknown outcome",
                sum(not (t.known or t.refused) for t in history),
            )
            found = anomalies(history)
            if found:
                raise Violation(f"slot {slot!r}: {found[0]}")
        if self._picks >= RANDOM_KEYS_SAMPLES and self._equal_picks == self._picks:
            raise Violation(f"RANDOMKEY twice in a transaction: {self._picks} times the same key")
