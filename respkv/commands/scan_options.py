"""What SCAN, SSCAN, HSCAN and ZSCAN have in common: cursor, MATCH and COUNT."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from respkv.commands.arguments import parse_int64
from respkv.commands.glob import matcher
from respkv.commands.table import Argv
from respkv.errors import BadSyntax, InvalidCursor
from respkv.keyspace.members import Members
from respkv.steps import Steps, finish
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import Reply, SteppedReply

_CURSOR: Final = re.compile(rb"[+-]?[0-9]{1,40}|")  # what strtoul takes, the empty text included
_CURSOR_END: Final = 1 << 64
STEP_MEMBERS: Final = 1_000


def parse_cursor(text: bytes) -> int:
    """Return a cursor of the SCAN family, as strtoul reads it (a negative one wraps around).

    Raises:
        InvalidCursor: it is no integer, or beyond 64 bits.
    """
    if not _CURSOR.fullmatch(text):
        raise InvalidCursor
    cursor = int(text or b"0")
    if abs(cursor) >= _CURSOR_END:
        raise InvalidCursor
    return cursor % _CURSOR_END


class ScanOptions:
    """`matches` is None when every element does; `type_name` when any type does."""

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.count = 10
        self.matches: Callable[[bytes], object] | None = None
        self.type_name: str | None = None

    def parse(self, argv: Argv, position: int, takes_type: bool = False) -> None:
        """Read the options from argv[position] on.

        Raises:
            CommandError: they are wrong.
        """
        while position < len(argv):
            option = argv[position].upper()
            if position + 1 == len(argv):
                raise BadSyntax
            if option == b"COUNT":
                self.count = parse_int64(argv[position + 1])
                if self.count < 1:
                    raise BadSyntax
            elif option == b"MATCH":
                pattern = argv[position + 1]
                self.matches = None if pattern == b"*" else matcher(pattern)
            elif option == b"TYPE" and takes_type:
                self.type_name = argv[position + 1].lower().decode(errors="replace")
            else:
                raise BadSyntax
            position += 2

    def reply(self, members: Members, compact: bool) -> Reply:
        """Return the next cursor and the members that come next; of a compact value, all."""
        cursor, start, end = self._range_of(members, compact)
        visited = members.items[start:end]
        if self.matches is None:
            return [b"%d" % cursor, visited]
        return _in_steps_if_long(_matching(cursor, visited, self.matches), visited)

    def reply_with_values(
        self,
        members: Members,
        values: Sequence[Any],
        compact: bool,
        text: Callable[[Any], bytes],
    ) -> Reply:
        """Do the same for members with a value each, which `text` makes bytes of."""
        cursor, start, end = self._range_of(members, compact)
        visited = members.items[start:end]
        theirs = list(values[start:end])
        visited.reverse()
        theirs.reverse()
        return _in_steps_if_long(
            _with_values(cursor, visited, theirs, self.matches, text), visited, theirs
        )

    def _range_of(self, members: Members, compact: bool) -> tuple[int, int, int]:
        """Return the next cursor and the range of positions to visit."""
        if compact:
            return 0, 0, len(members)
        return members.scan(self.cursor, self.count)


def _in_steps_if_long(steps: Steps[Reply], *visited: list[Any]) -> Reply:
    return SteppedReply(steps, [*visited]) if len(visited[0]) >= LONG_ITEMS else finish(steps)


def _matching(
    cursor: int, members: list[bytes], matches: Callable[[bytes], object]
) -> Steps[Reply]:
    found: list[bytes] = []
    for start in range(0, len(members), STEP_MEMBERS):
        found += [member for member in members[start : start + STEP_MEMBERS] if matches(member)]
        yield 0
    return [b"%d" % cursor, found]


def _with_values(
    cursor: int,
    members: list[bytes],
    values: list[Any],
    matches: Callable[[bytes], object] | None,
    text: Callable[[Any], bytes],
) -> Steps[Reply]:
    found: list[bytes] = []
    for start in range(0, len(members), STEP_MEMBERS):
        end = start + STEP_MEMBERS
        for member, value in zip(members[start:end], values[start:end], strict=True):
            if matches is None or matches(member):
                found += (member, text(value))
        yield 0
    return [b"%d" % cursor, found]


def scan_options(argv: Argv) -> ScanOptions:
    """Return the options of `XSCAN key cursor ...` with the cursor read and the rest not yet.

    Redis looks at the key in between: for a missing one it does not look at the options.
    """
    return ScanOptions(parse_cursor(argv[2]))
