"""What SSCAN, HSCAN and ZSCAN have in common: cursor, MATCH and COUNT."""

from collections.abc import Callable

from respkv.commands.arguments import parse_int64
from respkv.commands.glob import matcher
from respkv.commands.iteration import parse_cursor
from respkv.commands.table import Argv
from respkv.errors import BadSyntax


class ScanOptions:
    """`matches` is None when every element does."""

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.count = 10
        self.matches: Callable[[bytes], object] | None = None

    def parse(self, argv: Argv, position: int) -> None:
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
            else:
                raise BadSyntax
            position += 2


def scan_options(argv: Argv) -> ScanOptions:
    """Return the options of `XSCAN key cursor ...` with the cursor read and the rest not yet.

    Redis looks at the key in between: for a missing one it does not look at the options.
    """
    return ScanOptions(parse_cursor(argv[2]))
