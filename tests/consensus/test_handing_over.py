"""A leader that hands over appends nothing more, and a voter may decline."""

import pytest

from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import APPEND, TIMEOUT_NOW
from respkv.consensus.raft import CANDIDATE, LEADER
from respkv.errors import NotReady
from tests.consensus.group import Group


def group_of_three() -> Group:
    group = Group(3)
    group.elect(1)
    group.settle()
    return group


def test_a_follower_that_is_told_early_waits_for_the_rest_of_the_log() -> None:
    """With a log that is too short it would be elected by nobody, and nobody would lead for long."""
    group = group_of_three()
    group.propose(1)
    group[1].transfer(3)
    group.collect()
    appends = group.drop(APPEND)
    group.settle()
    assert (group.leaders(), group[3].term) == ([1], 1)  # the order has overtaken the last entry
    group.post(appends)
    group.settle()
    assert (group.leaders(), group[3].elections_started) == ([3], 1)


def test_one_sync_of_the_follower_is_for_the_last_entries_and_its_vote() -> None:
    """The leader does not wait for its acknowledgement: each wait is a part of the pause."""
    group = group_of_three()
    group.propose(1)
    group[1].transfer(3)
    group.deliver()
    assert [(ready.hard_state, len(ready.entries)) for ready in group.members[3].unsynced] == [
        ((2, 3), 1)
    ]


def test_an_order_that_the_leader_has_given_up_is_out_of_date() -> None:
    """It has appended since: nobody who has more than the order speaks of need stand."""
    group = group_of_three()
    group[1].transfer(3)
    group.collect()
    late = group.drop(TIMEOUT_NOW)
    group.settle_with_ticks(1, ELECTION_TIMEOUT_TICKS)
    group.propose(1)
    group.settle()
    group.post(late)
    group.settle()
    assert (group.leaders(), group[3].term) == ([1], 1)


def test_who_votes_as_the_leader_has_asked_knows_who_leads_next() -> None:
    """Clients are sent there before the first message of the new leader."""
    group = group_of_three()
    group[1].transfer(3)
    while group[1].role == LEADER:
        group.sync()
        group.deliver()
    assert (group[1].leader_id, group[3].role) == (3, CANDIDATE)


def test_a_new_leader_tells_at_once_what_became_of_the_last_entries() -> None:
    """Clients wait for them at the leader before, and the next heartbeat is a tick away."""
    group = group_of_three()
    group.propose(1)
    group[1].transfer(3)
    group.settle()
    assert group[3].role == LEADER
    assert [member.commit_index for member in (group[1], group[2])] == [group[3].last_index] * 2


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
