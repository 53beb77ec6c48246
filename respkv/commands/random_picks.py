"""Random elements of a container, as HRANDFIELD, SRANDMEMBER and ZRANDMEMBER count them."""

from typing import Final

from respkv.clock import Chance
from respkv.commands.arguments import INT64_MAX, parse_range
from respkv.errors import BadSyntax, CommandError

PICKS_MAX: Final = 100_000  # with repetition, in one reply; Redis builds any number until it dies


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
