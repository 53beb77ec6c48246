"""A leader that hands over appends nothing more, and a voter may decline."""

import pytest

from respkv.consensus.messages import TIMEOUT_NOW
from respkv.consensus.raft import ELECTION_TIMEOUT_TICKS
from respkv.errors import NotReady
from tests.consensus.group import Group


def group_of_three() -> Group:
    group = Group(3)
    group.elect(1)
    group.settle()
    return group


def test_a_follower_is_not_told_before_it_has_acknowledged_the_whole_log() -> None:
    """Told too early it asks for votes with a log that is too short, and nobody leads for long."""
    group = group_of_three()
    group.propose(1)
    group[1].transfer(3)
    group.collect()
    assert group.drop(TIMEOUT_NOW) == []
    group.settle()
    assert group.leaders() == [3]


def test_nothing_is_appended_while_a_follower_takes_over() -> None:
    """Thesis 3.10: the voters would find the follower's log too short."""
    group = group_of_three()
    group[1].transfer(3)
    group.collect()
    assert len(group.drop(TIMEOUT_NOW)) == 1
    with pytest.raises(NotReady):
        group[1].propose(0, b"")
    group.settle_with_ticks(1, ELECTION_TIMEOUT_TICKS)
    group.propose(1)  # the order was lost: it goes on


def test_a_voter_that_stops_declines_and_the_leader_goes_on() -> None:
    group = group_of_three()
    group[3].may_lead = False
    group[1].transfer(3)
    group.settle()
    assert group.leaders() == [1]
    assert group[1].declined == [3]
    group.propose(1)
