"""Which of many glob patterns match a channel: few of them are tried.

A pattern can only match what begins as it does, up to its first special character. Patterns are
kept by that beginning, so a channel is looked up once for each length of a beginning that there is,
and only patterns found that way are matched.
"""

from collections.abc import Callable
from typing import Final

from respkv.commands.glob import matcher

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
            if patterns is not None:
                found += [pattern for pattern, matches in patterns.items() if matches(channel)]
        return found


def _beginning(pattern: bytes) -> bytes:
    for position, byte in enumerate(pattern[:BEGINNING_BYTES_MAX]):
        if byte in b"*?[\\":
            return pattern[:position]
    return pattern[:BEGINNING_BYTES_MAX]


def channel_matcher(pattern: bytes) -> Callable[[bytes], object]:
    """Return a function that is true of the channels `pattern` matches.

    Of keys `*` matches the empty one as well, which KEYS does not compare at all. What nearly all
    patterns look like needs no regular expression.

    Raises:
        CommandError: the pattern is too long.
    """
    if pattern == b"*":
        return bool
    stem = pattern[:-1]
    if pattern.endswith(b"*") and not any([byte in b"*?[\\" for byte in stem]):
        return lambda channel: channel.startswith(stem)
    return matcher(pattern)
