"""PFDEBUG and PFSELFTEST: a look inside HyperLogLogs."""

from typing import Final

from respkv.commands.hll_count import count_of
from respkv.commands.hll_format import (
    DENSE,
    EMPTY,
    HEADER_BYTES,
    dense_of,
    lookup_hll,
    raise_dense,
    registers_of,
    run_at,
)
from respkv.commands.hll_sparse import SparseWriter
from respkv.commands.hyperloglog import index_and_rank
from respkv.commands.table import ADMIN, DENYOOM, WRITE, Argv, command
from respkv.errors import CommandError, quoted
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK, Reply

SELF_TEST_ELEMENTS: Final = 500
SELF_TEST_ERROR_MAX: Final = 0.05  # six standard errors


@command(arity=3, flags=WRITE | DENYOOM | ADMIN, keys=(2, 2, 1), access="RW access",
         group="hyperloglog", since="2.8.9", complexity="N/A", system=True, syntax="subcommand key",
         summary="Internal commands for debugging HyperLogLog values")  # fmt: skip
def pfdebug(keyspace: Keyspace, argv: Argv) -> Reply:
    key = argv[2]
    hll = lookup_hll(keyspace, key)
    if hll is None:
        raise CommandError(b"ERR The specified key does not exist")
    subcommand = argv[1].upper()
    if subcommand == b"ENCODING":
        return "dense" if hll[4] == DENSE else "sparse"
    if subcommand == b"DECODE":
        if hll[4] == DENSE:
            raise CommandError(b"ERR HLL encoding is not sparse")
        return _runs(hll)
    if subcommand not in (b"GETREG", b"TODENSE"):
        raise CommandError(b"ERR Unknown PFDEBUG subcommand '%b'" % quoted(argv[1]))
    registers = registers_of(hll)
    converted = hll[4] != DENSE
    if converted:
        keyspace.set(key, dense_of(hll, registers), keeps_deadline=True)
    return list(registers) if subcommand == b"GETREG" else int(converted)


@command(arity=1, flags=ADMIN, group="hyperloglog", since="2.8.9", complexity="N/A", system=True, summary="An "
         "internal command for testing HyperLogLog values")  # fmt: skip
def pfselftest(keyspace: Keyspace, argv: Argv) -> str:
    """Count elements in both forms: they must agree, and the count must be near."""
    sparse = bytearray(EMPTY)
    dense = dense_of(sparse, registers_of(sparse))
    writer = SparseWriter(sparse)
    for number in range(SELF_TEST_ELEMENTS):
        index, rank = index_and_rank(b"%d" % number)
        writer.raise_register(index, rank)
        raise_dense(dense, index, rank)
    if registers_of(sparse) != registers_of(dense):
        raise CommandError(b"ERR TESTFAILED the sparse and the dense form differ")
    count = count_of(registers_of(dense))
    if abs(count - SELF_TEST_ELEMENTS) > SELF_TEST_ELEMENTS * SELF_TEST_ERROR_MAX:
        raise CommandError(b"ERR TESTFAILED counted %d of %d" % (count, SELF_TEST_ELEMENTS))
    return OK


def _runs(hll: bytes | bytearray) -> bytes:
    texts: list[bytes] = []
    at = HEADER_BYTES
    while at < len(hll):
        size, span, value = run_at(hll, at)
        if value:
            texts.append(b"v:%d,%d" % (value, span))
        else:
            texts.append(b"%b:%d" % (b"Z" if size == 2 else b"z", span))
        at += size
    return b" ".join(texts)
