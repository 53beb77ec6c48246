"""The state of one partition: databases, log time, modification counters.

Commands read and change it between `begin_entry` calls, and only while `applying`. Everything here
follows from the log: equal logs give an equal `digest()` on every machine.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final
from zlib import crc32

from respkv.clock import SeededChance, seed_of
from respkv.entry import SEMANTICS
from respkv.errors import InvariantViolation, LogTimeBehind
from respkv.keyspace import dump
from respkv.keyspace.accesses import Accesses
from respkv.keyspace.database import Database
from respkv.keyspace.deadlines import window_end_ms
from respkv.keyspace.garbage import Garbage
from respkv.keyspace.huge_text import HUGE_BYTES
from respkv.keyspace.limits import Limits
from respkv.keyspace.memory import BUCKET_BYTES, DEADLINE_BYTES, KEY_BYTES, KEYSPACE_BYTES
from respkv.keyspace.values import Container, Value
from respkv.keyspace.waiters import Waiter, WaiterId, Waiters
from respkv.steps import Steps, finish

COUNTERS: Final = 4_096  # WATCH buckets: a collision costs a spurious nil, never a lost update
COUNTER_MASK: Final = COUNTERS - 1
COUNTED_SINGLY: Final = 2 * COUNTERS  # keys; more of them would leave out one bucket in seven
# Changed values, the memory of which has not been estimated again: a list that is pushed to all the
# time is looked at once for a thousand pushes, not after each (300 ns of 720).
UNCOUNTED_MAX: Final = 1_000


class Keyspace:
    """See the module's text.

    `now_ms` is log time; `leader_ms` is the leader's clock while it serves a read, else log time.
    A key has expired when now > deadline, strictly, as in Redis. While `applying`, a lookup that
    meets an expired key deletes it; otherwise nothing changes and the key is merely absent.
    """

    def __init__(self, databases: int = 16) -> None:
        self.databases: list[Database] = [Database() for _ in range(databases)]
        self._uncounted: dict[bytes, None] = {}
        self.semantics: int = SEMANTICS  # what commands of the current entry mean
        self.now_ms: int = 0
        self.leader_ms: int = 0
        self.applying: bool = False
        self.may_park: bool = False  # the command stands alone, so it may wait
        self.position: int = 0
        # What the entries change, while somebody wants to know: keys; None: whole databases.
        self.changed: list[bytes | None] | None = None
        # Where the messages of scripts go (True: to a shard channel), while they are run for this
        # node's clients.
        self.publish: Callable[[bytes, bytes, bool], None] | None = None
        self.limits: Limits = Limits()  # what this node was told; no part of the state
        self.accesses: Accesses | None = None  # so are when and how often keys are used here
        self.hits: int = 0  # of reads; these five are statistics, and no part of the state
        self.misses: int = 0
        self.expired: int = 0
        self.evicted: int = 0
        self.evicted_bytes: int = 0
        self.counters: list[int] = [0] * COUNTERS
        self._term: int = 0
        self.index: int = 0
        self._read_picks: int = 0
        self._garbage: Garbage = Garbage()
        self.waiters: Waiters = Waiters()
        self._waited: dict[tuple[int, bytes], dict[WaiterId, Waiter]] = self.waiters.by_key
        self.select(0)

    # --- entries -----------------------------------------------------------------------------

    def begin_entry(self, term: int, index: int, time_ms: int, semantics: int = SEMANTICS) -> None:
        """Start applying the log entry (term, index); log time never goes back."""
        self.semantics = semantics
        self.now_ms = max(self.now_ms, time_ms)
        self.leader_ms = self.now_ms
        self.position = 0
        self._term = term
        self.index = index
        self.may_park = True
        if self.waiters.by_id or self.waiters.answered:
            self.waiters.begin_entry(term)
        self.select(0)

    def select(self, db: int) -> None:
        """Make `db` the database that the calls below work on."""
        if len(self._uncounted) > UNCOUNTED_MAX:
            self._database.count_changed()
        database = self.databases[db]
        self.db_index: int = db
        # The current database's containers, one attribute away: measured 20 ns a command each.
        self._database: Database = database
        self._values: dict[bytes, Value] = database.values
        self._keys: list[bytes] = database.keys
        self._positions: dict[bytes, int] = database.positions
        self._deadlines: dict[bytes, int] = database.deadlines.by_key
        self._uncounted = database.uncounted
        self._counter_seed: int = crc32(b"%d" % db)

    def chance(self) -> SeededChance:
        """Return this command's own source of chance; ask for it once per command.

        While applying it follows from (term, index, position). A read is not replayed, so it gets
        a new one each time.
        """
        if self.applying:
            return SeededChance(seed_of(self._term, self.index, self.position))
        self._read_picks += 1
        return SeededChance(seed_of(self._term, self.index, -self._read_picks))

    # --- keys of the selected database -------------------------------------------------------

    def lookup(self, key: bytes) -> Value | None:
        """Return the value of `key`, None when it is absent or expired.

        Raises:
            LogTimeBehind: not applying, and only the leader's clock says that the key expired.
        """
        value = self._values.get(key)
        if value is None or (self._deadlines and key in self._deadlines and self._expired(key)):
            if not self.applying:
                self.misses += 1
            return None
        if not self.applying:
            self.hits += 1
        if self.accesses is not None:
            self.accesses.touch(self._database.accesses, key, self.leader_ms)
        return value

    def peek(self, key: bytes) -> Value | None:
        """Return what `lookup` does, without counting as an access to the key."""
        accesses, self.accesses = self.accesses, None
        try:
            return self.lookup(key)
        finally:
            self.accesses = accesses

    def contains(self, key: bytes) -> bool:
        """Return whether `key` is there; raises what `lookup` does, and is no access to the key."""
        if key not in self._values or (key in self._deadlines and self._expired(key)):
            if not self.applying:
                self.misses += 1
            return False
        if not self.applying:
            self.hits += 1
        return True

    def set(self, key: bytes, value: Value, keeps_deadline: bool = False) -> None:
        """Store `value`, whatever was there; without a deadline unless it `keeps_deadline`."""
        old = self._values.get(key)
        growth = len(value) if type(value) is bytes else 0
        if old is None:
            self._positions[key] = len(self._keys)
            self._keys.append(key)
            growth += KEY_BYTES + len(key)
        else:
            if type(old) is bytes:
                growth -= len(old)
            elif old is not value:
                self._database.discount(key, old)
                self._garbage.add_value(old)
            if self._deadlines and not keeps_deadline:
                self._database.deadlines.remove(key)
        if growth:
            self._database.used_bytes += growth
            if growth < -HUGE_BYTES and type(old) is bytes:
                self._garbage.add_value(old)
        if type(value) is not bytes:
            self._database.count(key, value)
        self._values[key] = value
        self.counters[crc32(key, self._counter_seed) & COUNTER_MASK] += 1
        if self.accesses is not None and (old is None or not keeps_deadline):
            self.accesses.touch(self._database.accesses, key, self.leader_ms)
        if self.changed is not None:
            self.changed.append(key)
        if self._waited:
            self.waiters.mark_ready(self.db_index, key)

    def modified(self, key: bytes) -> None:
        """Count a change made inside the value of `key`."""
        self._uncounted[key] = None
        self.counters[crc32(key, self._counter_seed) & COUNTER_MASK] += 1
        if self.changed is not None:
            self.changed.append(key)
        if self._waited:
            self.waiters.mark_ready(self.db_index, key)

    def shrunk(self, key: bytes, container: Container) -> None:
        """Count a change that took elements out of the container at `key`; an empty one goes."""
        if len(container):
            self.modified(key)
        else:
            self.delete(key)

    def delete(self, key: bytes) -> bool:
        """Remove `key`, expired or not; return whether it was there."""
        if key not in self._values:
            return False
        self._garbage.add_value(self._take(key))
        return True

    def store(self, db: int, key: bytes, value: Value, deadline_ms: int | None) -> None:
        """Store `value` at `key` of any database, with a deadline or without."""
        selected_db = self.db_index
        self.select(db)
        self.set(key, value)
        if deadline_ms is not None:
            self._database.deadlines.set(key, deadline_ms)
        self.select(selected_db)

    def contains_in(self, db: int, key: bytes) -> bool:
        """Return whether `key` of any database is there; only while applying."""
        selected_db = self.db_index
        self.select(db)
        found = self.contains(key)
        self.select(selected_db)
        return found

    def move(self, key: bytes, db: int, new_key: bytes) -> None:
        """Move an existing key and its deadline to `new_key` of `db`, replacing what is there."""
        deadline_ms = self._deadlines.get(key)
        self.store(db, new_key, self._take(key), deadline_ms)

    def _take(self, key: bytes) -> Value:
        value = self._values.pop(key)
        database = self._database
        database.used_bytes -= KEY_BYTES + len(key)
        if type(value) is bytes:
            database.used_bytes -= len(value)
        else:
            database.discount(key, value)
        if database.accesses:
            database.accesses.pop(key, None)
        position = self._positions.pop(key)
        last_key = self._keys.pop()
        if position != len(self._keys):
            self._keys[position] = last_key
            self._positions[last_key] = position
        if self._deadlines:
            database.deadlines.remove(key)
        self.counters[crc32(key, self._counter_seed) & COUNTER_MASK] += 1
        if self.changed is not None:
            self.changed.append(key)
        if self._waited:
            self.waiters.mark_gone(self.db_index, key)
        return value

    # --- deadlines ---------------------------------------------------------------------------

    def deadline(self, key: bytes) -> int | None:
        """Return the deadline of `key` in Unix milliseconds, None when it never expires."""
        return self._deadlines.get(key)

    def set_deadline(self, key: bytes, deadline_ms: int) -> None:
        """Make an existing key expire once now > `deadline_ms`, which is not negative."""
        self._database.deadlines.set(key, deadline_ms)
        self.counters[crc32(key, self._counter_seed) & COUNTER_MASK] += 1
        if self.changed is not None:
            self.changed.append(key)

    def persist(self, key: bytes) -> bool:
        """Remove the deadline of `key`; return whether it had one."""
        if not self._database.deadlines.remove(key):
            return False
        self.counters[crc32(key, self._counter_seed) & COUNTER_MASK] += 1
        if self.changed is not None:
            self.changed.append(key)
        return True

    def next_deadline_ms(self) -> int | None:
        """Return when a sweep has something to do (up to a second after the first deadline)."""
        window = -1
        for database in self.databases:
            if database.deadlines.by_key:
                first = database.deadlines.first_window()
                if window < 0 or first < window:
                    window = first
        return None if window < 0 else window_end_ms(window)

    def sweep(self, keys_max: int) -> int:
        """Remove at most `keys_max` expired keys, earliest window first; return how many."""
        selected_db = self.db_index
        removed = 0
        while removed < keys_max:
            window, db = -1, 0
            for number, database in enumerate(self.databases):
                if database.deadlines.by_key:
                    first = database.deadlines.first_window()
                    if window < 0 or first < window:
                        window, db = first, number
            if window < 0 or window_end_ms(window) >= self.now_ms:
                break
            self.select(db)
            removed += self._sweep_window(window, keys_max - removed)
        self.select(selected_db)
        return removed

    def _sweep_window(self, window: int, keys_max: int) -> int:
        deadlines = self._database.deadlines
        removed = 0
        while removed < keys_max and deadlines.holds(window):
            self.delete(deadlines.pop_last(window))
            removed += 1
        self.expired += removed
        return removed

    def _expired(self, key: bytes) -> bool:
        deadline_ms = self._deadlines[key]
        if deadline_ms < self.now_ms:
            if self.applying:
                self.delete(key)
                self.expired += 1
            return True
        if deadline_ms < self.leader_ms and not self.applying:
            raise LogTimeBehind
        return False

    # --- the whole database ------------------------------------------------------------------

    def size(self) -> int:
        """Return the number of keys, expired ones that no sweep has met included."""
        return len(self._keys)

    def random_key(self) -> bytes | None:
        """Return any key, None when there is none that has not expired."""
        chance = self.chance()
        for _ in range(100):
            if not self._keys:
                return None
            key = self._keys[chance.below(len(self._keys))]
            if self.contains(key):
                return key
        return next((key for key in list(self._keys) if self.contains(key)), None)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Return the next cursor (0: done) and about `count` keys, expired ones left out.

        A cursor is the number of positions still to visit. Positions are walked downwards, so a
        key that fills the gap of a removed one never moves from a position still to visit to one
        already visited.
        """
        start, end = self._scanned(cursor, count)
        found = self._keys[start:end]
        found.reverse()
        if self._deadlines:
            found = [key for key in found if self.contains(key)]
        return start, found

    def scan_copied(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """Do the same for a large `count`, with what `copy_keys` says of expired keys.

        Raises:
            LogTimeBehind: as there.
        """
        start, end = self._scanned(cursor, count)
        found = self.copy_keys(start, end)
        found.reverse()
        return start, found

    def _scanned(self, cursor: int, count: int) -> tuple[int, int]:
        end = len(self._keys)
        if 0 < cursor < end:
            end = cursor
        return max(end - count, 0), end

    def all_keys(self) -> list[bytes]:
        """Return every key that has not expired."""
        if self._deadlines:
            return [key for key in list(self._keys) if self.contains(key)]
        return list(self._keys)

    def copy_keys(self, start: int = 0, end: int | None = None) -> list[bytes]:
        """Return the keys of these positions; those that have expired by log time are among them.

        See `live`.

        Raises:
            LogTimeBehind: not applying, and by the leader's clock more of them may have expired.
        """
        if self._deadlines and self.leader_ms > self.now_ms:
            window = self._database.deadlines.first_window()
            if window_end_ms(window - 1) < self.leader_ms:
                raise LogTimeBehind
        return self._keys[start:end]

    def live(self, keys: list[bytes]) -> list[bytes]:
        """Return those whose deadline log time has not passed; each was a key a moment ago."""
        deadlines = self._deadlines
        if not deadlines:
            return keys
        now_ms = self.now_ms
        return [key for key in keys if deadlines.get(key, now_ms) >= now_ms]

    def flush(self, db: int) -> int:
        """Empty one database and return how many keys it had; `free_some` frees them later."""
        database = self.databases[db]
        removed = len(database.keys)
        if self.changed is not None:
            self.changed.append(None)
        if removed:
            self._count_keys_of(db)
            self.databases[db] = Database()
            self._garbage.add_database(database)
            if self._waited:
                self.waiters.mark_database(db)
            self.select(self.db_index)
        return removed

    def flush_all(self) -> int:
        """Empty every database and return how many keys there were."""
        return sum([self.flush(db) for db in range(len(self.databases))])

    def swap(self, first_db: int, second_db: int) -> None:
        """Exchange the contents of two databases."""
        databases = self.databases
        if self.changed is not None:
            self.changed.append(None)
        self._count_keys_of(first_db, second_db)
        databases[first_db], databases[second_db] = databases[second_db], databases[first_db]
        if self._waited:
            self.waiters.mark_database(first_db)
            self.waiters.mark_database(second_db)
        self.select(self.db_index)

    def drop(self, container: Container) -> None:
        """Have `free_some` free a part of a value that was taken out of it."""
        self._garbage.add_value(container)

    def take_over(self, replaced: "Keyspace") -> None:
        """Go on in the place of another: as its node was told, with its statistics.

        What that one holds is for `free_some`: nobody looks at it any more.
        """
        self.limits = replaced.limits
        self.follow_accesses(replaced.accesses)
        self.hits, self.misses = replaced.hits, replaced.misses
        self.expired, self.evicted = replaced.expired, replaced.evicted
        self.evicted_bytes = replaced.evicted_bytes
        self._garbage = replaced._garbage
        for database in replaced.databases:
            self._garbage.add_database(database)

    def free_some(self, items: int) -> bool:
        """Free about `items` keys or elements of dropped containers; True while more is left."""
        return self._garbage.free_some(items)

    # --- what this node knows of its memory ---------------------------------------------------

    def used_bytes(self) -> int:
        """Return about how much memory the keys take; see `respkv.keyspace.memory`."""
        total = KEYSPACE_BYTES
        for database in self.databases:
            if database.uncounted:
                database.count_changed()
            total += database.used_bytes
            if database.deadlines.by_key:
                total += DEADLINE_BYTES * len(database.deadlines.by_key)
                total += BUCKET_BYTES * database.deadlines.buckets()
        return total

    def follow_accesses(self, accesses: Accesses | None) -> None:
        """Begin anew to remember when keys are used, or stop it."""
        self.accesses = accesses
        for database in self.databases:
            database.accesses = {}

    def idle_ms(self, key: bytes) -> int:
        """Return how long `key` has not been used; asked for once, that is known from then on."""
        return self._followed().idle_ms(self._database.accesses, key, self.leader_ms)

    def set_idle(self, key: bytes, idle_ms: int) -> None:
        """Have `key` count as not used for so long; from then on that is known of all keys."""
        self._followed().set_idle(self._database.accesses, key, idle_ms, self.leader_ms)

    def set_frequency(self, key: bytes, counter: int) -> None:
        """Have `key` count as used so often, on the scale of LFU, where that is counted."""
        if self.accesses is not None:
            self.accesses.set_frequency(self._database.accesses, key, counter, self.leader_ms)

    def _followed(self) -> Accesses:
        if self.accesses is None:
            self.accesses = Accesses(False, 0, 0, self.leader_ms)
        return self.accesses

    def frequency(self, key: bytes) -> int:
        """Return how often `key` is used, on the scale of LFU; -1 when it is not counted."""
        if self.accesses is None or not self.accesses.counts:
            return -1
        return self.accesses.frequency(self._database.accesses, key, self.leader_ms)

    def evict(self, db: int, keys: list[bytes], counters: list[int]) -> int:
        """Remove those keys of `db` that have not changed since; return how many.

        A change of another key in the same counter's bucket spares a key as well: the next round
        takes others.
        """
        selected_db = self.db_index
        self.select(db)
        unchanged = [
            key
            for key, counter in zip(keys, counters, strict=True)
            if key in self._values and self.counter(db, key) == counter
        ]
        used_bytes = self._database.used_bytes
        for key in unchanged:
            self.delete(key)
        self.evicted_bytes += used_bytes - self._database.used_bytes
        self.evicted += len(unchanged)
        self.select(selected_db)
        return len(unchanged)

    # --- calls that wait ---------------------------------------------------------------------

    def park(self, keys: list[bytes], argv: list[bytes], bound: bool = False) -> bool:
        """Have the current command wait for `keys`; return False where it may not wait.

        `argv` is what serves it later, should it differ from what was sent (XREAD's `$`). When it
        is `bound`, it is looked at as well once a key is gone.
        """
        if not (self.applying and self.may_park):
            return False
        waiter = Waiter(self.index, self.position, self.db_index, keys, argv, bound)
        self.waiters.add(self._term, waiter)
        return True

    # --- modification counters ---------------------------------------------------------------

    def counter(self, db: int, key: bytes) -> int:
        """Return a number that differs after any change of `key` of `db`."""
        return self.counters[crc32(key, crc32(b"%d" % db)) & COUNTER_MASK]

    def counter_number(self, key: bytes) -> int:
        """Return which of `counters` is that of `key` in the selected database."""
        return crc32(key, self._counter_seed) & COUNTER_MASK

    def _count_keys_of(self, *dbs: int) -> None:
        """Count a change of all keys of these databases, in each of them."""
        keys = [self.databases[db].keys for db in dbs]
        if self.semantics < 2 or sum(map(len, keys)) > COUNTED_SINGLY:
            self.counters = [counter + 1 for counter in self.counters]
            return
        for db in dbs:
            seed = crc32(b"%d" % db)
            for key in chain.from_iterable(keys):
                self.counters[crc32(key, seed) & COUNTER_MASK] += 1

    # --- copies ------------------------------------------------------------------------------

    def digest(self) -> bytes:
        """Return a hash that is equal exactly on equal states (encodings aside)."""
        digest = dump.Digest()
        for chunk in self.dump():
            digest.add(chunk)
        return digest.value()

    def dump(self) -> Iterator[bytes]:
        """Return the state as chunks, each about 64 KiB or one large value.

        Nothing may change the keyspace while the iterator is in use.
        """
        yield dump.header(self.now_ms, len(self.databases), self.counters)
        if self.waiters.by_id:
            yield self.waiters.dump()
        for db, database in enumerate(self.databases):
            yield from dump.database_chunks(db, database)

    @staticmethod
    def load(chunks: Iterable[bytes]) -> "Keyspace":
        """Return the keyspace that `dump` described, from the very same chunks.

        Raises:
            InvariantViolation: these are not the chunks of a dump, or of an unknown format.
        """
        return finish(Keyspace.loading(chunks))

    @staticmethod
    def loading(chunks: Iterable[bytes]) -> "Steps[Keyspace]":
        """Do what `load` does, a chunk a step."""
        keyspace: Keyspace | None = None
        for chunk in chunks:
            if keyspace is None:
                now_ms, databases, counters = dump.read_header(chunk)
                keyspace = Keyspace(databases)
                keyspace.now_ms = keyspace.leader_ms = now_ms
                keyspace.counters = counters
            elif chunk[:1] == b"W":
                keyspace.waiters.load(chunk)
            else:
                dump.read_chunk(chunk, keyspace.databases)
            yield len(chunk)
        if keyspace is None:
            raise InvariantViolation("an empty dump")
        return keyspace
