"""How a HyperLogLog stands in a string, byte for byte as in Redis: header, dense and sparse form.

header  "HYLL", encoding u8 (0 dense, 1 sparse), 3 unused, cached count u64 little endian, whose
        highest bit means that it is out of date
dense   16,384 registers of 6 bits, the lowest bits first
sparse  runs: 00llllll         l+1 registers of 0
              01llllll llllllll the same, up to all of them
              1vvvvvll         l+1 registers of v+1
"""

import re
from typing import Final

from respkv.commands.arguments import lookup_string
from respkv.errors import CorruptedHyperLogLog, NotHyperLogLog
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.long_string import LongString

REGISTERS: Final = 1 << 14
HEADER_BYTES: Final = 16
DENSE_BYTES: Final = HEADER_BYTES + REGISTERS * 6 // 8
DENSE: Final = 0
SPARSE: Final = 1
EMPTY: Final = b"HYLL\x01" + bytes(11) + b"\x7f\xff"
OUT_OF_DATE: Final = 0x80  # in the last byte of the cached count


def lookup_hll(keyspace: Keyspace, key: bytes) -> bytes | bytearray | None:
    """Return the HyperLogLog at `key`, None when there is none.

    Raises:
        CommandError: the key holds something else.
    """
    value = lookup_string(keyspace, key)
    if value is None:
        return None
    if len(value) < HEADER_BYTES or value[:4] != b"HYLL" or value[4] > SPARSE:
        raise NotHyperLogLog
    if value[4] == DENSE and len(value) != DENSE_BYTES:
        raise NotHyperLogLog
    return bytes(value) if isinstance(value, LongString) else value


def registers_of(hll: bytes | bytearray) -> bytes:
    """Return the registers, a byte each.

    Raises:
        CorruptedHyperLogLog: the runs are wrong.
    """
    if hll[4] == DENSE:
        return _unpack(bytes(hll[HEADER_BYTES:]))
    parts: list[bytes] = []
    total = 0
    for match in RUNS.finditer(hll, HEADER_BYTES):
        runs = match.group()
        if 0x40 <= runs[0] < 0x80:
            part = bytes(run_at(runs, 0)[1])
        else:
            part = b"".join(map(_EXPANDED.__getitem__, runs))
        parts.append(part)
        total += len(part)
        if total > REGISTERS:
            break
    if total != REGISTERS:
        raise CorruptedHyperLogLog
    return b"".join(parts)


def run_at(hll: bytes | bytearray, at: int) -> tuple[int, int, int]:
    """Return the size of the run at offset `at`, how many registers it covers and their value."""
    code = hll[at]
    if code & 0x80:
        return 1, (code & 3) + 1, (code >> 2 & 0x1F) + 1
    if code & 0x40:
        more = hll[at + 1] if at + 1 < len(hll) else 0  # as if a zero byte followed the string
        return 2, ((code & 0x3F) << 8 | more) + 1, 0
    return 1, code + 1, 0


# A run of two bytes, or many of one byte, which are expanded by table.
RUNS: Final = re.compile(rb"[\x40-\x7f].?|[^\x40-\x7f]{1,64}", re.DOTALL)
_EXPANDED: Final = [
    bytes((value,)) * span for _, span, value in [run_at(bytes((code,)), 0) for code in range(256)]
]


def dense_of(hll: bytes | bytearray, registers: bytes) -> bytearray:
    """Return the dense form of these registers under the header of `hll`."""
    dense = bytearray(hll[:HEADER_BYTES])
    dense[4] = DENSE
    dense += _pack(registers)
    return dense


def raise_dense(hll: bytearray, index: int, value: int) -> bool:
    """Make a register of a dense one at least `value`; return whether it was less."""
    at = HEADER_BYTES + (index * 6 >> 3)
    shift = index * 6 & 7
    pair = int.from_bytes(hll[at : at + 2], "little")
    if (pair >> shift & 0x3F) >= value:
        return False
    pair = pair & ~(0x3F << shift) | value << shift
    hll[at : at + 2] = pair.to_bytes(2 if at + 1 < DENSE_BYTES else 1, "little")
    return True


# --- 16,384 registers at once: each step below is one pass in C over all of them -----------------

_AS_HIGHEST: Final = int.from_bytes(b"\x80" * REGISTERS, "little")


def larger_of(registers: bytes, others: bytes) -> bytes:
    """Return the larger one of each two registers."""
    one, other = int.from_bytes(registers, "little"), int.from_bytes(others, "little")
    not_less = (one | _AS_HIGHEST) - other & _AS_HIGHEST  # 0x80 in each byte where one >= other
    chosen = not_less | not_less - (not_less >> 7)
    return (other ^ (one ^ other) & chosen).to_bytes(REGISTERS, "little")


def _shifts(left: int) -> bytes:
    """Return a table for `translate` that moves the bits of each byte (to the right if negative)."""
    return bytes([(byte << left if left > 0 else byte >> -left) & 0xFF for byte in range(256)])


_LEFT_2: Final = _shifts(2)
_LEFT_4: Final = _shifts(4)
_LEFT_6: Final = _shifts(6)
_RIGHT_2: Final = _shifts(-2)
_RIGHT_4: Final = _shifts(-4)
_RIGHT_6: Final = _shifts(-6)
_LOW_6: Final = bytes([byte & 0x3F for byte in range(256)])


def _unpack(packed: bytes) -> bytes:
    """Three bytes hold four registers."""
    first, second, third = packed[0::3], packed[1::3], packed[2::3]
    registers = bytearray(REGISTERS)
    registers[0::4] = first.translate(_LOW_6)
    registers[1::4] = _either(first.translate(_RIGHT_6), second.translate(_LEFT_2)).translate(
        _LOW_6
    )
    registers[2::4] = _either(second.translate(_RIGHT_4), third.translate(_LEFT_4)).translate(
        _LOW_6
    )
    registers[3::4] = third.translate(_RIGHT_2)
    return bytes(registers)


def _pack(registers: bytes) -> bytes:
    first, second, third, fourth = (registers[start::4] for start in range(4))
    packed = bytearray(DENSE_BYTES - HEADER_BYTES)
    packed[0::3] = _either(first, second.translate(_LEFT_6))
    packed[1::3] = _either(second.translate(_RIGHT_2), third.translate(_LEFT_4))
    packed[2::3] = _either(third.translate(_RIGHT_4), fourth.translate(_LEFT_2))
    return bytes(packed)


def _either(one: bytes, other: bytes) -> bytes:
    both = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return both.to_bytes(len(one), "little")
