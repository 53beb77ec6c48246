"""Very many entries of a stream in steps: those of one moment, whatever is written between."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.commands.table import resolve
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.long_reply import LONG_ITEMS, LongReply, encode_or_begin
from respkv.wire.reply import encode
from tests.commands.reference import Argv

COUNT = LONG_ITEMS + 1_500


class Database:
    """A keyspace with a stream in it, in some nodes of which entries were deleted."""

    def __init__(self) -> None:
        self.keyspace = Keyspace()
        self._index = 0
        for number in range(COUNT):
            self.call(b"XADD kept %d-%d f %d" % (number // 7 + 1, number % 7, number))
        for number in range(0, 1_000, 3):
            self.call(b"XDEL kept %d-%d" % (number // 7 + 1, number % 7))

    def call(self, line: bytes) -> object:
        self._index += 1
        self.keyspace.begin_entry(1, self._index, self._index)
        self.keyspace.applying = True
        argv: Argv = line.split()
        return resolve(argv).handler(self.keyspace, argv)


DATABASE = Database()
WRITES = [
    b"XADD s 9000000-1 f new",
    b"XADD s * g new h new",
    b"XDEL s 500-1 500-2 500-3 2000-4",
    b"XTRIM s MAXLEN 3000",
    b"XTRIM s MINID 1000",
    b"DEL s",
]
READS = [
    b"XRANGE s - +",
    b"XRANGE s 5-2 3050-3",
    b"XRANGE s - + COUNT 20000",
    b"XREVRANGE s + -",
    b"XREVRANGE s 3060-1 (30-1 COUNT 20001",
    b"XREAD STREAMS s 2-2",
    b"XREAD COUNT 20500 STREAMS s s 0 1-4",
]


@settings(deadline=None, max_examples=15)
@given(
    st.sampled_from(READS),
    st.dictionaries(st.integers(0, 300), st.sampled_from(WRITES), max_size=4),
    st.sampled_from([2, 3]),
)
def test_entries_are_those_of_one_moment(line: bytes, writes: dict[int, bytes], resp: int) -> None:
    database = DATABASE
    database.call(b"COPY kept s REPLACE")
    whole = encode(database.call(line), resp)
    assert b"new" not in whole
    begun = encode_or_begin(database.call(line), resp)
    assert isinstance(begun, LongReply)
    parts: list[bytes] = []
    while (part := begun.next_part()) is not None:
        if (write := writes.pop(0, None)) is not None:
            with contextlib.suppress(CommandError):  # its id is there already
                database.call(write)
        writes = {step - 1: write for step, write in writes.items()}
        parts.append(part)
    assert b"".join(parts) == whole
