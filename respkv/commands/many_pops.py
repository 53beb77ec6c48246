"""What LMPOP, ZMPOP and their waiting relatives are told."""

from respkv.commands.arguments import parse_positive
from respkv.commands.table import Argv
from respkv.errors import BadSyntax


class ManyPop:
    """`numkeys key... FIRST|LAST [COUNT count]` from argv[at] on, with the words of the type.

    Raises:
        CommandError: the arguments are not of that form.
    """

    def __init__(self, argv: Argv, at: int, first: bytes, last: bytes) -> None:
        where = at + 1 + parse_positive(argv[at], b"numkeys")
        if where >= len(argv):
            raise BadSyntax
        word = argv[where].upper()
        if word not in (first, last):
            raise BadSyntax
        self.keys: list[bytes] = argv[at + 1 : where]
        self.from_first: bool = word == first
        self.count: int = 1
        options = argv[where + 1 :]
        if options:
            if len(options) == 1 or options[0].upper() != b"COUNT":
                raise BadSyntax
            self.count = parse_positive(options[1], b"count")
            if len(options) > 2:
                raise BadSyntax
