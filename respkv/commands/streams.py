"""Streams as logs: entries are added at the end, read by ranges of ids, deleted and trimmed."""

from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.long_streams import copied_if_long
from respkv.commands.stream_ids import lookup_stream, parse_end, parse_id, parse_start, show_id
from respkv.commands.stream_trims import AUTOMATIC, TrimOptions
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError, NoSuchKey, WrongArity
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.stream import MAX_ID, Entry, Stream
from respkv.keyspace.stream_node import SEQUENCE_MASK
from respkv.wire.reply import NULL_ARRAY, OK, Reply

ENTRY_BYTES_MAX: Final = 1 << 30  # of all fields and values
ALL: Final = 1 << 62  # a count that no stream reaches


@command(arity=-5, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW update", notes="UPDATE "
         "instead of INSERT because of the optional trimming feature", group="stream",
         since="5.0.0", complexity="O(1) when adding a new entry, O(N) when trimming where N being "
         "the number of entries evicted.", tips=("nondeterministic_output",), syntax="key "
         "[NOMKSTREAM@6.2.0] [trim(strategy(MAXLEN | MINID@6.2.0) [operator(==equal | "
         "~=approximately)] threshold [LIMIT count:integer@6.2.0])] id_or_auto(*=auto_id | id) "
         "field_value(field value)...", summary="Appends a new entry to a stream",
         history=(("6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the "
         "`LIMIT` option."), ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),)
         )  # fmt: skip
def xadd(keyspace: Keyspace, argv: Argv) -> bytes | None:
    options = TrimOptions()
    options.parse(argv, adds=True)
    items = argv[options.id_at + 1 :]
    if not items or len(items) % 2:
        raise WrongArity(b"xadd")
    if options.new_id == 0 and options.sequence_given:
        raise CommandError(b"ERR The ID specified in XADD must be greater than 0-0")
    key = argv[1]
    stream = lookup_stream(keyspace, key)
    if stream is None and options.no_mkstream:
        return None
    last_id = 0 if stream is None else stream.last_id
    entry_id = _new_id(last_id, options, keyspace.now_ms)
    if sum(map(len, items)) > ENTRY_BYTES_MAX:
        raise _too_large()
    if stream is None:
        stream = Stream()
        keyspace.set(key, stream)
    stream.append(entry_id, items)
    if options.trims:
        options.trim(stream)
    keyspace.modified(key)
    return show_id(entry_id)


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="stream",
         since="5.0.0", syntax="key", summary="Return the number of entries in a stream"
         )  # fmt: skip
def xlen(keyspace: Keyspace, argv: Argv) -> int:
    stream = lookup_stream(keyspace, argv[1])
    return 0 if stream is None else len(stream)


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="stream",
         since="5.0.0", complexity="O(N) with N being the number of elements being returned. If N "
         "is constant (e.g. always asking for the first 10 elements with COUNT), you can consider "
         "it O(1).", syntax="key start end [COUNT count:integer]", summary="Return a range of "
         "elements in a stream, with IDs matching the specified IDs interval", history=(("6.2.0",
         "Added exclusive ranges."),))  # fmt: skip
def xrange(keyspace: Keyspace, argv: Argv) -> Reply:
    start, end = parse_start(argv[2]), parse_end(argv[3])
    count = _parse_count(argv)
    stream = lookup_stream(keyspace, argv[1])
    if stream is None:
        return []
    if count == 0:
        return NULL_ARRAY
    long = copied_if_long(stream, start, end, count)
    return show_entries(stream.range(start, end, count)) if long is None else long.reply()


@command(arity=-4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="stream",
         since="5.0.0", complexity="O(N) with N being the number of elements returned. If N is "
         "constant (e.g. always asking for the first 10 elements with COUNT), you can consider it "
         "O(1).", syntax="key end start [COUNT count:integer]", summary="Return a range of "
         "elements in a stream, with IDs matching the specified IDs interval, in reverse order "
         "(from greater to smaller IDs) compared to XRANGE", history=(("6.2.0", "Added exclusive "
         "ranges."),))  # fmt: skip
def xrevrange(keyspace: Keyspace, argv: Argv) -> Reply:
    start, end = parse_start(argv[3]), parse_end(argv[2])
    count = _parse_count(argv)
    stream = lookup_stream(keyspace, argv[1])
    if stream is None:
        return []
    if count == 0:
        return NULL_ARRAY
    long = copied_if_long(stream, start, end, count, backwards=True)
    if long is not None:
        return long.reply()
    return show_entries(stream.reverse_range(start, end, count))


@command(arity=-3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW delete", group="stream",
         since="5.0.0", complexity="O(1) for each single item to delete in the stream, regardless "
         "of the stream size.", syntax="key id...", summary="Removes the specified entries from "
         "the stream. Returns the number of items actually deleted, that may be different from the "
         "number of IDs passed in case certain IDs do not exist.")  # fmt: skip
