"""bit of scripts: operations on 32-bit integers, as in Lua BitOp."""

from collections.abc import Callable
from functools import reduce
from math import isfinite
from operator import and_, or_, xor
from typing import Any, Final

_MASK: Final = (1 << 32) - 1


def number_of(value: Any) -> int:
    """Return a Lua number's low 32 bits.

    Raises:
        TypeError: it is no number.
    """
    if isinstance(value, bytes):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    return round(value) & _MASK if isfinite(value) else 0


def signed(bits: int) -> int:
    """Return 32 bits as a signed number."""
    bits &= _MASK
    return bits - (1 << 32) if bits >> 31 else bits


def tohex(value: Any, digits: Any = 8) -> bytes:
    """Return the last hexadecimal digits, capitals for a negative number of them."""
    count = signed(number_of(digits))
    width = min(abs(count), 8)
    text = b"%08x" % number_of(value)
    return (text.upper() if count < 0 else text)[8 - width :]


def _fold(operation: Callable[[int, int], int]) -> Callable[..., int]:
    return lambda first, *rest: signed(reduce(operation, map(number_of, rest), number_of(first)))


def _shift(operation: Callable[[int, int], int]) -> Callable[..., int]:
    return lambda value, count: signed(operation(number_of(value), number_of(count) & 31))


FUNCTIONS: Final[dict[bytes, Callable[..., Any]]] = {
    b"tobit": lambda value: signed(number_of(value)),
    b"tohex": tohex,
    b"bnot": lambda value: signed(~number_of(value)),
    b"band": _fold(and_),
    b"bor": _fold(or_),
    b"bxor": _fold(xor),
    b"lshift": _shift(lambda bits, count: bits << count),
    b"rshift": _shift(lambda bits, count: bits >> count),
    b"arshift": _shift(lambda bits, count: signed(bits) >> count),
    b"rol": _shift(lambda bits, count: bits << count | bits >> (32 - count)),
    b"ror": _shift(lambda bits, count: bits >> count | bits << (32 - count)),
    b"bswap": lambda value: signed(int.from_bytes(number_of(value).to_bytes(4, "little"), "big")),
}
