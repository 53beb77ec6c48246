"""math.random of scripts, as Redis makes its numbers of a seed (POSIX drand48)."""

from typing import Final

_MASK: Final = (1 << 48) - 1


class ScriptChance:
    """The generator of POSIX lrand48, which Redis uses so that all platforms agree."""

    def __init__(self) -> None:
        self._state = 0
        self.seed(0)

    def seed(self, number: float) -> None:
        """Begin anew."""
        self._state = ((int(number) & 0xFFFFFFFF) << 16) | 0x330E

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        self._state = (self._state * 0x5DEECE66D + 0xB) & _MASK
        return (self._state >> 17) % 0x7FFFFFFF / 0x7FFFFFFF
