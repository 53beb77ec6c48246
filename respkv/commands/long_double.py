"""The x87 long double that INCRBYFLOAT computes with: 64 bits of mantissa, printed as %.17Lf.

A number is the exact ratio of two integers; each step rounds half to even as the C code does.
"""

import re
from typing import Final

from respkv.errors import IncrementNotFinite, NotAFloat

TEXT_BYTES_MAX: Final = 5_119
MANTISSA_BITS: Final = 64
EXPONENT_MAX: Final = 16_384  # 2 ** 16384 and beyond is infinite
SMALLEST_BITS: Final = 16_445  # 2 ** -16445 is the smallest number above 0
DECIMAL_EXPONENT_MAX: Final = 12_000  # a text of that length with more is infinite or 0

_NUMBER: Final = re.compile(
    rb"([+-]?)(?:0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?[0-9]+))?"
    rb"|([0-9]*)(?:\.([0-9]*))?(?:e([+-]?[0-9]+))?)",
    re.IGNORECASE,
)
_INFINITE: Final = re.compile(rb"[+-]?inf(?:inity)?", re.IGNORECASE)

Ratio = tuple[int, int]


def parse(text: bytes | bytearray) -> Ratio | None:
    """Return the number that a text spells as strtold reads it, None when it is infinite.

    Raises:
        NotAFloat: it spells none, or one that overflows or vanishes.
    """
    if not 0 < len(text) <= TEXT_BYTES_MAX:
        raise NotAFloat
    if _INFINITE.fullmatch(text):
        return None
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise NotAFloat
    sign, hex_digits, hex_fraction, hex_exponent, digits, fraction, exponent = match.groups()
    if hex_digits is not None:
        scale, exponent_base, limit = 16, 2, SMALLEST_BITS + 4 * TEXT_BYTES_MAX
        digits, fraction, exponent = hex_digits, hex_fraction, hex_exponent
    else:
        scale, exponent_base, limit = 10, 10, DECIMAL_EXPONENT_MAX
    fraction = fraction or b""
    if not digits + fraction:
        raise NotAFloat
    numerator = _integer(digits + fraction, scale)
    if numerator == 0:
        return 0, 1
    denominator = scale ** len(fraction)
    power = _integer(exponent, 10) if exponent else 0
    if abs(power) > limit:
        raise NotAFloat
    if power >= 0:
        numerator *= exponent_base**power
    else:
        denominator *= exponent_base**-power
    rounded = _round(numerator, denominator)
    if rounded is None or rounded[0] == 0:
        raise NotAFloat
    return (-rounded[0], rounded[1]) if sign == b"-" else rounded


def add(one: Ratio | None, other: Ratio | None) -> Ratio:
    """Return the rounded sum.

    Raises:
        IncrementNotFinite: it is no finite number.
    """
    if one is None or other is None:
        raise IncrementNotFinite
    numerator = one[0] * other[1] + other[0] * one[1]
    if numerator == 0:
        return 0, 1
    rounded = _round(abs(numerator), one[1] * other[1])
    if rounded is None:
        raise IncrementNotFinite
    return (-rounded[0], rounded[1]) if numerator < 0 else rounded


def render(number: Ratio) -> bytes:
    """Return the number with at most 17 decimals and no trailing zeros."""
    numerator, denominator = number
    scaled = _divide_half_even(abs(numerator) * 10**17, denominator)
    whole, decimals = divmod(scaled, 10**17)
    text = b"%s.%017d" % (_decimal(whole), decimals)
    text = text.rstrip(b"0").rstrip(b".")
    return b"-" + text if numerator < 0 and text != b"0" else text


def _round(numerator: int, denominator: int) -> Ratio | None:
    """Round a positive ratio to a long double; None when it is too large."""
    shift = MANTISSA_BITS - (numerator.bit_length() - denominator.bit_length())
    if (numerator << shift if shift >= 0 else numerator >> -shift) >= denominator << MANTISSA_BITS:
        shift -= 1
    shift = min(shift, SMALLEST_BITS)
    if shift >= 0:
        mantissa = _divide_half_even(numerator << shift, denominator)
        return mantissa, 1 << shift
    mantissa = _divide_half_even(numerator, denominator << -shift)
    whole = mantissa << -shift
    return None if whole >> EXPONENT_MAX else (whole, 1)


def _divide_half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient & 1):
        quotient += 1
    return quotient


def _integer(digits: bytes, base: int) -> int:
    """Return the number that digits spell; Python refuses to read more than 4,300 at once."""
    if len(digits) <= 4_000 or base == 16:
        return int(digits, base)
    return int(digits[:-4_000]) * 10**4_000 + int(digits[-4_000:])


def _decimal(number: int) -> bytes:
    """Return a number's digits; Python refuses to print more than 4,300 at once."""
    if number.bit_length() < 13_000 or number < 10**4_000:
        return b"%d" % number
    high, low = divmod(number, 10**4_000)
    return b"%d%04000d" % (high, low)
