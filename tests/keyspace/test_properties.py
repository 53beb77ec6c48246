"""Properties of the keyspace under any sequence of changes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.keyspace.keyspace import Keyspace
from tests.keyspace.boxes import Box

KEYS = [b"key%d" % number for number in range(12)]
DATABASES = 3

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["set", "set", "grow", "box", "delete", "deadline", "deadline", "persist", "move"]
            + ["lookup", "time", "sweep", "flush", "swap", "free", "select"]
        ),
        st.sampled_from(KEYS),
        st.integers(0, 3_000),
    ),
    max_size=60,
)


def apply(keyspace: Keyspace, step: tuple[str, bytes, int]) -> object:
    """Run one step and return what it replied."""
    name, key, number = step
    if name == "set":
        keyspace.set(key, b"%d" % number)
    elif name == "grow":
        keyspace.set(key, bytearray(b"x" * (number % 50)), keeps_deadline=True)
    elif name == "box":
        keyspace.set(key, Box([b"%d" % item for item in range(number % 100)]))
    elif name == "delete":
        return keyspace.delete(key)
    elif name == "deadline" and keyspace.contains(key):
        keyspace.set_deadline(key, keyspace.now_ms + number)
    elif name == "persist":
        return keyspace.persist(key)
    elif name == "move" and keyspace.contains(key):
        keyspace.move(key, number % DATABASES, KEYS[number % len(KEYS)])
    elif name == "lookup":
        return keyspace.contains(key)
    elif name == "time":
        keyspace.begin_entry(1, number, keyspace.now_ms + number)
    elif name == "sweep":
        return keyspace.sweep(number % 5)
    elif name == "flush" and number % 10 == 0:
        return keyspace.flush(number % DATABASES)
    elif name == "swap":
        keyspace.swap(number % DATABASES, (number + 1) % DATABASES)
    elif name == "free":
        keyspace.free_some(number)
    elif name == "select":
        keyspace.select(number % DATABASES)
    return None


def check(keyspace: Keyspace) -> None:
    """The three views of a database agree."""
    for database in keyspace.databases:
        assert len(database.keys) == len(database.positions)
        assert set(database.keys) == set(database.values)
        assert all(database.positions[key] == at for at, key in enumerate(database.keys))
        deadlines = database.deadlines
        assert set(deadlines.by_key) <= set(database.values)
        assert sorted(deadlines.in_order()) == sorted(deadlines.by_key)


@settings(max_examples=150, deadline=None)
@given(before=steps, after=steps)
def test_a_loaded_dump_goes_on_exactly_as_the_original(
    before: list[tuple[str, bytes, int]], after: list[tuple[str, bytes, int]]
) -> None:
    original = Keyspace(DATABASES)
    original.applying = True
    for step in before:
        apply(original, step)
        check(original)
    loaded = Keyspace.load(list(original.dump()))
    assert loaded.digest() == original.digest()
    loaded.applying = True
    loaded.select(original.db_index)
    for step in after:
        assert apply(loaded, step) == apply(original, step)
    assert loaded.digest() == original.digest()
    check(loaded)


@settings(max_examples=150, deadline=None)
@given(
    stable=st.integers(0, 40),
    changing=st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=200),
    count=st.integers(1, 7),
    per_step=st.integers(0, 8),
)
def test_a_scan_returns_every_key_that_is_there_from_start_to_end(
    stable: int, changing: list[tuple[bool, int]], count: int, per_step: int
) -> None:
    keyspace = Keyspace()
    keyspace.applying = True
    for number in range(60):
        keyspace.set(b"changing%d" % number, b"v")
        if number < stable:
            keyspace.set(b"stable%d" % number, b"v")
    seen: set[bytes] = set()
    cursor, found = keyspace.scan(0, count)
    seen.update(found)
    changes = iter(changing)
    while cursor:
        for added, number in [change for change, _ in zip(changes, range(per_step), strict=False)]:
            if added:
                keyspace.set(b"changing%d" % number, b"v")
            else:
                keyspace.delete(b"changing%d" % number)
        cursor, found = keyspace.scan(cursor, count)
        seen.update(found)
    assert {b"stable%d" % number for number in range(stable)} <= seen
