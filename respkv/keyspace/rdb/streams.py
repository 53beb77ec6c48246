"""Streams in Redis' format: entries in listpacks, then counters, groups and what is pending."""

from typing import Final

from respkv.errors import BadDataFormat
from respkv.keyspace.rdb.listpack import listpack_items, pack_listpack
from respkv.keyspace.rdb.primitives import Reader, pack_length, pack_string

ENTRIES_PER_NODE: Final = 100

_DELETED: Final = 1
_SAME_FIELDS: Final = 2
_U64: Final = (1 << 64) - 1
_I64_END: Final = 1 << 63

Entry = tuple[int, list[bytes]]  # the id, ms << 64 | sequence; fields and values in turn


class Pending:
    """An entry that was delivered and not acknowledged."""

    def __init__(self, entry_id: int, time_ms: int, deliveries: int) -> None:
        self.entry_id = entry_id
        self.time_ms = time_ms
        self.deliveries = deliveries
        self.consumer: bytes | None = None


class NeutralGroup:
    """A group; `entries_read` is None where the format does not say, -1 where nobody knows."""

    def __init__(self, name: bytes, last_id: int, entries_read: int | None) -> None:
        self.name = name
        self.last_id = last_id
        self.entries_read = entries_read
        self.pending: list[Pending] = []
        self.consumers: list[tuple[bytes, int]] = []  # name, when it was seen (Unix ms)


class NeutralStream:
    """A stream, with nothing but live entries."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.last_id: int = 0
        self.max_deleted_id: int = 0
        self.entries_added: int = 0
        self.groups: list[NeutralGroup] = []


def load_stream(reader: Reader, is_second: bool) -> NeutralStream:
    """Return a stream of the first or second version of the format.

    Raises:
        BadDataFormat: it is none, or its parts contradict each other.
    """
    stream = NeutralStream()
    for _ in range(reader.count(least=0)):
        _read_node(_read_id(reader.string()), listpack_items(reader.string()), stream.entries)
    length = reader.length()
    stream.last_id = _length_id(reader)
    stream.entries_added = length
    if is_second:
        _length_id(reader)  # of the first entry: known from the entries
        stream.max_deleted_id = _length_id(reader)
        stream.entries_added = reader.length()
    entries = stream.entries
    if (
        length != len(entries)
        or not length <= stream.entries_added < _I64_END
        or (entries and entries[-1][0] > stream.last_id)
    ):
        raise BadDataFormat
    names: dict[bytes, None] = {}
    for _ in range(reader.count(least=0)):
        group = _read_group(reader, is_second)
        stream.groups.append(group)
        names[group.name] = None
    if len(names) != len(stream.groups):
        raise BadDataFormat
    return stream


def dump_stream(stream: NeutralStream) -> bytes:
    """Return what `load_stream` reads, in the second version."""
    entries = stream.entries
    nodes = range(0, len(entries), ENTRIES_PER_NODE)
    parts = [pack_length(len(nodes))]
    for start in nodes:
        node = entries[start : start + ENTRIES_PER_NODE]
        parts.append(pack_string(node[0][0].to_bytes(16, "big")))
        parts.append(pack_string(_pack_node(node)))
    parts.append(pack_length(len(entries)))
    first_id = entries[0][0] if entries else 0
    for entry_id in (stream.last_id, first_id, stream.max_deleted_id):
        parts.append(_pack_length_id(entry_id))
    parts += (pack_length(stream.entries_added), pack_length(len(stream.groups)))
    for group in stream.groups:
        _pack_group(group, parts)
    return b"".join(parts)


# --- entries --------------------------------------------------------------------------------------


def _read_node(base: int, items: list[bytes], entries: list[Entry]) -> None:
    """Add the live entries of one listpack, whose ids are differences to `base`."""
    try:
        count = int(items[2])
        if not 0 < count <= len(items):
            raise BadDataFormat
        fields = items[3 : 3 + count]
        at = 4 + count
        while at < len(items):
            flags = int(items[at])
            ms = ((base >> 64) + int(items[at + 1])) & _U64
            sequence = ((base & _U64) + int(items[at + 2])) & _U64
            at += 3
            if flags & _SAME_FIELDS:
                content = [text for pair in zip(fields, items[at : at + count]) for text in pair]  # noqa: B905
                at += count
            else:
                size = 2 * int(items[at])
                if size <= 0:
                    raise BadDataFormat
                content = items[at + 1 : at + 1 + size]
                at += 1 + size
            at += 1  # how many elements the entry has, to walk backwards
            if at > len(items):
                raise BadDataFormat
            if flags & _DELETED:
                continue
            entry_id = ms << 64 | sequence
            if entries and entries[-1][0] >= entry_id:
                raise BadDataFormat
            entries.append((entry_id, content))
    except (IndexError, ValueError):
        raise BadDataFormat from None


def _pack_node(entries: list[Entry]) -> bytes:
    base, first_items = entries[0]
    fields = first_items[::2]
    count = len(fields)
    items = [b"%d" % len(entries), b"0", b"%d" % count, *fields, b"0"]
    for entry_id, content in entries:
        ms = _signed((entry_id >> 64) - (base >> 64))
        sequence = _signed((entry_id & _U64) - (base & _U64))
        if content[::2] == fields:
            items += (b"%d" % _SAME_FIELDS, b"%d" % ms, b"%d" % sequence, *content[1::2])
            items.append(b"%d" % (count + 3))
        else:
            pairs = len(content) // 2
            items += (b"0", b"%d" % ms, b"%d" % sequence, b"%d" % pairs, *content)
            items.append(b"%d" % (2 * pairs + 4))
    return pack_listpack(items)


def _signed(difference: int) -> int:
    """Return the difference of two u64 as C's i64 holds it."""
    return (difference + _I64_END & _U64) - _I64_END


