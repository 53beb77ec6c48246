"""BITOP: AND, OR, XOR and NOT of whole strings."""

from typing import Final

from respkv.commands.arguments import lookup_string
from respkv.commands.key_specs import KeySpec
from respkv.commands.table import DENYOOM, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.long_string import (
    BLOCK_BYTES,
    LONG_BYTES,
    ZERO_BLOCK,
    Block,
    LongString,
    of_blocks,
)
from respkv.keyspace.values import Text

_COMPLEMENTS: Final = bytes(range(255, -1, -1))
_ONES: Final = b"\xff" * BLOCK_BYTES


@command(arity=-4, flags=WRITE | DENYOOM, specs=(KeySpec("OW update", (2, 2, 1)), KeySpec("RO "
         "access", (3, -1, 1)),), group="bitmap", since="2.6.0", complexity="O(N)",
         syntax="operation destkey:key key#1...", summary="Perform bitwise operations between "
         "strings")  # fmt: skip
def bitop(keyspace: Keyspace, argv: Argv) -> int:
    operation, key = argv[1].upper(), argv[2]
    if operation not in (b"AND", b"OR", b"XOR", b"NOT"):
        raise BadSyntax
    if operation == b"NOT" and len(argv) != 4:
        raise CommandError(b"ERR BITOP NOT must be called with a single source key.")
    sources = [lookup_string(keyspace, source) or b"" for source in argv[3:]]
    size = max(map(len, sources))
    result = _result(operation, sources, size)
    if size:
        keyspace.set(key, result)
    elif keyspace.contains(key):
        keyspace.delete(key)
    return size


def _result(operation: bytes, sources: list[Text], size: int) -> bytearray | LongString:
    """Return the sources combined block by block; zeros follow the shorter ones."""
    if size <= BLOCK_BYTES:
        return bytearray(
            _combined(operation, [_block(source, 0, size) for source in sources])[:size]
        )
    blocks: dict[int, bytes] = {}
    count = -(-size // BLOCK_BYTES)
    for number in range(count):
        block = _combined(operation, [_block(source, number, BLOCK_BYTES) for source in sources])
        if block is not ZERO_BLOCK:
            blocks[number] = block
    if operation == b"NOT":
        last = blocks[count - 1][: size - (count - 1) * BLOCK_BYTES]
        blocks[count - 1] = last.ljust(BLOCK_BYTES, b"\0")
    if size > LONG_BYTES:
        return of_blocks(blocks, size)
    whole = b"".join([blocks.get(number, ZERO_BLOCK) for number in range(count)])
    return bytearray(whole[:size])


def _block(source: Text, number: int, width: int) -> Block:
    """Return a block, filled up to `width`; `ZERO_BLOCK` itself where nothing is stored."""
    if isinstance(source, LongString):
        part = source.block(number)
    else:
        part = source[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
    return part.ljust(width, b"\0") if part else ZERO_BLOCK


def _combined(operation: bytes, blocks: list[Block]) -> bytes:
    """Return blocks combined as integers, `ZERO_BLOCK` itself where that needs no looking."""
    if operation == b"NOT":
        return _ONES if blocks[0] is ZERO_BLOCK else bytes(blocks[0].translate(_COMPLEMENTS))
    stored = [block for block in blocks if block is not ZERO_BLOCK]
    if not stored or (operation == b"AND" and len(stored) < len(blocks)):
        return ZERO_BLOCK
    if len(stored) == 1:
        return bytes(stored[0])
    combined = int.from_bytes(stored[0], "little")
    for block in stored[1:]:
        other = int.from_bytes(block, "little")
        if operation == b"AND":
            combined &= other
        elif operation == b"OR":
            combined |= other
        else:
            combined ^= other
    return combined.to_bytes(len(stored[0]), "little")
