"""Random elements of a container, as HRANDFIELD, SRANDMEMBER and ZRANDMEMBER count them."""

from collections.abc import Sequence
from typing import Any, Final

from respkv.clock import Chance
from respkv.commands.arguments import INT64_MAX, parse_range
from respkv.errors import BadSyntax, CommandError
from respkv.steps import Steps
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import Pairs, Reply, SteppedReply

PICKS_MAX: Final = 100_000  # with repetition, in one reply; Redis builds any number until it dies
STEP_PICKS: Final = 1_000


def parse_picks(words: list[bytes], option: bytes) -> tuple[int, bool]:
    """Return what follows the key: the count, and whether `option` is behind it.

    A negative count means that an element may come more than once.

    Raises:
        CommandError: not an integer, out of range, or another word.
    """
    count = parse_range(words[0], -INT64_MAX, INT64_MAX)
    with_option = len(words) > 1
    if len(words) > 2 or (with_option and words[1].upper() != option):
        raise BadSyntax
    if with_option and not -(INT64_MAX // 2) <= count <= INT64_MAX // 2:
        raise CommandError(b"ERR value is out of range")
    if count < -PICKS_MAX:
        raise CommandError(b"ERR value is out of range, at most %d may be asked for" % PICKS_MAX)
    return count, with_option


def pick(chance: Chance, size: int, count: int) -> list[int]:
    """Return positions below `size`, which is not 0: |count| of them, distinct if count > 0."""
    if count < 0:
        return [chance.below(size) for _ in range(-count)]
    if count >= size:
        return list(range(size))
    moved: dict[int, int] = {}  # a Fisher-Yates shuffle of which only the touched part exists
    picked: list[int] = []
    for first in range(count):
        other = first + chance.below(size - first)
        picked.append(moved.get(other, other))
        moved[other] = moved.get(first, first)
    return picked


def picks(
    chance: Chance, count: int, items: list[bytes], values: Sequence[Any] | None = None
) -> Reply:
    """Return |count| of the items, with their values if there are any; distinct if count > 0."""
    if count >= len(items):
        return items.copy() if values is None else Pairs(items.copy(), list(values))
    if abs(count) >= LONG_ITEMS:
        columns: list[list[Any]] = [items.copy()]
        if values is not None:
            columns.append(list(values))
        return SteppedReply(_picks_in_steps(chance, count, columns), columns)
    positions = pick(chance, len(items), count)
    picked = [items[position] for position in positions]
    return picked if values is None else Pairs(picked, [values[at] for at in positions])


def _picks_in_steps(chance: Chance, count: int, columns: list[list[Any]]) -> Steps[Reply]:
    """Return the picks that the positions of `pick` give; the columns change."""
    size = len(columns[0])
    picked: list[list[Any]] = [[] for _ in columns]
    for start in range(0, abs(count), STEP_PICKS):
        for first in range(start, min(start + STEP_PICKS, abs(count))):
            other = chance.below(size) if count < 0 else first + chance.below(size - first)
            for column, found in zip(columns, picked, strict=True):
                found.append(column[other])
                if count > 0:
                    column[other] = column[first]
        yield 0
    return picked[0] if len(picked) == 1 else Pairs(picked[0], picked[1])
