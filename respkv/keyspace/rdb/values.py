"""One value in Redis' format: a type byte, and what that type writes.

Neutral values are (name of the type, content): of a string bytes, of a list and a set a list of
byte strings, of a hash [field, value, field, value, ...], of a sorted set [(member, score), ...],
of a stream a NeutralStream. We write the plain forms, which every version of Redis reads and packs as its own limits say.
"""

from typing import Any, Final

from respkv.errors import BadDataFormat
from respkv.keyspace.rdb.listpack import listpack_items
from respkv.keyspace.rdb.old_packs import intset_items, ziplist_items, zipmap_items
from respkv.keyspace.rdb.primitives import Reader, pack_double, pack_length, pack_string
from respkv.keyspace.rdb.streams import dump_stream, load_stream

Neutral = tuple[str, Any]

STRING: Final = 0
LIST: Final = 1
SET: Final = 2
ZSET: Final = 3
HASH: Final = 4
ZSET_2: Final = 5
HASH_ZIPMAP: Final = 9
LIST_ZIPLIST: Final = 10
SET_INTSET: Final = 11
ZSET_ZIPLIST: Final = 12
HASH_ZIPLIST: Final = 13
LIST_QUICKLIST: Final = 14
STREAM: Final = 15
HASH_LISTPACK: Final = 16
ZSET_LISTPACK: Final = 17
LIST_QUICKLIST_2: Final = 18
STREAM_2: Final = 19

_NODE_PLAIN: Final = 1  # a quicklist's node that is one long item
_NODE_PACKED: Final = 2


def load_value(body: bytes, size: int = -1) -> Neutral:
    """Return the value in the first `size` bytes; what stands behind it is not looked at, as in Redis.

    Raises:
        BadDataFormat: there is none, or an empty one.
    """
    reader = Reader(body, size)
    kind = reader.byte()
    if kind == STRING:
        return "string", reader.string()
    if kind in (LIST, LIST_ZIPLIST, LIST_QUICKLIST, LIST_QUICKLIST_2):
        return "list", _checked(_list_items(kind, reader), 1)
    if kind in (SET, SET_INTSET):
        return "set", _checked(_set_items(kind, reader), 1)
    if kind in (HASH, HASH_ZIPMAP, HASH_ZIPLIST, HASH_LISTPACK):
        return "hash", _checked(_hash_items(kind, reader), 2)
    if kind in (ZSET, ZSET_2):
        return "zset", _scored(kind, reader)
    if kind in (STREAM, STREAM_2):
        return "stream", load_stream(reader, kind == STREAM_2)
    if kind == ZSET_ZIPLIST:
        return "zset", _scores_parsed(ziplist_items(reader.string()))
    if kind == ZSET_LISTPACK:
        return "zset", _scores_parsed(listpack_items(reader.string()))
    raise BadDataFormat


def dump_value(value: Neutral) -> bytes:
    """Return what `load_value` reads."""
    name, content = value
    if name == "string":
        return b"\0" + pack_string(content)
    if name == "list":
        return b"\x01" + pack_length(len(content)) + b"".join(map(pack_string, content))
    if name == "set":
        return b"\x02" + pack_length(len(content)) + b"".join(map(pack_string, content))
    if name == "hash":
        return b"\x04" + pack_length(len(content) // 2) + b"".join(map(pack_string, content))
    if name == "stream":
        return b"\x13" + dump_stream(content)
    parts = [b"\x05", pack_length(len(content))]
    for member, score in content:
        parts.append(pack_string(member))
        parts.append(pack_double(score))
    return b"".join(parts)


def _list_items(kind: int, reader: Reader) -> list[bytes]:
    if kind == LIST_ZIPLIST:
        return ziplist_items(reader.string())
    if kind == LIST:
        return reader.strings(reader.count())
    items: list[bytes] = []
    for _ in range(reader.count()):
        if kind == LIST_QUICKLIST:
            items += ziplist_items(reader.string())
            continue
        node = reader.length()
        text = reader.string()
        if node == _NODE_PLAIN:
            items.append(text)
        elif node == _NODE_PACKED:
            items += listpack_items(text)
        else:
            raise BadDataFormat
    return items


def _set_items(kind: int, reader: Reader) -> list[bytes]:
    if kind == SET_INTSET:
        return intset_items(reader.string())
    return reader.strings(reader.count())


def _hash_items(kind: int, reader: Reader) -> list[bytes]:
    if kind == HASH_ZIPMAP:
        return zipmap_items(reader.string())
    if kind == HASH_ZIPLIST:
        return ziplist_items(reader.string())
    if kind == HASH_LISTPACK:
        return listpack_items(reader.string())
    return reader.strings(2 * reader.count())


def _scored(kind: int, reader: Reader) -> list[tuple[bytes, float]]:
    scored: list[tuple[bytes, float]] = []
    for _ in range(reader.count()):
        member = reader.string()
        scored.append((member, reader.double() if kind == ZSET_2 else reader.text_double()))
    return _checked_scores(scored)


def _scores_parsed(items: list[bytes]) -> list[tuple[bytes, float]]:
    if len(items) % 2:
        raise BadDataFormat
    try:
        scores = list(map(float, items[1::2]))
    except ValueError:
        raise BadDataFormat from None
    return _checked_scores(list(zip(items[::2], scores, strict=True)))


def _checked_scores(scored: list[tuple[bytes, float]]) -> list[tuple[bytes, float]]:
    if not scored or any([score != score for _, score in scored]):
        raise BadDataFormat
    return scored


def _checked(items: list[bytes], width: int) -> list[bytes]:
    if not items or len(items) % width:
        raise BadDataFormat
    return items
