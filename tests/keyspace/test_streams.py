"""What streams are made of, against plain lists."""

from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.keyspace.sorted_ids import BLOCK_MAX, SortedIds
from respkv.keyspace.stream import Stream
from respkv.keyspace.values import LOADERS

LARGEST = 4 * BLOCK_MAX
runs = st.tuples(st.integers(0, LARGEST), st.integers(1, LARGEST), st.integers(1, 7))
operations = st.lists(
    st.tuples(st.sampled_from(["add", "add", "remove", "range", "take"]), runs), max_size=12
)


@settings(deadline=None)
@given(operations)
def test_sorted_ids_are_a_sorted_list(steps: list[tuple[str, tuple[int, int, int]]]) -> None:
    ids, expected = SortedIds(), set[int]()
    for name, (start, count, step) in steps:
        numbers = range(start, start + count, step)
        if name == "add":
            for number in reversed(numbers) if step == 3 else numbers:
                if number not in expected:
                    ids.add(number)
                    expected.add(number)
        elif name == "remove":
            for number in numbers:
                if number in expected:
                    ids.remove(number)
                    expected.remove(number)
        elif name == "range":
            found = [number for number in sorted(expected) if number >= start][:count]
            assert ids.not_below(start, count) == found
        else:
            taken = ids.take_last(count)
            assert taken == sorted(expected)[len(expected) - len(taken) :]
            assert taken or not expected
            expected.difference_update(taken)
        assert len(ids) == len(expected)
        assert ids.all() == sorted(expected)
        if expected:
            assert (ids.first(), ids.last()) == (min(expected), max(expected))


changes = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 300)),
        st.tuples(st.just("delete"), st.integers(1, 1_000)),
        st.tuples(st.just("drop"), st.integers(1, 1_000)),
        st.tuples(st.just("maxlen"), st.integers(0, 600)),
        st.tuples(st.just("minid"), st.integers(0, 1_000)),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(changes, st.sampled_from([1, 60, 300]), st.booleans())
def test_a_stream_is_a_list_of_entries(
    steps: list[tuple[str, int]], value_bytes: int, approximate: bool
) -> None:
    stream, expected, last = Stream(), dict[int, list[bytes]](), 0
    for name, number in steps:
        if name == "append":
            for _ in range(number):
                last += 2
                items = [b"a", b"%d" % last * value_bytes, b"b" if last % 6 else b"c", b""]
                stream.append(last, items)
                expected[last] = items
        elif name == "delete":
            assert stream.delete(number) == (expected.pop(number, None) is not None)
        elif name == "drop":
            for entry_id in range(number, number + 250):
                assert stream.delete(entry_id) == (expected.pop(entry_id, None) is not None)
        else:
            maxlen = number if name == "maxlen" else -1
            removed = stream.trim(maxlen, number, approximate, 0)
            gone = sorted(expected)[:removed]
            for entry_id in gone:
                del expected[entry_id]
            if not approximate:
                kept = list(expected)
                assert (
                    len(kept) <= number if name == "maxlen" else min(kept, default=number) >= number
                )
        loaded = LOADERS[Stream.type_code](stream.dump())
        for each in (stream, loaded):
            assert isinstance(each, Stream)
            assert each.range(0, last, last + 1) == sorted(expected.items())
            assert each.reverse_range(0, last, last + 1) == sorted(expected.items(), reverse=True)
            assert len(each) == len(expected)
            assert each.first_id == min(expected, default=0)
            assert each.last_entry_id() == max(expected, default=0)
        assert loaded.memory_bytes() == stream.memory_bytes()
        assert loaded.dump() == stream.dump()
