"""Scores as C's strtod reads them, and the ranges of scores, texts and ranks that ZRANGE knows."""

import re
from math import inf, isinf, isnan
from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.errors import CommandError, NotAFloat
from respkv.keyspace.zset import ZSet

_HEX: Final = re.compile(
    rb"[ \t-\r]*[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?", re.IGNORECASE
)
_ZERO: Final = re.compile(rb"[+-]?(?:0x)?[0.]+(?:[ep].*)?", re.IGNORECASE)
DIGITS_MAX: Final = 300  # with fewer, no whole number overflows
SPACE: Final = 32  # no character that float() strips is beyond it


def parse_score(text: bytes) -> float:
    """Return a score as Redis' string2d reads it.

    Raises:
        NotAFloat: it is none, not a number (NaN), or one that overflows or vanishes.
    """
    if text.isdigit() and len(text) < DIGITS_MAX:  # most are: 0.3 us of 0.5 saved
        return float(text)
    number = in_range(text) if text and text[0] > SPACE else None
    if number is None:
        raise NotAFloat
    return number


def parse_scores(texts: list[bytes]) -> list[float]:
    """Return what `parse_score` does for each."""
    sizes = set(map(len, texts))
    if 0 not in sizes and max(sizes, default=0) < DIGITS_MAX and b"".join(texts).isdigit():
        return list(map(float, texts))
    return list(map(parse_score, texts))


def in_range(text: bytes) -> float | None:
    """Return the number as `strtod` does, None as well when it overflows or vanishes."""
    number = strtod(text)
    if number is None:
        return None
    if number == 0.0:
        return number if text == b"0" or _ZERO.fullmatch(text) else None
    return None if isinf(number) and b"n" not in text.lower() else number


def strtod(text: bytes) -> float | None:
    """Return the number that all of `text` spells, None when it spells none, or NaN."""
    try:
        number = float(text)
    except ValueError:
        return _hexadecimal(text)
    return None if text[-1] <= SPACE or b"_" in text or isnan(number) else number


def _hexadecimal(text: bytes) -> float | None:
    if not _HEX.fullmatch(text):
        return None
    try:
        return float.fromhex(text.decode())
    except OverflowError:
        return -inf if b"-" in text.partition(b"0")[0] else inf


class Range:
    """What a range command asks for, in ranks of a sorted set."""

    def ranks(self, zset: ZSet) -> tuple[int, int]:
        """Return start and stop: ranks start <= rank < stop are in the range."""
        raise NotImplementedError


class RankRange(Range):
    """From one rank to another, both included and negative ones counted from the end.

    Raises:
        NotAnInteger: one of them is not an integer.
    """

    def __init__(self, first: bytes, last: bytes, reverse: bool) -> None:
        self.first: int = parse_int64(first)
        self.last: int = parse_int64(last)
        self.reverse = reverse

    def ranks(self, zset: ZSet) -> tuple[int, int]:
        size = len(zset)
        first = max(self.first + size, 0) if self.first < 0 else self.first
        last = self.last + size if self.last < 0 else min(self.last, size - 1)
        if first > last:
            return 0, 0
        if self.reverse:
            return size - 1 - last, size - first
        return first, last + 1


class ScoreRange(Range):
    """From one score to another; "(" before one leaves it out.

    Raises:
        CommandError: one of them is no number.
    """

    def __init__(self, low: bytes, high: bytes) -> None:
        self.low_open: bool = low[:1] == b"("
        self.high_open: bool = high[:1] == b"("
        self.low: float = _bound(low[1:] if self.low_open else low)
        self.high: float = _bound(high[1:] if self.high_open else high)

    def ranks(self, zset: ZSet) -> tuple[int, int]:
        start = zset.order.rank_of_score(self.low, self.low_open)
        return start, zset.order.rank_of_score(self.high, not self.high_open)


class LexRange(Range):
    """From one text to another among equal scores: "[" includes it, "(" does not; "-" and "+".

    With different scores, a part of the members that every replica agrees on: Redis promises
    nothing then.

    Raises:
        CommandError: one of them begins with another character.
    """

    def __init__(self, low: bytes, high: bytes) -> None:
        self.low: bytes = _lex_bound(low)
        self.high: bytes = _lex_bound(high)

    def ranks(self, zset: ZSet) -> tuple[int, int]:
        size = len(zset)
        return self._rank(zset, self.low, 0, b"("), self._rank(zset, self.high, size - 1, b"[")

    def _rank(self, zset: ZSet, bound: bytes, nearest: int, past: bytes) -> int:
        kind = bound[:1]
        if kind == b"-":
            return 0
        if kind == b"+":
            return len(zset)
        score = zset.order.slice(nearest, nearest + 1)[0][0]
        return zset.order.rank_of_text(score, bound[1:], kind == past)


def _bound(text: bytes) -> float:
    """Return a score as plain strtod reads it: up to a zero byte, nothing at all being 0."""
    text = text.partition(b"\0")[0]
    number = strtod(text) if text else 0.0
    if number is None:
        raise CommandError(b"ERR min or max is not a float")
    return number


def _lex_bound(text: bytes) -> bytes:
    kind = text[:1]
    if kind in (b"[", b"("):
        return text
    if kind in (b"-", b"+") and text[1:2] in (b"", b"\0"):
        return kind
    raise CommandError(b"ERR min or max not valid string range item")
