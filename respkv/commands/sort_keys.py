"""What SORT compares, and finds by patterns."""

from collections.abc import Sequence
from typing import Final

from respkv.commands.scores import in_range
from respkv.errors import CommandError, WrongType
from respkv.keyspace.hash import Hash
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.limits import DEFAULT_LIMITS
from respkv.keyspace.list import List
from respkv.keyspace.set import Set
from respkv.keyspace.values import Container
from respkv.keyspace.zset import ZSet

_PLAIN: Final = b"0123456789.-"  # of these float() makes what strtod does
_NORMAL_MIN: Final = 2.2250738585072014e-308  # what is nearer to 0 is an underflow to strtod
_PLAIN_BYTES_MAX: Final = 300  # longer numbers may overflow or vanish


class Options:
    """What follows the key."""

    def __init__(self) -> None:
        self.descending = False
        self.alpha = False
        self.offset: int = 0
        self.count: int = -1
        self.by: bytes | None = None
        self.sorts = True  # no BY is without a star
        self.gets: list[bytes] = []
        self.store: bytes | None = None


def elements_of(keyspace: Keyspace, value: object, options: Options) -> list[bytes]:
    """Return the elements in their own order: backwards where SORT leaves it as promised, and DESC.

    Raises:
        WrongType: `value` has none.
    """
    if value is None:
        return []
    if isinstance(value, Set):
        return value.in_order(keyspace.limits if options.store is None else DEFAULT_LIMITS)
    if isinstance(value, List):
        elements = list(value.items)
    elif isinstance(value, ZSet):
        elements = value.order.members(0, len(value))
    else:
        raise WrongType
    if options.descending and not options.sorts:
        elements.reverse()
    return elements


def limits(options: Options, size: int) -> tuple[int, int]:
    """Return the range of the sorted elements that is asked for."""
    first = min(max(options.offset, 0), size)
    return first, size if options.count < 0 else min(first + options.count, size)


def numbers(texts: Sequence[bytes | None]) -> list[float]:
    """Return the numbers that strtod reads; what is missing is 0.

    Raises:
        CommandError: one of the texts is no number.
    """
    known = [b"0" if text is None else text for text in texts]
    longest = max(map(len, known), default=0)
    if longest < _PLAIN_BYTES_MAX and not b"".join(known).translate(None, _PLAIN):
        try:
            return list(map(float, known))
        except ValueError:
            pass  # an empty one, or "1-2"
    return list(map(_number, known))


def _number(text: bytes) -> float:
    text = as_c(text)
    number = in_range(text) if text else 0.0
    if number is None or 0.0 < abs(number) < _NORMAL_MIN:
        raise CommandError(b"ERR One or more scores can't be converted into double")
    return number


def text_keys(texts: Sequence[bytes | None], whole: bool) -> list[bytes]:
    """Return what compares as C's functions do, up to a zero byte unless `whole`.

    What is missing comes first.
    """
    return [
        b"" if text is None else b"\1" + (text if whole or b"\0" not in text else as_c(text))
        for text in texts
    ]


class Pattern:
    """What BY or GET asks for of each element: itself (#), a key, or key->field of a hash."""

    def __init__(self, text: bytes) -> None:
        shown = as_c(text)
        star = shown.find(b"*")
        arrow = shown.find(b"->", star + 1)
        if len(shown) == arrow + 2:
            arrow = -1  # a field has a name
        self.is_element: bool = shown == b"#"
        self.is_fixed: bool = star < 0
        self.before: bytes = text[:star]
        self.behind: bytes = text[star + 1 :] if arrow < 0 else text[star + 1 : arrow]
        self.field: bytes | None = None if arrow < 0 else text[arrow + 2 :]

    def key_of(self, element: bytes) -> bytes:
        """Return the key that `look_up` goes to; see `is_element` and `is_fixed`."""
        return self.before + element + self.behind

    def look_up(self, keyspace: Keyspace, element: bytes) -> bytes | None:
        """Return what is found for `element`; a fixed key never is, as in Redis."""
        if self.is_element:
            return element
        if self.is_fixed:
            return None
        value = keyspace.lookup(self.before + element + self.behind)
        if self.field is not None:
            return value.get(self.field) if isinstance(value, Hash) else None
        return None if value is None or isinstance(value, Container) else bytes(value)


def as_c(text: bytes) -> bytes:
    """Return a text as C's functions see it: up to a zero byte."""
    return text.partition(b"\0")[0]
