"""Virtual time, and the network between the nodes."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol
from zlib import crc32

from respkv.clock import SeededChance

MILLISECOND = 1000  # times are microseconds
SECOND = 1000 * MILLISECOND
EVENTS_AT_ONE_TIME_MAX = 20_000


class Violation(AssertionError):
    """Something that must never happen has happened."""


class World:
    """An event queue; equal seeds give equal runs, whatever the process's hash seed is."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now = 0
        self.chance = SeededChance(seed * 2 + 1)
        self.counts: dict[str, int] = {}
        self.trace = 0  # a checksum of everything that happened, to compare two runs
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._events_at_this_time = 0

    def after(self, delay: int, call: Callable[[], None]) -> None:
        """Call something `delay` microseconds from now; equal times keep their order."""
        self._sequence += 1
        heappush(self._events, (self.now + delay, self._sequence, call))

    def run_until(self, time: int) -> None:
        """Handle events up to `time`.

        Raises:
            Violation: so much happens at one time that it would never pass.
        """
        events = self._events
        while events and events[0][0] <= time:
            now, sequence, call = heappop(events)
            if now != self.now:
                self._events_at_this_time = 0
            self._events_at_this_time += 1
            if self._events_at_this_time > EVENTS_AT_ONE_TIME_MAX:
                raise Violation(f"turns never end at {now} us")
            self.now = now
            self.trace = crc32(b"%d %d" % (now, sequence), self.trace)
            call()
        self.now = time

    def count(self, what: str, number: int = 1) -> None:
        """Count something for the report."""
        self.counts[what] = self.counts.get(what, 0) + number

    def happens(self, per_mille: int) -> bool:
        """Return True `per_mille` times in a thousand."""
        return per_mille > 0 and self.chance.below(1000) < per_mille

    def between(self, low: int, high: int) -> int:
        """Return an integer in [low, high]."""
        return low + self.chance.below(high - low + 1)


class Addressed(Protocol):
    """Anything that goes from one node to another."""

    sender: int
    recipient: int


class Network:
    """Loses, doubles, delays and reorders messages; links are cut one way or both."""

    def __init__(self, world: World, deliver: Callable[[Addressed], None], size: int = 3) -> None:
        self.loss = 0  # per mille, as are the next three
        self.duplication = 0
        self.straggling = 0
        self.splitting = 0  # of a turn's messages, which then have fates of their own
        self.cut: set[tuple[int, int]] = set()
        self._numbers = range(1, size + 1)
        self._world = world
        self._deliver = deliver

    def send(self, message: Addressed) -> None:
        """Put a message on its way."""
        world = self._world
        if (message.sender, message.recipient) in self.cut or world.happens(self.loss):
            world.count("messages lost")
            return
        copies = 1
        if world.happens(self.duplication):
            world.count("messages doubled")
            copies = 2
        for _ in range(copies):
            delay = world.between(200, 2 * MILLISECOND)
            if world.happens(self.straggling):
                world.count("messages late")
                delay = world.between(5 * MILLISECOND, 900 * MILLISECOND)
            world.after(delay, lambda: self._deliver(message))

    def isolate(self, node: int) -> set[tuple[int, int]]:
        """Cut a node off in both directions; returns the links for `mend`."""
        links = {link for other in self._numbers for link in ((node, other), (other, node))}
        self.cut |= links
        return links

    def mend(self, links: set[tuple[int, int]]) -> None:
        """Links carry messages again."""
        self.cut -= links
