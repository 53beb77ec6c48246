"""Streams as queues: what is new in some of them, at once or when it comes (XREAD, XREADGROUP)."""

from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.blocking import NOT_SERVED, park, parse_timeout_ms, serves
from respkv.commands.key_specs import KeySpec
from respkv.commands.long_streams import Copied, copied_if_long, long_read
from respkv.commands.stream_ids import lookup_stream, parse_id, show_id
from respkv.commands.streams import ALL, show_entries
from respkv.commands.table import BLOCKING, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError, NoSuchGroup
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.stream import MAX_ID, Stream
from respkv.keyspace.stream_groups import Consumer, Group
from respkv.wire.reply import NULL_ARRAY, PairMap, Reply

WAITERS_COUNT: Final = b"1000"  # what a call that waited gets at most, unless it says COUNT
NEW: Final = MAX_ID  # the id ">": what was delivered to nobody


class ReadOptions:
    """The arguments of XREAD and XREADGROUP; `timeout_ms` is negative without BLOCK."""

    def __init__(self, argv: Argv, grouped: bool) -> None:
        self.count: int = 0
        self.timeout_ms: int = -1
        self.has_group: bool = False
        self.group: bytes = b""
        self.consumer: bytes = b""
        self.noack: bool = False
        self.keys: list[bytes] = []
        self.ids: list[bytes] = []
        self._parse(argv, grouped)
        if not self.keys:
            raise BadSyntax
        if self.has_group != grouped:
            raise CommandError(b"ERR Missing GROUP option for XREADGROUP")

    def _parse(self, argv: Argv, grouped: bool) -> None:
        at = 1
        while at < len(argv):
            more = len(argv) - at - 1
            option = argv[at].upper()
            if option == b"BLOCK" and more:
                self.timeout_ms = parse_timeout_ms(argv[at + 1])
                at += 2
            elif option == b"COUNT" and more:
                self.count = max(parse_int64(argv[at + 1]), 0)
                at += 2
            elif option == b"STREAMS" and more:
                self._parse_streams(argv[at + 1 :])
                return
            elif option == b"GROUP" and more >= 2:
                if not grouped:
                    raise CommandError(
                        b"ERR The GROUP option is only supported by XREADGROUP. You called XREAD "
                        b"instead."
                    )
                self.has_group = True
                self.group, self.consumer = argv[at + 1], argv[at + 2]
                at += 3
            elif option == b"NOACK":
                if not grouped:
                    raise CommandError(
                        b"ERR The NOACK option is only supported by XREADGROUP. You called XREAD "
                        b"instead."
                    )
                self.noack = True
                at += 1
            else:
                raise BadSyntax

    def _parse_streams(self, streams: list[bytes]) -> None:
        if len(streams) % 2:
            raise CommandError(
                b"ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be "
                b"specified."
            )
        half = len(streams) // 2
        self.keys, self.ids = streams[:half], streams[half:]

    def parked_argv(self, name: bytes, ids: list[bytes]) -> Argv:
        """Return what serves the call when something comes; its ids are those resolved now."""
        argv = [name, b"COUNT", b"%d" % self.count if self.count else WAITERS_COUNT]
        if self.has_group:
            argv += [b"GROUP", self.group, self.consumer]
        if self.noack:
            argv.append(b"NOACK")
        return [*argv, b"STREAMS", *self.keys, *ids]


@command(arity=-4, flags=READONLY | BLOCKING, specs=(KeySpec("RO access", (1, -1, 1),
         keyword="STREAMS", limit=2),), group="stream", since="5.0.0", complexity="For each stream "
         "mentioned: O(N) with N being the number of elements being returned, it means that "
         "XREAD-ing with a fixed COUNT is O(1). Note that when the BLOCK option is used, XADD will "
         "pay O(M) time in order to serve the M clients blocked on the stream getting new data.",
         syntax="[COUNT count:integer] [BLOCK milliseconds:integer] STREAMS streams(key... "
         "id...)", summary="Return never seen elements in multiple streams, with IDs greater than "
         "the ones reported by the caller for each stream. Can block.")  # fmt: skip
def xread(keyspace: Keyspace, argv: Argv) -> Reply:
    options = ReadOptions(argv, grouped=False)
    streams: list[Stream | None] = []
    after: list[int] = []
    for key, text in zip(options.keys, options.ids, strict=True):
        stream = lookup_stream(keyspace, key)
        streams.append(stream)
        if text == b"$":
            after.append(0 if stream is None else stream.last_id)
        elif text == b">":
            raise CommandError(
                b"ERR The > ID can be specified only when calling XREADGROUP using the GROUP "
                b"<group> <consumer> option."
            )
        else:
            after.append(parse_id(text))
    new = [
        (key, stream, last)
        for key, stream, last in zip(options.keys, streams, after, strict=True)
        if stream is not None and stream.last_entry_id() > last
    ]
    if new:
        return _show_new(new, options.count or ALL)
    if options.timeout_ms < 0:
        return NULL_ARRAY
    parked = options.parked_argv(b"XREAD", [show_id(last) for last in after])
    return park(keyspace, parked, options.keys, options.timeout_ms)


