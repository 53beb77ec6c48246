"""The keyspace as a replica uses it: entries, log time, reads, sweeps, dumps."""

from collections.abc import Callable

import pytest

from respkv.commands.counters import incr
from respkv.errors import InvariantViolation, LogTimeBehind
from respkv.keyspace.accesses import Accesses
from respkv.keyspace.keyspace import COUNTED_SINGLY, Keyspace
from respkv.keyspace.values import type_name
from tests.keyspace.boxes import Box


def at(now_ms: int, keyspace: Keyspace | None = None) -> Keyspace:
    """Return a keyspace that applies an entry of this time."""
    keyspace = keyspace or Keyspace()
    keyspace.begin_entry(1, 1, now_ms)
    keyspace.applying = True
    return keyspace


def test_log_time_never_goes_back_and_an_entry_begins_in_database_0() -> None:
    keyspace = at(1_000)
    keyspace.select(3)
    keyspace.begin_entry(1, 2, 900)
    assert (keyspace.now_ms, keyspace.leader_ms, keyspace.db_index) == (1_000, 1_000, 0)


def test_a_key_expires_after_its_deadline_and_not_at_it() -> None:
    keyspace = at(1_000)
    keyspace.set(b"k", b"v")
    keyspace.set_deadline(b"k", 2_000)
    at(2_000, keyspace)
    assert keyspace.lookup(b"k") == b"v"
    at(2_001, keyspace)
    assert keyspace.lookup(b"k") is None
    assert keyspace.size() == 0


def test_a_read_changes_nothing_when_it_meets_an_expired_key() -> None:
    keyspace = at(1_000)
    keyspace.set(b"k", b"v")
    keyspace.set_deadline(b"k", 1_500)
    keyspace.set_deadline(b"k", 999)
    keyspace.applying = False
    before = keyspace.digest()
    assert keyspace.lookup(b"k") is None
    assert not keyspace.contains(b"k")
    assert keyspace.all_keys() == []
    assert keyspace.random_key() is None
    assert keyspace.scan(0, 10) == (0, [])
    assert keyspace.digest() == before
    assert keyspace.size() == 1


def test_a_read_past_a_deadline_by_the_leaders_clock_alone_waits_for_log_time() -> None:
    keyspace = at(1_000)
    keyspace.set(b"k", b"v")
    keyspace.set_deadline(b"k", 2_000)
    keyspace.applying = False
    keyspace.leader_ms = 2_000
    assert keyspace.lookup(b"k") == b"v"
    keyspace.leader_ms = 2_001
    for read in (keyspace.lookup, keyspace.contains):
        with pytest.raises(LogTimeBehind):
            read(b"k")
    with pytest.raises(LogTimeBehind):
        keyspace.scan(0, 10)
    with pytest.raises(LogTimeBehind):
        keyspace.all_keys()
    keyspace.begin_entry(1, 2, 2_001)
    assert keyspace.lookup(b"k") is None


def test_expiry_while_applying_counts_as_a_change() -> None:
    keyspace = at(1_000)
    keyspace.set(b"k", b"v")
    keyspace.set_deadline(b"k", 2_000)
    before = keyspace.counter(0, b"k")
    at(3_000, keyspace)
    keyspace.lookup(b"k")
    assert keyspace.counter(0, b"k") != before


def test_every_effective_change_counts_and_a_read_does_not() -> None:
    keyspace = at(1_000)
    changes: list[Callable[[], object]] = [
        lambda: keyspace.set(b"k", b"v"),
        lambda: keyspace.set(b"k", b"v"),
        lambda: keyspace.set(b"k", b"w", keeps_deadline=True),
        lambda: keyspace.modified(b"k"),
        lambda: keyspace.set_deadline(b"k", 5_000),
        lambda: keyspace.persist(b"k"),
        lambda: keyspace.move(b"k", 1, b"k"),
        lambda: keyspace.store(0, b"k", b"v", 9_000),
        lambda: keyspace.swap(0, 1),
        lambda: keyspace.delete(b"k"),
        lambda: keyspace.set(b"k", b"v"),
        lambda: keyspace.flush(0),
        lambda: keyspace.set(b"k", b"v"),
        lambda: keyspace.flush_all(),
    ]
    seen = {keyspace.counter(0, b"k")}
    for number, change in enumerate(changes):
        change()
        assert keyspace.counter(0, b"k") not in seen, number
        seen.add(keyspace.counter(0, b"k"))
    final = keyspace.counter(0, b"k")
    keyspace.lookup(b"k")
    keyspace.delete(b"k")
    keyspace.persist(b"k")
    keyspace.flush_all()
    assert keyspace.counter(0, b"k") == final