def xdel(keyspace: Keyspace, argv: Argv) -> int:
    stream = lookup_stream(keyspace, argv[1])
    if stream is None:
        return 0
    ids = [parse_id(text) for text in argv[2:]]
    deleted = 0
    for entry_id in ids:
        if stream.delete(entry_id):
            deleted += 1
    if deleted:
        keyspace.modified(argv[1])
    return deleted


@command(arity=-4, flags=WRITE, keys=(1, 1, 1), access="RW delete", group="stream", since="5.0.0",
         complexity="O(N), with N being the number of evicted entries. Constant times are very "
         "small however, since entries are organized in macro nodes containing multiple entries "
         "that can be released with a single deallocation.", tips=("nondeterministic_output",),
         syntax="key trim(strategy(MAXLEN | MINID@6.2.0) [operator(==equal | ~=approximately)] "
         "threshold [LIMIT count:integer@6.2.0])", summary="Trims the stream to (approximately if "
         "'~' is passed) a certain size", history=(("6.2.0", "Added the `MINID` trimming strategy "
         "and the `LIMIT` option."),))  # fmt: skip
def xtrim(keyspace: Keyspace, argv: Argv) -> int:
    options = TrimOptions()
    options.parse(argv, adds=False)
    stream = lookup_stream(keyspace, argv[1])
    if stream is None:
        return 0
    removed = options.trim(stream)
    if removed:
        keyspace.modified(argv[1])
    return removed


@command(arity=-3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW update",
         group="stream", since="5.0.0", syntax="key last-id [ENTRIESADDED "
         "entries_added:integer@7.0.0] [MAXDELETEDID max_deleted_entry_id@7.0.0]", summary="An "
         "internal command for replicating stream values", history=(("7.0.0", "Added the "
         "`entries_added` and `max_deleted_entry_id` arguments."),))  # fmt: skip
def xsetid(keyspace: Keyspace, argv: Argv) -> str:
    last_id = parse_id(argv[2])
    entries_added, max_deleted_id = -1, 0
    for at in range(3, len(argv), 2):
        option = argv[at].upper()
        if option not in (b"ENTRIESADDED", b"MAXDELETEDID") or at + 1 == len(argv):
            raise BadSyntax
        if option == b"ENTRIESADDED":
            entries_added = parse_int64(argv[at + 1])
            if entries_added < 0:
                raise CommandError(b"ERR entries_added must be positive")
        else:
            max_deleted_id = parse_id(argv[at + 1])
            if last_id < max_deleted_id:
                raise CommandError(
                    b"ERR The ID specified in XSETID is smaller than the provided "
                    b"max_deleted_entry_id"
                )
    stream = lookup_stream(keyspace, argv[1])
    if stream is None:
        raise NoSuchKey
    if len(stream):
        if last_id < stream.last_entry_id():
            raise CommandError(
                b"ERR The ID specified in XSETID is smaller than the target stream top item"
            )
        if 0 <= entries_added < len(stream):
            raise CommandError(
                b"ERR The entries_added specified in XSETID is smaller than the target stream "
                b"length"
            )
    stream.last_id = last_id
    if entries_added >= 0:
        stream.entries_added = entries_added
    if max_deleted_id:
        stream.max_deleted_id = max_deleted_id
    return OK


def show_entries(entries: list[Entry]) -> list[list[bytes | list[bytes]]]:
    """Return entries as replies show them."""
    return [[show_id(entry_id), items] for entry_id, items in entries]


def _parse_count(argv: Argv) -> int:
    count = ALL
    for at in range(4, len(argv), 2):
        if argv[at].upper() != b"COUNT" or at + 1 == len(argv):
            raise BadSyntax
        count = min(max(parse_int64(argv[at + 1]), 0), ALL)
    return count


def _new_id(last_id: int, options: TrimOptions, now_ms: int) -> int:
    if last_id == MAX_ID:
        raise CommandError(
            b"ERR The stream has exhausted the last possible ID, unable to add more items"
        )
    new_id = options.new_id
    if new_id == AUTOMATIC:
        return max(now_ms << 64, last_id + 1)
    if not options.sequence_given and last_id >> 64 == new_id >> 64:
        if last_id & SEQUENCE_MASK == SEQUENCE_MASK:
            raise _too_large()  # what Redis says here
        new_id = last_id + 1
    if new_id <= last_id:
        raise CommandError(
            b"ERR The ID specified in XADD is equal or smaller than the target stream top item"
        )
    return new_id


def _too_large() -> CommandError:
    return CommandError(b"ERR Elements are too large to be stored")
