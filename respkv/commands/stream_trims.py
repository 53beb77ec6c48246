"""What XADD and XTRIM have in common: the options that say what may be dropped."""

from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.stream_ids import parse_id, parse_new_id
from respkv.commands.table import Argv
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.stream import Stream
from respkv.keyspace.stream_node import NODE_ENTRIES_MAX

APPROXIMATE_LIMIT: Final = 100 * NODE_ENTRIES_MAX  # what "~" removes at most when no LIMIT is given
AUTOMATIC: Final = -1


class TrimOptions:
    """The options up to the id of XADD, or all those of XTRIM.

    `new_id` is AUTOMATIC for "*"; with "ms-*" its sequence is not `sequence_given`.
    """

    def __init__(self) -> None:
        self.trims: bool = False
        self.maxlen: int = -1
        self.minid: int = 0
        self.approximate: bool = False
        self.limit: int = -1
        self.no_mkstream: bool = False
        self.id_at: int = 0
        self.new_id: int = AUTOMATIC
        self.sequence_given: bool = True

    def trim(self, stream: Stream) -> int:
        """Drop from the stream what is to go, and return how many entries that was."""
        return stream.trim(self.maxlen, self.minid, self.approximate, self.limit)

    def parse(self, argv: Argv, adds: bool) -> None:
        """Read them from argv[2] on; `adds` for XADD.

        Raises:
            CommandError: unknown, malformed or contradictory options.
        """
        at = 2
        while at < len(argv):
            more = len(argv) - 1 - at
            option = argv[at].upper()
            if adds and option == b"*":
                break
            if option in (b"MAXLEN", b"MINID") and more:
                at = self._parse_strategy(argv, at, more)
            elif option == b"LIMIT" and more:
                self.limit = parse_int64(argv[at + 1])
                if self.limit < 0:
                    raise CommandError(b"ERR The LIMIT argument must be >= 0.")
                at += 2
            elif adds and option == b"NOMKSTREAM":
                self.no_mkstream = True
                at += 1
            elif adds:
                self.new_id, self.sequence_given = parse_new_id(argv[at])
                break
            else:
                raise BadSyntax
        self.id_at = at
        self._check_limit(adds)

    def _parse_strategy(self, argv: Argv, at: int, more: int) -> int:
        if self.trims:
            raise CommandError(
                b"ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
            )
        self.trims = True
        maxlen = argv[at].upper() == b"MAXLEN"
        at += 1
        if more >= 2 and argv[at] in (b"~", b"="):
            self.approximate = argv[at] == b"~"
            at += 1
        if not maxlen:
            self.minid = parse_id(argv[at])
        else:
            self.maxlen = parse_int64(argv[at])
            if self.maxlen < 0:
                raise CommandError(b"ERR The MAXLEN argument must be >= 0.")
        return at + 1

    def _check_limit(self, adds: bool) -> None:
        if self.limit > 0 and not self.trims:
            raise CommandError(
                b"ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
            )
        if not adds and not self.trims:
            raise CommandError(b"ERR syntax error, XTRIM must be called with a trimming strategy")
        if self.limit < 0:
            self.limit = APPROXIMATE_LIMIT if self.approximate else 0
        elif not self.approximate:
            raise CommandError(
                b"ERR syntax error, LIMIT cannot be used without the special ~ option"
            )
