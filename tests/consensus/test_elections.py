"""Who may lead: one vote a term, on disk before it counts, for a log as good as one's own."""

import pytest

from respkv.consensus.messages import VOTE, VOTE_REPLY
from respkv.consensus.raft import CANDIDATE, FOLLOWER, LEADER
from tests.consensus.group import Group


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_majority_of_votes_makes_a_leader(size: int) -> None:
    """Paper 5.2: a candidate wins with the votes of a majority, for one term."""
    group = Group(size)
    leader = group.elect(1)
    assert (leader.term, group.leaders()) == (1, [1])
    assert all(group[member].leader_id == 1 for member in group.members)


def test_fewer_votes_than_a_majority_make_none() -> None:
    """Paper 5.2: two of five are not enough."""
    group = Group(5)
    group.cut(3, 4, 5)
    group.campaign(1)
    group.settle()
    assert group[1].role == CANDIDATE
    assert group.leaders() == []


def test_a_member_votes_once_a_term() -> None:
    """Paper 5.2: each server votes for at most one candidate in a term, first come first served."""
    group = Group(3)
    group.campaign(1)
    group.campaign(2)
    group.deliver(VOTE, sender=1, recipient=3)
    group.deliver(VOTE, sender=2, recipient=3)
    group.sync(3)
    answers = {reply.recipient: reply.reject for reply in group.drop(VOTE_REPLY, sender=3)}
    assert answers == {1: False, 2: True}


def test_a_vote_asked_for_again_is_given_again() -> None:
    """Paper 5.1: a lost reply makes the candidate ask again; the same answer does no harm."""
    group = Group(3)
    group.campaign(1)
    group.deliver(VOTE, recipient=2, keep=True)
    group.sync(2)
    assert [reply.reject for reply in group.drop(VOTE_REPLY, sender=2)] == [False]
    group.deliver(VOTE, recipient=2)
    group.sync(2)
    assert [reply.reject for reply in group.drop(VOTE_REPLY, sender=2)] == [False]


def test_a_vote_is_on_disk_before_it_is_sent() -> None:
    """Paper figure 2: votedFor is persistent and is updated before responding."""
    group = Group(3)
    group.campaign(1)
    group.deliver(VOTE, recipient=2)
    assert group.drop(VOTE_REPLY) == []
    group.sync(2)
    assert (group.members[2].term, group.members[2].vote) == (1, 1)
    assert [reply.sender for reply in group.drop(VOTE_REPLY)] == [2]


def test_a_candidates_own_vote_is_on_disk_before_it_asks() -> None:
    """Paper figure 2: else it could forget it, and vote for another in the same term."""
    group = Group(3)
    group[1].campaign()
    assert group.drop(VOTE) == []
    group.sync(1)
    assert (group.members[1].term, group.members[1].vote) == (1, 1)
    assert len(group.drop(VOTE)) == 2


def test_a_restarted_member_does_not_vote_again() -> None:
    """Paper 5.2 and figure 2: the vote survives a crash."""
    group = Group(3)
    group.campaign(1)
    group.deliver(VOTE, sender=1, recipient=3)
    group.sync(3)
    group.restart(3)
    group.campaign(2)
    group.deliver(VOTE, sender=2, recipient=3)
    group.sync(3)
    assert [reply.reject for reply in group.drop(VOTE_REPLY, sender=3, recipient=2)] == [True]


@pytest.mark.parametrize(
    ("candidate", "voter", "granted"),
    [
        ([1, 1], [1, 1], True),
        ([1, 1, 1], [1, 1], True),
        ([1, 1], [1, 1, 1], False),  # same last term: the longer log is more up to date
        ([1, 2], [1, 1, 1], True),  # the later last term is, however short the log
        ([1, 1, 1], [1, 2], False),
    ],
)
def test_only_a_log_that_is_up_to_date_is_voted_for(
    candidate: list[int], voter: list[int], granted: bool
) -> None:
    """Paper 5.4.1: the voter denies its vote if its own log is more up-to-date."""
    group = Group(3, {1: candidate, 2: voter}, term=2)
    group.campaign(1)
    group.deliver(VOTE, recipient=2)
    group.sync(2)
    assert [reply.reject for reply in group.drop(VOTE_REPLY)] == [not granted]


def test_a_split_vote_is_resolved_in_a_later_term() -> None:
    """Paper 5.2: candidates that split the votes start over with a new term."""
    group = Group(3)
    group.cut(3)
    group.campaign(1)
    group.campaign(2)
    group.settle()
    assert group.leaders() == []
    leader = group.elect(1)
    assert leader.term == 2


def test_a_leader_that_hears_of_a_newer_term_steps_down() -> None:
    """Paper 5.1: a server that discovers its term is out of date reverts to follower."""
    group = Group(3)
    group.elect(1)
    group.cut(1)
    group.elect(2)
    group.heal()
    assert group.leaders() == [1, 2]
    group[1].tick()
    group.settle()
    assert group.leaders() == [2]
    assert (group[1].role, group[1].term) == (FOLLOWER, 2)


def test_votes_of_an_older_term_do_not_count() -> None:
    """Paper 5.1: a message with a stale term is rejected."""
    group = Group(3)
    group.cut(3)
    group.campaign(1)
    group.deliver(VOTE)
    group.sync(2)
    late = group.drop(VOTE_REPLY)
    assert [reply.term for reply in late] == [1]
    group[1].campaign()
    group[1].step(late[0])
    assert (group[1].role, group[1].term) == (CANDIDATE, 2)


def test_a_candidate_follows_the_leader_of_its_term() -> None:
    """Paper 5.2: an append of a leader with at least its own term returns it to follower."""
    group = Group(3)
    group.campaign(2)
    group.drop(VOTE)
    group.campaign(1)
    group.deliver(VOTE, sender=1, recipient=3)
    group.sync()
    group.deliver(VOTE_REPLY)
    assert (group[1].role, group[2].role) == (LEADER, CANDIDATE)
    group.settle()
    assert (group[2].role, group[2].leader_id) == (FOLLOWER, 1)


def test_who_is_forced_to_stand_again_and_again_stands_once() -> None:
    """CLUSTER FAILOVER FORCE in a loop: a new term each time would leave it without a vote."""
    group = Group(3)
    group.cut(1)
    group.wait_for_timeouts(2, 3)
    for _ in range(5):
        group[2].force_election()
    assert (group[2].term, group[2].elections_started) == (1, 1)
    group.settle()
    assert group.leaders() == [2]
