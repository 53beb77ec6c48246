"""Sorted sets that some users add to, while others wait to pop their least or greatest members."""

from collections.abc import Callable
from functools import partial

from respkv.keyspace.keyspace import Keyspace
from respkv.wire.run import Argv
from tests.simulation.queue_checker import Element, History, Step
from tests.simulation.queues import Queue, Queues, read
from tests.simulation.sorted_checker import SortedHistory
from tests.simulation.waiting_calls import timeout_ms
from tests.simulation.world import Violation

SCORES = 20  # few enough for members of the same one


class SortedSets(Queues):
    """All sorted sets of a run: each slot in use has two, and users add to both.

    Of every other one the greatest members are popped.
    """

    TAG = b"z"
    NAME = "sorted sets"

    def _push(self, queue: Queue) -> Step:
        world = self._world
        key = queue.exit if world.happens(300) else queue.entrance
        members = []
        argv = [b"ZADD", key]
        for _ in range(world.between(1, 2)):
            queue.pushed += 1
            score = world.chance.below(SCORES)
            members.append(b"%02d:e%d" % (score, queue.pushed))
            argv += (b"%d" % score, members[-1])
        return Step(argv, pushed=members, into=key)

    def _pop(self, queue: Queue) -> Step:
        keys = self._keys(queue)
        count = self._world.between(1, 2)
        if len(keys) > 1 or self._world.happens(300):
            argv = [b"ZMPOP", b"%d" % len(keys), *keys, queue.end, b"COUNT", b"%d" % count]
        else:
            argv = [b"ZPOP" + queue.end, *keys, b"%d" % count]
        return Step(argv, sources=keys, count=count)

    def _waiting_pop(self, queue: Queue) -> Step:
        keys = self._keys(queue)
        waits_ms = timeout_ms(self._world)
        seconds = b"%.3f" % (waits_ms / 1000)
        if self._world.happens(300):
            argv = [b"BZMPOP", seconds, b"%d" % len(keys), *keys, queue.end, b"COUNT", b"2"]
            return Step(argv, sources=keys, count=2, waits_ms=waits_ms)
        argv = [b"BZPOP" + queue.end, *keys, seconds]
        return Step(argv, sources=keys, waits_ms=waits_ms)

    def _keys(self, queue: Queue) -> list[bytes]:
        entrance, exit_ = queue.entrance, queue.exit
        choices = ([exit_], [entrance], [entrance], [entrance, exit_])
        return choices[self._world.chance.below(len(choices))]

    def _take(self, step: Step, reply: object) -> None:
        if not isinstance(reply, list):
            raise Violation(f"{step.argv} was answered {reply!r}")
        if step.argv[0] in (b"ZPOPMIN", b"ZPOPMAX"):
            key, pairs = step.sources[0], reply
        elif isinstance(reply[1], list):
            key, pairs = reply[0], [one for pair in reply[1] for one in pair]
        else:
            key, pairs = reply[0], reply[1:]
        for member, score in zip(pairs[::2], pairs[1::2], strict=True):
            if int(score) != int(member[:2]):
                raise Violation(f"{step.argv} was answered {reply!r}: that is not its score")
            step.taken.append((key, member))

    def _left(self, keyspace: Keyspace, queue: Queue, key: bytes) -> list[Element]:
        argv: Argv = [b"ZRANGE", key, b"0", b"-1"]
        return read(keyspace, argv if queue.end == b"MIN" else [*argv, b"REV"])

    def _history(self, queue: Queue) -> Callable[[list[Element]], History]:
        return partial(SortedHistory, greatest_first=queue.end == b"MAX")
