"""MEMORY USAGE: about how much memory a key takes; the node declares the other subcommands."""

from respkv.commands.arguments import parse_int64
from respkv.commands.table import READONLY, Argv, command, container
from respkv.errors import BadSyntax
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.memory import DEADLINE_BYTES, memory_of

container(
    "MEMORY",
    group="server",
    since="4.0.0",
    summary="A container for memory diagnostics commands",
)


@command(name="MEMORY|USAGE", arity=-3, flags=READONLY, keys=(2, 2, 1), access="RO",
         group="server", since="4.0.0", complexity="O(N) where N is the number of samples.",
         syntax="key [SAMPLES count:integer]", summary="Estimate the memory usage of a key"
         )  # fmt: skip
def memory_usage(keyspace: Keyspace, argv: Argv) -> int | None:
    """Sums are kept while values change, so no element is looked at, whatever SAMPLES says."""
    position = 3
    while position < len(argv):
        if argv[position].upper() != b"SAMPLES" or position + 1 == len(argv):
            raise BadSyntax
        if parse_int64(argv[position + 1]) < 0:
            raise BadSyntax
        position += 2
    value = keyspace.peek(argv[2])
    if value is None:
        return None
    has_deadline = keyspace.deadline(argv[2]) is not None
    return memory_of(argv[2], value) + (DEADLINE_BYTES if has_deadline else 0)
