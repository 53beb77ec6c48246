"""Glob patterns of KEYS, SCAN and PSUBSCRIBE: Redis' stringmatchlen, corner cases included.

Patterns become regular expressions that cannot blow up: between two stars stands a fixed number
of single-byte matchers, so the first place where they fit is as good as any, and an atomic group
keeps it.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from respkv.errors import CommandError

PATTERN_BYTES_MAX: Final = 64 << 10  # compiling takes about 1 microsecond a byte
CACHED_BYTES_MAX: Final = 1_024
_ANY: Final = b"."
_NONE: Final = b"(?!)"


def matcher(pattern: bytes) -> Callable[[bytes], object]:
    """Return a function that is true of exactly the strings `pattern` matches.

    Raises:
        CommandError: the pattern is longer than 64 KiB (Redis has no limit).
    """
    check_length(pattern)
    if len(pattern) > CACHED_BYTES_MAX:
        return _compile(pattern).fullmatch
    return _cached(pattern).fullmatch


def check_length(pattern: bytes) -> None:
    """Raise a CommandError if the pattern is longer than 64 KiB."""
    if len(pattern) > PATTERN_BYTES_MAX:
        raise CommandError(b"ERR pattern is longer than %d bytes" % PATTERN_BYTES_MAX)


@lru_cache(maxsize=1_024)
def _cached(pattern: bytes) -> "re.Pattern[bytes]":
    return _compile(pattern)


def _compile(pattern: bytes) -> "re.Pattern[bytes]":
    if len(pattern) > 1 and not pattern.strip(b"*"):
        return re.compile(b".+", re.DOTALL)  # not the empty string, unlike a single star
    pieces: list[list[bytes]] = [[]]
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == b"*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append([])
        elif byte == b"?":
            pieces[-1].append(_ANY)
        elif byte == b"[":
            at, members = _bracket(pattern, at + 1)
            pieces[-1].append(members)
        else:
            if byte == b"\\" and at + 1 < len(pattern):
                at += 1
            pieces[-1].append(re.escape(pattern[at : at + 1]))
        at += 1
    return re.compile(_joined([b"".join(piece) for piece in pieces]), re.DOTALL)


def _joined(pieces: list[bytes]) -> bytes:
    """Turn the pieces of `a*b*c` into `a(?>.*?b).*c`."""
    if len(pieces) == 1:
        return pieces[0]
    middle = b"".join([b"(?>.*?" + piece + b")" for piece in pieces[1:-1]])
    return pieces[0] + middle + b".*" + pieces[-1]


def _bracket(pattern: bytes, at: int) -> tuple[int, bytes]:
    """Return where the class closes, the end of the pattern if nowhere, and its matcher."""
    end = len(pattern)
    negated = at < end and pattern[at] == 0x5E
    if negated:
        at += 1
    members: set[int] = set()
    while at < end:
        if pattern[at] == 0x5C and at + 1 < end:
            at += 1
            members.add(pattern[at])
        elif pattern[at] == 0x5D:
            break
        elif at + 2 < end and pattern[at + 1] == 0x2D:
            low, high = sorted((_signed(pattern[at]), _signed(pattern[at + 2])))
            members.update([byte & 0xFF for byte in range(low, high + 1)])
            at += 2
        else:
            members.add(pattern[at])
        at += 1
    if len(members) in (0, 256):
        return at, _ANY if negated == (not members) else _NONE
    listed = b"".join([b"\\x%02x" % byte for byte in sorted(members)])
    return at, (b"[^" if negated else b"[") + listed + b"]"


def _signed(byte: int) -> int:
    """Return the byte as Redis compares the ends of a range: as a signed char."""
    return byte - 256 if byte > 127 else byte
