"""Many keys looked up in steps, as they are at one moment: SORT with BY or GET of many elements.

Others write between the steps. What they may have changed is looked up again, in rounds that get
shorter as there is less of it, and the last round is one step: all that was found is as it is then.
"""

from typing import Any, Final

from respkv.commands.sort_keys import Pattern
from respkv.keyspace.keyspace import Keyspace
from respkv.steps import Steps

STEP_LOOKUPS: Final = 500
LAST_LOOKUPS: Final = 5_000  # of the last round
ROUNDS_MAX: Final = 10  # then all is looked up in one step, however long that takes


class ReadingOn:
    """Reads on, in one step, in a keyspace that others have used; deadlines are judged at log time.

    It is left as it was: all steps may be taken at once, amid the commands of an entry.
    """

    def __init__(self, keyspace: Keyspace, db: int) -> None:
        self._keyspace = keyspace
        self._db = db
        self._before = (False, 0, 0)  # whether it was applying, the leader's clock, the database

    def __enter__(self) -> None:
        keyspace = self._keyspace
        self._before = keyspace.applying, keyspace.leader_ms, keyspace.db_index
        keyspace.applying = False
        keyspace.leader_ms = keyspace.now_ms
        keyspace.select(self._db)

    def __exit__(self, *_: object) -> None:
        applying, leader_ms, db = self._before
        self._keyspace.applying = applying
        self._keyspace.leader_ms = leader_ms
        self._keyspace.select(db)


class Lookups:
    """What patterns find for each of `elements`; `found` has a list for each pattern.

    `source` is the key that holds the elements, and its modification counter when they were copied.
    The longest lists that are used get into `held`.
    """

    def __init__(
        self,
        keyspace: Keyspace,
        db: int,
        source: tuple[bytes, int],
        elements: list[bytes],
        patterns: list[Pattern],
        held: list[list[Any]],
    ) -> None:
        self.found: list[list[bytes | None]] = []
        self._keyspace = keyspace
        self._db = db
        self._source = source
        self._elements = elements
        self._patterns = patterns
        self._held = held
        # Lookups by the number of their key's counter; one is position * len(patterns) + pattern.
        self._by_counter: dict[int, list[int]] = {}
        self._mortal: list[int] = []  # time alone may change what these find
        held.append(self._mortal)

    def steps(self) -> Steps[bool]:
        """Fill `found`; return whether the elements are still those of `source` when it ends."""
        keyspace = self._keyspace
        counters = keyspace.counters.copy()
        for number, pattern in enumerate(self._patterns):
            if pattern.is_element:
                self.found.append(list(self._elements))
            elif pattern.is_fixed:
                self.found.append([None] * len(self._elements))
            else:
                yield from self._first_round(number, pattern)
        for _ in range(ROUNDS_MAX):
            if not self._by_counter:
                return True
            if not self._has_source():
                return False
            stale = self._changed_since(counters)
            if len(stale) <= LAST_LOOKUPS:
                self._repeat(stale)
                return True
            counters = keyspace.counters.copy()
            for start in range(0, len(stale), STEP_LOOKUPS):
                self._repeat(stale[start : start + STEP_LOOKUPS])
                yield 0
        for places in self._by_counter.values():
            self._repeat(places)
        return self._has_source()

    def _has_source(self) -> bool:
        key, counter = self._source
        with ReadingOn(self._keyspace, self._db):
            is_there = self._keyspace.peek(key) is not None  # or it has expired: counts as well
        return is_there and self._keyspace.counter(self._db, key) == counter

    def _first_round(self, number: int, pattern: Pattern) -> Steps[None]:
        keyspace = self._keyspace
        by_counter = self._by_counter
        found: list[bytes | None] = []
        self.found.append(found)
        for start in range(0, len(self._elements), STEP_LOOKUPS):
            with ReadingOn(keyspace, self._db):
                for element in self._elements[start : start + STEP_LOOKUPS]:
                    key = pattern.key_of(element)
                    place = len(found) * len(self._patterns) + number
                    counter = keyspace.counter_number(key)
                    places = by_counter.get(counter)
                    if places is None:
                        places = by_counter[counter] = []
                        self._held.append(places)
                    places.append(place)
                    if keyspace.deadline(key) is not None:
                        self._mortal.append(place)
                    found.append(pattern.look_up(keyspace, element))
            yield 0

    def _changed_since(self, counters: list[int]) -> list[int]:
        """Return the lookups that may find something else than they did when `counters` was so."""
        stale = self._mortal.copy()
        for number, before in enumerate(counters):
            if self._keyspace.counters[number] != before:
                stale += self._by_counter.get(number, ())
        return stale

    def _repeat(self, places: list[int]) -> None:
        with ReadingOn(self._keyspace, self._db):
            for place in places:
                at, number = divmod(place, len(self._patterns))
                self.found[number][at] = self._patterns[number].look_up(
                    self._keyspace, self._elements[at]
                )
