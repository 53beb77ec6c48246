"""What SCAN, SSCAN, HSCAN and ZSCAN have in common: cursor, MATCH and COUNT."""

import re
from collections.abc import Callable
from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.glob import matcher
from respkv.commands.table import Argv
from respkv.errors import BadSyntax, InvalidCursor
from respkv.keyspace.members import Members

_CURSOR: Final = re.compile(rb"[+-]?[0-9]{1,40}|")  # what strtoul takes, the empty text included
_CURSOR_END: Final = 1 << 64


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

    def range_of(self, members: Members, compact: bool) -> tuple[int, int, int]:
        """Return the next cursor and the range of positions to visit: of a compact value, all."""
        if compact:
            return 0, 0, len(members)
        return members.scan(self.cursor, self.count)


def scan_options(argv: Argv) -> ScanOptions:
    """Return the options of `XSCAN key cursor ...` with the cursor read and the rest not yet.

    Redis looks at the key in between: for a missing one it does not look at the options.
    """
    return ScanOptions(parse_cursor(argv[2]))
