"""Which of many glob patterns match a channel: few of them are tried.

A pattern can only match what begins as it does, up to its first special character. Patterns are
kept by that beginning, so a channel is looked up once for each length of a beginning that there is,
and only patterns found that way are matched.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from respkv.commands.glob import check_length, matcher

BEGINNING_BYTES_MAX: Final = 32  # that many lookups at most


class PatternIndex:
    """A set of patterns."""

    def __init__(self) -> None:
        self._by_beginning: dict[bytes, dict[bytes, Callable[[bytes], object]]] = {}
        self._lengths: dict[int, int] = {}  # of beginnings, and how many of that length there are

    def add(self, pattern: bytes) -> None:
        """Add a pattern that is not there yet.

        Raises:
            CommandError: it is too long; see `channel_matcher`.
        """
        matches = channel_matcher(pattern)
        beginning = _beginning(pattern)
        patterns = self._by_beginning.get(beginning)
        if patterns is None:
            patterns = self._by_beginning[beginning] = {}
            self._lengths[len(beginning)] = self._lengths.get(len(beginning), 0) + 1
        patterns[pattern] = matches

    def remove(self, pattern: bytes) -> None:
        """Remove one that is there."""
        beginning = _beginning(pattern)
        patterns = self._by_beginning[beginning]
        del patterns[pattern]
        if not patterns:
            del self._by_beginning[beginning]
            left = self._lengths[len(beginning)] - 1
            if left:
                self._lengths[len(beginning)] = left
            else:
                del self._lengths[len(beginning)]

    def matching(self, channel: bytes) -> list[bytes]:
        """Return the patterns that match, in no order that means anything."""
        found: list[bytes] = []
        for length in self._lengths:
            patterns = self._by_beginning.get(channel[:length])
            if patterns is not None and length <= len(channel):
                found += [pattern for pattern, matches in patterns.items() if matches(channel)]
        return found


def _beginning(pattern: bytes) -> bytes:
    for position, byte in enumerate(pattern[:BEGINNING_BYTES_MAX]):
        if byte in b"*?[\\":
            return pattern[:position]
    return pattern[:BEGINNING_BYTES_MAX]


def channel_matcher(pattern: bytes) -> Callable[[bytes], object]:
    """Return a function that is true of the channels `pattern` matches.

    A star matches the empty channel only behind something: of keys a single one does, too, as KEYS
    and SCAN do not compare then. Patterns whose only special characters are stars, which nearly all
    are, need no regular expression, whose compilation takes 100 us and more.

    Raises:
        CommandError: the pattern is too long.
    """
    if any([special in pattern for special in (b"?", b"[", b"\\")]):
        return matcher(pattern)
    check_length(pattern)
    if b"*" not in pattern:
        return pattern.__eq__
    first, *middle, last = pattern.split(b"*")
    if not any(middle) and not last:
        return lambda channel: channel.startswith(first) and channel != b""
    return partial(_matches_pieces, first, [piece for piece in middle if piece], last)


def _matches_pieces(first: bytes, middle: list[bytes], last: bytes, channel: bytes) -> bool:
    """Return whether the channel is these with anything in between."""
    at, end = len(first), len(channel) - len(last)
    if at > end or not channel.startswith(first) or not channel.endswith(last):
        return False
    for piece in middle:
        at = channel.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True
