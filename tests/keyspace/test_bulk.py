"""Many elements added together leave what the same ones leave that come one by one."""

from hypothesis import given
from hypothesis import strategies as st

from respkv.keyspace.hash import Hash
from respkv.keyspace.set import Set, all_integers, is_integer
from respkv.keyspace.zset import ZSet

NUMBERS = st.integers(0, 60).map(b"%d".__mod__)
ROUNDS = st.lists(st.lists(NUMBERS, max_size=50), max_size=3)
WORDS = st.sampled_from(
    [b"0", b"00", b"01", b"10", b"", b"-1", b"9" * 18, b"9" * 19, b"9" * 20]
    + [b"9223372036854775807", b"9223372036854775808", b"1\n2", b"\n0", b"0\n", b"a", b"5"]
)


@given(ROUNDS)
def test_members_of_a_set(rounds: list[list[bytes]]) -> None:
    one, other = Set(), Set()
    for members in rounds:
        assert one.add_all(members) == sum([other.add(member) for member in members])
        assert one.dump() == other.dump()
        assert one.payload_bytes == other.payload_bytes


@given(ROUNDS)
def test_fields_of_a_hash(rounds: list[list[bytes]]) -> None:
    one, other = Hash(), Hash()
    for fields in rounds:
        pairs = [(field, field * 2) for field in fields]
        items = [item for pair in pairs for item in pair]
        assert one.set_all(items) == sum([other.set(*pair) for pair in pairs])
        assert one.dump() == other.dump()
        assert one.payload_bytes == other.payload_bytes
        assert one.peak_item_bytes == other.peak_item_bytes
        assert one.peak_entries == other.peak_entries


@given(ROUNDS)
def test_members_of_a_sorted_set(rounds: list[list[bytes]]) -> None:
    one, other = ZSet(), ZSet()
    for candidates in rounds:
        members = [member for member in dict.fromkeys(candidates) if one.score(member) is None]
        scores = [float(int(member) % 5) for member in members]
        one.extend(members, scores)
        for member, score in zip(members, scores, strict=True):
            other.set(member, score)
        assert one.dump() == other.dump()
        assert one.order.slice(0, 99) == other.order.slice(0, 99)
        assert one.payload_bytes == other.payload_bytes
        assert one.peak_member_bytes == other.peak_member_bytes
        assert one.peak_entries == other.peak_entries


@given(st.lists(WORDS, max_size=40))
def test_integers_are_told_from_what_looks_like_them(members: list[bytes]) -> None:
    assert all_integers(members) == all(map(is_integer, members))
