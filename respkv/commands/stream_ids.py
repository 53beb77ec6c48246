"""How ids of stream entries are read and written: "ms-sequence", two unsigned 64-bit numbers."""

from typing import Final

from respkv.commands.arguments import int64_or_none
from respkv.errors import CommandError, InvalidStreamId, WrongType
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.stream import MAX_ID, Stream
from respkv.keyspace.stream_node import SEQUENCE_MASK

ID_BYTES_MAX: Final = 127
_C_SPACES: Final = b" \t\n\v\f\r"


def parse_id(text: bytes) -> int:
    """Return an id; a missing sequence is 0.

    Raises:
        InvalidStreamId: it is not one.
    """
    return _parse(text, 0)


def parse_any_id(text: bytes, missing_sequence: int = 0) -> int:
    """Return an id as `parse_id` does, or what "-" and "+" stand for: the smallest, the largest."""
    if text == b"-":
        return 0
    return MAX_ID if text == b"+" else _parse(text, missing_sequence)


def parse_new_id(text: bytes) -> tuple[int, bool]:
    """Return an id, and whether its sequence was given; in "ms-*" it was not."""
    if text[-2:] == b"-*" and len(text) <= ID_BYTES_MAX:
        return _parse(text[:-2] + b"-0", 0), False
    return _parse(text, 0), True


def parse_start(text: bytes) -> int:
    """Return the first id of an interval that begins at `text`, or after it: "(text"."""
    if len(text) > 1 and text[0] == 40:
        start = _parse(text[1:], 0)
        if start == MAX_ID:
            raise CommandError(b"ERR invalid start ID for the interval")
        return start + 1
    return parse_any_id(text)


def parse_end(text: bytes) -> int:
    """Return the last id of an interval that ends at `text`, or before it: "(text"."""
    if len(text) > 1 and text[0] == 40:
        end = _parse(text[1:], SEQUENCE_MASK)
        if end == 0:
            raise CommandError(b"ERR invalid end ID for the interval")
        return end - 1
    return parse_any_id(text, SEQUENCE_MASK)


def show_id(entry_id: int) -> bytes:
    """Return an id as clients see it."""
    return b"%d-%d" % (entry_id >> 64, entry_id & SEQUENCE_MASK)


def lookup_stream(keyspace: Keyspace, key: bytes) -> Stream | None:
    """Return the stream at `key`, None when there is none.

    Raises:
        WrongType: the key holds another type.
    """
    value = keyspace.lookup(key)
    if value is None or isinstance(value, Stream):
        return value
    raise WrongType


def _parse(text: bytes, missing_sequence: int) -> int:
    if len(text) > ID_BYTES_MAX:
        raise InvalidStreamId
    ms, dash, sequence = text.partition(b"\0")[0].partition(b"-")
    return (_parse_u64(ms) << 64) | (_parse_u64(sequence) if dash else missing_sequence)


def _parse_u64(text: bytes) -> int:
    """Return the number as C's strtoull reads it, once it is no negative int64."""
    digits, negative = text, False
    if not text.isdigit():
        number = int64_or_none(text)
        digits = text.lstrip(_C_SPACES)
        negative = digits[:1] == b"-"
        if digits[:1] in (b"-", b"+"):
            digits = digits[1:]
        if not digits.isdigit() or (number is not None and number < 0):
            raise InvalidStreamId
    value = int(digits)
    if value > SEQUENCE_MASK:
        raise InvalidStreamId
    return -value & SEQUENCE_MASK if negative else value