@pytest.mark.parametrize("others", [0, 5, COUNTED_SINGLY])
def test_flushing_and_swapping_change_the_keys_that_were_there(others: int) -> None:
    keyspace = at(1)
    for number in range(others):
        keyspace.set(b"other%d" % number, b"v")
    keyspace.store(1, b"k", b"v", None)
    before = [keyspace.counter(db, b"k") for db in range(3)]
    keyspace.swap(0, 1)
    swapped = [keyspace.counter(db, b"k") for db in range(3)]
    assert before[0] < swapped[0]
    assert before[1] < swapped[1]
    keyspace.flush_all()
    flushed = [keyspace.counter(db, b"k") for db in range(3)]
    assert swapped[0] < flushed[0]
    if others <= 5:  # with very many, the bucket of a missing key counts another's change
        assert before[2] == flushed[2]
    keyspace.swap(0, 1)
    keyspace.flush_all()
    assert flushed == [keyspace.counter(db, b"k") for db in range(3)]


def test_by_semantics_1_flushing_and_swapping_change_every_key() -> None:
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1, semantics=1)
    keyspace.set(b"other", b"v")
    before = list(keyspace.counters)
    keyspace.swap(1, 2)
    assert keyspace.counters == [counter + 1 for counter in before]
    keyspace.flush_all()
    assert keyspace.counters == [counter + 2 for counter in before]


def test_a_sweep_takes_expired_keys_of_all_databases_and_no_other() -> None:
    keyspace = at(1_000)
    for db in (2, 0):
        for number in range(10):
            keyspace.store(db, b"old%d" % number, b"v", 1_000 + number * 300)
            keyspace.store(db, b"young%d" % number, b"v", 1_000_000)
            keyspace.store(db, b"eternal%d" % number, b"v", None)
    assert keyspace.next_deadline_ms() == 1_000 | 1_023
    at(1_000 | 1_023, keyspace)
    assert keyspace.sweep(100) == 0
    at(10_000, keyspace)
    keyspace.select(5)
    assert keyspace.sweep(7) == 7
    assert keyspace.sweep(100) == 13
    assert keyspace.sweep(100) == 0
    assert keyspace.db_index == 5
    assert keyspace.next_deadline_ms() == 1_000_000 | 1_023
    assert [len(database.keys) for database in keyspace.databases[:3]] == [20, 0, 20]


def test_a_moved_deadline_leaves_nothing_behind_for_the_sweep() -> None:
    keyspace = at(1_000)
    keyspace.set(b"k", b"v")
    for deadline_ms in (2_000, 900_000, 3_000, 800_000):
        keyspace.set_deadline(b"k", deadline_ms)
    at(10_000, keyspace)
    assert keyspace.sweep(10) == 0
    assert keyspace.next_deadline_ms() == 800_000 | 1_023
    keyspace.persist(b"k")
    assert keyspace.next_deadline_ms() is None


def test_deadlines_moved_for_ever_do_not_pile_up() -> None:
    keyspace = at(0)
    keyspace.set(b"k", b"v")
    for turn in range(50_000):
        keyspace.set_deadline(b"k", 10_000_000 + turn * 1_024)
    assert len(keyspace.databases[0].deadlines._windows) < 5_000


def test_chance_follows_from_the_log_while_applying_and_changes_between_reads() -> None:
    one, other = at(1), at(1)
    assert one.chance().below(1 << 60) == other.chance().below(1 << 60)
    one.position = 1
    assert one.chance().below(1 << 60) != other.chance().below(1 << 60)
    other.applying = False
    assert other.chance().below(1 << 60) != other.chance().below(1 << 60)


