"""Replies of very many items, encoded a part at a time: the node serves others between the parts.

A million items take 0.3 s and more to encode, so none of it may be done in one go.
"""

from collections.abc import Sequence
from typing import Any, Final

from respkv.steps import Steps, free_some
from respkv.wire.reply import (
    MapReply,
    PairMap,
    Pairs,
    Replies,
    Reply,
    SetReply,
    SteppedReply,
    encode,
    encode_items,
    encode_pairs,
    in_turn,
)

LONG_ITEMS: Final = 20_000  # less takes a few milliseconds
PART_ITEMS: Final = 500
PART_BYTES: Final = 256 << 10


class LongReply:
    """What is left to send of one reply; nothing but it may hold the lists of its items."""

    def __init__(self, reply: Reply, resp: int) -> None:
        self._resp = resp
        self._steps: Steps[Reply] | None = None
        self._held: list[list[Any]] = []  # what the steps work on
        self._items: list[Any] = []  # the last one first: what was sent is freed on the way
        self._values: Any = None  # one for each item, unless None
        self._in_pairs = False  # each item and its value are an array
        self._later: list[tuple[bytes, list[Any]]] = []  # heads and items behind these, backwards
        self._replies: list[Encoded] = []  # of a transaction, or an array's long items, backwards
        self._begun = b""  # the head, or all of what is short
        self._sent_items = 0
        self._sent_bytes = 0
        if isinstance(reply, SteppedReply):
            self._steps = reply.steps
            self._held = reply.held
        elif isinstance(reply, Replies):
            self._begun = b"*%d\r\n" % len(reply.items)
            self._replies = [encode_or_begin(item, resp) for item in reply.items[::-1]]
        else:
            self._take(reply)

    def _take(self, reply: Reply) -> None:
        count = 0
        if isinstance(reply, list) and _is_long_inside(reply):
            self._begun = b"*%d\r\n" % len(reply)
            self._replies = [encode_or_begin(item, self._resp) for item in reply[::-1]]
        elif isinstance(reply, list):
            self._items = reply
            self._begun = b"*%d\r\n" % len(reply)
        elif isinstance(reply, SetReply):
            self._items = reply.items
            self._begun = (b"*%d\r\n" if self._resp == 2 else b"~%d\r\n") % len(reply.items)
        elif isinstance(reply, Pairs):
            count = len(reply.items)
            self._take_both(reply.items, reply.values)
            self._in_pairs = self._resp > 2
            self._begun = b"*%d\r\n" % (count if self._in_pairs else 2 * count)
        elif isinstance(reply, MapReply):
            count = len(reply.keys)
            self._take_both(reply.keys, reply.values)
            self._begun = b"*%d\r\n" % (2 * count) if self._resp == 2 else b"%%%d\r\n" % count
        elif isinstance(reply, PairMap) and _items_in(reply):
            self._take_lists(reply)
        else:
            self._begun = encode(reply, self._resp)
        self._items.reverse()

    def _take_both(self, items: list[Any], values: Sequence[Any]) -> None:
        self._items = items
        self._values = values
        self._values.reverse()

    def _take_lists(self, reply: PairMap) -> None:
        before = b"*2\r\n" if self._resp == 2 else b""
        self._begun = (b"*%d\r\n" if self._resp == 2 else b"%%%d\r\n") % len(reply.items)
        for entry in reply.items[::-1]:
            items: list[Any] = entry[1]
            head = b"%b%b*%d\r\n" % (before, encode(entry[0], self._resp), len(items))
            items.reverse()
            self._later.append((head, items))

    def end_with(self, reply: Reply) -> None:
        """Send this instead: its steps have failed."""
        if self._replies:
            failed = self._replies[-1]
            if isinstance(failed, LongReply):
                failed.end_with(reply)
            return
        self._steps = None
        self._take(reply)

    def giving_up(self) -> Steps[None]:
        """Free what there is of a reply that nobody waits for any more."""
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        self._held.append(self._items)
        for later in self._later:
            self._held.append(later[1])
        if isinstance(self._values, list):
            self._held.append(self._values)
        while free_some(self._held):
            yield 0
        while self._replies:
            each = self._replies.pop()
            if isinstance(each, LongReply):
                yield from each.giving_up()

    @property
    def bytes_left(self) -> int:
        """About how much is still to come, judged by what has been; 0 while nothing has."""
        items = len(self._items) + sum([len(items) for _, items in self._later])
        behind = sum(
            [len(each) if isinstance(each, bytes) else each.bytes_left for each in self._replies]
        )
        return items * self._sent_bytes // (self._sent_items or 1) + behind

    def next_part(self) -> bytes | None:
        """Work for less than a millisecond: return what comes next, empty or not; None at the end.

        Raises:
            Exception: what the steps have raised.
        """
        if self._steps is not None:
            try:
                next(self._steps)
            except StopIteration as end:
                self._steps = None
                self._take(end.value)
            return b""
        if self._held and free_some(self._held):
            return b""
        if self._begun:
            begun, self._begun = self._begun, b""
            return begun
        if self._items:
            return self._encode_some()
        if self._later:
            begun, self._items = self._later.pop()
            return begun
        return self._next_of_replies() if self._replies else None

    def _next_of_replies(self) -> bytes:
        encoded = self._replies[-1]
        if isinstance(encoded, LongReply):
            part = encoded.next_part()
            if part is not None:
                return part
            encoded = b""
        self._replies.pop()
        return encoded

    def _encode_some(self) -> bytes:
        count = self._next_count()
        items = self._items[: -count - 1 : -1]
        del self._items[-count:]
        parts: list[bytes] = []
        if self._values is None:
            encode_items(items, self._resp, parts)
        else:
            values = self._values[: -count - 1 : -1]
            del self._values[-count:]
            if self._in_pairs:
                encode_pairs(items, values, self._resp, parts)
            else:
                encode_items(in_turn(items, values), self._resp, parts)
        encoded = b"".join(parts)
        self._sent_items += len(items)
        self._sent_bytes += len(encoded)
        return encoded

    def _next_count(self) -> int:
        """Return of how many items the next part is: unless it is one, of PART_BYTES or less."""
        count = min(PART_ITEMS, len(self._items))
        while count > 1:
            size = _bytes_of(self._items[-count:])
            if isinstance(self._values, list):
                size += _bytes_of(self._values[-count:])
            if size <= PART_BYTES:
                break
            count //= 2
        return count


