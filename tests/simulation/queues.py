"""Lists that some users push to, while others wait to pop from them.

Each slot in use has two: users push to one, and elements move from there to the other.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from respkv.commands.table import lookup
from respkv.keyspace.keyspace import Keyspace
from tests.simulation.queue_checker import QueueCall, Step, problem
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

    def __init__(self, number: int, databases: int) -> None:
        tag = b"{q%d}" % number
        self.entrance, self.exit = tag + b"in", tag + b"out"
        self.db = number % databases
        self.calls: list[QueueCall] = []
        self.pushed = 0
        self.head, self.tail = (b"L", b"R") if number % 2 else (b"R", b"L")
        self.sides = [b"LEFT", b"RIGHT"] if number % 2 else [b"RIGHT", b"LEFT"]


class Queues:
    """All lists of a run."""

    def __init__(self, world: World, databases: int) -> None:
        self._world = world
        self._databases = databases
        self._queues: list[Queue] = []
        self._in_use: list[Queue] = []
        for _ in range(SLOTS_IN_USE):
            self._use_another()

    def _use_another(self) -> None:
        self._in_use.append(Queue(len(self._queues), self._databases))
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
        if queue.pushed >= ELEMENTS_MAX and queue in self._in_use:
            self._in_use.remove(queue)
            self._use_another()
        return calls

    # --- calls -------------------------------------------------------------------------------

    def _call(self, queue: Queue, steps: list[Step]) -> Call:
        call = QueueCall(steps=steps)
        queue.calls.append(call)
        commands = [step.argv for step in steps]
        take = partial(_take, steps)
        waits_ms = steps[0].waits_ms if len(steps) == 1 else 0
        return call_of(self._world, call, queue.entrance, queue.db, commands, take, waits_ms)

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
        read = lookup(b"LRANGE")
        assert read is not None
        for queue in self._queues:
            keyspace = keyspace_of(queue.entrance)
            keyspace.select(queue.db)
            left = {}
            for key in (queue.entrance, queue.exit):
                elements = read.handler(keyspace, [b"LRANGE", key, b"0", b"-1"])
                assert isinstance(elements, list)
                left[key] = elements if queue.head == b"L" else elements[::-1]
            found = problem(queue.calls, left)
            if found:
                raise Violation(found)
            self._count(queue)

    def _count(self, queue: Queue) -> None:
        count = self._world.count
        count("queues checked")
        for call in queue.calls:
            pops = sum(bool(step.sources) for step in call.steps)
            if not (call.known or call.refused):
                count("pops of unknown outcome", pops)
            elif call.known:
                taken = sum(len(step.taken) for step in call.steps)
                count("elements popped", taken)
                count("blocked pops served" if taken else "blocked pops timed out", call.parked > 0)


def _take(steps: list[Step], replies: list[object]) -> None:
    """Note what each command has taken: an element, or lists and what was in them."""
    for step, reply in zip(steps, replies, strict=True):
        if not step.sources or reply is None:
            continue
        if isinstance(reply, bytes):
            step.taken = [(step.sources[0], reply)]
        elif isinstance(reply, list) and isinstance(reply[1], list):
            step.taken = [(reply[0], element) for element in reply[1]]
        elif isinstance(reply, list):
            step.taken = [(reply[0], reply[1])]
        else:
            raise Violation(f"{step.argv} was answered {reply!r}")
