"""Arguments as Redis reads them: strict integers, floats, expiry times, glob patterns."""

import re
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Final

from respkv.errors import CommandError, InvalidExpireTime, NotAFloat, NotAnInteger

INT64_MIN: Final = -(1 << 63)
INT64_MAX: Final = (1 << 63) - 1


def parse_int64(text: bytes | bytearray) -> int:
    """Return a strict 64-bit decimal: no blanks, no "+", no leading zero, no underscore.

    Raises:
        NotAnInteger: it is not one.
    """
    digits = text[1:] if text[:1] == b"-" else text
    if not digits.isdigit() or (digits[0] == 0x30 and len(text) > 1) or len(digits) > 19:
        raise NotAnInteger()
    number = int(text)
    if number < INT64_MIN or number > INT64_MAX:
        raise NotAnInteger()
    return number


def is_int64(text: bytes | bytearray) -> bool:
    """Return whether Redis would store this string as an integer."""
    try:
        parse_int64(text)
    except CommandError:
        return False
    return True


_FLOAT = re.compile(
    rb"[+-]?(?:inf(?:inity)?|0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)", re.IGNORECASE
)


def parse_long_double(text: bytes | bytearray) -> Decimal:
    """Return the number an INCRBYFLOAT argument or value spells.

    Raises:
        NotAFloat: it is not one, or its exponent is beyond a long double.
    """
    if len(text) > 256 or not _FLOAT.fullmatch(text):
        raise NotAFloat()
    try:
        if text.lower().lstrip(b"+-").startswith(b"0x"):
            return Decimal(int(text, 16))
        number = Decimal(text.decode())
    except (InvalidOperation, ValueError):
        raise NotAFloat() from None
    if number.is_finite() and number and number.adjusted() > 4931:
        raise NotAFloat()
    return number


def add_long_doubles(one: Decimal, other: Decimal) -> Decimal:
    """Return the sum, rounded as an 80-bit long double's 64-bit mantissa would hold it."""
    with localcontext() as context:
        context.prec = 40
        return _to_long_double(_to_long_double(one) + _to_long_double(other))


def _to_long_double(number: Decimal) -> Decimal:
    """Round to 64 binary digits, half to even."""
    if not number.is_finite() or not number:
        return number
    numerator, denominator = number.as_integer_ratio()
    sign = -1 if numerator < 0 else 1
    numerator = abs(numerator)
    shift = 64 - (numerator.bit_length() - denominator.bit_length())
    while True:
        scaled = (numerator << shift) if shift >= 0 else numerator
        divisor = denominator if shift >= 0 else denominator << -shift
        mantissa, rest = divmod(scaled, divisor)
        if mantissa.bit_length() <= 64:
            break
        shift -= 1
    if 2 * rest > divisor or (2 * rest == divisor and mantissa & 1):
        mantissa += 1
    with localcontext() as context:
        context.prec = 5000 if abs(shift) > 200 else 200
        value = Decimal(sign * mantissa)
        return value / (Decimal(2) ** shift) if shift >= 0 else value * Decimal(2) ** -shift


def format_long_double(number: Decimal) -> bytes:
    """Return a number as Redis' LD_STR_HUMAN: 17 decimals, trailing zeros cut."""
    with localcontext() as context:
        context.prec = 5000
        text = f"{number:.17f}".rstrip("0").rstrip(".")
    return b"0" if text in ("-0", "") else text.encode()


def parse_deadline(text: bytes, now_ms: int, unit_ms: int, absolute: bool, command: bytes) -> int:
    """Return a positive deadline in Unix milliseconds from an EX, PX, EXAT or PXAT argument.

    Raises:
        NotAnInteger, InvalidExpireTime: it is not a number, or not a time to come to.
    """
    number = parse_int64(text)
    if number <= 0:
        raise InvalidExpireTime(command)
    deadline_ms = number * unit_ms + (0 if absolute else now_ms)
    if number * unit_ms > INT64_MAX or deadline_ms > INT64_MAX:
        raise InvalidExpireTime(command)
    return deadline_ms


@lru_cache(maxsize=1024)
def glob(pattern: bytes) -> "re.Pattern[bytes]":
    """Return a pattern that matches as Redis' stringmatchlen does, to be used with `fullmatch`."""
    parts: list[bytes] = []
    at = 0
    end = len(pattern)
    while at < end:
        byte = pattern[at : at + 1]
        if byte == b"*":
            while pattern[at + 1 : at + 2] == b"*":
                at += 1
            # Atomic: what a lazy star has skipped is never tried again, so no pattern explodes.
            parts.append(b"*")
        elif byte == b"?":
            parts.append(b".")
        elif byte == b"[":
            at, members = _bracket(pattern, at + 1)
            parts.append(members)
            continue
        else:
            if byte == b"\\" and at + 1 < end:
                at += 1
            parts.append(re.escape(pattern[at : at + 1]))
        at += 1
    return re.compile(_join_stars(parts), re.DOTALL)


def _join_stars(parts: list[bytes]) -> bytes:
    """Turn `a*b*c` into `a(?>.*?b).*c`: each part but the last settles at its first match."""
    pieces: list[list[bytes]] = [[]]
    for part in parts:
        if part == b"*":
            pieces.append([])
        else:
            pieces[-1].append(part)
    joined = [b"".join(piece) for piece in pieces]
    if len(joined) == 1:
        return joined[0]
    middle = b"".join(b"(?>.*?" + piece + b")" for piece in joined[1:-1])
    return joined[0] + middle + b".*" + joined[-1]


def _bracket(pattern: bytes, at: int) -> tuple[int, bytes]:
    """Return the position after a [...] and the class it means; an open one ends with the text."""
    negated = pattern[at : at + 1] == b"^"
    if negated:
        at += 1
    members: set[int] = set()
    end = len(pattern)
    while at < end and pattern[at] != 0x5D:  # "]"
        if pattern[at] == 0x5C and at + 1 < end:
            members.add(pattern[at + 1])
            at += 2
        elif at + 2 < end and pattern[at + 1] == 0x2D:  # "-"
            low, high = sorted((pattern[at], pattern[at + 2]))
            members.update(range(low, high + 1))
            at += 3
        else:
            members.add(pattern[at])
            at += 1
    at += 1
    if not members:
        return at, b"." if negated else b"(?!)"
    listed = b"".join(b"\\x%02x" % member for member in sorted(members))
    return at, b"[" + (b"^" if negated else b"") + listed + b"]"
