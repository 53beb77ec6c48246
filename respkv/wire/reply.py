"""Reply values and their bytes in RESP2 and RESP3.

value                     RESP2              RESP3
str                       simple string      simple string
bytes, bytearray          bulk string        bulk string
int                       integer            integer
float                     bulk string        double
DoubleText                bulk string        double
bool                      integer 1 or 0     boolean
None                      null bulk          null
NULL_ARRAY                null array         null
list, tuple               array              array
dict, MapReply            flat array         map
SetReply                  array              set
Pairs                     flat array         array of arrays of two
PairMap                   array of arrays    map
Verbatim                  bulk string        verbatim string
BigNumber                 bulk string        big number
Push                      array              push
Several                   one after another  one after another
CommandError              error              error
SteppedReply              what its steps return
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

from respkv.errors import CommandError
from respkv.steps import Steps, finish

# Recursive, and mypyc wants it plain: the table above says what may stand here.
Reply = Any

OK: Final = "OK"
OK_RESP: Final = b"+OK\r\n"
NULL_RESP2: Final = b"$-1\r\n"
NULL_RESP3: Final = b"_\r\n"


class NullArray:
    """A missing array: EXEC that a watched key stopped, a blocking pop that timed out."""


NULL_ARRAY: Final = NullArray()


class DoubleText:
    """A double that its command prints itself: coordinates have all their decimals."""

    def __init__(self, text: bytes) -> None:
        self.text = text


class SetReply:
    """An unordered collection without duplicates."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class Pairs:
    """Elements with a value each, in their order, side by side: RESP2 has one after the other."""

    def __init__(self, items: list[Any], values: Sequence[Any]) -> None:
        self.items = items
        self.values = values


class MapReply:
    """Distinct keys with a value each, in their order, side by side."""

    def __init__(self, keys: list[Any], values: list[Any]) -> None:
        self.keys = keys
        self.values = values


class PairMap:
    """Keys with a value each, where RESP2 has arrays of two; a key may come twice (XREAD)."""

    def __init__(self, items: list[tuple[Any, Any]]) -> None:
        self.items = items


class SteppedReply:
    """A reply that takes long to make; what it is made of was copied, so it is of one moment.

    `held` are the longest lists that its steps work on, which they may add to, but not what they
    return: they are freed in steps as well, also when these fail or nobody waits for them any more.
    `looks_up`: the steps look at other keys as well, as they are then.
    """

    def __init__(self, steps: Steps[Any], held: list[list[Any]], looks_up: bool = False) -> None:
        self.steps = steps
        self.held = held
        self.looks_up = looks_up

    def finish(self) -> Reply:
        """Take all steps at once."""
        try:
            return finish(self.steps)
        except CommandError as error:
            return error.with_traceback(None)


LARGE_BYTES: Final = 4 << 20  # encoding so much takes a few milliseconds


def stepped_if_large(reply: Reply, size: int) -> Reply:
    """Return a reply of `size` bytes, as one that is encoded a part at a time if that takes long."""
    return SteppedReply(_whole(reply), []) if size >= LARGE_BYTES else reply


def _whole(reply: Reply) -> Steps[Reply]:
    yield 0
    return reply


