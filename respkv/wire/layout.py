"""Clients repeat themselves: the layout of the last commands predicts that of the next.

Cutting a command at a known layout and comparing what must not differ takes half as long as looking
for its line ends, in the interpreter.
"""

from struct import Struct


class Layout:
    """Where a command's arguments stand; count, lengths and name are in `literals`."""

    __slots__ = ("_literals", "_name", "_size", "_unpack_from")

    def __init__(self, argv: list[bytes]) -> None:
        literal = b"*%d\r\n$%d\r\n%b\r\n" % (len(argv), len(argv[0]), argv[0])
        literals = []
        sizes = []
        for argument in argv[1:]:
            literal += b"$%d\r\n" % len(argument)
            literals.append(literal)
            sizes += [len(literal), len(argument)]
            literal = b"\r\n"
        literals.append(literal)
        sizes.append(len(literal))
        fields = Struct("".join([f"{size}s" for size in sizes]))
        self._name = argv[0]
        self._literals = tuple(literals)
        self._size = fields.size
        self._unpack_from = fields.unpack_from  # literal, argument, literal, … literal

    def take(self, data: bytes, commands: list[list[bytes]], raw: list[bytes]) -> int:
        """Take commands of this layout from the front; return the bytes taken."""
        size = self._size
        literals = self._literals
        name = self._name
        unpack_from = self._unpack_from
        start = 0
        end = size
        while end <= len(data):
            fields = unpack_from(data, start)
            if fields[::2] != literals:
                break
            commands.append([name, *fields[1::2]])
            raw.append(data[start:end])
            start = end
            end += size
        return start
