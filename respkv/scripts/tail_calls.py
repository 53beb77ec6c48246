"""Takes tail calls out of a compiled chunk of Lua 5.1.

A tail call leaves no trace of its caller. What scripts call are functions of Lua here, where Redis
has functions of C, which cannot be tail-called: `return redis.call(...)` would fail without a line.
"""

from struct import unpack_from
from typing import Final

_HEADER_BYTES: Final = 12
_OPCODE_MASK: Final = 0x3F
_CALL: Final = 28
_TAILCALL: Final = 29
_CONSTANT_BYTES: Final = {0: 0, 1: 1, 3: 8}  # nil, boolean, number
_STRING: Final = 4


def without_tail_calls(chunk: bytes) -> bytes:
    """Return a dumped chunk with calls in place of tail calls; a return follows each anyway."""
    code = bytearray(chunk)
    _Walk(code).function(_HEADER_BYTES)
    return bytes(code)


class _Walk:
    def __init__(self, code: bytearray) -> None:
        self._code = code

    def function(self, at: int) -> int:
        """Change one function and those inside; return where it ends."""
        code = self._code
        at = self._string(at) + 4 + 4 + 4  # its lines; upvalues, parameters, varargs, stack
        count, at = self._count(at)
        for position in range(at, at + 4 * count, 4):
            if code[position] & _OPCODE_MASK == _TAILCALL:
                code[position] = code[position] & ~_OPCODE_MASK | _CALL
        at += 4 * count
        count, at = self._count(at)
        for _ in range(count):
            kind = code[at]
            at = self._string(at + 1) if kind == _STRING else at + 1 + _CONSTANT_BYTES[kind]
        count, at = self._count(at)
        for _ in range(count):
            at = self.function(at)
        count, at = self._count(at)
        at += 4 * count
        count, at = self._count(at)
        for _ in range(count):
            at = self._string(at) + 8
        count, at = self._count(at)
        for _ in range(count):
            at = self._string(at)
        return at

    def _count(self, at: int) -> tuple[int, int]:
        return unpack_from("<i", self._code, at)[0], at + 4

    def _string(self, at: int) -> int:
        return int(at + 8 + unpack_from("<Q", self._code, at)[0])
