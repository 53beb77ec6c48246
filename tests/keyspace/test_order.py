"""The order of a sorted set's members against sortedcontainers', over several groups of blocks."""

from math import inf
from random import Random

import pytest
from sortedcontainers import SortedList

from respkv.keyspace.order import BLOCK_MAX, GROUP_SHIFT, Entry, Order

HIGHEST = b"\xff" * 20  # no member is above it


def score_of(chance: Random, distinct: int) -> float:
    """Return one of so many scores, with the infinite ones among them."""
    if chance.random() < 0.01:
        return chance.choice((inf, -inf))
    return float(chance.randrange(distinct))


def check(order: Order, entries: SortedList, chance: Random) -> None:
    """Ask for everything at some random places, and at both ends."""
    count = len(entries)
    assert len(order) == count
    assert order.slice(0, count) == list(entries)
    for _ in range(20):
        start, stop = sorted((chance.randrange(count + 1), chance.randrange(count + 1)))
        assert order.slice(start, stop) == entries[start:stop]
        assert order.slice(start, stop, reverse=True) == entries[start:stop][::-1]
        score, member = entries[chance.randrange(count)]
        assert order.rank(score, member) == entries.index((score, member))
        for text in (member, member + b"-", b"", HIGHEST):
            below, through = entries.bisect_left((score, text)), entries.bisect((score, text))
            assert order.rank_of_text(score, text, past=False) == below
            assert order.rank_of_text(score, text, past=True) == through
    for score in (-inf, -0.5, 0.5, entries[count // 2][0], inf):
        assert order.rank_of_score(score, past=False) == entries.bisect_left((score, b""))
        assert order.rank_of_score(score, past=True) == entries.bisect((score, HIGHEST))


def update(order: Order, entries: list[Entry]) -> None:
    order.update([score for score, _ in entries], [member for _, member in entries])


def order_of(entries: list[Entry]) -> Order:
    order = Order()
    update(order, entries)
    return order


@pytest.mark.parametrize("distinct", [1, 7, 1 << 40])
def test_an_order_is_a_sorted_list(distinct: int) -> None:
    chance = Random(distinct)
    wanted = BLOCK_MAX << (GROUP_SHIFT + 1)
    members = [b"member:%06d" % number for number in range(wanted)]
    entries = SortedList((score_of(chance, distinct), member) for member in members[: wanted // 2])
    order = order_of(chance.sample(entries, len(entries)))
    check(order, entries, chance)
    added = [(score_of(chance, distinct), member) for member in members[wanted // 2 :]]
    third = len(added) // 3
    for entry in added[:third]:
        order.add(*entry)
    update(order, added[third : third + 100])
    update(order, added[third + 100 :])
    entries.update(added)
    check(order, entries, chance)
    copied, kept = order.copy(), entries.copy()
    removed = set(chance.sample(entries, wanted // 4))
    for entry in removed:
        order.remove(*entry)
        entries.remove(entry)
    check(order, entries, chance)
    for _ in range(3):
        assert order.pop(0) == entries.pop(0)
        assert order.pop(-1) == entries.pop()
        rank = chance.randrange(len(entries))
        assert order.pop(rank) == entries.pop(rank)
        for width in (1, 10, 5_000):
            start = chance.randrange(len(entries) - width)
            assert order.remove_slice(start, start + width) == entries[start : start + width]
            del entries[start : start + width]
        check(order, entries, chance)
    assert order.remove_slice(0, len(entries)) == list(entries)
    assert len(order) == 0
    assert order.slice(0, 10) == []
    assert order.rank_of_score(1.0, past=True) == order.rank_of_text(1.0, b"m", past=True) == 0
    order.add(2.0, b"again")
    assert order.slice(0, 1) == [(2.0, b"again")]
    check(copied, kept, chance)


def test_blocks_that_are_emptied_one_by_one() -> None:
    order = order_of([(float(number), b"%d" % number) for number in range(3 * BLOCK_MAX)])
    for number in range(3 * BLOCK_MAX):
        assert order.rank(3.0 * BLOCK_MAX - 1, b"%d" % (3 * BLOCK_MAX - 1)) == len(order) - 1
        assert order.pop(0) == (float(number), b"%d" % number)
    assert len(order) == 0


def test_freeing_in_slices_drops_everything() -> None:
    order = order_of([(float(number), b"%d" % number) for number in range(3 * BLOCK_MAX)])
    freed = 0
    while dropped := order.free_some(700):
        assert dropped <= 700
        freed += dropped
    assert freed == 3 * BLOCK_MAX
