"""HyperLogLogs: PFADD, PFCOUNT and PFMERGE. They are strings, see `hll_format`."""

from typing import Final

from respkv.commands.arguments import wrapped_int64
from respkv.commands.hll_count import count_of
from respkv.commands.hll_format import (
    DENSE,
    EMPTY,
    OUT_OF_DATE,
    REGISTERS,
    dense_of,
    larger_of,
    lookup_hll,
    raise_dense,
    registers_of,
)
from respkv.commands.hll_sparse import CHANGED, FULL, SparseWriter
from respkv.commands.key_specs import KeySpec
from respkv.commands.murmur import murmur64a
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK

_SEED: Final = 0xADC83B19
_INDEX_BITS: Final = 14
_LAST_RANK_BIT: Final = 1 << 50
UNPACKED_FROM: Final = 1_000  # elements


@command(arity=-2, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW insert",
         group="hyperloglog", since="2.8.9", complexity="O(1) to add every element.", syntax="key "
         "[element...]", summary="Adds the specified elements to the specified HyperLogLog."
         )  # fmt: skip
def pfadd(keyspace: Keyspace, argv: Argv) -> int:
    key = argv[1]
    value = lookup_hll(keyspace, key)
    if value is None:
        hll, changed = bytearray(EMPTY), True
    elif isinstance(value, bytearray) and value[4] == DENSE:
        hll, changed = value, False  # in place: nothing can be wrong with a dense one
    else:
        hll, changed = bytearray(value), False
    writer = SparseWriter(hll)
    for position in range(2, len(argv)):
        if hll[4] == DENSE and len(argv) - position >= UNPACKED_FROM:
            changed = _raise_many(hll, argv[position:]) or changed
            break
        index, rank = index_and_rank(argv[position])
        if hll[4] != DENSE:
            done = writer.raise_register(index, rank)
            changed = changed or done == CHANGED
            if done != FULL:
                continue
            hll = dense_of(hll, registers_of(hll))
        if raise_dense(hll, index, rank):
            changed = True
    if changed:
        hll[15] |= OUT_OF_DATE
        keyspace.set(key, hll, keeps_deadline=True)
    return int(changed)


@command(arity=-2, flags=READONLY | WRITE, keys=(1, -1, 1), access="RW access", notes="RW because it may "
         "change the internal representation of the key, and propagate to replicas",
         group="hyperloglog", since="2.8.9", complexity="O(1) with a very small average constant "
         "time when called with a single key. O(N) with N being the number of keys, and much "
         "bigger constant times, when called with multiple keys.", syntax="key...",
         summary="Return the approximated cardinality of the set(s) observed by the HyperLogLog at "
         "key(s).")  # fmt: skip
def pfcount(keyspace: Keyspace, argv: Argv) -> int:
    """The count of a single key is kept in its value."""
    key = argv[1]
    value = lookup_hll(keyspace, key)
    if len(argv) > 2:
        registers, _ = _merged(keyspace, argv[1:])
        return wrapped_int64(count_of(registers))
    if value is None:
        return 0
    if not value[15] & OUT_OF_DATE:
        return int.from_bytes(value[8:16], "little")
    count = count_of(registers_of(value))
    hll = value if isinstance(value, bytearray) else bytearray(value)
    hll[8:16] = count.to_bytes(8, "little")
    keyspace.set(key, hll, keeps_deadline=True)
    return wrapped_int64(count)


@command(arity=-2, flags=WRITE | DENYOOM, specs=(KeySpec("RW access insert", (1, 1, 1)),
         KeySpec("RO access", (2, -1, 1)),), group="hyperloglog", since="2.8.9", complexity="O(N) "
         "to merge N HyperLogLogs, but with high constant times.", syntax="destkey:key "
         "sourcekey:key#1...", summary="Merge N different HyperLogLogs into a single one."
         )  # fmt: skip
def pfmerge(keyspace: Keyspace, argv: Argv) -> str:
    key = argv[1]
    registers, is_dense = _merged(keyspace, argv[1:])
    hll = bytearray(lookup_hll(keyspace, key) or EMPTY)
    if is_dense or not _raise_all(hll, registers):
        hll = dense_of(hll, registers)
    hll[15] |= OUT_OF_DATE
    keyspace.set(key, hll, keeps_deadline=True)
    return OK


def index_and_rank(element: bytes) -> tuple[int, int]:
    """Return the register an element belongs to, and the value it asks for."""
    hashed = murmur64a(element, _SEED)
    ranked = hashed >> _INDEX_BITS | _LAST_RANK_BIT
    return hashed & (REGISTERS - 1), (ranked & -ranked).bit_length()


def _raise_many(hll: bytearray, elements: list[bytes]) -> bool:
    """Add elements to a dense one, whose registers are unpacked meanwhile; return whether it changed."""
    registers = bytearray(registers_of(hll))
    changed = False
    for element in elements:
        index, rank = index_and_rank(element)
        if registers[index] < rank:
            registers[index] = rank
            changed = True
    hll[:] = dense_of(hll, bytes(registers))
    return changed


def _merged(keyspace: Keyspace, keys: list[bytes]) -> tuple[bytes, bool]:
    """Return the largest of each register, and whether one of the HyperLogLogs is dense."""
    registers = bytes(REGISTERS)
    is_dense = False
    for key in keys:
        hll = lookup_hll(keyspace, key)
        if hll is not None:
            is_dense = is_dense or hll[4] == DENSE
            registers = larger_of(registers, registers_of(hll))
    return registers, is_dense


def _raise_all(hll: bytearray, registers: bytes) -> bool:
    """Raise the registers of a sparse one in their order; return False when it becomes too large."""
    writer = SparseWriter(hll)
    for index, value in enumerate(registers):
        if value and writer.raise_register(index, value) == FULL:
            return False
    return True