def _bytes_of(items: list[Any]) -> int:
    if type(items[0]) is bytes:
        try:
            return sum(map(len, items))
        except TypeError:  # something is missing
            pass
    return sum([_bytes_in(item) for item in items])


def _bytes_in(item: Reply) -> int:
    if isinstance(item, list):
        return _bytes_of(item) if item else 0
    return len(item) if isinstance(item, (bytes, bytearray)) else 0


Encoded = bytes | LongReply


_SINGLE: Final = frozenset((bytes, bytearray, str, int, float, type(None)))


def joined(replies: list[Reply]) -> Reply:
    """Return the reply to a transaction, from those to its commands."""
    return Replies(replies) if any(map(_is_long, replies)) else replies


def encode_or_begin(reply: Reply, resp: int) -> Encoded:
    """Return the bytes of one reply, or what makes them where they are very many."""
    return LongReply(reply, resp) if _is_long(reply) else encode(reply, resp)


def _is_long(reply: Reply) -> bool:
    return type(reply) not in _SINGLE and _items_in(reply) >= LONG_ITEMS


def _is_long_inside(reply: list[Any]) -> bool:
    """Return whether it is a cursor or a key and a long array, as of SCAN, LMPOP and XAUTOCLAIM."""
    return 2 <= len(reply) <= 3 and type(reply[1]) is list and len(reply[1]) >= LONG_ITEMS


def _items_in(reply: Reply) -> int:
    if isinstance(reply, list):
        return LONG_ITEMS if _is_long_inside(reply) else len(reply)
    if isinstance(reply, (SetReply, Pairs)):
        return len(reply.items)
    if isinstance(reply, MapReply):
        return len(reply.keys)
    if isinstance(reply, PairMap):
        return sum([len(items) for _, items in reply.items if isinstance(items, list)])
    return LONG_ITEMS if isinstance(reply, (SteppedReply, Replies)) else 0
