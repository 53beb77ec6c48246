"""Calls that wait until a key gets elements (BLPOP and its relatives): a part of the state.

A call is parked by the entry that carries it and answered by whatever entry ends the wait: a push
that serves the oldest of a key's waiters, a timeout, its client's end. So all replicas agree on who
got which element. Those of an earlier term are dropped: their clients were another leader's.
"""

from itertools import islice
from struct import Struct, pack
from typing import Final

from respkv.errors import Unblocked
from respkv.keyspace.packed import pack_items, unpack_items

WaiterId = tuple[int, int]  # the entry that parked it, and the command's position in that

_HEADER: Final = Struct("<sQI")
_WAITER: Final = Struct("<QIIII?")


class Waiter:
    """One parked call: `argv` is what serves it, `keys` what it waits for in database `db`.

    A `bound` one depends on its keys: it ends when one of them is gone, or holds another type.
    """

    def __init__(
        self,
        index: int,
        position: int,
        db: int,
        keys: list[bytes],
        argv: list[bytes],
        bound: bool = False,
    ) -> None:
        self.index = index
        self.position = position
        self.db = db
        self.keys = keys
        self.argv = argv
        self.bound = bound


class Waiters:
    """All parked calls, in log order overall and for each (database, key).

    `ready` holds keys that were changed and not yet looked at; `answered` what is still to be told
    to the clients, which only the leader knows.
    """

    def __init__(self) -> None:
        self.term: int = 0
        self.by_id: dict[WaiterId, Waiter] = {}
        self.by_key: dict[tuple[int, bytes], dict[WaiterId, Waiter]] = {}
        self.bound_by_key: dict[tuple[int, bytes], dict[WaiterId, Waiter]] = {}
        self.ready: dict[tuple[int, bytes], None] = {}
        self.answered: list[tuple[WaiterId, object]] = []

    def add(self, term: int, waiter: Waiter) -> None:
        """Park a call in this term."""
        self.term = term
        waiter_id = (waiter.index, waiter.position)
        self.by_id[waiter_id] = waiter
        for key in waiter.keys:
            self.by_key.setdefault((waiter.db, key), {})[waiter_id] = waiter
            if waiter.bound:
                self.bound_by_key.setdefault((waiter.db, key), {})[waiter_id] = waiter

    def mark_ready(self, db: int, key: bytes) -> None:
        """Have the key's waiters looked at when the command is done."""
        if (db, key) in self.by_key:
            self.ready[(db, key)] = None

    def mark_gone(self, db: int, key: bytes) -> None:
        """Have those looked at whom the key's end concerns."""
        if (db, key) in self.bound_by_key:
            self.ready[(db, key)] = None

    def bound_to(self, place: tuple[int, bytes]) -> list[Waiter]:
        """Return the waiters that depend on a (database, key), oldest first."""
        bound = self.bound_by_key.get(place)
        return [] if bound is None else list(bound.values())

    def mark_database(self, db: int) -> None:
        """Have all waiters of a database looked at: its keys are others now."""
        for waited_db, key in self.by_key:
            if waited_db == db:
                self.ready[(db, key)] = None

    def next_of(self, place: tuple[int, bytes], skip: int, count: int) -> list[Waiter]:
        """Return at most `count` waiters of a (database, key), oldest first, without the first few."""
        waiting = self.by_key.get(place)
        return [] if waiting is None else list(islice(waiting.values(), skip, skip + count))

    def answer(self, waiter: Waiter, reply: object) -> None:
        """End a wait with this reply."""
        self.remove((waiter.index, waiter.position))
        self.answered.append(((waiter.index, waiter.position), reply))

    def remove(self, waiter_id: WaiterId) -> bool:
        """End a wait without a reply; return whether there was one."""
        waiter = self.by_id.pop(waiter_id, None)
        if waiter is None:
            return False
        for key in waiter.keys:
            _remove_from(self.by_key, (waiter.db, key), waiter_id)
            if waiter.bound:
                _remove_from(self.bound_by_key, (waiter.db, key), waiter_id)
        return True

    def begin_entry(self, term: int) -> None:
        """An entry of this term is applied: drop those who wait since an earlier one."""
        self.answered.clear()
        if self.by_id and term != self.term:
            for waiter in list(self.by_id.values()):
                self.answer(waiter, Unblocked())

    def dump(self) -> bytes:
        """Return all waiters as one chunk of a dump."""
        parts = [_HEADER.pack(b"W", self.term, len(self.by_id))]
        for waiter in self.by_id.values():
            items = waiter.keys + waiter.argv
            numbers = (waiter.index, waiter.position, waiter.db, len(waiter.keys), len(items))
            packed = pack_items(items)
            parts += (_WAITER.pack(*numbers, waiter.bound), pack("<I", len(packed)), packed)
        return b"".join(parts)

    def load(self, chunk: bytes) -> None:
        """Add the waiters of a chunk that `dump` returned."""
        _, term, count = _HEADER.unpack_from(chunk)
        at = _HEADER.size
        for _ in range(count):
            index, position, db, keys, items, bound = _WAITER.unpack_from(chunk, at)
            at += _WAITER.size
            size = int.from_bytes(chunk[at : at + 4], "little")
            texts = unpack_items(chunk, at + 4, items)
            at += 4 + size
            self.add(term, Waiter(index, position, db, texts[:keys], texts[keys:], bound))


def _remove_from(
    by_key: dict[tuple[int, bytes], dict[WaiterId, Waiter]],
    place: tuple[int, bytes],
    waiter_id: WaiterId,
) -> None:
    waiting = by_key.get(place)
    if waiting is not None:
        waiting.pop(waiter_id, None)
        if not waiting:
            del by_key[place]
