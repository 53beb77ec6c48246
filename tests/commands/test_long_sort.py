"""SORT in steps: the same order as in one go, and one moment's answer whatever is written between."""

import contextlib
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.commands.sorting import sort_in_steps
from respkv.commands.table import resolve
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.steps import finish
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import SteppedReply
from tests.commands.reference import Argv

COUNT = LONG_ITEMS + 1_000


@settings(deadline=None, max_examples=15)
@given(
    st.sampled_from([0, 1, 100, 5_000, 30_000]),
    st.sampled_from([1, 2, 30, 4_000, 1 << 40]),
    st.booleans(),
    st.booleans(),
    st.integers(),
    st.integers(0, 30_000),
    st.integers(0, 30_000),
)
def test_sorting_in_steps_is_the_stable_sort(
    count: int, distinct: int, descending: bool, ties: bool, seed: int, first: int, end: int
) -> None:
    chance = random.Random(seed)
    keys = [float(chance.randrange(distinct)) for _ in range(count)]
    others = [b"%d" % chance.randrange(100) for _ in range(count)] if ties else None
    expected = list(range(count))
    if others is not None:
        expected.sort(key=others.__getitem__, reverse=descending)
    expected.sort(key=keys.__getitem__, reverse=descending)
    first, end = min(first, end, count), min(max(first, end), count)
    found = finish(sort_in_steps(list(range(count)), keys, others, descending, (first, end)))
    assert found[first:end] == expected[first:end]
    assert sorted(found) == list(range(count))


def test_no_step_sorts_keys_that_fit_their_sample_badly_in_one_go() -> None:
    keys = [0.0] * 100_000 + [float(number) for number in range(20_000)]
    steps = sort_in_steps(list(range(len(keys))), keys, None, False, (0, len(keys)))
    assert sum(1 for _ in steps) > 120


class Database:
    """A keyspace, its commands, and a SORT that is under way in it."""

    def __init__(self) -> None:
        self.keyspace = Keyspace(2)
        self._index = 0
        numbers = [b"%d" % (number * 7_919 % COUNT) for number in range(COUNT)]
        self.write([b"RPUSH", b"l", *numbers])
        for number in numbers:
            self.write([b"SET", b"w" + number, b"%d" % (int(number) % 1_000)])

    def write(self, argv: Argv) -> None:
        self._index += 1
        keyspace = self.keyspace
        keyspace.begin_entry(1, self._index, self._index)
        keyspace.applying = True
        with contextlib.suppress(CommandError):
            resolve(argv).handler(keyspace, argv)
        keyspace.applying = False

    def read(self, argv: Argv) -> object:
        self.keyspace.leader_ms = self.keyspace.now_ms
        self.keyspace.select(0)
        return resolve(argv).handler(self.keyspace, argv)


WRITES: list[Argv] = [
    [b"SET", b"w77", b"-5"],
    [b"APPEND", b"w78", b"9"],
    [b"DEL", b"w79"],
    [b"SET", b"w80", b"7", b"PX", b"1"],
    [b"PEXPIREAT", b"w81", b"1"],
    [b"SWAPDB", b"0", b"1"],
    [b"FLUSHALL"],
    [b"LPUSH", b"l", b"78"],
    [b"LSET", b"l", b"5", b"80"],
    [b"DEL", b"l"],
    [b"SET", b"l", b"x"],
]


@settings(deadline=None, max_examples=4)
@given(
    st.sampled_from(
        [
            b"SORT l BY w* GET # GET w*",
            b"SORT l BY w* DESC LIMIT 50 60",
            b"SORT l BY nosort GET w*",
            b"SORT l GET w* GET w*",
        ]
    ),
    st.dictionaries(st.integers(0, 150), st.sampled_from(WRITES), max_size=5),
)
def test_what_patterns_find_is_of_one_moment_whatever_is_written_between(
    line: bytes, writes: dict[int, Argv]
) -> None:
    database = Database()
    argv = line.split()
    reply = database.read(argv)
    assert isinstance(reply, SteppedReply)
    states: list[object] = [whole(database, argv)]
    step = 0
    try:
        while True:
            next(reply.steps)
            if step in writes:
                database.write(writes[step])
                states.append(whole(database, argv))
            step += 1
    except StopIteration as end:
        found: object = end.value
    except CommandError as error:
        found = error.text
    assert found in states


def whole(database: Database, argv: Argv) -> object:
    """Return what the command finds in this state."""
    try:
        reply = database.read(argv)
    except CommandError as error:
        return error.text
    if isinstance(reply, SteppedReply):
        reply = reply.finish()
    return reply.text if isinstance(reply, CommandError) else reply


def test_what_is_no_number_fails_as_in_one_go() -> None:
    database = Database()
    for bad in (b"x", b"1e999"):
        database.write([b"RPUSH", b"l", bad])
        database.write([b"RPUSH", b"short", bad])
        assert whole(database, [b"SORT", b"l"]) == whole(database, [b"SORT", b"short"])
