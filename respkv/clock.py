"""Time and chance, passed in as arguments so that a log replays alike on every machine."""

from typing import Final, Protocol

_MASK: Final = (1 << 64) - 1


class Clock(Protocol):
    """Where a node reads time; the simulator turns its own by hand."""

    def now_ms(self) -> int:
        """Return wall-clock time in Unix milliseconds; it may jump either way."""
        ...

    def monotonic_ms(self) -> int:
        """Return milliseconds that never go back; the origin is arbitrary."""
        ...


class Chance(Protocol):
    """A source of random integers."""

    def below(self, bound: int) -> int:
        """Return an integer in [0, bound)."""
        ...


class SeededChance:
    """SplitMix64 (Steele, Lea and Flood 2014): small, fast, the same on every machine."""

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def below(self, bound: int) -> int:
        """Return an integer in [0, bound); the modulo bias is below bound / 2**64."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % bound


def seed_of(term: int, index: int, position: int) -> int:
    """Return the seed of the command at `position` of an entry: same on all replicas, new for each."""
    return (
        term * 0xD6E8FEB86659FD93 + index * 0xA0761D6478BD642F + position * 0xE7037ED1A0B428DB
    ) & _MASK
