"""The options of SET and GETEX (Redis' parseExtendedStringArgumentsOrReply)."""

from typing import Final

from respkv.commands.arguments import INT64_MAX, parse_int64
from respkv.errors import BadSyntax, InvalidExpireTime

# option -> (milliseconds of one unit, whether the time counts from now)
_TIMES: Final = {
    b"EX": (1000, True),
    b"PX": (1, True),
    b"EXAT": (1000, False),
    b"PXAT": (1, False),
}


class StringOptions:
    """What the options ask for."""

    def __init__(self) -> None:
        self.condition = b""  # NX or XX
        self.get = False
        self.keep_deadline = False
        self.persist = False
        self.time_option = b""
        self._time_text = b""

    def deadline_ms(self, now_ms: int, command_name: bytes) -> int | None:
        """Return the deadline asked for in Unix milliseconds, None for none.

        Raises:
            NotAnInteger, InvalidExpireTime: the argument is no time, or not a positive one.
        """
        if not self.time_option:
            return None
        unit_ms, relative = _TIMES[self.time_option]
        return parse_deadline(self._time_text, unit_ms, now_ms if relative else 0, command_name)

    def parse(self, argv: list[bytes], first: int, of_set: bool) -> None:
        """Read argv[first:], options of SET or else of GETEX.

        Raises:
            BadSyntax: an option is unknown, lacks its argument or contradicts another.
        """
        position = first
        while position < len(argv):
            option = argv[position].upper()
            position += 1
            if option in _TIMES:
                if (
                    (self.time_option and self.time_option != option)
                    or self.keep_deadline
                    or self.persist
                    or position == len(argv)
                ):
                    raise BadSyntax
                self.time_option = option
                self._time_text = argv[position]
                position += 1
            elif not (self._take_set_option(option) if of_set else self._take_persist(option)):
                raise BadSyntax

    def _take_set_option(self, option: bytes) -> bool:
        if option == b"GET":
            self.get = True
        elif option == b"KEEPTTL" and not self.time_option:
            self.keep_deadline = True
        elif option in (b"NX", b"XX") and self.condition in (b"", option):
            self.condition = option
        else:
            return False
        return True

    def _take_persist(self, option: bytes) -> bool:
        self.persist = option == b"PERSIST" and not self.time_option
        return self.persist


def parse_deadline(text: bytes, unit_ms: int, base_ms: int, command_name: bytes) -> int:
    """Return base + text units, in milliseconds (getExpireMillisecondsOrReply).

    Raises:
        NotAnInteger, InvalidExpireTime: `text` is no integer, or the time is not positive or
            beyond 64 bits.
    """
    number = parse_int64(text)
    if number <= 0 or number * unit_ms + base_ms > INT64_MAX:
        raise InvalidExpireTime(command_name)
    return number * unit_ms + base_ms
