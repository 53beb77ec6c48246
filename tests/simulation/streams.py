"""Streams that some users add to, while others read them, alone or as consumers of a group."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from respkv.commands.table import lookup
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from tests.simulation.observed import Observed
from tests.simulation.stream_calls import (
    NO_ID,
    Acknowledgement,
    Add,
    Claim,
    Delivery,
    Entry,
    EntryId,
    OwnEntries,
    Read,
    Stream,
)
from tests.simulation.stream_checker import problem
from tests.simulation.waiting_calls import call_of, timeout_ms
from tests.simulation.workload import Call
from tests.simulation.world import Violation, World

if TYPE_CHECKING:
    from tests.simulation.users import User

STREAMS_IN_USE = 2
ENTRIES_MAX = 80  # then another stream is taken
GROUP = b"g"
NEVER_IDLE_MS = 3_600_000  # no clock is ever that wrong


class LiveStream:
    """A key, what happened to it, and what each of its consumers has still to acknowledge."""

    def __init__(self, number: int, databases: int) -> None:
        self.key = b"x%d" % number
        self.db = number % databases
        self.calls: list[Observed] = []
        self.has_group = False
        self.added = 0
        self.last_seen = NO_ID
        self.given: dict[bytes, list[EntryId]] = {}  # to consumers, who will acknowledge it
        self.abandoned: list[EntryId] = []  # they will not

    def may_be_pending(self) -> list[EntryId]:
        """Return what somebody was given and may not have acknowledged."""
        return self.abandoned + [entry_id for given in self.given.values() for entry_id in given]


class Streams:
    """All streams of a run."""

    def __init__(self, world: World, databases: int) -> None:
        self._world = world
        self._databases = databases
        self._streams: list[LiveStream] = []
        self._in_use: list[LiveStream] = []
        for _ in range(STREAMS_IN_USE):
            self._use_another()

    def _use_another(self) -> None:
        self._in_use.append(LiveStream(len(self._streams), self._databases))
        self._streams.append(self._in_use[-1])

    def burst(self, user: "User") -> list[Call]:
        """Return a few calls; only the last one may wait."""
        world = self._world
        streams = [stream for stream in self._in_use if user.expects_here(stream.key)]
        streams = streams or self._in_use
        stream = streams[world.chance.below(len(streams))]
        if not stream.has_group:
            return [self._create_group(stream)]
        consumer = b"c%d" % user.number
        dice = world.chance.below(100)
        if dice < 40:
            calls = [self._add(stream) for _ in range(world.between(1, 2))]
        elif dice < 45:
            calls = [self._range(stream)]
        elif dice < 50:
            calls = [self._own_entries(stream, consumer)]
        elif dice < 60:
            calls = [self._claim(stream, consumer)]
        else:
            calls = [self._acknowledge(stream, consumer)] if stream.given.get(consumer) else []
            calls.append(self._read_group(stream, consumer) if dice < 90 else self._read(stream))
        if stream.added >= ENTRIES_MAX and stream in self._in_use:
            self._in_use.remove(stream)
            self._use_another()
        return calls

    # --- calls -------------------------------------------------------------------------------

    def _call(
        self,
        stream: LiveStream,
        observed: Observed,
        commands: list[list[bytes]],
        take: Callable[[list[object]], None],
        waits_ms: int = 0,
    ) -> Call:
        stream.calls.append(observed)
        return call_of(self._world, observed, stream.key, stream.db, commands, take, waits_ms)

    def _create_group(self, stream: LiveStream) -> Call:
        def created(_: object) -> None:
            stream.has_group = True

        def refused(error: CommandError) -> None:
            stream.has_group = stream.has_group or error.text.startswith(b"BUSYGROUP")

        argv = [b"XGROUP", b"CREATE", stream.key, GROUP, b"0", b"MKSTREAM"]
        call = self._call(stream, Observed(), [argv], created)
        call.refused = refused
        return call

    def _add(self, stream: LiveStream) -> Call:
        tokens = []
        for _ in range(2 if self._world.happens(250) else 1):
            stream.added += 1
            tokens.append(b"t%d" % stream.added)
        add = Add(tokens=tokens)

        def take(replies: list[object]) -> None:
            add.ids = [_id_of(reply) for reply in replies]

        commands = [[b"XADD", stream.key, b"*", b"token", token] for token in tokens]
        return self._call(stream, add, commands, take)

    def _range(self, stream: LiveStream) -> Call:
        read = Read()

        def take(replies: list[object]) -> None:
            read.entries = _entries_of(replies[0])

        return self._call(stream, read, [[b"XRANGE", stream.key, b"-", b"+"]], take)

    def _read(self, stream: LiveStream) -> Call:
        """Go on from what has been seen, or take only what comes; wait for it."""
        world = self._world
        waits_ms = timeout_ms(world)
        options = [b"COUNT", b"3", b"BLOCK", b"%d" % waits_ms, b"STREAMS", stream.key]
        if world.happens(500):
            read = Read(after=None, limit=3)
            argv = [b"XREAD", *options, b"$"]
        else:
            read = Read(after=stream.last_seen, limit=3)
            argv = [b"XREAD", *options, _text(stream.last_seen)]

        def take(replies: list[object]) -> None:
            read.entries = _entries_of_one(replies[0])
            if read.entries:
                stream.last_seen = max(stream.last_seen, read.entries[-1].id)

        return self._call(stream, read, [argv], take, waits_ms)

    def _read_group(self, stream: LiveStream, consumer: bytes) -> Call:
        world = self._world
        waits_ms = timeout_ms(world) if world.happens(750) else 0
        argv = [b"XREADGROUP", b"GROUP", GROUP, consumer]
        if world.happens(500):
            argv += [b"COUNT", b"%d" % world.between(1, 2)]
        if waits_ms:
            argv += [b"BLOCK", b"%d" % waits_ms]
        argv += [b"STREAMS", stream.key, b">"]
        delivery = Delivery(consumer=consumer)

        def take(replies: list[object]) -> None:
            delivery.entries = _entries_of_one(replies[0])
            given = stream.given.setdefault(consumer, [])
            given += [entry.id for entry in delivery.entries]

        return self._call(stream, delivery, [argv], take, waits_ms)

    def _acknowledge(self, stream: LiveStream, consumer: bytes) -> Call:
        """XACK some of what the consumer was given: the others stay pending until claimed."""
        ids = []
        for entry_id in stream.given.pop(consumer):
            (ids if self._world.happens(700) else stream.abandoned).append(entry_id)
        ids = ids or [NO_ID]
        call = Acknowledgement(ids=ids)

        def take(replies: list[object]) -> None:
            call.done = [reply == 1 for reply in replies]

        commands = [[b"XACK", stream.key, GROUP, _text(entry_id)] for entry_id in ids]
        return self._call(stream, call, commands, take)

    def _claim(self, stream: LiveStream, consumer: bytes) -> Call:
        """Take over what others were given, as if they had stopped."""
        world = self._world
        min_idle_ms = (0, 0, world.between(10, 300), NEVER_IDLE_MS)[world.chance.below(4)]
        options = [stream.key, GROUP, consumer, b"%d" % min_idle_ms]
        pending = stream.may_be_pending()
        claim = Claim(consumer=consumer, surely=min_idle_ms == 0)
        by_id = bool(pending) and world.happens(500)
        if by_id:
            claim.ids = [
                pending[world.chance.below(len(pending))] for _ in range(world.between(1, 3))
            ]
            argv = [b"XCLAIM", *options, *map(_text, claim.ids)]
        else:
            if pending and world.happens(300):
                claim.start = pending[world.chance.below(len(pending))]
            argv = [b"XAUTOCLAIM", *options, _text(claim.start), b"COUNT", b"2"]

        def take(replies: list[object]) -> None:
            reply = replies[0]
            if not by_id:
                assert isinstance(reply, list)
                cursor, reply, deleted = reply
                if deleted:
                    raise Violation(f"{argv} says that {deleted} are deleted")
                claim.cursor = None if cursor == b"0-0" else _id_of(cursor)
            claim.entries = _entries_of(reply)
            if claim.entries and min_idle_ms == NEVER_IDLE_MS:
                raise Violation(f"{claim} took what was not idle for so long")
            claimed = [entry.id for entry in claim.entries]
            stream.abandoned = [one for one in stream.abandoned if one not in claimed]
            given = stream.given.setdefault(consumer, [])
            given += [entry_id for entry_id in claimed if entry_id not in given]

        return self._call(stream, claim, [argv], take)

    def _own_entries(self, stream: LiveStream, consumer: bytes) -> Call:
        """Read again what the consumer has not acknowledged, as after a restart."""
        own = OwnEntries(consumer=consumer)

        def take(replies: list[object]) -> None:
            own.entries = _entries_of_one(replies[0])

        argv = [b"XREADGROUP", b"GROUP", GROUP, consumer, b"STREAMS", stream.key, b"0"]
        return self._call(stream, own, [argv], take)

    # --- the end -----------------------------------------------------------------------------

    def calls(self) -> Iterator[Observed]:
        """Return all that was sent."""
        for stream in self._streams:
            yield from stream.calls

    def check(self, keyspace_of: Callable[[bytes], Keyspace]) -> None:
        """Compare what users saw with each other, and with what is there.

        Raises:
            Violation: no stream behaves like this.
        """
        for stream in self._streams:
            if stream.has_group:
                keyspace = keyspace_of(stream.key)
                keyspace.select(stream.db)
                found = problem(stream.calls, _final_state(keyspace, stream.key))
                if found:
                    raise Violation(f"stream {stream.key!r}: {found}")
                self._count(stream)

    def _count(self, stream: LiveStream) -> None:
        count = self._world.count
        count("streams checked")
        for call in stream.calls:
            if isinstance(call, Add):
                count("stream entries added", len(call.ids))
            elif isinstance(call, Delivery):
                count("stream entries delivered", len(call.entries))
                count("blocked consumers served", bool(call.parked and call.entries))
            elif isinstance(call, Acknowledgement):
                count("stream entries acknowledged", sum(call.done))
            elif isinstance(call, Claim):
                count("stream entries claimed", len(call.entries))


def _final_state(keyspace: Keyspace, key: bytes) -> Stream:
    def run(*argv: bytes) -> object:
        command = lookup(argv[0])
        assert command is not None
        return command.handler(keyspace, list(argv))

    groups = run(b"XINFO", b"GROUPS", key)
    pending = run(b"XPENDING", key, GROUP, b"-", b"+", b"10000")
    assert isinstance(groups, list)
    assert isinstance(pending, list)
    fields = groups[0]
    if isinstance(fields, list):
        fields = dict(zip(fields[::2], fields[1::2], strict=True))
    return Stream(
        _entries_of(run(b"XRANGE", key, b"-", b"+")),
        _id_of(fields[b"last-delivered-id"]),
        {_id_of(row[0]): row[1] for row in pending},
    )


def _text(entry_id: EntryId) -> bytes:
    return b"%d-%d" % entry_id


def _id_of(reply: object) -> EntryId:
    if not isinstance(reply, bytes):
        raise Violation(f"{reply!r} instead of an id")
    milliseconds, _, number = reply.partition(b"-")
    return int(milliseconds), int(number)


def _entries_of(reply: object) -> list[Entry]:
    if not isinstance(reply, list):
        raise Violation(f"{reply!r} instead of entries")
    return [Entry(_id_of(entry_id), fields[1]) for entry_id, fields in reply]


def _entries_of_one(reply: object) -> list[Entry]:
    """Return the entries of a reply for several streams, of which there is one or none."""
    if reply is None:
        return []
    if not isinstance(reply, list):
        raise Violation(f"{reply!r} instead of a stream with entries")
    return _entries_of(reply[0][1])
