"""Long strings: any changes give what a bytearray gives, and they are freed bit by bit."""

from hypothesis import given
from hypothesis import strategies as st

from respkv.commands.strings import set_
from respkv.keyspace.huge_text import HUGE_BYTES
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.long_string import BLOCK_BYTES, LONG_BYTES, LongString, growing

BLOCK = 4
places = st.integers(0, 40)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), places, st.binary(min_size=1, max_size=11)),
        st.tuples(st.just("set"), places, st.binary(min_size=1, max_size=1)),
        st.tuples(st.just("grow"), places, st.just(b"")),
        st.tuples(st.just("copy"), places, st.just(b"")),
    ),
    max_size=12,
)


@given(st.binary(max_size=17), st.integers(0, 9), steps, places, places)
def test_it_is_what_a_bytearray_would_be(
    base: bytes, more: int, steps: list[tuple[str, int, bytes]], start: int, end: int
) -> None:
    string = LongString(base, len(base) + more, BLOCK)
    model = bytearray(base + bytes(more))
    copies: list[tuple[LongString, bytes]] = []
    for name, at, patch in steps:
        if name == "copy":
            copies.append((string, bytes(model)))
            string = string.copy()
            continue
        model += bytes(max(0, at + len(patch) - len(model)))
        if name == "write":
            string.grow(at)
            string[at:] = patch
            model[at : at + len(patch)] = patch
        elif name == "set":
            string.grow(at + 1)
            string[at] = model[at] = patch[0]
        else:
            string.grow(at)
    copies.append((string, bytes(model)))
    for one, expected in copies:
        assert bytes(one) == expected
        assert len(one) == len(expected)
        assert one[start:end] == expected[start:end]
        assert [one[at] for at in range(len(expected))] == list(expected)
        at = one.stored_from(start)
        assert not any(expected[start:at])
        assert at >= start


def test_a_bit_far_away_takes_one_block() -> None:
    string = growing(None, 512 << 20)
    assert isinstance(string, LongString)
    string[-1 + (512 << 20)] = 7
    string[5:6] = b"x"
    assert len(string.blocks) == 2
    assert string.stored_from(6) == 6
    assert string.stored_from(BLOCK_BYTES) == (512 << 20) - BLOCK_BYTES


def test_a_string_becomes_long_above_a_megabyte_and_shares_what_it_was() -> None:
    assert isinstance(growing(b"x", LONG_BYTES), bytearray)
    text = b"x" * LONG_BYTES
    string = growing(text, LONG_BYTES + 1)
    assert isinstance(string, LongString)
    assert string.base is text
    assert growing(string, 5) is string
    assert len(string) == LONG_BYTES + 1


def state(string: LongString | bytes) -> bytes:
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1)
    keyspace.set(b"k", string)
    return keyspace.digest()


def test_the_digest_does_not_show_what_kind_of_string_it_is() -> None:
    string = LongString(b"abc", LONG_BYTES + 2)
    string[LONG_BYTES:] = b"de"
    assert state(string) == state(bytes(string))


def freed_in(keyspace: Keyspace) -> int:
    """Free all, and return in how many slices of 5,000 elements."""
    slices = 1
    while keyspace.free_some(5_000):
        slices += 1
    return slices


def test_huge_values_are_freed_in_slices() -> None:
    """Sizes just above a few slices; what is freed is not looked at, but nobody may miss it."""
    size = 4 * HUGE_BYTES + 5
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1)
    for key in (b"deleted", b"replaced", b"grown", b"flushed"):
        keyspace.set(key, bytes(size))
    keyspace.set(b"grown", growing(keyspace.lookup(b"grown"), size + 1))  # type: ignore[arg-type]
    freed_in(keyspace)  # nothing: what has grown holds its text
    keyspace.delete(b"deleted")
    assert freed_in(keyspace) == 6
    set_(keyspace, [b"SET", b"replaced", b"small"])
    assert freed_in(keyspace) == 6
    keyspace.delete(b"grown")
    assert freed_in(keyspace) == 6
    keyspace.flush_all()
    assert freed_in(keyspace) == 7
    assert keyspace.used_bytes() == Keyspace().used_bytes()


def test_a_huge_text_that_a_reply_still_holds_stays_whole() -> None:
    text = bytes(range(256)) * (3 * HUGE_BYTES // 256)
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1)
    keyspace.set(b"k", text)
    keyspace.delete(b"k")
    freed_in(keyspace)
    assert len(text) == 3 * HUGE_BYTES
    assert text[-256:] == bytes(range(256))


def test_blocks_are_freed_in_slices() -> None:
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1)
    string = LongString(b"", 500 * BLOCK_BYTES)
    for number in range(500):
        string[number * BLOCK_BYTES] = 1
    keyspace.set(b"k", string)
    keyspace.delete(b"k")
    assert freed_in(keyspace) > 4
    assert not string.blocks
