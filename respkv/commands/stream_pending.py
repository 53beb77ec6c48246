"""Entries delivered and not acknowledged: looked at (XPENDING), or taken over from who has them."""

from typing import Final

from respkv.commands.arguments import INT64_MAX, int64_or_none, parse_int64
from respkv.commands.stream_ids import lookup_stream, parse_end, parse_id, parse_start, show_id
from respkv.commands.table import FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError, InvalidStreamId, NoSuchGroup, quoted
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.stream import Stream
from respkv.keyspace.stream_groups import Delivery, Group
from respkv.wire.reply import NULL_ARRAY, Reply

LOOKED_AT: Final = 10  # XAUTOCLAIM looks at so many pending entries for each that it may claim
AUTOCLAIM_MAX: Final = INT64_MAX // 16
AT_ONCE: Final = 128


@command(arity=-3, flags=READONLY, keys=(1, 1, 1), access="RO access", group="stream",
         since="5.0.0", complexity="O(N) with N being the number of elements returned, so asking "
         "for a small fixed number of entries per call is O(1). O(M), where M is the total number "
         "of entries scanned when used with the IDLE filter. When the command returns just the "
         "summary and the list of consumers is small, it runs in O(1) time; otherwise, an "
         "additional O(N) time for iterating every consumer.", tips=("nondeterministic_output",),
         syntax="key group [filters([IDLE min-idle-time:integer@6.2.0] start end count:integer "
         "[consumer])]", summary="Return information and entries from a stream consumer group "
         "pending entries list, that are messages fetched but never acknowledged.",
         history=(("6.2.0", "Added the `IDLE` option and exclusive range intervals."),)
         )  # fmt: skip
def xpending(keyspace: Keyspace, argv: Argv) -> Reply:
    if len(argv) == 3:
        return _summary(_stream_and_group(keyspace, argv)[1])
    if not 6 <= len(argv) <= 9:
        raise BadSyntax
    at, min_idle_ms = 3, 0
    if argv[3].upper() == b"IDLE":
        min_idle_ms = parse_int64(argv[4])
        if len(argv) < 8:
            raise BadSyntax
        at = 5
    count = parse_int64(argv[at + 2])
    start, end = parse_start(argv[at]), parse_end(argv[at + 1])
    group = _stream_and_group(keyspace, argv)[1]
    pending = group.pending
    if at + 3 < len(argv):
        consumer = group.consumers.get(argv[at + 3])
        if consumer is None:
            return []
        pending = consumer.pending
    found: list[Reply] = []
    now_ms = keyspace.leader_ms
    while len(found) < count and start <= end:
        ids = pending.not_below(start, AT_ONCE)
        for entry_id in ids:
            if entry_id > end or len(found) == count:
                return found
            delivery = group.deliveries[entry_id]
            idle_ms = now_ms - delivery.time_ms
            if not min_idle_ms or idle_ms >= min_idle_ms:
                name = delivery.consumer.name
                found.append([show_id(entry_id), name, max(idle_ms, 0), delivery.count])
        if not ids:
            break
        start = ids[-1] + 1
    return found


@command(arity=-6, flags=WRITE | FAST, keys=(1, 1, 1), access="RW update", group="stream",
         since="5.0.0", complexity="O(log N) with N being the number of messages in the PEL of the "
         "consumer group.", tips=("nondeterministic_output",), syntax="key group consumer "
         "min-idle-time id... [IDLE ms:integer] [TIME unix-time-milliseconds:unix-time] "
         "[RETRYCOUNT count:integer] [FORCE] [JUSTID] [LASTID id]", summary="Changes (or acquires) "
         "ownership of a message in a consumer group, as if the message was delivered to the "
         "specified consumer.")  # fmt: skip
def xclaim(keyspace: Keyspace, argv: Argv) -> Reply:
    stream, group = _stream_and_group(keyspace, argv)
    options = ClaimOptions(argv, keyspace.now_ms)
    group.last_id = max(group.last_id, options.last_id)
    claimed: list[Reply] = []
    for entry_id in options.ids:
        items = stream.entry(entry_id)
        if items is None:
            group.settle(entry_id)
            continue
        delivery = group.deliveries.get(entry_id)
        if delivery is None and not options.force:
            continue
        if delivery is not None and keyspace.now_ms - delivery.time_ms < options.min_idle_ms:
            continue
        consumer = group.consumer(argv[3], keyspace.now_ms)  # created once there is something
        if delivery is None:
            delivery = Delivery(consumer, options.time_ms, 1)
            group.add(entry_id, delivery)
        group.give(entry_id, delivery, consumer)
        delivery.time_ms = options.time_ms
        if options.retry_count >= 0:
            delivery.count = options.retry_count
        elif not options.just_id:
            delivery.count_one()
        claimed.append(show_id(entry_id) if options.just_id else [show_id(entry_id), items])
    return claimed


