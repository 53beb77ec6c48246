"""Changing a sparse HyperLogLog exactly as Redis does: its bytes depend on how runs are split."""

from typing import Final

from respkv.commands.hll_format import HEADER_BYTES, RUNS, run_at
from respkv.errors import CorruptedHyperLogLog

SPARSE_BYTES_MAX: Final = 3_000  # hll-sparse-max-bytes; an option could not be part of the state
SPARSE_VALUE_MAX: Final = 32
SHORT_ZEROS_MAX: Final = 64
RUN_MAX: Final = 4  # registers that one run of a value covers
RUNS_MERGED: Final = 5  # how many runs are looked at for neighbours that became equal

LONG_BYTES: Final = 1_000  # from here on few runs are of two bytes
_SPANS: Final = bytes([run_at(bytes((code,)), 0)[1] & 0xFF for code in range(256)])

UNCHANGED: Final = 0
CHANGED: Final = 1
FULL: Final = 2  # nothing was changed: only the dense form can hold it


class SparseWriter:
    """Raises registers of one sparse HyperLogLog in place; ascending ones cost few steps each."""

    def __init__(self, hll: bytearray) -> None:
        self._hll = hll
        self._at = HEADER_BYTES  # a run's offset and first register, where the next search begins
        self._first = 0

    def raise_register(self, index: int, value: int) -> int:
        """Make a register at least `value`.

        Raises:
            CorruptedHyperLogLog: no run covers it.
        """
        if value > SPARSE_VALUE_MAX:
            return FULL
        hll = self._hll
        previous, at, first, span = self._find(index)
        code = hll[at]
        if code & 0x80:
            old_value = (code >> 2 & 0x1F) + 1
            if old_value >= value:
                return UNCHANGED
            new = _run(old_value, index - first) + _run(value, 1)
            new += _run(old_value, first + span - 1 - index)
        else:
            new = _run(0, index - first) + _run(value, 1) + _run(0, first + span - 1 - index)
        old_size = 2 if code & 0xC0 == 0x40 else 1
        growth = len(new) - old_size
        if growth > 0 and len(hll) + growth > SPARSE_BYTES_MAX:
            return FULL
        hll[at : at + old_size] = new
        _merge(hll, previous or HEADER_BYTES)
        return CHANGED

    def _find(self, index: int) -> tuple[int, int, int, int]:
        """Return the offset of the run before (0: none), and of the run, its first register, span."""
        hll = self._hll
        end = len(hll)
        previous, at, first = 0, self._at, self._first
        if index < first:
            at, first = HEADER_BYTES, 0
        if at == HEADER_BYTES and end > LONG_BYTES:
            previous, at, first = _skip(hll, index)
        begin = at
        while at < end:
            code = hll[at]
            size = 1
            if code < 0x40:
                span = code + 1
            elif code >= 0x80:
                span = (code & 3) + 1
            else:
                size = 2
                span = ((code & 0x3F) << 8 | (hll[at + 1] if at + 1 < end else 0)) + 1
            if index < first + span:
                break
            previous = at
            at += size
            first += span
        else:
            raise CorruptedHyperLogLog
        if previous:
            self._at, self._first = previous, first - run_at(hll, previous)[1]
        else:
            self._at, self._first = HEADER_BYTES, 0
            if begin != HEADER_BYTES:  # the search began with this very run: what is before it?
                return self._find(index)
        return previous, at, first, span


def _skip(hll: bytearray, index: int) -> tuple[int, int, int]:
    """Return the offset of a run before a register's (0: none), of the next, its first register.

    A third of the time of going run by run, which is better only where most runs are of two bytes.
    """
    previous, first = 0, 0
    for match in RUNS.finditer(hll, HEADER_BYTES):
        runs = match.group()
        is_long = 0x40 <= runs[0] < 0x80
        span = run_at(runs, 0)[1] if is_long else sum(runs.translate(_SPANS))
        if index < first + span:
            return previous, match.start(), first
        first += span
        previous = match.start() if is_long else match.end() - 1
    raise CorruptedHyperLogLog


def _run(value: int, span: int) -> bytes:
    """Return the run of `span` registers; nothing for none."""
    if span == 0:
        return b""
    if value:
        return bytes((0x80 | value - 1 << 2 | span - 1,))
    if span > SHORT_ZEROS_MAX:
        return bytes((0x40 | span - 1 >> 8, span - 1 & 0xFF))
    return bytes((span - 1,))


def _merge(hll: bytearray, at: int) -> None:
    """Join neighbouring runs of one value, where a run can hold both, from offset `at` on."""
    for _ in range(RUNS_MERGED):
        if at >= len(hll):
            return
        code = hll[at]
        if code & 0xC0 == 0x40:
            at += 2
            continue
        if code & 0x80 and at + 1 < len(hll):
            following = hll[at + 1]
            span = (code & 3) + (following & 3) + 2
            if code & 0xFC == following & 0xFC and span <= RUN_MAX:
                hll[at : at + 2] = bytes((code & 0xFC | span - 1,))
                continue
        at += 1
