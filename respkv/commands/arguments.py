"""How arguments are read: exactly what Redis accepts, nothing Python would add to it."""

from typing import Final

from respkv.errors import CommandError, NotAnInteger, WrongType
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.values import Container, Text

INT64_MIN: Final = -(1 << 63)
INT64_MAX: Final = (1 << 63) - 1
INT32_MIN: Final = -(1 << 31)
INT32_MAX: Final = (1 << 31) - 1


def parse_int64(text: bytes) -> int:
    """Return the number: strict decimal, 64-bit signed, no sign but "-", no leading zero.

    Raises:
        NotAnInteger: it is not one.
    """
    number = int64_or_none(text)
    if number is None:
        raise NotAnInteger
    return number


def int64_or_none(text: bytes | bytearray) -> int | None:
    """Return the number as `parse_int64` reads it, None when it is not one."""
    if text.isdigit() and len(text) < 19 and text[0] != 0x30:  # most are: saves 0.1 us
        return int(text)
    if not text or len(text) > 20:
        return None
    try:
        number = int(text)
    except ValueError:
        return None
    if b"%d" % number != text or not INT64_MIN <= number <= INT64_MAX:
        return None
    return number


def parse_range(text: bytes, low: int, high: int) -> int:
    """Return a number in [low, high] (getRangeLongFromObjectOrReply).

    Raises:
        NotAnInteger: it is not an integer.
        CommandError: it is outside the range.
    """
    number = parse_int64(text)
    if not low <= number <= high:
        raise CommandError(b"ERR value is out of range, value must between %d and %d" % (low, high))
    return number


def parse_natural(
    text: bytes, error: bytes = b"ERR value is out of range, must be positive"
) -> int:
    """Return a number that is not negative (getPositiveLongFromObjectOrReply).

    Raises:
        CommandError: it is not one; `error` is the text.
    """
    number = int64_or_none(text)
    if number is None or number < 0:
        raise CommandError(error)
    return number


def parse_positive(text: bytes, name: bytes) -> int:
    """Return a number above 0; the error says so of `name` (getRangeLongFromObjectOrReply).

    Raises:
        CommandError: it is not one.
    """
    number = int64_or_none(text)
    if number is None or number < 1:
        raise CommandError(b"ERR %b should be greater than 0" % name)
    return number


def wrapped_int64(number: int) -> int:
    """Return what is left of a number in a signed integer of 64 bits."""
    return ((number + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def lookup_string(keyspace: Keyspace, key: bytes) -> Text | None:
    """Return the string at `key`, None when there is none.

    Raises:
        WrongType: the key holds another type.
    """
    value = keyspace.lookup(key)
    if isinstance(value, Container):
        raise WrongType
    return value
