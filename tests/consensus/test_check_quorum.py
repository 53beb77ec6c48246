"""A leader that hears no majority stops leading; one that is heard is not deposed."""

import pytest

from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import HEARTBEAT_REPLY, VOTE
from respkv.consensus.raft import FOLLOWER, LEADER
from respkv.errors import NotLeader
from tests.consensus.group import Group


def test_a_leader_without_a_majority_steps_down_within_two_timeouts() -> None:
    """Thesis 6.2: an election timeout without a successful round of heartbeats ends it."""
    group = Group(3)
    group.elect(1)
    group.cut(1)
    group.settle_with_ticks(1, 2 * ELECTION_TIMEOUT_TICKS)
    assert (group[1].role, group[1].term) == (FOLLOWER, 1)
    with pytest.raises(NotLeader) as error:
        group.propose(1)
    assert error.value.leader_id == 0


def test_a_leader_that_a_majority_answers_goes_on() -> None:
    """Thesis 6.2: one follower of two is enough, whatever the other does."""
    group = Group(3)
    group.elect(1)
    group.cut(3)
    group.settle_with_ticks(1, 10 * ELECTION_TIMEOUT_TICKS)
    assert group[1].role == LEADER


def test_heartbeats_alone_keep_a_leader_whose_followers_disks_hang() -> None:
    """Thesis 6.2: being heard counts; a follower answers heartbeats before any sync."""
    group = Group(3)
    group.elect(1)
    group.propose(1)
    for _ in range(4 * ELECTION_TIMEOUT_TICKS):
        group[1].tick()
        group.deliver()
        group.deliver(HEARTBEAT_REPLY)
    assert group[1].role == LEADER
    assert group[1].commit_index == 1


def test_two_of_five_are_no_majority() -> None:
    """Thesis 6.2: the leader and one follower go on hearing each other, in vain."""
    group = Group(5)
    group.elect(1)
    group.cut(3, 4, 5)
    group.settle_with_ticks(1, 2 * ELECTION_TIMEOUT_TICKS)
    assert group[1].role == FOLLOWER


def test_a_vote_request_does_not_move_who_hears_a_leader() -> None:
    """Thesis 4.2.3: the term is not updated and no vote is granted."""
    group = Group(3)
    group.elect(1)
    group[3].campaign()  # as if it had lost its patience without a pre-vote
    group.sync(3)
    group.deliver(VOTE)
    group.sync()
    assert (group[1].role, group[1].term) == (LEADER, 1)
    assert (group[2].term, group[2].vote) == (1, 1)


def test_a_vote_request_is_heard_once_the_leader_was_silent_for_a_timeout() -> None:
    """Thesis 4.2.3: the shortest election timeout is what a request waits for."""
    group = Group(3)
    group.elect(1)
    group.cut(1)
    group[3].campaign()
    group.wait_for_timeouts(2)
    group.settle()
    assert (group[3].role, group[3].term) == (LEADER, 2)
