"""Is a stream, with a group that reads it, what it should be?

Ids never go back; acknowledged entries stay, and each read sees a piece without gaps. The group
gives each entry to one consumer, in order, and keeps it in that one's name until another one claims
it or it is acknowledged.
"""

from collections.abc import Iterator

from tests.simulation import ownership
from tests.simulation.observed import Observed
from tests.simulation.stream_calls import NO_ID, Add, Delivery, Entry, EntryId, Read, Stream


def problem(calls: list[Observed], stream: Stream) -> str:
    """Return what is wrong, or nothing."""
    calls = [call for call in calls if not call.refused]
    checker = _Checker(calls, stream)
    for look in (
        checker.ids_go_back,
        checker.entries_differ,
        checker.reads_with_gaps,
        checker.wrongly_delivered,
        checker.served_too_late,
    ):
        found = next(look(), "")
        if found:
            return found
    return ownership.problem(calls, stream)


class _Checker:
    def __init__(self, calls: list[Observed], stream: Stream) -> None:
        self.stream = stream
        self.adds = [call for call in calls if isinstance(call, Add)]
        self.reads = [call for call in calls if isinstance(call, Read) and call.known]
        self.deliveries = [call for call in calls if isinstance(call, Delivery)]
        self.numbers = {entry.id: number for number, entry in enumerate(stream.entries)}

    def ids_go_back(self) -> Iterator[str]:
        """Whoever adds later gets the larger id."""
        known = [add for add in self.adds if add.known]
        for add in known:
            if add.ids != sorted(set(add.ids)):
                yield f"ids go back in {add}"
            for other in known:
                if add.ids[-1] >= other.ids[0] and add is not other and add.precedes(other):
                    yield f"ids go back from {add} to {other}"

    def entries_differ(self) -> Iterator[str]:
        """Everything acknowledged is there once, and nothing that nobody added."""
        tokens = [entry.token for entry in self.stream.entries]
        added = {token for add in self.adds for token in add.tokens}
        if len(set(tokens)) < len(tokens) or not added.issuperset(tokens):
            yield f"entries twice, or from nowhere: {sorted(set(tokens) - added) or tokens}"
        for add in self.adds:
            for entry_id, token in zip(add.ids, add.tokens, strict=False):
                if Entry(entry_id, token) not in self._at(entry_id, 1):
                    yield f"{token!r} was added at {entry_id} and is not there"

    def _at(self, entry_id: EntryId, count: int) -> list[Entry]:
        number = self.numbers.get(entry_id)
        return [] if number is None else self.stream.entries[number : number + count]

    def reads_with_gaps(self) -> Iterator[str]:
        """A read sees all that was there, and all that an earlier one saw."""
        for read in self.reads:
            entries = read.entries
            if entries and entries != self._at(entries[0].id, len(entries)):
                yield f"{read} saw what is not there"
            if read.after is not None:
                first = self.numbers[read.after] + 1 if read.after != NO_ID else 0
                if entries and self.numbers[entries[0].id] != first:
                    yield f"{read} missed the first"
                if len(entries) < read.limit:
                    seen = first + len(entries)
                    if self._seen_before(read) > seen:
                        yield f"{read} missed the last"
            elif entries and self._seen_before(read) > self.numbers[entries[0].id]:
                yield f"{read} saw what was there already"

    def _seen_before(self, read: Read) -> int:
        """Return how many entries were there for certain when a read was sent."""
        seen = [
            self.numbers[add.ids[-1]] + 1 for add in self.adds if add.known and add.precedes(read)
        ]
        seen += [
            self.numbers[other.entries[-1].id] + 1
            for other in self.reads
            if other.entries and other.precedes(read)
        ]
        return max(seen, default=0)

    def wrongly_delivered(self) -> Iterator[str]:
        """Each entry is given away once, older ones first."""
        given: dict[EntryId, Delivery] = {}
        known = [call for call in self.deliveries if call.entries]
        for delivery in known:
            for entry in delivery.entries:
                if entry not in self._at(entry.id, 1):
                    yield f"{delivery} was given what is not there"
                if entry.id in given:
                    yield f"{entry} was given to {given[entry.id]} and to {delivery}"
                given[entry.id] = delivery
            for other in known:
                if other.entries[0].id < delivery.entries[-1].id and delivery.precedes(other):
                    yield f"{other} was given older entries than {delivery}"

    def served_too_late(self) -> Iterator[str]:
        """Of those who wait, the one who has waited longer is given the older entries."""
        waiting = [call for call in self.deliveries if call.known and call.parked]
        for call in self.deliveries:
            for other in waiting:
                if not call.entries or not other.waited_before(call):
                    continue
                if other.entries:
                    is_late = call.entries[0].id < other.entries[0].id
                else:
                    is_late = call.completed < other.times_out
                if is_late:
                    yield f"{other} waited when {call} was served"
