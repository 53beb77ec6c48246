"""The log in memory: what lies behind the last snapshot, and how far it is handed to the disk."""

from respkv.entry import Entry
from respkv.errors import InvariantViolation


class EntryLog:
    """Entries `first_index` .. `last_index`; (base_index, base_term) is the one before them."""

    def __init__(self, base_index: int, base_term: int, entries: list[Entry]) -> None:
        self.base_index = base_index
        self.base_term = base_term
        self._entries = entries
        self._handed_over = base_index + len(entries)  # last index `take_unwritten` has returned

    @property
    def first_index(self) -> int:
        """Index of the first entry held (or the next one, when none is)."""
        return self.base_index + 1

    @property
    def last_index(self) -> int:
        """Index of the last entry."""
        return self.base_index + len(self._entries)

    @property
    def last_term(self) -> int:
        """Term of the last entry."""
        return self._entries[-1].term if self._entries else self.base_term

    def term_at(self, index: int) -> int:
        """Return the term of the entry at `index`, 0 when it is not held."""
        if index == self.base_index:
            return self.base_term
        position = index - self.base_index - 1
        return self._entries[position].term if 0 <= position < len(self._entries) else 0

    def slice(self, first: int, last: int) -> list[Entry]:
        """Return entries first..last, both included."""
        base = self.base_index + 1
        return self._entries[first - base : last - base + 1]

    def batch(self, first: int, entries_max: int, bytes_max: int) -> tuple[list[Entry], int]:
        """Return entries from `first` on and the bytes of their payloads; one may be too large."""
        entries: list[Entry] = []
        size = 0
        for entry in self.slice(first, first + entries_max - 1):
            size += len(entry.payload)
            if entries and size > bytes_max:
                return entries, size - len(entry.payload)
            entries.append(entry)
        return entries, size

    def append(self, entry: Entry) -> None:
        """Add the entry behind the last."""
        self._entries.append(entry)

    def truncate(self, index: int) -> None:
        """Drop the entries from `index` on: another leader has decided otherwise."""
        if index <= self.base_index:
            raise InvariantViolation(f"truncating {index}, which a snapshot covers")
        del self._entries[index - self.base_index - 1 :]
        self._handed_over = min(self._handed_over, index - 1)

    def take_unwritten(self) -> list[Entry]:
        """Return the entries that no earlier call has returned."""
        entries = self.slice(self._handed_over + 1, self.last_index)
        self._handed_over = self.last_index
        return entries

    def compact(self, index: int) -> None:
        """Drop the entries up to `index`, which becomes the base."""
        if index <= self.base_index:
            return
        if index > self.last_index:
            raise InvariantViolation(f"compacting {index} of a log that ends at {self.last_index}")
        base_term = self.term_at(index)
        del self._entries[: index - self.base_index]
        self.base_index, self.base_term = index, base_term
        self._handed_over = max(self._handed_over, index)

    def restart(self, index: int, term: int) -> None:
        """Begin anew behind a snapshot; entries behind it stay when they continue it."""
        if self.term_at(index) == term and index > self.base_index:
            self.compact(index)
            return
        self._entries = []
        self.base_index, self.base_term = index, term
        self._handed_over = index
