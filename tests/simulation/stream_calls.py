"""What users ask of a stream and of a group that reads it, and what they were told."""

from dataclasses import dataclass, field

from tests.simulation.observed import Observed

EntryId = tuple[int, int]
NO_ID = (0, 0)


@dataclass(slots=True)
class Entry:
    """What XADD made; `token` is unique."""

    id: EntryId
    token: bytes


@dataclass(slots=True, eq=False)
class Add(Observed):
    """XADD with an id of the stream's choice, once or several times in a transaction."""

    tokens: list[bytes] = field(kw_only=True)
    ids: list[EntryId] = field(default_factory=list, kw_only=True)


@dataclass(slots=True, eq=False)
class Read(Observed):
    """XRANGE or XREAD: at most `limit` entries after an id; None: those to come (`$`)."""

    after: EntryId | None = field(default=NO_ID, kw_only=True)
    limit: int = field(default=1 << 30, kw_only=True)
    entries: list[Entry] = field(default_factory=list, kw_only=True)


@dataclass(slots=True, eq=False)
class Delivery(Observed):
    """XREADGROUP of what nobody in the group has been given."""

    consumer: bytes = field(kw_only=True)
    entries: list[Entry] = field(default_factory=list, kw_only=True)


@dataclass(slots=True, eq=False)
class Claim(Observed):
    """XCLAIM of some `ids`, or XAUTOCLAIM of those from `start` on; `entries` it has got.

    `surely` says that what is pending was idle for long enough. XAUTOCLAIM has looked at all
    entries before `cursor` (None: at all there are).
    """

    consumer: bytes = field(kw_only=True)
    surely: bool = field(default=True, kw_only=True)
    ids: list[EntryId] = field(default_factory=list, kw_only=True)
    start: EntryId = field(default=NO_ID, kw_only=True)
    cursor: EntryId | None = field(default=None, kw_only=True)
    entries: list[Entry] = field(default_factory=list, kw_only=True)

    def may_take(self, entry_id: EntryId) -> bool:
        """Return whether it asked for an entry."""
        return entry_id in self.ids if self.ids else entry_id >= self.start

    def result(self, entry_id: EntryId) -> bool | None:
        """Return whether an entry was pending and is the consumer's now; None: it does not tell."""
        if any(entry.id == entry_id for entry in self.entries):
            return True
        looked_at = self.may_take(entry_id) and (self.cursor is None or entry_id < self.cursor)
        return False if self.known and self.surely and looked_at else None


@dataclass(slots=True, eq=False)
class OwnEntries(Observed):
    """XREADGROUP of all that a consumer was given and has not acknowledged."""

    consumer: bytes = field(kw_only=True)
    entries: list[Entry] = field(default_factory=list, kw_only=True)


@dataclass(slots=True, eq=False)
class Acknowledgement(Observed):
    """XACK of entries, one by one in a transaction; `done` says which were still pending."""

    ids: list[EntryId] = field(kw_only=True)
    done: list[bool] = field(default_factory=list, kw_only=True)


@dataclass(slots=True)
class Stream:
    """What is there at the end, and the group's state: id → consumer."""

    entries: list[Entry]
    last_delivered: EntryId
    pending: dict[EntryId, bytes]
