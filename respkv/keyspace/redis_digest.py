"""DEBUG DIGEST and DIGEST-VALUE as Redis computes them, so that both servers can be compared.

After debug.c of Redis 7.0: SHA-1 throughout; what has an order is mixed in, what has none is only
combined by XOR. Our own `Keyspace.digest()` tells more, orders among it.
"""

from collections.abc import Callable
from hashlib import sha1
from typing import Final

from respkv.keyspace.hash import Hash
from respkv.keyspace.list import List
from respkv.keyspace.set import Set
from respkv.keyspace.stream import MAX_ID, Stream
from respkv.keyspace.stream_node import SEQUENCE_MASK
from respkv.keyspace.values import Container, Value
from respkv.keyspace.zset import ZSet

EMPTY: Final = 0

_REDIS_TYPES: Final = {1: 4, 2: 1, 3: 2, 4: 3, 5: 6}  # our type code -> Redis'


def _hashed(data: bytes) -> int:
    return int.from_bytes(sha1(data, usedforsecurity=False).digest(), "big")


def _mixed(digest: int, data: bytes) -> int:
    return _hashed((digest ^ _hashed(data)).to_bytes(20, "big"))


def _together(digest: int, first: bytes, second: bytes) -> int:
    element = _mixed(_mixed(EMPTY, first), second)
    return digest ^ _hashed(element.to_bytes(20, "big"))


def _of_container(digest: int, value: Container) -> int:
    if isinstance(value, List):
        for item in value.items:
            digest = _mixed(digest, item)
    elif isinstance(value, Set):
        for member in value.members.items:
            digest ^= _hashed(member)
    elif isinstance(value, ZSet):
        for member, score in zip(value.members.items, value.scores, strict=True):
            digest = _together(digest, member, b"%.17g" % score)
    elif isinstance(value, Hash):
        for field, content in zip(value.fields.items, value.values, strict=True):
            digest = _together(digest, field, content)
    elif isinstance(value, Stream):
        for entry_id, items in value.range(0, MAX_ID, len(value)):
            digest = _mixed(digest, b"%d.%d" % (entry_id >> 64, entry_id & SEQUENCE_MASK))
            for item in items:
                digest = _mixed(digest, item)
    return digest


def value_digest(value: Value, has_deadline: bool, digest: int = EMPTY) -> int:
    """Return the digest of a value, on top of what was mixed in before."""
    if isinstance(value, Container):
        digest = _mixed(digest, _REDIS_TYPES[value.type_code].to_bytes(4, "big"))
        digest = _of_container(digest, value)
    else:
        digest = _mixed(_mixed(digest, (0).to_bytes(4, "big")), bytes(value))
    if has_deadline:
        digest ^= _hashed(b"!!expire!!")
    return digest


def dataset_digest(
    databases: int, keys_of: Callable[[int], list[tuple[bytes, Value, bool]]]
) -> int:
    """Return the digest of all databases; `keys_of(db)` lists keys, values, whether they expire."""
    total = EMPTY
    for db in range(databases):
        found = keys_of(db)
        if found:
            total = _mixed(total, db.to_bytes(4, "big"))
            for key, value, has_deadline in found:
                total ^= _hashed(
                    value_digest(value, has_deadline, _mixed(EMPTY, key)).to_bytes(20, "big")
                )
    return total


def shown(digest: int) -> str:
    """Return a digest as it is replied."""
    return f"{digest:040x}"
