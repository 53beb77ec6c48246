"""About how much memory keys and values take: an estimate, local to a node and no part of the state.

`Database.used_bytes` is kept while values change; containers changed since are counted when it is
asked for. Measured with CPython 3.11 (python bench/micro/memory.py): within 25 % of the growth of the
process, for each type.
"""

from typing import Final

from respkv.keyspace.values import Value

# A key and whatever value, their bytes aside: two headers with their rounding (82), an entry in
# two dicts (80 to 120, by how full they are), a position in a list (9), an int (32).
KEY_BYTES: Final = 228
# An entry in a dict, an int, an entry in a bucket; and a bucket with its window.
DEADLINE_BYTES: Final = 140
BUCKET_BYTES: Final = 260
KEYSPACE_BYTES: Final = 160_000  # an empty one: its modification counters


def memory_of(key: bytes, value: Value) -> int:
    """Return about how much a key and its value take, without walking through it."""
    if isinstance(value, (bytes, bytearray)):
        return KEY_BYTES + len(key) + len(value)
    return KEY_BYTES + len(key) + value.memory_bytes()
