"""Very many entries of a stream, shown in steps as they were at one moment."""

from bisect import bisect_right
from typing import Any

from respkv.commands.stream_ids import show_id
from respkv.keyspace.stream import Stream
from respkv.keyspace.stream_node import Node
from respkv.steps import Steps
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import PairMap, SteppedReply

Shown = list[bytes | list[bytes]]


class Part:
    """Neighbouring entries of a node, as they are now: more may follow them, and some be deleted."""

    def __init__(self, node: Node, first: int, end: int) -> None:
        self._node = node
        self._first = first
        self._end = end
        self._deleted = node.deleted
        within = (1 << end) - (1 << first)
        self.live: int = end - first - (node.deleted & within).bit_count()

    def shown(self, backwards: bool) -> list[Shown]:
        """Return them as replies show them."""
        node, deleted = self._node, self._deleted
        found: list[Shown] = [
            [show_id(node.id_at(position)), node.items_at(position)]
            for position in range(self._first, self._end)
            if not deleted >> position & 1
        ]
        if backwards:
            found.reverse()
        return found


class Copied:
    """At most `count` entries with ids from `start` to `end`, as they are when this is made."""

    def __init__(
        self, stream: Stream, start: int, end: int, count: int, backwards: bool = False
    ) -> None:
        self._backwards = backwards
        self._parts: list[Part] = []
        for at in range(max(bisect_right(stream.firsts, start) - 1, 0), len(stream.nodes)):
            node = stream.nodes[at]
            if node.first > end:
                break
            first = node.position(start) if node.first < start else 0
            past = node.position(end + 1) if node.last > end else len(node.ends)
            if first < past:
                self._parts.append(Part(node, first, past))
        self.count: int = min(count, sum([part.live for part in self._parts]))
        if not backwards:
            self._parts.reverse()  # the next one is the last: what was shown is freed on the way

    def reply(self) -> SteppedReply:
        """Return all as a reply."""
        held: list[list[Any]] = []
        return SteppedReply(self._steps(held), held)

    def _steps(self, held: list[list[Any]]) -> Steps[list[Shown]]:
        entries = yield from self.entries(held)
        held.clear()
        return entries

    def entries(self, held: list[list[Any]]) -> Steps[list[Shown]]:
        """Return all; until its owner takes it, `held` has the list."""
        found: list[Shown] = []
        held += [self._parts, found]
        while self._parts and len(found) < self.count:
            found += self._parts.pop().shown(self._backwards)
            yield 0
        del found[self.count :]
        self._parts.clear()
        return found


def copied_if_long(
    stream: Stream, start: int, end: int, count: int, backwards: bool = False
) -> Copied | None:
    """Return the entries of a range if they are very many."""
    if count < LONG_ITEMS or len(stream) < LONG_ITEMS:
        return None
    copied = Copied(stream, start, end, count, backwards)
    return copied if copied.count >= LONG_ITEMS else None


def long_read(ranges: list[tuple[bytes, Copied]]) -> SteppedReply:
    """Return what is new in some streams."""
    held: list[list[Any]] = []
    return SteppedReply(_read(ranges, held), held)


def _read(ranges: list[tuple[bytes, Copied]], held: list[list[Any]]) -> Steps[PairMap]:
    found: list[tuple[bytes, list[Shown]]] = []
    for key, copied in ranges:
        found.append((key, (yield from copied.entries(held))))
    held.clear()
    return PairMap(found)