def _show_new(new: list[tuple[bytes, Stream, int]], count: int) -> Reply:
    """Return what each stream has behind an id."""
    if any([copied_if_long(stream, last + 1, MAX_ID, count) for _, stream, last in new]):
        return long_read(
            [(key, Copied(stream, last + 1, MAX_ID, count)) for key, stream, last in new]
        )
    return PairMap(
        [(key, show_entries(stream.range(last + 1, MAX_ID, count))) for key, stream, last in new]
    )


@command(arity=-7, flags=WRITE | BLOCKING, specs=(KeySpec("RO access", (4, -1, 1),
         keyword="STREAMS", limit=2),), group="stream", since="5.0.0", complexity="For each stream "
         "mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. "
         "always asking for the first 10 elements with COUNT), you can consider it O(1). On the "
         "other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N "
         "clients blocked on the stream getting new data.", syntax="GROUP group_consumer(group "
         "consumer) [COUNT count:integer] [BLOCK milliseconds:integer] [NOACK] STREAMS "
         "streams(key... id...)", summary="Return new entries from a stream using a consumer "
         "group, or access the history of the pending entries for a given consumer. Can block."
         )  # fmt: skip
def xreadgroup(keyspace: Keyspace, argv: Argv) -> Reply:
    options = ReadOptions(argv, grouped=True)
    streams: list[Stream] = []
    groups: list[Group] = []
    after: list[int] = []
    for key, text in zip(options.keys, options.ids, strict=True):
        stream = lookup_stream(keyspace, key)
        group = None if stream is None else stream.groups.get(options.group)
        if stream is None or group is None:
            where = b" in XREADGROUP with GROUP option"
            raise NoSuchGroup(key, options.group, where)
        if text == b"$":
            raise CommandError(
                b"ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the "
                b"history of this consumer by specifying a proper ID, or use the > ID to get new "
                b"messages. The $ ID would just return an empty result set."
            )
        streams.append(stream)
        groups.append(group)
        after.append(NEW if text == b">" else parse_id(text))
    found: list[tuple[bytes, Reply]] = []
    for number, key in enumerate(options.keys):
        stream, group = streams[number], groups[number]
        if after[number] != NEW:
            consumer = group.consumer(options.consumer, keyspace.now_ms)
            history = _history(keyspace, stream, group, consumer, after[number], options.count)
            found.append((key, history))
        elif stream.last_entry_id() > group.last_id:
            found.append((key, _read_new(keyspace, stream, group, options)))
    if found:
        return PairMap(found)
    if options.timeout_ms < 0:
        return NULL_ARRAY
    parked = options.parked_argv(b"XREADGROUP", options.ids)
    return park(keyspace, parked, options.keys, options.timeout_ms, bound=True)


@serves("XREAD", type_name="stream")
def _serve_read(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    options = ReadOptions(argv, grouped=False)
    stream = lookup_stream(keyspace, key)
    last = parse_id(options.ids[options.keys.index(key)])
    if stream is None or stream.last_id <= last:
        return NOT_SERVED
    return PairMap([(key, show_entries(stream.range(last + 1, MAX_ID, options.count)))])


@serves("XREADGROUP", type_name="stream")
def _serve_group_read(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    options = ReadOptions(argv, grouped=True)
    stream = lookup_stream(keyspace, key)
    if stream is None:
        return NOT_SERVED
    group = stream.groups.get(options.group)
    if group is None:
        raise CommandError(
            b"NOGROUP the consumer group this client was blocked on no longer exists"
        )
    if stream.last_id <= group.last_id:
        return NOT_SERVED
    return PairMap([(key, _read_new(keyspace, stream, group, options))])


def _read_new(keyspace: Keyspace, stream: Stream, group: Group, options: ReadOptions) -> Reply:
    """Deliver to the consumer what the group has not read yet."""
    consumer = group.consumer(options.consumer, keyspace.now_ms)
    entries = stream.range(group.last_id + 1, MAX_ID, options.count or ALL)
    entry_ids = [entry_id for entry_id, _ in entries]
    stream.advance(group, entry_ids)
    if not options.noack:
        group.deliver(entry_ids, consumer, keyspace.now_ms)
    return show_entries(entries)


def _history(
    keyspace: Keyspace, stream: Stream, group: Group, consumer: Consumer, after: int, count: int
) -> Reply:
    """Deliver again what the consumer has pending; NULL_ARRAY for what is in the stream no more."""
    found: list[Reply] = []
    for entry_id in consumer.pending.not_below(after + 1, count or ALL):
        items = stream.entry(entry_id)
        if items is None:
            found.append([show_id(entry_id), NULL_ARRAY])
        else:
            delivery = group.deliveries[entry_id]
            delivery.time_ms = keyspace.now_ms
            delivery.count_one()
            found.append([show_id(entry_id), items])
    return found
