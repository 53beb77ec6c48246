"""OBJECT: what Redis would tell about how a value is stored."""

from typing import Final

from respkv.commands.arguments import int64_or_none
from respkv.commands.help import declare_help
from respkv.commands.table import READONLY, Argv, command, container
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.limits import Limits
from respkv.keyspace.values import Container, Value

EMBEDDED_BYTES_MAX: Final = 44
SHARED_INTEGERS: Final = 10_000
SHARED_REFERENCES: Final = 2_147_483_647

container(
    "OBJECT",
    group="generic",
    since="2.2.3",
    summary="A container for object introspection commands",
)


@command(name="OBJECT|ENCODING", arity=3, flags=READONLY, keys=(2, 2, 1), access="RO",
         group="generic", since="2.2.3", tips=("nondeterministic_output",), syntax="key",
         summary="Inspect the internal encoding of a Redis object")  # fmt: skip
def object_encoding(keyspace: Keyspace, argv: Argv) -> bytes | None:
    value = keyspace.peek(argv[2])
    return None if value is None else encoding_of(value, keyspace.limits)


@command(name="OBJECT|FREQ", arity=3, flags=READONLY, keys=(2, 2, 1), access="RO",
         group="generic", since="4.0.0", tips=("nondeterministic_output",), syntax="key",
         summary="Get the logarithmic access frequency counter of a Redis object")  # fmt: skip
def object_freq(keyspace: Keyspace, argv: Argv) -> int | None:
    if keyspace.peek(argv[2]) is None:
        return None
    frequency = keyspace.frequency(argv[2])
    if frequency < 0:
        raise CommandError(
            b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please "
            b"note that when switching between policies at runtime LRU and LFU data will take some "
            b"time to adjust."
        )
    return frequency


@command(name="OBJECT|IDLETIME", arity=3, flags=READONLY, keys=(2, 2, 1), access="RO",
         group="generic", since="2.2.3", tips=("nondeterministic_output",), syntax="key",
         summary="Get the time since a Redis object was last accessed")  # fmt: skip
def object_idletime(keyspace: Keyspace, argv: Argv) -> int | None:
    """Seconds. Without an LRU policy, times are kept once somebody has asked."""
    if keyspace.peek(argv[2]) is None:
        return None
    if keyspace.frequency(argv[2]) >= 0:
        raise CommandError(
            b"ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that "
            b"when switching between policies at runtime LRU and LFU data will take some time to "
            b"adjust."
        )
    return keyspace.idle_ms(argv[2]) // 1000


@command(name="OBJECT|REFCOUNT", arity=3, flags=READONLY, keys=(2, 2, 1), access="RO",
         group="generic", since="2.2.3", tips=("nondeterministic_output",), syntax="key",
         summary="Get the number of references to the value of the key")  # fmt: skip
def object_refcount(keyspace: Keyspace, argv: Argv) -> int | None:
    value = keyspace.peek(argv[2])
    if value is None:
        return None
    if isinstance(value, bytes):
        number = int64_or_none(value)
        if number is not None and 0 <= number < SHARED_INTEGERS:
            return SHARED_REFERENCES
    return 1


declare_help("OBJECT", since="6.2.0", group="generic", flags=0, text="""
ENCODING <key>
    Return the kind of internal representation used in order to store the value
    associated with a <key>.
FREQ <key>
    Return the access frequency index of the <key>. The returned integer is
    proportional to the logarithm of the recent access frequency of the key.
IDLETIME <key>
    Return the idle time of the <key>, that is the approximated number of
    seconds elapsed since the last access to the key.
REFCOUNT <key>
    Return the number of references of the value associated with the specified
    <key>.
""")  # fmt: skip


def encoding_of(value: Value, limits: Limits) -> bytes:
    """Return the name of the encoding Redis would choose."""
    if isinstance(value, Container):
        return value.encoding(limits)
    if not isinstance(value, bytes):
        return b"raw"
    if int64_or_none(value) is not None:
        return b"int"
    return b"embstr" if len(value) <= EMBEDDED_BYTES_MAX else b"raw"
