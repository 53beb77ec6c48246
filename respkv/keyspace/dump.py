"""How a keyspace is written down: for snapshots, for transfers to a follower, for the digest.

A chunk is one kind byte and a body, little endian throughout:

    header     H  version u16, log time u64, databases u32, counters u32, counter u64 each
    strings    S  db u32, n u32, key length u32 each, value length u32 each, keys, values
    container  C  db u32, type code u8, key length u32, key, the type's own form
    deadlines  D  db u32, n u32, position u32 each, deadline u64 each
    waiters    W  see `respkv.keyspace.waiters`; missing when nobody waits

Chunks of a database follow the order of its keys; deadlines follow the order of their buckets.
"""

from collections.abc import Iterator
from hashlib import blake2b
from struct import Struct, pack, unpack_from
from typing import Final

from respkv.errors import InvariantViolation
from respkv.keyspace.database import Database
from respkv.keyspace.long_string import LongString
from respkv.keyspace.memory import KEY_BYTES
from respkv.keyspace.packed import pack_items, unpack_items
from respkv.keyspace.values import LOADERS, Container, Value

VERSION: Final = 1
CHUNK_BYTES: Final = 64 << 10
CHUNK_DEADLINES: Final = CHUNK_BYTES // 12

_HEADER: Final = Struct("<sHQII")
_COUNTED: Final = Struct("<sII")
_CONTAINER: Final = Struct("<sIBI")


class Digest:
    """A hash over a dump's chunks: equal exactly on equal states (encodings aside)."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=32)

    def add(self, chunk: bytes) -> None:
        """Take the next chunk."""
        self._hash.update(b"%d\n" % len(chunk))
        self._hash.update(chunk)

    def value(self) -> bytes:
        """Return the hash of all that was added."""
        return self._hash.digest()


def header(now_ms: int, databases: int, counters: list[int]) -> bytes:
    """Return the first chunk."""
    count = len(counters)
    return _HEADER.pack(b"H", VERSION, now_ms, databases, count) + pack(f"<{count}Q", *counters)


def read_header(chunk: bytes) -> tuple[int, int, list[int]]:
    """Return log time, the number of databases and the modification counters."""
    if chunk[:1] != b"H":
        raise InvariantViolation("a dump that does not begin with its header")
    _, version, now_ms, databases, count = _HEADER.unpack_from(chunk)
    if version != VERSION:
        raise InvariantViolation(f"a dump of format {version}, which this version cannot read")
    return now_ms, databases, list(unpack_from(f"<{count}Q", chunk, _HEADER.size))


def database_chunks(db: int, database: Database) -> Iterator[bytes]:
    """Return the chunks of one database; none when it is empty."""
    keys: list[bytes] = []
    values: list[bytes | bytearray] = []
    size = 0
    value_of = database.values
    for key in database.keys:
        value = value_of[key]
        if isinstance(value, Container):
            if keys:
                yield _strings(db, keys, values)
                keys, values, size = [], [], 0
            yield _CONTAINER.pack(b"C", db, value.type_code, len(key)) + key + value.dump()
            continue
        keys.append(key)
        values.append(bytes(value) if isinstance(value, LongString) else value)
        size += len(key) + len(value) + 8
        if size >= CHUNK_BYTES:
            yield _strings(db, keys, values)
            keys, values, size = [], [], 0
    if keys:
        yield _strings(db, keys, values)
    ordered = database.deadlines.in_order()
    for start in range(0, len(ordered), CHUNK_DEADLINES):
        yield _deadlines(db, ordered[start : start + CHUNK_DEADLINES], database)


def read_chunk(chunk: bytes, databases: list[Database]) -> None:
    """Add what a chunk after the header holds."""
    kind = chunk[:1]
    if kind == b"S":
        _read_strings(chunk, databases)
    elif kind == b"C":
        _, db, type_code, key_size = _CONTAINER.unpack_from(chunk)
        start = _CONTAINER.size + key_size
        _append(databases[db], chunk[_CONTAINER.size : start], LOADERS[type_code](chunk[start:]))
    elif kind == b"D":
        _, db, count = _COUNTED.unpack_from(chunk)
        database = databases[db]
        positions = unpack_from(f"<{count}I", chunk, _COUNTED.size)
        deadlines = list(unpack_from(f"<{count}Q", chunk, _COUNTED.size + 4 * count))
        keys = database.keys
        database.deadlines.restore([keys[position] for position in positions], deadlines)
    else:
        raise InvariantViolation(f"a dump with a chunk of unknown kind {kind!r}")


def _strings(db: int, keys: list[bytes], values: list[bytes | bytearray]) -> bytes:
    return _COUNTED.pack(b"S", db, len(keys)) + pack_items([*keys, *values])


def _read_strings(chunk: bytes, databases: list[Database]) -> None:
    _, db, count = _COUNTED.unpack_from(chunk)
    database = databases[db]
    parts = unpack_items(chunk, _COUNTED.size, 2 * count)
    keys = parts[:count]
    first = len(database.keys)
    database.positions.update(zip(keys, range(first, first + count), strict=True))
    database.keys.extend(keys)
    database.values.update(zip(keys, parts[count:], strict=True))
    database.used_bytes += len(chunk) - _COUNTED.size - 8 * count + KEY_BYTES * count


def _deadlines(db: int, keys: list[bytes], database: Database) -> bytes:
    count = len(keys)
    positions = [database.positions[key] for key in keys]
    deadlines = [database.deadlines.by_key[key] for key in keys]
    return _COUNTED.pack(b"D", db, count) + pack(f"<{count}I{count}Q", *positions, *deadlines)


def _append(database: Database, key: bytes, value: Value) -> None:
    database.positions[key] = len(database.keys)
    database.keys.append(key)
    database.values[key] = value
    database.used_bytes += KEY_BYTES + len(key)
    database.count(key, value)
