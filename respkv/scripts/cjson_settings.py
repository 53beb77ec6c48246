"""What scripts may change about cjson, as in Redis; a change ends with its script here.

In Redis it lasts for all scripts after it. They would differ between replicas: each has run others.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

INT_MAX: Final = (1 << 31) - 1
PRECISION_MAX: Final = 14
DEPTH_MAX: Final = 4_000  # whatever is set: about what Redis' stack has room for
OFF_ON: Final = (b"off", b"on")
OFF_ON_NULL: Final = (b"off", b"on", b"null")


class WrongArgument(Exception):
    """What is wrong with an argument, by its place from 1; `value` if its type is."""

    def __init__(self, place: int, text: bytes, value: object = None) -> None:
        super().__init__(text)
        self.place = place
        self.text = text
        self.value = value


class Settings:
    """The settings of one cjson; its methods change what is not None, and return what holds."""

    def __init__(self) -> None:
        self.reset()

    def reset(self, are_fixed: bool = False) -> None:
        """As for a new script; `are_fixed`: nothing may be changed, as by semantics 2."""
        self.are_fixed = are_fixed
        self.sparse_is_object = False
        self.sparse_ratio = 2
        self.sparse_safe = 10
        self.encode_depth = self.decode_depth = 1_000
        self.precision = PRECISION_MAX
        self.keeps_buffer = True  # which nobody can see here
        self.writes_invalid = 0  # of OFF_ON_NULL
        self.reads_invalid = True

    def sparse_array(self, convert: Any = None, ratio: Any = None, safe: Any = None) -> Any:
        """Which arrays with holes are written as objects, or refused."""
        self.sparse_is_object = _choice(convert, int(self.sparse_is_object), OFF_ON) == 1
        self.sparse_ratio = _integer(ratio, self.sparse_ratio, 0, INT_MAX, place=2)
        self.sparse_safe = _integer(safe, self.sparse_safe, 0, INT_MAX, place=3)
        return self.sparse_is_object, self.sparse_ratio, self.sparse_safe

    def set_encode_depth(self, value: Any = None) -> Any:
        """How deep tables may be nested."""
        self.encode_depth = _integer(value, self.encode_depth, 1, INT_MAX)
        return (self.encode_depth,)

    def set_decode_depth(self, value: Any = None) -> Any:
        """How deep arrays and objects may be nested."""
        self.decode_depth = _integer(value, self.decode_depth, 1, INT_MAX)
        return (self.decode_depth,)

    def set_precision(self, value: Any = None) -> Any:
        """How many digits numbers are written with."""
        self.precision = _integer(value, self.precision, 1, PRECISION_MAX)
        return (self.precision,)

    def keep_buffer(self, value: Any = None) -> Any:
        """Whether memory is kept for the next text."""
        self.keeps_buffer = _choice(value, int(self.keeps_buffer), OFF_ON) == 1
        return (self.keeps_buffer,)

    def write_invalid(self, value: Any = None) -> Any:
        """Whether infinities and NaN are written, as null if that is chosen."""
        self.writes_invalid = _choice(value, self.writes_invalid, OFF_ON_NULL)
        return (b"null" if self.writes_invalid == 2 else self.writes_invalid == 1,)

    def read_invalid(self, value: Any = None) -> Any:
        """Whether numbers are read that JSON does not have."""
        self.reads_invalid = _choice(value, int(self.reads_invalid), OFF_ON) == 1
        return (self.reads_invalid,)


def functions_of(settings: Settings, kind: Any) -> dict[bytes, Callable[..., tuple[object, ...]]]:
    """Return cjson's functions for its settings, by name; `kind` is lupa's `lua_type`."""
    functions = (
        (b"encode_sparse_array", 3, settings.sparse_array),
        (b"encode_max_depth", 1, settings.set_encode_depth),
        (b"decode_max_depth", 1, settings.set_decode_depth),
        (b"encode_number_precision", 1, settings.set_precision),
        (b"encode_keep_buffer", 1, settings.keep_buffer),
        (b"encode_invalid_numbers", 1, settings.write_invalid),
        (b"decode_invalid_numbers", 1, settings.read_invalid),
    )
    return {name: _checked(settings, name, places, call, kind) for name, places, call in functions}


def _checked(
    settings: Settings, name: bytes, places: int, function: Callable[..., Any], kind: Any
) -> Callable[..., tuple[object, ...]]:
    def call(*values: Any) -> tuple[object, ...]:
        try:
            if len(values) > places:
                raise WrongArgument(places + 1, b"found too many arguments")
            if settings.are_fixed and values and values != function():
                return False, b"cjson's settings cannot be changed here"
            return True, *function(*values)
        except WrongArgument as error:
            text = error.text
            if error.value is not None:
                text += b", got %b" % _kind_name(error.value, kind)
            return False, b"bad argument #%d to '%b' (%b)" % (error.place, name, text)

    return call


def _kind_name(value: object, kind: Any) -> bytes:
    if isinstance(value, bool):
        return b"boolean"
    return b"string" if isinstance(value, bytes) else str(kind(value)).encode()


def _choice(value: Any, now: int, options: tuple[bytes, ...]) -> int:
    if value is None:
        return now
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        value = b"%.14g" % value
    if not isinstance(value, bytes):
        raise WrongArgument(1, b"string expected", value)
    if value not in options:
        raise WrongArgument(1, b"invalid option '%b'" % value)
    return options.index(value)


def _integer(value: Any, now: int, least: int, most: int, place: int = 1) -> int:
    if value is None:
        return now
    number = _number_in(value) if isinstance(value, bytes) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise WrongArgument(place, b"number expected", value)
    whole = int(number) if isfinite(number) and abs(number) < 1 << 63 else 0
    whole = (whole + (1 << 31) & INT_MAX * 2 + 1) - (1 << 31)  # as a C int takes it
    if not least <= whole <= most:  # the place is 1, whichever it is
        raise WrongArgument(1, b"expected integer between %d and %d" % (least, most))
    return whole


def _number_in(text: bytes) -> float | None:
    """Return the number that Lua reads in a string."""
    try:
        if b"x" in text.lower():
            return int(text, 16)
        return None if b"_" in text else float(text)
    except ValueError:
        return None
