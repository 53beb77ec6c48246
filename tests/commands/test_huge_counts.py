"""Very many random elements at once, which are picked in steps, and very many popped."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.clock import SeededChance
from respkv.commands.random_picks import pick, picks
from respkv.steps import finish
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import Pairs, SteppedReply
from tests.commands.comparing import comparable, shared
from tests.commands.reference import Argv, Ours, Reference, Served

COUNT = LONG_ITEMS + 1_500
NUMBERS = [b"%d" % number for number in range(COUNT)]
SCORED = [word for number in NUMBERS for word in (number, b"m" + number)]


@shared
@given(
    st.integers(0, 1 << 62),
    st.one_of(st.integers(LONG_ITEMS, COUNT - 1), st.integers(-COUNT, -LONG_ITEMS)),
    st.booleans(),
)
def test_what_is_picked_in_steps_is_what_is_picked_at_once(
    seed: int, count: int, with_values: bool
) -> None:
    """A script writes what it has picked: every version must pick the same."""
    items, values = NUMBERS.copy(), [float(number) for number in range(COUNT)]
    reply: Any = picks(SeededChance(seed), count, items, values if with_values else None)
    assert isinstance(reply, SteppedReply)
    items.reverse()  # as of the moment of the call
    found: Any = finish(reply.steps)
    expected = pick(SeededChance(seed), COUNT, count)
    if with_values:
        assert isinstance(found, Pairs)
        assert list(found.values) == expected
        found = found.items
    assert found == [b"%d" % position for position in expected]


def filled(server: Ours | Served | Reference) -> None:
    for argv in (
        [b"SADD", b"set", *NUMBERS],
        [b"HSET", b"hash", *SCORED],
        [b"ZADD", b"zset", *SCORED],
        [b"RPUSH", b"list", *NUMBERS],
    ):
        server.call(argv)


def members_in(reply: bytes) -> list[bytes]:
    """Return the bulk strings of an array."""
    return reply.split(b"\r\n")[2::2]


@pytest.mark.parametrize(
    ("argv", "count", "distinct"),
    [
        ("SRANDMEMBER set 20500", 20_500, True),
        ("SRANDMEMBER set -30000", 30_000, False),
        ("HRANDFIELD hash 20500", 20_500, True),
        ("HRANDFIELD hash -30000", 30_000, False),
        ("ZRANDMEMBER zset 20500", 20_500, True),
        ("ZRANDMEMBER zset -30000", 30_000, False),
    ],
)
def test_so_many_as_were_asked_for(served: Served, argv: str, count: int, distinct: bool) -> None:
    served.clear()
    filled(served)
    found = members_in(served.call(argv.encode().split()))
    assert len(found) == count
    assert len(set(found)) == count if distinct else COUNT // 2 < len(set(found)) < count
    numbers = [int(member.removeprefix(b"m")) for member in found]
    assert max(numbers) < COUNT
    assert numbers != sorted(numbers)


@pytest.mark.parametrize("resp", [2, 3])
def test_searches_among_very_many_places_are_those_of_redis(
    reference: Reference, served: Served, resp: int
) -> None:
    places = [
        word
        for number in range(12_000)
        for word in (b"%d.5" % (number * 7 % 340 - 170), b"%d.25" % (number * 11 % 160 - 80), b"p%d" % number)
    ]  # fmt: skip
    for server in (reference, served):
        server.clear()
        server.call([b"GEOADD", b"places", *places])
    for options in (
        "BYRADIUS 20000 km", "BYRADIUS 9000 km WITHDIST WITHHASH WITHCOORD",
        "BYBOX 30000 9000 km ASC WITHDIST", "BYBOX 30000 9000 km DESC COUNT 9000",
        "BYRADIUS 20000 km COUNT 3 ASC", "BYRADIUS 20000 km COUNT 6000 ANY",
    ):  # fmt: skip
        argv = b"GEOSEARCH places FROMLONLAT 1.7 2.3".split() + options.encode().split()
        ours, theirs = served.call(argv, resp), reference.call(argv, resp)
        if b"COUNT" in argv and b"ANY" not in argv:
            # Which of those that are as far away is nobody's promise.
            assert ours.count(b"\r\n") == theirs.count(b"\r\n")
        else:
            assert comparable(argv, ours, resp) == comparable(argv, theirs, resp), options


@pytest.mark.parametrize("resp", [2, 3])
def test_fields_and_members_come_with_what_belongs_to_them(served: Served, resp: int) -> None:
    served.clear()
    filled(served)
    for argv in (b"HRANDFIELD hash 20500 WITHVALUES", b"ZRANDMEMBER zset -20500 WITHSCORES"):
        reply = served.call(argv.split(), resp)
        words = [word for word in reply.split(b"\r\n") if word[:1] not in (b"*", b"$", b"")]
        pairs = list(zip(words[::2], words[1::2], strict=True))
        assert len(pairs) == 20_500
        for one, other in pairs:
            number, member = (one, other) if argv[:1] == b"H" else (other.strip(b","), one)
            assert member == b"m" + number


@pytest.mark.parametrize(
    "argv",
    [
        "ZPOPMIN zset 20500", "ZPOPMAX zset 20500", "ZPOPMIN zset 100000", "LPOP list 20500",
        "RPOP list 100000", "ZMPOP 2 none zset MAX COUNT 100000", "LMPOP 1 list RIGHT COUNT 20500",
    ],
)  # fmt: skip
def test_pops_of_very_many_are_those_of_redis(
    reference: Reference, served: Served, argv: str
) -> None:
    calls: list[Argv] = [argv.encode().split(), [b"ZCARD", b"zset"], [b"LLEN", b"list"]]
    for resp in (2, 3):
        for server in (reference, served):
            server.clear()
            filled(server)
        for call in calls:
            assert served.call(call, resp) == reference.call(call, resp)
