"""Who is a member: the genesis, and who has come in whose place."""

import pytest

from respkv.cluster.genesis import Genesis, Member
from respkv.cluster.roster import (
    Replacement,
    Roster,
    decode_replacements,
    encode_replacements,
    newcomer_number,
)


def member(digit: str, port: int) -> Member:
    return Member(digit * 40, "", port, port + 10_000, "", "host")


GENESIS = Genesis("c", 16, 3, [member(digit, port) for port, digit in enumerate("123", 7001)])
NEW, NEWER = member("a", 7003), member("b", 7003)


def test_a_newcomer_has_the_place_of_the_old_one_and_no_other_partition_moves() -> None:
    before, leaders_before = Roster(GENESIS, []).placement()
    roster = Roster(GENESIS, [Replacement("3" * 40, NEW)])
    number = newcomer_number(NEW.node_id)
    voters, leaders = roster.placement()
    swap = {3: number}
    assert voters == [tuple(swap.get(old, old) for old in row) for row in before]
    assert leaders == [swap.get(old, old) for old in leaders_before]
    assert sorted(roster.members()) == [1, 2, number]
    assert roster.number_of("3" * 40) == 0
    assert roster.number_of(NEW.node_id) == number
    assert roster.member_at("host", 7003, 0) is NEW


def test_a_newcomer_can_be_replaced_as_well() -> None:
    roster = Roster(GENESIS, [Replacement("3" * 40, NEW)])
    assert roster.merge([Replacement(NEW.node_id, NEWER)])
    assert roster.successor(3) == newcomer_number(NEWER.node_id)
    assert roster.successor_of("3" * 40) is NEW
    assert sorted(roster.members()) == [1, 2, newcomer_number(NEWER.node_id)]
    again = Roster(GENESIS, decode_replacements(roster.encode()))
    assert again.encode() == roster.encode()
    assert not again.merge(roster.replacements)


def test_a_place_is_given_once() -> None:
    roster = Roster(GENESIS, [Replacement("3" * 40, NEW)])
    with pytest.raises(ValueError, match="cannot stand in"):
        roster.merge([Replacement("3" * 40, NEWER)])
    with pytest.raises(ValueError, match="cannot stand in"):
        roster.merge([Replacement("f" * 40, NEWER)])


@pytest.mark.parametrize("text", ["x", "{}x", "[1]", '[{"old_id":"3"}]', '[{"member":{}}]'])
def test_what_are_no_replacements_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_replacements(text)
    assert encode_replacements([]) == "[]"
    assert decode_replacements("") == []
