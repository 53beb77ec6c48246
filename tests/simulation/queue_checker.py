"""Are lists, from which blocked clients pop, what they should be? First in, first out.

An element is delivered once and never from nowhere, in the order in which elements were pushed, and
nobody goes away empty-handed while there is one (Henzinger, Sezgin and Vafeiadis, CONCUR 2013, with
what is known of blocked clients: those who waited longer are served first).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.simulation.observed import UNKNOWN, Observed

Element = bytes


@dataclass(slots=True)
class Step:
    """One command: it pushes elements, or takes up to `count` from the first of its sources.

    What it takes goes `into` another list if that is named. `taken` is its result, with the list.
    """

    argv: list[bytes]
    pushed: list[Element] = field(default_factory=list)
    into: bytes = b""
    sources: list[bytes] = field(default_factory=list)
    count: int = 1
    taken: list[tuple[bytes, Element]] = field(default_factory=list)
    waits_ms: int = 0  # at most, outside a transaction


@dataclass(slots=True, eq=False)
class QueueCall(Observed):
    """One command, or several of a transaction."""

    steps: list[Step] = field(default_factory=list, kw_only=True)


@dataclass(slots=True)
class Event:
    """An element was pushed or popped, by one of the commands of a call."""

    call: QueueCall
    position: int

    def precedes(self, other: "Event") -> bool:
        """Return whether it certainly happened first."""
        if self.call is other.call:
            return self.position < other.position
        return self.call.precedes(other.call)


class History:
    """What happened to one list; `left` is what it holds at the end."""

    def __init__(self, left: list[Element]) -> None:
        self.left = left
        self.pushes: dict[Element, Event] = {}
        self.pops: dict[Element, Event] = {}
        self.empty: list[QueueCall] = []  # that found nothing
        self.waits: list[QueueCall] = []  # that were seen parked, and answered
        self.unknown_pops = 0  # elements that calls of unknown outcome may have taken
        self.unknown_moves = 0  # elements that such calls may have brought from another list

    def problem(self, elsewhere: set[Element]) -> str:
        """Return what is wrong, or nothing; those `elsewhere` may have come by unknown moves."""
        left = set(self.left)
        seen = [*self.pops, *self.left]
        if len(left) != len(self.left) or left & self.pops.keys():
            return f"delivered, and still there: {left & self.pops.keys() or self.left}"
        strange = [element for element in seen if element not in self.pushes]
        if len(strange) > self.unknown_moves or not elsewhere.issuperset(strange):
            return f"nobody has pushed {strange} ({self.unknown_moves} moves are unknown)"
        lost = [
            element
            for element, push in self.pushes.items()
            if push.call.known and element not in self.pops and element not in left
        ]
        if len(lost) > self.unknown_pops:
            return f"{lost} are lost: only {self.unknown_pops} may have been popped unseen"
        return (
            next(self._wrong_order(), "")
            or next(self._unseen_elements(), "")
            or next(self._served_too_late(), "")
        )

    def _wrong_order(self) -> Iterator[str]:
        """Yield pairs of elements that left in another order than they came in."""
        place = {element: number for number, element in enumerate(self.left)}
        for later, push in self.pushes.items():
            pop = self.pops.get(later)
            if pop is not None and pop.precedes(push):
                yield f"{later!r} was popped before it was pushed"
            if pop is None and later not in place:
                continue
            for earlier, earlier_push in self.pushes.items():
                if not earlier_push.precedes(push):
                    continue
                earlier_pop = self.pops.get(earlier)
                if pop is not None:
                    overtakes = earlier in place
                    if earlier_pop is not None:
                        overtakes = pop.precedes(earlier_pop)
                else:
                    overtakes = earlier in place and place[later] < place[earlier]
                if overtakes:
                    yield f"{later!r} overtakes {earlier!r}"

    def _certain(self) -> list[tuple[int, int]]:
        """Return when the list had each of its elements for certain, sorted by time."""
        times = []
        for element, push in self.pushes.items():
            pop = self.pops.get(element)
            if push.call.known and (pop is not None or element in self.left):
                times.append((push.call.completed, UNKNOWN if pop is None else pop.call.invoked))
        return sorted(times)

    def _unseen_elements(self) -> Iterator[str]:
        """Yield calls that found nothing although there was something all the time."""
        certain = self._certain()
        for call in self.empty:
            reached = call.invoked
            for since, until in certain:
                if call.parked and max(since, call.parked) < min(until, call.times_out):
                    yield f"an element was there from {since} on, and not given to {call}"
                if since < reached < until:
                    reached = until
            if reached > call.completed:
                yield f"there were elements all the time that {call} took"

    def _served_too_late(self) -> Iterator[str]:
        """Yield calls that waited when another, sent later, was given an element."""
        for element, pop in self.pops.items():
            if len(pop.call.steps) > 1:
                continue  # what a transaction pushes it may pop before anybody is served
            for waiting in self.waits:
                if waiting.waited_before(pop.call) and self._serves_later(waiting, pop, element):
                    yield f"{waiting} waited when {element!r} was given to {pop.call}"

    def _serves_later(self, waiting: QueueCall, pop: Event, element: Element) -> bool:
        taken = waiting.steps[0].taken
        if not taken:
            return pop.call.completed < waiting.times_out
        push = self.pushes.get(taken[0][1])  # None: it was served from another list
        other = self.pushes.get(element)
        if push is None or other is None:
            return False
        return other.precedes(push) or pop.call.completed < push.call.invoked


def problem(
    calls: list[QueueCall],
    left: dict[bytes, list[Element]],
    history_of: Callable[[list[Element]], History] = History,
) -> str:
    """Return what is wrong with the keys of one slot, or nothing; `left` is what they hold now."""
    histories = {key: history_of(elements) for key, elements in left.items()}
    for call in calls:
        if call.refused:
            continue
        for number, step in enumerate(call.steps):
            for place, element in enumerate(step.pushed):
                histories[step.into].pushes[element] = Event(call, number * 100 + place)
            if step.sources:
                twice = _note_pop(histories, call, number, step)
                if twice:
                    return twice
    for key, history in histories.items():
        others = [other for other in histories.values() if other is not history]
        elsewhere = {
            element
            for other in others
            for element in other.pushes
            if element not in other.pops and element not in other.left
        }
        found = history.problem(elsewhere)
        if found:
            return f"{key!r}: {found}"
    return ""


def _note_pop(histories: dict[bytes, History], call: QueueCall, number: int, step: Step) -> str:
    if not call.known:
        for source in step.sources:
            histories[source].unknown_pops += step.count
        if step.into:
            histories[step.into].unknown_moves += step.count
        return ""
    for source in step.sources:
        if call.parked:
            histories[source].waits.append(call)
        if not step.taken:
            histories[source].empty.append(call)
    for place, (key, element) in enumerate(step.taken):
        event = Event(call, number * 100 + place)
        other = histories[key].pops.setdefault(element, event)
        if other is not event:
            return f"{key!r}: {element!r} was delivered to {other.call} and to {call}"
        if step.into:
            histories[step.into].pushes[element] = event
    return ""