# --- groups ---------------------------------------------------------------------------------------


def _read_group(reader: Reader, is_second: bool) -> NeutralGroup:
    name = reader.string()
    last_id = _length_id(reader)
    entries_read = _signed(reader.length()) if is_second else None
    if entries_read is not None and entries_read < -1:
        raise BadDataFormat
    group = NeutralGroup(name, last_id, entries_read)
    by_id: dict[int, Pending] = {}
    previous = -1
    for _ in range(reader.count(least=0)):
        entry_id = _read_id(reader.take(16))
        time_ms = int.from_bytes(reader.take(8), "little", signed=True)
        pending = Pending(entry_id, time_ms, reader.length())
        if entry_id <= previous or pending.deliveries >= _I64_END:
            raise BadDataFormat
        previous = entry_id
        by_id[entry_id] = pending
        group.pending.append(pending)
    names: dict[bytes, None] = {}
    for _ in range(reader.count(least=0)):
        consumer = reader.string()
        names[consumer] = None
        group.consumers.append((consumer, int.from_bytes(reader.take(8), "little", signed=True)))
        for _ in range(reader.count(least=0)):
            owned = by_id.pop(_read_id(reader.take(16)), None)
            if owned is None:
                raise BadDataFormat
            owned.consumer = consumer
    if by_id or len(names) != len(group.consumers):  # pending for nobody, or somebody twice
        raise BadDataFormat
    return group


def _pack_group(group: NeutralGroup, parts: list[bytes]) -> None:
    entries_read = -1 if group.entries_read is None else group.entries_read
    parts += (pack_string(group.name), _pack_length_id(group.last_id))
    parts += (pack_length(entries_read & _U64), pack_length(len(group.pending)))
    owned: dict[bytes | None, list[bytes]] = {}
    for pending in group.pending:
        entry_id = pending.entry_id.to_bytes(16, "big")
        parts += (entry_id, pending.time_ms.to_bytes(8, "little", signed=True))
        parts.append(pack_length(pending.deliveries))
        owned.setdefault(pending.consumer, []).append(entry_id)
    parts.append(pack_length(len(group.consumers)))
    for name, seen_ms in group.consumers:
        ids = owned.get(name, [])
        parts += (pack_string(name), seen_ms.to_bytes(8, "little", signed=True))
        parts += (pack_length(len(ids)), *ids)


# --- ids ------------------------------------------------------------------------------------------


def _read_id(packed: bytes) -> int:
    if len(packed) != 16:
        raise BadDataFormat
    return int.from_bytes(packed, "big")


def _length_id(reader: Reader) -> int:
    ms = reader.length()
    return ms << 64 | reader.length()


def _pack_length_id(entry_id: int) -> bytes:
    return pack_length(entry_id >> 64) + pack_length(entry_id & _U64)
