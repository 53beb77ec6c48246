"""Long replies in parts: the same bytes, none of the parts large, and nothing kept of what is given up."""

import gc
import weakref
from typing import Any

import pytest

from respkv.steps import Steps
from respkv.wire.long_reply import LONG_ITEMS, PART_BYTES, LongReply, joined
from respkv.wire.reply import MapReply, PairMap, Pairs, Reply, SetReply, SteppedReply, encode

SMALL = [b"%d" % number for number in range(LONG_ITEMS)]
LARGE = [b"x" * (PART_BYTES // 3)] * 40
ENTRIES = [[item, [b"f", item]] for item in SMALL[:600] + LARGE]
SCORES = [float(number) for number in range(len(SMALL))]
REPLIES: dict[str, list[Reply]] = {
    "list": [SMALL + LARGE + SMALL, [*SMALL[:700], None, *LARGE]],
    "set": [SetReply(SMALL + LARGE)],
    "map": [MapReply(SMALL[:1_000] + LARGE, SMALL[:1_000] + LARGE[::-1])],
    "pairs": [Pairs(SMALL, SCORES)],
    "lists": [PairMap([(b"one", ENTRIES), (b"none", []), (b"two", ENTRIES[:3])])],
    "inside": [[b"0", SMALL], [b"5-1", [[b"1-1", [b"f", number]] for number in SMALL], []]],
    "short": [b"bulk", 7, [], PairMap([]), SetReply([])],
}


def copied(reply: Reply) -> Reply:
    """Return a reply whose lists are its own: sending a long one empties them."""
    if isinstance(reply, list):
        return [copied(item) for item in reply]
    if isinstance(reply, SetReply):
        return SetReply(reply.items.copy())
    if isinstance(reply, MapReply):
        return MapReply(reply.keys.copy(), reply.values.copy())
    if isinstance(reply, Pairs):
        return Pairs(reply.items.copy(), list(reply.values))
    if isinstance(reply, PairMap):
        return PairMap([(key, items.copy()) for key, items in reply.items])
    return reply


def send(long: LongReply, parts: list[bytes]) -> None:
    """Take all parts that there are."""
    while (part := long.next_part()) is not None:
        parts.append(part)


@pytest.mark.parametrize("kind", REPLIES)
@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("stepped", [False, True])
def test_parts_are_small_and_make_up_the_reply(kind: str, resp: int, stepped: bool) -> None:
    for reply in REPLIES[kind]:
        sent = copied(reply)
        held: list[list[Any]] = [SMALL.copy(), [], LARGE.copy()]
        long = LongReply(SteppedReply(whole(sent), held) if stepped else sent, resp)
        parts: list[bytes] = []
        send(long, parts)
        assert b"".join(parts) == encode(reply, resp)
        assert max(map(len, parts)) <= 2 * PART_BYTES
        assert not stepped or not any(held)


@pytest.mark.parametrize("resp", [2, 3])
def test_replies_of_a_transaction_are_each_made_in_parts(resp: int) -> None:
    kinds = [reply for kind in REPLIES for reply in REPLIES[kind]]
    held: list[list[Any]] = []
    stepped = [SteppedReply(whole(copied(reply)), []) for reply in kinds]
    failed = SteppedReply(failing(held), held)
    long = LongReply(joined([SMALL.copy(), failed, *stepped, 5]), resp)
    parts: list[bytes] = []
    with pytest.raises(ValueError):
        send(long, parts)
    long.end_with("failed")
    send(long, parts)
    encoded = b"".join([encode(reply, resp) for reply in kinds])
    before = b"*%d\r\n%b+failed\r\n" % (len(kinds) + 3, encode(SMALL, resp))
    assert b"".join(parts) == b"%b%b:5\r\n" % (before, encoded)
    assert max(map(len, parts)) <= 2 * PART_BYTES
    assert held == []


def test_short_replies_of_a_transaction_are_one_list() -> None:
    assert joined([SMALL[:-1], 5, None]) == [SMALL[:-1], 5, None]


class Item(list[int]):
    """Something that shows whether it is still there."""


def whole(reply: Reply) -> Steps[Reply]:
    yield 0
    return reply


def failing(held: list[list[Any]]) -> Steps[Reply]:
    held.append([Item() for _ in range(100)])
    yield 0
    raise ValueError


def given_up(long: LongReply) -> None:
    for _ in long.giving_up():
        pass


@pytest.mark.parametrize("in_transaction", [False, True])
def test_what_is_given_up_is_freed_wherever_it_is(in_transaction: bool) -> None:
    for steps_taken in range(6):
        held: list[list[Any]] = [[Item() for _ in range(25_000)]]
        seen = [weakref.ref(held[0][at]) for at in (0, 12_000, -1)]
        reply = PairMap([(b"a", [[Item()] for _ in range(700)]), (b"b", [[Item()]])])
        seen += [weakref.ref(items[-1][0]) for _, items in reply.items]
        stepped = SteppedReply(whole(reply), held)
        long = LongReply(joined([1, stepped]) if in_transaction else stepped, 3)
        del reply, stepped
        for _ in range(steps_taken):
            long.next_part()
        given_up(long)
        assert long.bytes_left == 0
        del long
        gc.collect()
        assert [ref() for ref in seen] == [None] * len(seen)


def test_what_fails_is_freed_behind_its_error() -> None:
    held: list[list[Any]] = [[Item() for _ in range(25_000)]]
    long = LongReply(SteppedReply(failing(held), held), 2)
    assert long.next_part() == b""
    with pytest.raises(ValueError):
        long.next_part()
    long.end_with("failed")
    parts: list[bytes] = []
    send(long, parts)
    assert b"".join(parts) == b"+failed\r\n"
    assert held == []