@command(arity=-6, flags=WRITE | FAST, keys=(1, 1, 1), access="RW delete", group="stream",
         since="6.2.0", complexity="O(1) if COUNT is small.", tips=("nondeterministic_output",),
         syntax="key group consumer min-idle-time start [COUNT count:integer] [JUSTID]",
         summary="Changes (or acquires) ownership of messages in a consumer group, as if the "
         "messages were delivered to the specified consumer.", history=(("7.0.0", "Added an "
         "element to the reply array, containing deleted entries the command cleared from the "
         "PEL"),))  # fmt: skip
def xautoclaim(keyspace: Keyspace, argv: Argv) -> Reply:
    min_idle_ms = _parse_ms(argv[4], b"min-idle-time argument for XAUTOCLAIM")
    start = parse_start(argv[5])
    count, just_id = _autoclaim_options(argv)
    stream, group = _stream_and_group(keyspace, argv)
    claimed: list[Reply] = []
    deleted: list[bytes] = []
    attempts = count * LOOKED_AT
    while True:
        ids = group.pending.not_below(start, AT_ONCE)
        for entry_id in ids:
            if attempts == 0 or len(claimed) + len(deleted) == count:
                return [show_id(entry_id), claimed, deleted]
            attempts -= 1
            items = stream.entry(entry_id)
            if items is None:
                group.settle(entry_id)
                deleted.append(show_id(entry_id))
                continue
            delivery = group.deliveries[entry_id]
            if keyspace.now_ms - delivery.time_ms < min_idle_ms:
                continue
            group.give(entry_id, delivery, group.consumer(argv[3], keyspace.now_ms))
            delivery.time_ms = keyspace.now_ms
            if not just_id:
                delivery.count_one()
            claimed.append(show_id(entry_id) if just_id else [show_id(entry_id), items])
        if not ids:
            return [b"0-0", claimed, deleted]
        start = ids[-1] + 1


class ClaimOptions:
    """The ids and options of XCLAIM; `time_ms` becomes the time of delivery."""

    def __init__(self, argv: Argv, now_ms: int) -> None:
        self.min_idle_ms: int = _parse_ms(argv[4], b"min-idle-time argument for XCLAIM")
        self.ids: list[int] = []
        self.time_ms: int = now_ms
        self.retry_count: int = -1
        self.last_id: int = 0
        self.force: bool = False
        self.just_id: bool = False
        at = 5
        try:
            while at < len(argv):
                self.ids.append(parse_id(argv[at]))
                at += 1
        except InvalidStreamId:
            self._parse(argv, at, now_ms)
        if not 0 <= self.time_ms <= now_ms:
            self.time_ms = now_ms

    def _parse(self, argv: Argv, at: int, now_ms: int) -> None:
        while at < len(argv):
            option = argv[at].upper()
            at += 1
            if option == b"FORCE":
                self.force = True
                continue
            if option == b"JUSTID":
                self.just_id = True
                continue
            if at == len(argv) or option not in (b"IDLE", b"TIME", b"RETRYCOUNT", b"LASTID"):
                raise CommandError(b"ERR Unrecognized XCLAIM option '%b'" % quoted(argv[at - 1]))
            if option == b"LASTID":
                self.last_id = parse_id(argv[at])
            else:
                number = int64_or_none(argv[at])
                if number is None:
                    raise CommandError(b"ERR Invalid %b option argument for XCLAIM" % option)
                if option == b"RETRYCOUNT":
                    self.retry_count = number
                else:
                    self.time_ms = number if option == b"TIME" else now_ms - number
            at += 1


def _autoclaim_options(argv: Argv) -> tuple[int, bool]:
    count, just_id = 100, False
    at = 6
    while at < len(argv):
        option = argv[at].upper()
        if option == b"COUNT" and at + 1 < len(argv):
            number = int64_or_none(argv[at + 1])
            if number is None or not 1 <= number <= AUTOCLAIM_MAX:
                raise CommandError(b"ERR COUNT must be > 0")
            count = number
            at += 2
        elif option == b"JUSTID":
            just_id = True
            at += 1
        else:
            raise BadSyntax
    return count, just_id


def _parse_ms(text: bytes, what: bytes) -> int:
    number = int64_or_none(text)
    if number is None:
        raise CommandError(b"ERR Invalid %b" % what)
    return max(number, 0)


def _summary(group: Group) -> Reply:
    pending = group.pending
    if not len(pending):
        return [0, None, None, NULL_ARRAY]
    consumers = [
        [consumer.name, b"%d" % len(consumer.pending)]
        for consumer in group.in_order()
        if len(consumer.pending)
    ]
    return [len(pending), show_id(pending.first()), show_id(pending.last()), consumers]


def _stream_and_group(keyspace: Keyspace, argv: Argv) -> tuple[Stream, Group]:
    stream = lookup_stream(keyspace, argv[1])
    group = None if stream is None else stream.groups.get(argv[2])
    if stream is None or group is None:
        raise NoSuchGroup(argv[1], argv[2])
    return stream, group
