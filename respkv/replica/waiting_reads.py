"""Reads that wait for a quorum to confirm who leads, in rounds (ReadIndex, thesis section 6.4)."""

from collections import deque

from respkv.replica.batch import Item


class ReadRound:
    """Reads that share one confirmation."""

    def __init__(self, items: list[Item], batch_serial: int) -> None:
        self.items = items
        self.batch_serial = batch_serial  # the clients' own earlier writes come first
        self.read_index = 0


class WaitingReads:
    """First those that no round was started for, then those of open and of confirmed rounds."""

    def __init__(self) -> None:
        self._unasked: list[Item] = []
        self._unasked_after_serial = 0
        self._open: dict[int, ReadRound] = {}
        self._confirmed: deque[ReadRound] = deque()

    def add(self, item: Item, after_serial: int) -> None:
        """Have an item wait for a round yet to start, and for the batch its client last joined."""
        self._unasked.append(item)
        if after_serial > self._unasked_after_serial:
            self._unasked_after_serial = after_serial

    def any_unasked(self) -> bool:
        """Return whether there are reads that no round was started for."""
        return bool(self._unasked)

    def round_began(self, number: int) -> None:
        """All that have come up to now share this round."""
        self._open[number] = ReadRound(self._unasked, self._unasked_after_serial)
        self._unasked = []
        self._unasked_after_serial = 0

    def round_confirmed(self, number: int, read_index: int) -> None:
        """The round's reads may be served once `read_index` is applied."""
        confirmed = self._open.pop(number, None)
        if confirmed is not None:
            confirmed.read_index = read_index
            self._confirmed.append(confirmed)

    def take_served(self, applied_index: int, done_serial: int) -> ReadRound | None:
        """Return the next round whose reads may be served now."""
        if not self._confirmed:
            return None
        first = self._confirmed[0]
        if applied_index < first.read_index or done_serial < first.batch_serial:
            return None
        return self._confirmed.popleft()

    def take_unasked(self) -> list[Item]:
        """Return the reads that no round was started for, and forget them."""
        items, self._unasked, self._unasked_after_serial = self._unasked, [], 0
        return items

    def take_all(self) -> list[Item]:
        """Return all that wait, oldest rounds first, and forget them: nobody confirms them now."""
        rounds = [*self._confirmed, *self._open.values()]
        self._confirmed.clear()
        self._open.clear()
        return [item for round_ in rounds for item in round_.items] + self.take_unasked()
