"""Neutral values of Redis' format, and ours: one row for each type."""

from collections.abc import Callable
from typing import Any, Final

from respkv.errors import BadDataFormat
from respkv.keyspace.hash import Hash
from respkv.keyspace.list import List
from respkv.keyspace.rdb.streams import NeutralGroup, NeutralStream, Pending
from respkv.keyspace.rdb.values import Neutral
from respkv.keyspace.set import Set
from respkv.keyspace.stream import MAX_ID, Stream
from respkv.keyspace.stream_groups import Consumer, Delivery, Group
from respkv.keyspace.values import Container, Value
from respkv.keyspace.zset import ZSet, zset_of


def value_of(neutral: Neutral) -> Value:
    """Return the value to keep in the keyspace.

    Raises:
        BadDataFormat: a member or a field comes twice.
    """
    name, content = neutral
    return _VALUE_OF[name](content)


def neutral_of(value: Value) -> Neutral:
    """Return the neutral form of a value."""
    if isinstance(value, Container):
        return value.type_name, _CONTENT_OF[value.type_name](value)
    return "string", bytes(value)


def _string(text: bytes) -> Value:
    return text


def _hash(items: list[bytes]) -> Hash:
    hash_ = Hash()
    if hash_.set_all(items) * 2 != len(items):
        raise BadDataFormat
    return hash_


def _hash_content(hash_: Hash) -> list[bytes]:
    items = hash_.fields.items * 2
    items[::2] = hash_.fields.items
    items[1::2] = hash_.values
    return items


def _list(items: list[bytes]) -> List:
    return List(items)


def _list_content(list_: List) -> list[bytes]:
    return list(list_.items)


def _set(members: list[bytes]) -> Set:
    set_ = Set()
    if set_.add_all(members) != len(members):
        raise BadDataFormat
    return set_


def _set_content(set_: Set) -> list[bytes]:
    return set_.members.items


def _zset(scored: list[tuple[bytes, float]]) -> ZSet:
    zset = zset_of([member for member, _ in scored], [score for _, score in scored])
    if len(zset.members.positions) < len(scored):
        raise BadDataFormat
    return zset


def _zset_content(zset: ZSet) -> list[tuple[bytes, float]]:
    return list(zip(zset.members.items, zset.scores, strict=True))


def _stream(neutral: NeutralStream) -> Stream:
    stream = Stream()
    for entry_id, items in neutral.entries:
        stream.append(entry_id, items)
    stream.last_id = neutral.last_id
    stream.max_deleted_id = neutral.max_deleted_id
    stream.entries_added = neutral.entries_added
    for each in neutral.groups:
        entries_read = each.entries_read
        if entries_read is None:
            entries_read = stream.entries_up_to(each.last_id)
        group = Group(each.name, each.last_id, entries_read)
        for name, seen_ms in each.consumers:
            group.consumers[name] = Consumer(name, seen_ms)
        for pending in each.pending:
            if pending.consumer is not None:
                consumer = group.consumers[pending.consumer]
                delivery = Delivery(consumer, pending.time_ms, pending.deliveries)
                group.add(pending.entry_id, delivery)
        stream.groups[each.name] = group
    return stream


def _stream_content(stream: Stream) -> NeutralStream:
    neutral = NeutralStream()
    neutral.entries = stream.range(0, MAX_ID, len(stream))
    neutral.last_id = stream.last_id
    neutral.max_deleted_id = stream.max_deleted_id
    neutral.entries_added = stream.entries_added
    for group in stream.groups.values():
        each = NeutralGroup(group.name, group.last_id, group.entries_read)
        each.consumers = [(consumer.name, consumer.seen_ms) for consumer in group.in_order()]
        for entry_id in group.pending.all():
            delivery = group.deliveries[entry_id]
            pending = Pending(entry_id, delivery.time_ms, delivery.count)
            pending.consumer = delivery.consumer.name
            each.pending.append(pending)
        neutral.groups.append(each)
    return neutral


_VALUE_OF: Final[dict[str, Callable[[Any], Value]]] = {
    "string": _string,
    "hash": _hash,
    "list": _list,
    "set": _set,
    "zset": _zset,
    "stream": _stream,
}
_CONTENT_OF: Final[dict[str, Callable[[Any], Any]]] = {
    "hash": _hash_content,
    "list": _list_content,
    "set": _set_content,
    "zset": _zset_content,
    "stream": _stream_content,
}
