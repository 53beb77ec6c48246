"""Are sorted sets, from which blocked clients pop, what they should be? Least first, or greatest.

All else is as with lists (`queue_checker.py`). Members begin with their score, in two digits, so
that bytes compare as members of one set do.
"""

from collections.abc import Iterator

from tests.simulation.queue_checker import Element, Event, History, QueueCall


class SortedHistory(History):
    """What happened to one sorted set, from which the least member is popped, or the greatest."""

    def __init__(self, left: list[Element], greatest_first: bool) -> None:
        super().__init__(left)
        self._greatest_first = greatest_first

    def _wrong_order(self) -> Iterator[str]:
        """Yield members that were popped while one that goes before them was there."""
        left = set(self.left)
        if self.left != sorted(self.left, reverse=self._greatest_first):
            yield f"{self.left} are not in order"
        for element, pop in self.pops.items():
            push = self.pushes.get(element)
            if push is not None and pop.precedes(push):
                yield f"{element!r} was popped before it was added"
            for better, its_push in self.pushes.items():
                if (better > element) != self._greatest_first or better == element:
                    continue
                its_pop = self.pops.get(better)
                stays = better in left if its_pop is None else pop.precedes(its_pop)
                if stays and its_push.precedes(pop):
                    yield f"{element!r} was popped while {better!r} was there"

    def _serves_later(self, waiting: QueueCall, pop: Event, element: Element) -> bool:
        """Members that one call added are given away by their order, not by that of the call."""
        taken = waiting.steps[0].taken
        push = self.pushes.get(taken[0][1]) if taken else None
        other = self.pushes.get(element)
        if push is not None and other is not None and push.call is other.call:
            return False
        return super()._serves_later(waiting, pop, element)
