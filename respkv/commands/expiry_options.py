"""The options SET and GETEX share: EX, PX, EXAT, PXAT, and one that keeps or takes the deadline."""

from typing import Final

from respkv.commands.arguments import parse_deadline
from respkv.errors import BadSyntax

Argv = list[bytes]

# name → (milliseconds of one unit, whether the argument is a point in time)
EXPIRY_OPTIONS: Final = {
    b"EX": (1000, False),
    b"PX": (1, False),
    b"EXAT": (1000, True),
    b"PXAT": (1, True),
}


class StringOptions:
    """What the options of SET or GETEX ask for."""

    def __init__(self) -> None:
        self.condition = b""  # NX or XX
        self.get = False
        self.keep_deadline = False
        self.persist = False
        self.expiry = b""
        self.expiry_argument = b""

    def deadline_ms(self, now_ms: int, command: bytes) -> int:
        """Return the deadline asked for in Unix milliseconds, 0 for none.

        Raises:
            NotAnInteger, InvalidExpireTime: the argument is not a time to come to.
        """
        if not self.expiry:
            return 0
        unit_ms, absolute = EXPIRY_OPTIONS[self.expiry]
        return parse_deadline(self.expiry_argument, now_ms, unit_ms, absolute, command)


def parse_string_options(argv: Argv, first: int, of_set: bool) -> StringOptions:
    """Return the options from argv[first:]; of SET, else of GETEX.

    Raises:
        BadSyntax: an option is not known, stands twice, or contradicts another.
    """
    options = StringOptions()
    at = first
    while at < len(argv):
        option = argv[at].upper()
        if of_set and option in (b"NX", b"XX") and options.condition in (b"", option):
            options.condition = option
        elif of_set and option == b"GET":
            options.get = True
        elif of_set and option == b"KEEPTTL" and not options.expiry:
            options.keep_deadline = True
        elif not of_set and option == b"PERSIST" and not options.expiry:
            options.persist = True
        elif (
            option in EXPIRY_OPTIONS
            and options.expiry in (b"", option)
            and not options.keep_deadline
            and not options.persist
            and at + 1 < len(argv)
        ):
            options.expiry = option
            options.expiry_argument = argv[at + 1]
            at += 1
        else:
            raise BadSyntax()
        at += 1
    return options
