"""BITOP: AND, OR, XOR and NOT of whole strings."""

from typing import Final

from respkv.commands.arguments import lookup_string
from respkv.commands.bitmaps import BLOCK_BYTES
from respkv.commands.key_specs import KeySpec
from respkv.commands.table import DENYOOM, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace

_COMPLEMENTS: Final = bytes(range(255, -1, -1))


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
    if operation == b"NOT":
        result = bytearray(sources[0].translate(_COMPLEMENTS))
    else:
        result = _combined(operation, sources)
    if result:
        keyspace.set(key, result)
    elif keyspace.contains(key):
        keyspace.delete(key)
    return len(result)


def _combined(operation: bytes, sources: list[bytes | bytearray]) -> bytearray:
    """Return the sources combined as integers, block by block; zeros follow the shorter ones."""
    result = bytearray()
    size = max(map(len, sources))
    for start in range(0, size, BLOCK_BYTES):
        end = min(start + BLOCK_BYTES, size)
        block = int.from_bytes(sources[0][start:end], "little")
        for source in sources[1:]:
            other = int.from_bytes(source[start:end], "little")
            if operation == b"AND":
                block &= other
            elif operation == b"OR":
                block |= other
            else:
                block ^= other
        result += block.to_bytes(end - start, "little")
    return result
