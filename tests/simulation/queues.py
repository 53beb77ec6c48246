"""Lists that some users push to, while others wait to pop from them.

Each slot in use has two: users push to one, and elements move from there to the other.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from respkv.commands.table import lookup
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.run import Argv
from tests.simulation.observed import Observed
from tests.simulation.queue_checker import Element, History, QueueCall, Step, problem
from tests.simulation.waiting_calls import call_of, timeout_ms
from tests.simulation.workload import Call
from tests.simulation.world import Violation, World

if TYPE_CHECKING:
    from tests.simulation.users import User

SLOTS_IN_USE = 2
ELEMENTS_MAX = 60  # then another slot is taken: checking the order compares all pairs
STEPS_MAX = 3


class Queue:
    """The two lists of a slot, and what happened to them.

    Every other one is used the other way round: pushed to from the left, popped from the right.
    """

    def __init__(self, tag: bytes, number: int, databases: int) -> None:
        tag = b"{%b%d}" % (tag, number)
        self.entrance, self.exit = tag + b"in", tag + b"out"
        self.db = number % databases
        self.calls: list[QueueCall] = []
        self.pushed = 0
        self.head, self.tail = (b"L", b"R") if number % 2 else (b"R", b"L")
        self.sides = [b"LEFT", b"RIGHT"] if number % 2 else [b"RIGHT", b"LEFT"]
        self.end = b"MIN" if number % 2 else b"MAX"  # of a sorted set


class Queues:
    """All lists of a run."""

    TAG = b"q"
    NAME = "queues"

    def __init__(self, world: World, databases: int) -> None:
        self._world = world
        self._databases = databases
        self._queues: list[Queue] = []
        self._in_use: list[Queue] = []
        for _ in range(SLOTS_IN_USE):
            self._use_another()

    def _use_another(self) -> None:
        self._in_use.append(Queue(self.TAG, len(self._queues), self._databases))
        self._queues.append(self._in_use[-1])

    def burst(self, user: "User") -> list[Call]:
        """Return a few pushes or pops; only the last call may wait."""
        world = self._world
        queues = [queue for queue in self._in_use if user.expects_here(queue.entrance)]
        queues = queues or self._in_use
        queue = queues[world.chance.below(len(queues))]
        if world.happens(450):
            calls = [self._pushing(queue) for _ in range(world.between(1, 2))]
        else:
            calls = [self._popping(queue) for _ in range(world.chance.below(2))]
            calls.append(self._call(queue, [self._waiting_pop(queue)]))
        self._count_on(queue)
        return calls

    def pushing_for(self, awaited: Observed) -> list[Call]:
        """Return a push that may serve a call, if that waits for a key in use here."""
        for queue in self._in_use:
            if awaited in queue.calls:
                self._count_on(queue)
                return [self._call(queue, [self._push(queue)])]
        return []

    def _count_on(self, queue: Queue) -> None:
        if queue.pushed >= ELEMENTS_MAX and queue in self._in_use:
            self._in_use.remove(queue)
            self._use_another()

    # --- calls -------------------------------------------------------------------------------

    def _call(self, queue: Queue, steps: list[Step]) -> Call:
        call = QueueCall(steps=steps)
        queue.calls.append(call)
        commands = [step.argv for step in steps]
        take = partial(self._take_all, steps)
        waits_ms = steps[0].waits_ms if len(steps) == 1 else 0
        return call_of(self._world, call, queue.entrance, queue.db, commands, take, waits_ms)

    def _take_all(self, steps: list[Step], replies: list[object]) -> None:
        for step, reply in zip(steps, replies, strict=True):
            if step.sources and reply is not None:
                self._take(step, reply)

    def _pushing(self, queue: Queue) -> Call:
        steps = [self._push(queue)]
        if self._world.happens(300):  # all at once: clients are served behind the whole transaction
            choices = (self._push, self._pop, self._waiting_pop)
            for _ in range(self._world.between(1, STEPS_MAX - 1)):
                steps.append(choices[self._world.chance.below(len(choices))](queue))
        return self._call(queue, steps)

    def _popping(self, queue: Queue) -> Call:
        times = 2 if self._world.happens(200) else 1
        return self._call(queue, [self._pop(queue) for _ in range(times)])

    def _push(self, queue: Queue) -> Step:
        elements = []
        for _ in range(self._world.between(1, 2)):
            queue.pushed += 1
            elements.append(b"e%d" % queue.pushed)
        argv = [queue.tail + b"PUSH", queue.entrance, *elements]
        return Step(argv, pushed=elements, into=queue.entrance)

    def _pop(self, queue: Queue) -> Step:
        entrance, exit_ = queue.entrance, queue.exit
        if self._world.happens(300):
            argv = [b"LMOVE", entrance, exit_, *queue.sides]
            return Step(argv, into=exit_, sources=[entrance])
        key = exit_ if self._world.happens(300) else entrance
        return Step([queue.head + b"POP", key], sources=[key])

    def _waiting_pop(self, queue: Queue) -> Step:
        """A pop that waits for an element."""
        entrance, exit_ = queue.entrance, queue.exit
        waits_ms = timeout_ms(self._world)
        seconds = b"%.3f" % (waits_ms / 1000)
        dice = self._world.chance.below(100)
        if dice < 20:
            argv = [b"BLMOVE", entrance, exit_, *queue.sides, seconds]
            if queue.head == b"R" and dice < 10:
                argv = [b"BRPOPLPUSH", entrance, exit_, seconds]
            return Step(argv, into=exit_, sources=[entrance], waits_ms=waits_ms)
        keys = ([exit_], [entrance], [entrance], [entrance, exit_])[dice % 4]
        if dice < 35:
            argv = [b"BLMPOP", seconds, b"%d" % len(keys), *keys, queue.sides[0], b"COUNT", b"2"]
            return Step(argv, sources=keys, count=2, waits_ms=waits_ms)
        argv = [b"B" + queue.head + b"POP", *keys, seconds]
        return Step(argv, sources=keys, waits_ms=waits_ms)

    # --- the end -----------------------------------------------------------------------------

    def check(self, keyspace_of: Callable[[bytes], Keyspace]) -> None:
        """Compare what users saw with each other, and with what is left.

        Raises:
            Violation: no queue behaves like this.
        """
        for queue in self._queues:
            keyspace = keyspace_of(queue.entrance)
            keyspace.select(queue.db)
            left = {key: self._left(keyspace, queue, key) for key in (queue.entrance, queue.exit)}
            found = problem(queue.calls, left, self._history(queue))
            if found:
                raise Violation(found)
            self._count(queue)

    def _count(self, queue: Queue) -> None:
        count = self._world.count
        count(f"{self.NAME} checked")
        for call in queue.calls:
            pops = sum(bool(step.sources) for step in call.steps)
            if not (call.known or call.refused):
                count("pops of unknown outcome", pops)
            elif call.known:
                taken = sum(len(step.taken) for step in call.steps)
                count(f"elements popped from {self.NAME}", taken)
                count("blocked pops served" if taken else "blocked pops timed out", call.parked > 0)

    def calls(self) -> Iterator[Observed]:
        """Return all that was sent."""
        for queue in self._queues:
            yield from queue.calls

    # --- what differs for other types --------------------------------------------------------

    def _take(self, step: Step, reply: object) -> None:
        """Note what a command has taken: an element, or lists and what was in them."""
        if isinstance(reply, bytes):
            step.taken = [(step.sources[0], reply)]
        elif isinstance(reply, list) and isinstance(reply[1], list):
            step.taken = [(reply[0], element) for element in reply[1]]
        elif isinstance(reply, list):
            step.taken = [(reply[0], reply[1])]
        else:
            raise Violation(f"{step.argv} was answered {reply!r}")

    def _left(self, keyspace: Keyspace, queue: Queue, key: bytes) -> list[Element]:
        """Return what a key holds; what is taken next comes first."""
        elements = read(keyspace, [b"LRANGE", key, b"0", b"-1"])
        return elements if queue.head == b"L" else elements[::-1]

    def _history(self, queue: Queue) -> Callable[[list[Element]], History]:
        """Return what judges one key's history."""
        return History


def read(keyspace: Keyspace, argv: Argv) -> list[bytes]:
    """Run a command that returns a list."""
    command = lookup(argv[0])
    assert command is not None
    reply = command.handler(keyspace, argv)
    assert isinstance(reply, list)
    return [element for element in reply if isinstance(element, bytes)]
