"""The count of a HyperLogLog: Otmar Ertl, "New cardinality estimation algorithms" (2017).

It becomes part of the state, so it must not differ between machines. Every product that is added to
something is one with a power of two, and exact: fused or not, the sum is rounded once.
"""

from math import sqrt
from typing import Final

from respkv.commands.hll_format import REGISTERS

RANK_MAX: Final = 51  # of a hash: one more than the 50 bits that are left beside the index
_ALPHA: Final = 0.721347520444481703680
_TOO_LARGE: Final = float(1 << 63)


def count_of(registers: bytes) -> int:
    """Return the number of different elements, about: 0.81 % is the standard error.

    What does not fit into 63 bits is 2**63, as the processor's conversion has it in Redis.
    """
    frequencies = _frequencies(registers)
    size = float(REGISTERS)
    total = size * _tau((size - frequencies[RANK_MAX]) / size)
    for rank in range(RANK_MAX - 1, 0, -1):
        total = (total + frequencies[rank]) * 0.5
    total += size * _sigma(frequencies[0] / size)
    if total == 0.0:
        return 1 << 63
    estimate = _ALPHA * size * size / total
    if estimate >= _TOO_LARGE:
        return 1 << 63
    whole = int(estimate)
    return whole + 1 if estimate - whole >= 0.5 else whole


def _frequencies(registers: bytes) -> list[int]:
    frequencies = [0] * (RANK_MAX + 1)
    left = len(registers)
    for rank in range(RANK_MAX + 1):
        if left == 0:
            break
        frequencies[rank] = registers.count(rank)
        left -= frequencies[rank]
    return frequencies


def _sigma(x: float) -> float:
    if x == 1.0:
        return float("inf")
    power, total, before = 1.0, x, -1.0
    while total != before:
        x *= x
        before = total
        total += x * power
        power += power
    return total


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    power, total, before = 1.0, 1.0 - x, -1.0
    while total != before:
        x = sqrt(x)
        before = total
        power *= 0.5
        total -= (1.0 - x) * (1.0 - x) * power
    return total / 3.0