def test_random_key_finds_the_only_key_that_has_not_expired() -> None:
    keyspace = at(1_000)
    for number in range(1_000):
        keyspace.store(0, b"old%d" % number, b"v", 1_500)
    keyspace.set(b"k", b"v")
    at(2_000, keyspace)
    keyspace.applying = False
    assert keyspace.random_key() == b"k"
    assert keyspace.size() == 1_001


def test_a_dump_keeps_everything() -> None:
    keyspace = at(5_000)
    keyspace.set(b"a", b"1")
    keyspace.set(b"grown", bytearray(b"abc"))
    keyspace.set(b"box", Box([b"x", b"y"]))
    keyspace.set(b"", b"")
    keyspace.store(15, b"k", b"v", 9_000)
    keyspace.set(b"large", b"x" * 1_000_000)
    loaded = Keyspace.load(list(keyspace.dump()))
    assert loaded.digest() == keyspace.digest()
    assert loaded.now_ms == loaded.leader_ms == 5_000
    assert loaded.all_keys() == keyspace.all_keys()
    assert loaded.lookup(b"grown") == b"abc"
    box = loaded.lookup(b"box")
    assert isinstance(box, Box)
    assert (type_name(box), box.items) == ("box", [b"x", b"y"])
    loaded.select(15)
    assert loaded.deadline(b"k") == 9_000
    assert loaded.counters == keyspace.counters


def test_chunks_are_small_but_for_large_values() -> None:
    keyspace = at(1)
    for number in range(10_000):
        keyspace.store(0, b"key%d" % number, b"x" * 50, 10_000 + number)
    sizes = [len(chunk) for chunk in keyspace.dump()]
    assert max(sizes) < 70_000
    assert len(sizes) < 20


@pytest.mark.parametrize(
    "chunks", [[], [b""], [b"S"], [b"X"], [b"H" + bytes(30)]], ids=["none", "empty", "S", "X", "H"]
)
def test_what_is_no_dump_is_refused(chunks: list[bytes]) -> None:
    with pytest.raises(InvariantViolation):
        Keyspace.load(chunks)


def test_a_chunk_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvariantViolation):
        Keyspace.load([*Keyspace().dump(), b"Z"])


def test_digests_differ_when_states_do() -> None:
    def state(*steps: str) -> bytes:
        keyspace = at(1_000)
        for step in steps:
            if step == "deadline":
                keyspace.set_deadline(b"a", 5_000)
            elif step == "later":
                keyspace.begin_entry(1, 2, 2_000)
            else:
                keyspace.set(step.encode(), b"v")
        return keyspace.digest()

    states = [state("a"), state("a", "b"), state("b", "a"), state("a", "deadline")]
    states += [state("a", "a"), state("a", "later"), state()]
    assert len(set(states)) == len(states)
    assert state("a", "b") == state("a", "b")


def test_dropped_memory_is_freed_in_slices() -> None:
    keyspace = at(1)
    for number in range(20_000):
        keyspace.store(number % 3, b"key%d" % number, b"x" * 50, 10_000 + number)
    keyspace.set(b"box", Box([b"%d" % number for number in range(5_000)]))
    keyspace.delete(b"box")
    keyspace.set(b"box", Box([b"%d" % number for number in range(5_000)]))
    keyspace.set(b"box", b"replaced")
    keyspace.set(b"box", Box([b"%d" % number for number in range(5_000)]))
    assert keyspace.flush_all() == 20_001
    assert keyspace.size() == 0
    slices = 1
    while keyspace.free_some(1_000):
        slices += 1
    assert 50 < slices < 200
    assert not keyspace.free_some(1)


def test_a_key_that_a_counter_creates_has_just_been_used() -> None:
    keyspace = at(1_000)
    keyspace.follow_accesses(Accesses(False, 0, 0, 1_000))
    at(61_000, keyspace)
    incr(keyspace, [b"INCR", b"new"])
    assert keyspace.idle_ms(b"new") == 0
