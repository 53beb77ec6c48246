"""Replies of very many items, encoded a part at a time: the node serves others between the parts.

A million items take 0.3 s and more to encode, so none of it may be done in one go.
"""

from collections.abc import Sequence
from typing import Any, Final

from respkv.steps import Steps
from respkv.wire.reply import (
    MapReply,
    Pairs,
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
        self._items: list[Any] = []  # the last one first: what was sent is freed on the way
        self._values: Any = None  # one for each item, unless None
        self._in_pairs = False  # each item and its value are an array
        self._begun = b""  # the head, or all of what is short
        self._sent_items = 0
        self._sent_bytes = 0
        if isinstance(reply, SteppedReply):
            self._steps = reply.steps
        else:
            self._take(reply)

    def _take(self, reply: Reply) -> None:
        count = 0
        if isinstance(reply, list):
            self._items = reply
            self._begun = b"*%d\r\n" % len(reply)
        elif isinstance(reply, SetReply):
            self._items = reply.items
            self._begun = (b"*%d\r\n" if self._resp == 2 else b"~%d\r\n") % len(reply.items)
        elif isinstance(reply, Pairs):
            count = len(reply.items)
            self._hold(reply.items, reply.values)
            self._in_pairs = self._resp > 2
            self._begun = b"*%d\r\n" % (count if self._in_pairs else 2 * count)
        elif isinstance(reply, MapReply):
            count = len(reply.keys)
            self._hold(reply.keys, reply.values)
            self._begun = b"*%d\r\n" % (2 * count) if self._resp == 2 else b"%%%d\r\n" % count
        else:
            self._begun = encode(reply, self._resp)
        self._items.reverse()

    def _hold(self, items: list[Any], values: Sequence[Any]) -> None:
        self._items = items
        self._values = values
        self._values.reverse()

    def end_with(self, reply: Reply) -> None:
        """Send this instead: its steps have failed."""
        self._steps = None
        self._take(reply)

    @property
    def bytes_left(self) -> int:
        """About how much is still to come, judged by what has been; 0 while nothing has."""
        return len(self._items) * self._sent_bytes // (self._sent_items or 1)

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
        if self._begun:
            begun, self._begun = self._begun, b""
            return begun
        return self._encode_some() if self._items else None

    def _encode_some(self) -> bytes:
        count = PART_ITEMS
        if self._sent_bytes:
            mean = self._sent_bytes // self._sent_items
            count = min(PART_ITEMS, max(1, PART_BYTES // (mean or 1)))
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


Encoded = bytes | LongReply


_SINGLE: Final = frozenset((bytes, bytearray, str, int, float, type(None)))


def encode_or_begin(reply: Reply, resp: int) -> Encoded:
    """Return the bytes of one reply, or what makes them where they are very many."""
    if type(reply) in _SINGLE or _items_in(reply) < LONG_ITEMS:
        return encode(reply, resp)
    return LongReply(reply, resp)


def _items_in(reply: Reply) -> int:
    if isinstance(reply, list):
        return len(reply)
    if isinstance(reply, (SetReply, Pairs)):
        return len(reply.items)
    if isinstance(reply, MapReply):
        return len(reply.keys)
    return LONG_ITEMS if isinstance(reply, SteppedReply) else 0