class Replies:
    """To the commands of one transaction, very long ones among them."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class Verbatim:
    """Text with its format, three letters: `txt` or `mkd`."""

    def __init__(self, text: bytes, text_format: bytes = b"txt") -> None:
        self.text = text
        self.text_format = text_format


class BigNumber:
    """An integer of any length, as text."""

    def __init__(self, text: bytes) -> None:
        self.text = text


class Push:
    """Out-of-band data: messages of subscribed channels, invalidations."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class Several:
    """Replies to one command: SUBSCRIBE confirms each channel."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items


CRLF: Final = b"\r\n"
# Headers of short bulk strings are looked up: formatting one costs three times as much.
SHORT_BULK_BYTES: Final = 1025
BULK_HEADERS: Final = [b"$%d\r\n" % length for length in range(SHORT_BULK_BYTES)]
SMALL_INTEGERS: Final = 1025
INTEGERS: Final = [b":%d\r\n" % number for number in range(SMALL_INTEGERS)]
ALIKE_ITEMS_MIN: Final = 8  # fewer are written one by one


def bulk(value: bytes) -> bytes:
    """Return a bulk string."""
    length = len(value)
    header = BULK_HEADERS[length] if length < SHORT_BULK_BYTES else b"$%d\r\n" % length
    return b"%b%b\r\n" % (header, value)


def format_double(number: float) -> bytes:
    """Return a double as Redis 7.0 prints it (%.17g)."""
    if isfinite(number):
        return b"%.17g" % number
    if number != number:
        return b"nan"
    return b"inf" if number > 0 else b"-inf"


def _double(text: bytes, resp: int) -> bytes:
    return bulk(text) if resp == 2 else b",%b\r\n" % text


_CHANGED: Final = frozenset((bytearray, list))  # in place, or with items that are


def frozen(reply: Reply) -> Reply:
    """Return a reply that later commands do not change: values may be changed in place."""
    if isinstance(reply, SteppedReply):
        return reply.finish() if reply.looks_up else reply
    if isinstance(reply, bytearray):
        return bytes(reply)
    if isinstance(reply, list) and not _CHANGED.isdisjoint(map(type, reply)):
        return [frozen(item) for item in reply]
    return reply


def encode(reply: Reply, resp: int) -> bytes:
    """Return the bytes of one reply in protocol version `resp` (2 or 3)."""
    if type(reply) is bytes:
        return bulk(reply)
    if reply is None:
        return NULL_RESP2 if resp == 2 else NULL_RESP3
    if type(reply) is str:
        return OK_RESP if reply is OK else b"+%b\r\n" % reply.encode()
    if type(reply) is int:
        return INTEGERS[reply] if 0 <= reply < SMALL_INTEGERS else b":%d\r\n" % reply
    parts: list[bytes] = []
    _encode_into(reply, resp, parts)
    return b"".join(parts)


def _encode_into(reply: Reply, resp: int, parts: list[bytes]) -> None:
    if isinstance(reply, (list, tuple)):
        parts.append(b"*%d\r\n" % len(reply))
        encode_items(reply, resp, parts)
    elif isinstance(reply, float):
        parts.append(_double(format_double(reply), resp))
    elif isinstance(reply, Pairs):
        if resp == 2:
            parts.append(b"*%d\r\n" % (2 * len(reply.items)))
            encode_items(in_turn(reply.items, reply.values), resp, parts)
        else:
            parts.append(b"*%d\r\n" % len(reply.items))
            encode_pairs(reply.items, reply.values, resp, parts)
    elif isinstance(reply, CommandError):
        parts.append(b"-%b\r\n" % reply.text.replace(b"\r", b" ").replace(b"\n", b" "))
    elif isinstance(reply, bytearray):
        parts.append(bulk(bytes(reply)))
    elif isinstance(reply, dict):
        parts.append(b"*%d\r\n" % (2 * len(reply)) if resp == 2 else b"%%%d\r\n" % len(reply))
        for entry in reply.items():
            encode_items(entry, resp, parts)
    elif isinstance(reply, MapReply):
        count = len(reply.keys)
        parts.append(b"*%d\r\n" % (2 * count) if resp == 2 else b"%%%d\r\n" % count)
        encode_items(in_turn(reply.keys, reply.values), resp, parts)
    elif isinstance(reply, bool):
        if resp == 2:
            parts.append(b":1\r\n" if reply else b":0\r\n")
        else:
            parts.append(b"#t\r\n" if reply else b"#f\r\n")
    elif isinstance(reply, DoubleText):
        parts.append(_double(reply.text, resp))
    elif isinstance(reply, NullArray):
        parts.append(b"*-1\r\n" if resp == 2 else NULL_RESP3)
    elif isinstance(reply, SetReply):
        parts.append((b"*%d\r\n" if resp == 2 else b"~%d\r\n") % len(reply.items))
        encode_items(reply.items, resp, parts)
    elif isinstance(reply, PairMap):
        if resp == 2:
            _encode_into(reply.items, resp, parts)
        else:
            parts.append(b"%%%d\r\n" % len(reply.items))
            for one, other in reply.items:
                _encode_into(one, resp, parts)
                _encode_into(other, resp, parts)
    elif isinstance(reply, Verbatim):
        if resp == 2:
            parts.append(bulk(reply.text))
        else:
            text = b"%b:%b" % (reply.text_format, reply.text)
            parts.append(b"=%d\r\n%b\r\n" % (len(text), text))
    elif isinstance(reply, BigNumber):
        parts.append(bulk(reply.text) if resp == 2 else b"(%b\r\n" % reply.text)
    elif isinstance(reply, Push):
        parts.append((b"*%d\r\n" if resp == 2 else b">%d\r\n") % len(reply.items))
        encode_items(reply.items, resp, parts)
    elif isinstance(reply, Several):
        encode_items(reply.items, resp, parts)
    elif isinstance(reply, SteppedReply):
        parts.append(encode(reply.finish(), resp))
    else:
        parts.append(encode(reply, resp))


def in_turn(items: list[Any], values: Sequence[Any]) -> list[Any]:
    """Return each item with its value behind it."""
    both: list[Any] = [None] * (2 * len(items))
    both[::2] = items
    both[1::2] = values
    return both


def encode_pairs(items: list[Any], values: Sequence[Any], resp: int, parts: list[bytes]) -> None:
    """Append arrays of an item and its value."""
    for pair in zip(items, values, strict=True):
        parts.append(b"*2\r\n")
        encode_items(pair, resp, parts)


def encode_items(items: list[Any] | tuple[Any, ...], resp: int, parts: list[bytes]) -> None:
    """Append the items of an array, without its head."""
    # Nearly all are byte strings: written here, LRANGE of 100 takes 6 us instead of 69.
    if (
        len(items) >= ALIKE_ITEMS_MIN
        and type(items) is list
        and type(items[0]) is bytes
        and type(items[-1]) is bytes
        and len(items[0]) == len(items[-1])
        and _join_alike(items, parts)
    ):
        return
    for item in items:
        if type(item) is bytes:
            length = len(item)
            parts.append(BULK_HEADERS[length] if length < SHORT_BULK_BYTES else b"$%d\r\n" % length)
            parts.append(item)
            parts.append(CRLF)
        elif type(item) is float:
            parts.append(_double(format_double(item), resp))
        else:
            _encode_into(item, resp, parts)


def _join_alike(items: list[Any], parts: list[bytes]) -> bool:
    """Append byte strings of one length in one go, where it is worth it and all are that."""
    try:
        if len(set(map(len, items))) > 1:
            return False
        head = b"\r\n$%d\r\n" % len(items[0])
        parts += (head[2:], head.join(items), CRLF)
    except TypeError:  # something else is among them
        return False
    return True
