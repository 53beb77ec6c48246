"""Long replies in parts: the same bytes, none of the parts large, and nothing kept of what is given up."""

import gc
import weakref
from typing import Any

import pytest

from respkv.steps import Steps
from respkv.wire.long_reply import LONG_ITEMS, PART_BYTES, LongReply
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
    "short": [b"bulk", 7, [], PairMap([]), SetReply([])],
}


def copied(reply: Reply) -> Reply:
    """Return a reply whose lists are its own: sending a long one empties them."""
    if isinstance(reply, list):
        return reply.copy()
    if isinstance(reply, SetReply):
        return SetReply(reply.items.copy())
    if isinstance(reply, MapReply):
        return MapReply(reply.keys.copy(), reply.values.copy())
    if isinstance(reply, Pairs):
        return Pairs(reply.items.copy(), list(reply.values))
    if isinstance(reply, PairMap):
        return PairMap([(key, items.copy()) for key, items in reply.items])
    return reply


@pytest.mark.parametrize("kind", REPLIES)
@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("stepped", [False, True])
def test_parts_are_small_and_make_up_the_reply(kind: str, resp: int, stepped: bool) -> None:
    for reply in REPLIES[kind]:
        sent = copied(reply)
        held: list[list[Any]] = [SMALL.copy(), [], LARGE.copy()]
        long = LongReply(SteppedReply(whole(sent), held) if stepped else sent, resp)
        parts: list[bytes] = []
        while (part := long.next_part()) is not None:
            parts.append(part)
        assert b"".join(parts) == encode(reply, resp)
        assert max(map(len, parts)) <= 2 * PART_BYTES
        assert not stepped or not any(held)


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


def test_what_is_given_up_is_freed_wherever_it_is() -> None:
    for steps_taken in range(6):
        held: list[list[Any]] = [[Item() for _ in range(25_000)]]
        seen = [weakref.ref(held[0][at]) for at in (0, 12_000, -1)]
        reply = PairMap([(b"a", [[Item()] for _ in range(700)]), (b"b", [[Item()]])])
        seen += [weakref.ref(items[-1][0]) for _, items in reply.items]
        long = LongReply(SteppedReply(whole(reply), held), 3)
        del reply
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
    while (part := long.next_part()) is not None:
        parts.append(part)
    assert b"".join(parts) == b"+failed\r\n"
    assert held == []
