"""What the users ask for, and the history of every key."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from respkv.errors import CommandError
from respkv.wire.reply import NULL_ARRAY
from tests.simulation.appends import Appends
from tests.simulation.checker import UNKNOWN, Operation
from tests.simulation.connection import SimulatedConnection
from tests.simulation.world import MILLISECOND, Violation, World

if TYPE_CHECKING:
    from tests.simulation.users import User

OPERATIONS_PER_KEY_MAX = 280
UNKNOWN_WEIGHT = 8  # as many known ones are as dear to check: these may have happened at any time
NEVER = UNKNOWN + 1
ONLY_READ = ("get", "exists")


class Call:
    """One operation: how it reaches the node, and what is done with its result."""

    def __init__(
        self,
        name: str,
        key: bytes,
        argument: object,
        submit: Callable[[SimulatedConnection], None],
        done: Callable[["User", Operation], None],
    ) -> None:
        self.name = name
        self.key = key
        self.argument = argument
        self.submit = submit
        self.done = done
        self.fails_with = b""  # an error that begins so is its result
        self.refused: Callable[[CommandError], None] = lambda _: None
        self.lost: Callable[[Operation], None] = lambda _: None  # nobody knows its outcome
        self.after_ms = 0  # sent so much later than the call before it

    def is_result(self, error: CommandError) -> bool:
        """Return whether an error tells what the call did, and not that it did nothing."""
        return self.fails_with != b"" and error.text.startswith(self.fails_with)


class Workload:
    """Keys by family: r registers, c counters, t values that expire, w swapped under WATCH."""

    def __init__(self, world: World) -> None:
        self.histories: dict[bytes, list[Operation]] = {}
        self.lifetime_ms_max = 4000
        self.exact_expiry = False  # the clocks are right, so values go exactly when they should
        self.users = 5
        self.calls_max = 4  # in a burst
        self.chunks = 300  # per mille: calls that do not arrive together with the one before
        self.late_chunks = 250  # per mille: of those, the ones that come much later
        self.strays = 100  # per mille: calls sent to a node without regard to who leads
        self.patience_ms = (5000, 600, 2500)  # users differ
        self.families = b"rrcttw"
        self.databases = 1  # keys are spread over them, so that payloads switch between them
        self.appends = Appends(world)
        self._world = world
        self._weights: dict[bytes, int] = {}  # of histories
        self._keys: list[bytes] = []
        self._probes: list[bytes] = []
        self._next_key = 0
        self._next_value = 0

    def remember(self, key: bytes, operation: Operation) -> None:
        """Put an operation into its key's history."""
        self.histories.setdefault(key, []).append(operation)
        weight = 1 if operation.known else UNKNOWN_WEIGHT
        self._weights[key] = self._weights.get(key, 0) + weight

    def burst(self, user: "User") -> list[Call]:
        """Return the next few calls of a user."""
        if self._probes:
            return [self._set(self._probes[self._world.chance.below(len(self._probes))])]
        if user.swap is not None:
            return [self._finish_swap(user)]
        dice = self._world.chance.below(100)
        if dice < 15:
            return self._begin_swap(user)
        return [self._random_call(user) for _ in range(self._world.between(1, self.calls_max))]

    # --- keys and values ---------------------------------------------------------------------

    def probe(self, partitions: int, partition_of: Callable[[bytes], int]) -> None:
        """From now on only set registers, one in each partition."""
        found: dict[int, bytes] = {}
        while len(found) < partitions:
            key = self._new_key(ord("r"))
            found.setdefault(partition_of(key), key)
        self._probes = list(found.values())

    def _database_of(self, key: bytes) -> int:
        return int(key[1:]) % self.databases

    def _pick_key(self, user: "User", families: bytes) -> bytes:
        """Return a key of one of the families, a new one where its history gets long.

        Mostly one that the node the user talks to leads, as cluster clients choose their node.
        """
        while len(self._keys) < len(self.families):
            self._keys.append(self._new_key(self.families[len(self._keys)]))
        choices = [n for n, key in enumerate(self._keys) if key[0] in families]
        if not self._world.happens(self.strays):
            choices = [n for n in choices if user.expects_here(self._keys[n])] or choices
        number = choices[self._world.chance.below(len(choices))]
        if self._weights.get(self._keys[number], 0) >= OPERATIONS_PER_KEY_MAX:
            self._keys[number] = self._new_key(self._keys[number][0])
        return self._keys[number]

    def _new_key(self, family: int) -> bytes:
        self._next_key += 1
        return b"%c%d" % (family, self._next_key)

    def _unique_value(self) -> bytes:
        self._next_value += 1
        return b"v%d" % self._next_value

    # --- calls -------------------------------------------------------------------------------

    def _call(self, name: str, key: bytes, argument: object, *argv: bytes) -> Call:
        db = self._database_of(key)

        def submit(connection: SimulatedConnection) -> None:
            connection.command(db, *argv)

        def done(_: "User", operation: Operation) -> None:
            self.remember(key, operation)

        return self._remembered(Call(name, key, argument, submit, done))

    def _remembered(self, call: Call) -> Call:
        """What may have changed the key is part of its history also when its outcome is unknown."""
        if call.name not in ONLY_READ:
            call.lost = lambda operation: self.remember(call.key, operation)
        return call

    def _random_call(self, user: "User") -> Call:
        key = self._pick_key(user, b"rct")
        dice = self._world.chance.below(100)
        if dice < 3:
            return self._echo()
        if dice == 3:
            return self._dbsize()
        if self._world.happens(150):
            return self._append_and_read(user)
        if dice < 12:
            return self._call("exists", key, None, b"EXISTS", key)
        if dice < 19:
            return self._call("delete", key, None, b"DEL", key)
        if dice < 55:
            return self._get(key)
        if key[:1] == b"c":
            return self._incr(key)
        if key[:1] == b"t" and dice < 80:
            return self._set_expiring(key)
        return self._set(key)

    def second_look(self, user: "User", after_ms: int) -> list[Call]:
        """Write a key, and read it later, when its leader may have been replaced unseen."""
        key = self._pick_key(user, b"rc")
        write = self._incr(key) if key[:1] == b"c" else self._set(key)
        read = self._get(key)
        read.after_ms = after_ms
        return [write, read]

    def _get(self, key: bytes) -> Call:
        return self._call("get", key, None, b"GET", key)

    def _set(self, key: bytes) -> Call:
        value = self._unique_value()
        return self._call("set", key, value, b"SET", key, value)

    def _set_expiring(self, key: bytes) -> Call:
        value = self._unique_value()
        lifetime_ms = self._world.between(30, self.lifetime_ms_max)
        call = self._call(
            "set expiring", key, (value, 0, NEVER), b"SET", key, value, b"PX", b"%d" % lifetime_ms
        )

        def done(_: "User", operation: Operation) -> None:
            if self.exact_expiry:
                earliest = operation.invoked + (lifetime_ms - 2) * MILLISECOND
                latest = operation.completed + (lifetime_ms + 5) * MILLISECOND
                operation.argument = (value, earliest, latest)
            self.remember(key, operation)

        call.done = done
        return call

    def _incr(self, key: bytes) -> Call:
        times = 2 if self._world.happens(200) else 1
        db = self._database_of(key)

        def submit(connection: SimulatedConnection) -> None:
            if times == 1:
                connection.command(db, b"INCR", key)
            else:
                connection.transaction(db, [[b"INCR", key]] * times)

        def done(_: "User", operation: Operation) -> None:
            if operation.result is NULL_ARRAY:  # a WATCH whose own transaction was never sent
                self._world.count("transactions stopped")
                return
            if times == 1:
                operation.result = [operation.result]
            self.remember(key, operation)

        return self._remembered(Call("incr", key, times, submit, done))

    def _echo(self) -> Call:
        token = self._unique_value()

        def done(_: "User", operation: Operation) -> None:
            if operation.result != token:
                raise Violation(f"replies swapped: {operation.result!r} instead of {token!r}")

        return Call("echo", b"", None, lambda connection: connection.echo(token), done)

    def _dbsize(self) -> Call:
        """A command for all partitions that the node leads, in its turn like any other."""

        def done(_: "User", operation: Operation) -> None:
            if not isinstance(operation.result, int):
                raise Violation(
                    f"replies swapped: {operation.result!r} instead of a number of keys"
                )

        return Call("dbsize", b"", None, lambda connection: connection.command(0, b"DBSIZE"), done)

    def _append_and_read(self, user: "User") -> Call:
        """Several keys of one slot at once, mostly of one that the user's node leads."""
        slots = self.appends.slots
        if not self._world.happens(self.strays):
            slots = [slot for slot in slots if user.expects_here(slot)] or slots
        transaction = self.appends.transaction(slots[self._world.chance.below(len(slots))])
        submit = self.appends.submit(transaction, with_picks=self.databases > 1)
        call = Call(
            "appends", transaction.steps[0].key, None, submit, self.appends.done(transaction)
        )

        def refused(_: CommandError) -> None:
            transaction.refused = True

        call.refused = refused
        return call

    # --- transactions ------------------------------------------------------------------------

    def _begin_swap(self, user: "User") -> list[Call]:
        """WATCH and GET a key; the transaction follows once both are answered."""
        key = self._pick_key(user, b"w")
        db = self._database_of(key)

        def watched(user: "User", _: Operation) -> None:
            user.watched = key

        def read(user: "User", operation: Operation) -> None:
            self.remember(key, operation)
            if user.watched == key:  # not when WATCH itself was refused
                user.swap = (key, operation.result)

        watch = Call("watch", key, None, lambda connection: connection.watch(db, key), watched)
        get = self._get(key)
        get.done = read
        return [watch, get]

    def _finish_swap(self, user: "User") -> Call:
        assert user.swap is not None
        key, before = user.swap
        user.swap = None
        user.watched = b""
        after = self._unique_value()

        def submit(connection: SimulatedConnection) -> None:
            connection.transaction(self._database_of(key), [[b"SET", key, after]])

        def done(_: "User", operation: Operation) -> None:
            if operation.result is NULL_ARRAY:
                self._world.count("transactions stopped")
            else:
                self._world.count("transactions done")
                self.remember(key, operation)

        return self._remembered(Call("swap", key, (before, after), submit, done))
