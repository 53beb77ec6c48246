"""XINFO: what is known about a stream, its groups and their consumers."""

from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.help import declare_help
from respkv.commands.stream_ids import lookup_stream, show_id
from respkv.commands.streams import ALL, show_entries
from respkv.commands.table import READONLY, Argv, command, container
from respkv.errors import BadSubcommand, NoSuchGroupOfKey, NoSuchKey
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.stream import MAX_ID, Entry, Stream
from respkv.keyspace.stream_groups import UNKNOWN, Group
from respkv.wire.reply import Reply

FULL_COUNT: Final = 10
ID_BYTES: Final = 16

container(
    "XINFO",
    group="stream",
    since="5.0.0",
    summary="A container for stream introspection commands",
)


@command(name="XINFO|STREAM", arity=-3, flags=READONLY, keys=(2, 2, 1), access="RO access",
         group="stream", since="5.0.0", syntax="key [FULL full([COUNT count:integer])]",
         summary="Get information about a stream", history=(("6.0.0", "Added the `FULL` "
         "modifier."), ("7.0.0", "Added the `max-deleted-entry-id`, `entries-added`, "
         "`recorded-first-entry-id`, `entries-read` and `lag` fields"),))  # fmt: skip
def xinfo_stream(keyspace: Keyspace, argv: Argv) -> Reply:
    stream = _stream(keyspace, argv[2])
    if len(argv) == 3:
        return _about(stream) | {
            b"groups": len(stream.groups),
            b"first-entry": _edge(stream.range(0, MAX_ID, 1)),
            b"last-entry": _edge(stream.reverse_range(0, MAX_ID, 1)),
        }
    if len(argv) not in (4, 6) or argv[3].upper() != b"FULL":
        raise BadSubcommand(b"XINFO", argv[1])
    count = FULL_COUNT
    if len(argv) == 6:
        if argv[4].upper() != b"COUNT":
            raise BadSubcommand(b"XINFO", argv[1])
        count = parse_int64(argv[5])
        if count < 0:
            count = FULL_COUNT
    count = min(count, ALL) or ALL
    groups = [stream.groups[name] for name in sorted(stream.groups)]
    return _about(stream) | {
        b"entries": show_entries(stream.range(0, MAX_ID, count)),
        b"groups": [_full_group(stream, group, count) for group in groups],
    }


@command(name="XINFO|GROUPS", arity=3, flags=READONLY, keys=(2, 2, 1), access="RO access",
         group="stream", since="5.0.0", syntax="key", summary="List the consumer groups of a "
         "stream", history=(("7.0.0", "Added the `entries-read` and `lag` fields"),))  # fmt: skip
def xinfo_groups(keyspace: Keyspace, argv: Argv) -> Reply:
    stream = _stream(keyspace, argv[2])
    return [
        {
            b"name": name,
            b"consumers": len(stream.groups[name].consumers),
            b"pending": len(stream.groups[name].deliveries),
            **_progress(stream, stream.groups[name]),
        }
        for name in sorted(stream.groups)
    ]


@command(name="XINFO|CONSUMERS", arity=4, flags=READONLY, keys=(2, 2, 1), access="RO access",
         group="stream", since="5.0.0", tips=("nondeterministic_output",), syntax="key groupname",
         summary="List the consumers in a consumer group")  # fmt: skip
def xinfo_consumers(keyspace: Keyspace, argv: Argv) -> Reply:
    stream = _stream(keyspace, argv[2])
    group = stream.groups.get(argv[3])
    if group is None:
        raise NoSuchGroupOfKey(argv[2], argv[3])
    return [
        {
            b"name": consumer.name,
            b"pending": len(consumer.pending),
            b"idle": max(keyspace.leader_ms - consumer.seen_ms, 0),
        }
        for consumer in group.in_order()
    ]


declare_help("XINFO", since="5.0.0", group="stream", flags=0, text="""
CONSUMERS <key> <groupname>
    Show consumers of <groupname>.
GROUPS <key>
    Show the stream consumer groups.
STREAM <key> [FULL [COUNT <count>]
    Show information about the stream.
""")  # fmt: skip


def _stream(keyspace: Keyspace, key: bytes) -> Stream:
    stream = lookup_stream(keyspace, key)
    if stream is None:
        raise NoSuchKey
    return stream


def _edge(entries: list[Entry]) -> Reply:
    return show_entries(entries)[0] if entries else None


def _about(stream: Stream) -> dict[bytes, Reply]:
    return {
        b"length": len(stream),
        b"radix-tree-keys": len(stream.nodes),
        b"radix-tree-nodes": radix_nodes(stream.firsts),
        b"last-generated-id": show_id(stream.last_id),
        b"max-deleted-entry-id": show_id(stream.max_deleted_id),
        b"entries-added": stream.entries_added,
        b"recorded-first-entry-id": show_id(stream.first_id),
    }


def _progress(stream: Stream, group: Group) -> dict[bytes, Reply]:
    return {
        b"last-delivered-id": show_id(group.last_id),
        b"entries-read": None if group.entries_read == UNKNOWN else group.entries_read,
        b"lag": stream.lag(group),
    }


def _full_group(stream: Stream, group: Group, count: int) -> dict[bytes, Reply]:
    pending: list[Reply] = []
    for entry_id in group.pending.not_below(0, count):
        delivery = group.deliveries[entry_id]
        name = delivery.consumer.name
        pending.append([show_id(entry_id), name, delivery.time_ms, delivery.count])
    consumers: list[Reply] = []
    for consumer in group.in_order():
        own: list[Reply] = []
        for entry_id in consumer.pending.not_below(0, count):
            delivery = group.deliveries[entry_id]
            own.append([show_id(entry_id), delivery.time_ms, delivery.count])
        consumers.append(
            {
                b"name": consumer.name,
                b"seen-time": consumer.seen_ms,
                b"pel-count": len(consumer.pending),
                b"pending": own,
            }
        )
    return {
        b"name": group.name,
        **_progress(stream, group),
        b"pel-count": len(group.deliveries),
        b"pending": pending,
        b"consumers": consumers,
    }


def radix_nodes(ids: list[int]) -> int:
    """Return how many nodes Redis' radix tree has with these ascending ids as keys of 16 bytes.

    That is one for the end of each key, one for each place where keys part, and one for each run
    of bytes from a place to the next, without the byte by which the place tells its branches apart.
    """
    if not ids:
        return 1
    nodes = len(ids)
    places = [-1]  # the depths at which keys part, on the path to the key at hand
    for position in range(1, len(ids) + 1):
        depth = -1
        if position < len(ids):
            depth = ID_BYTES - ((ids[position] ^ ids[position - 1]).bit_length() + 7) // 8
        if ID_BYTES - max(places[-1], depth) > 1:
            nodes += 1
        while places[-1] > depth:
            place = places.pop()
            nodes += 2 if place - max(places[-1], depth) > 1 else 1
        if places[-1] < depth:
            places.append(depth)
    return nodes
