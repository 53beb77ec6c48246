"""Who cannot win finds out without disturbing anybody."""

from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import PRE_VOTE, PRE_VOTE_REPLY, VOTE
from respkv.consensus.raft import CANDIDATE, FOLLOWER, PRE_CANDIDATE
from tests.consensus.group import Group

LONGEST_TIMEOUT_TICKS = 2 * ELECTION_TIMEOUT_TICKS


def time_out(group: Group, node_id: int) -> None:
    for _ in range(LONGEST_TIMEOUT_TICKS):
        group[node_id].tick()
    assert group[node_id].role == PRE_CANDIDATE


def test_a_member_asks_before_it_enters_a_term() -> None:
    """Thesis 9.6: a candidate first learns that a majority would vote for it."""
    group = Group(3)
    time_out(group, 1)
    assert {message.kind for message in group.deliver()} == {PRE_VOTE}
    assert group[1].term == 0
    group.deliver(PRE_VOTE_REPLY)
    assert (group[1].role, group[1].term) == (CANDIDATE, 1)
    group.settle()
    assert group.leaders() == [1]


def test_a_pre_vote_changes_nothing_at_who_is_asked() -> None:
    """Thesis 9.6: it is no vote: the term stays, and others may be told the same."""
    group = Group(3)
    time_out(group, 1)
    time_out(group, 2)
    group.deliver(PRE_VOTE, recipient=3)
    granted = [reply.reject for reply in group.drop(PRE_VOTE_REPLY, sender=3)]
    assert granted == [False, False]
    assert (group[3].term, group[3].vote, group[3].role) == (0, 0, FOLLOWER)
    assert group.members[3].unsynced == []


def test_a_member_cut_off_for_long_does_not_depose_the_leader_it_comes_back_to() -> None:
    """Thesis 9.6: its term has not grown meanwhile, so nobody has to follow it into a new one."""
    group = Group(3)
    group.elect(1)
    group.cut(3)
    for _ in range(10 * LONGEST_TIMEOUT_TICKS):
        group[3].tick()
        group.collect()
    assert (group[3].role, group[3].term) == (PRE_CANDIDATE, 1)
    group.heal()
    time_out(group, 3)
    group.settle()
    group.settle_with_ticks(1, 2)
    assert (group.leaders(), group[1].term) == ([1], 1)
    assert (group[3].role, group[3].leader_id) == (FOLLOWER, 1)


def test_nobody_pre_votes_while_it_hears_a_leader() -> None:
    """Thesis 4.2.3 and 9.6: a member that heard the leader lately refuses."""
    group = Group(3)
    group.elect(1)
    time_out(group, 3)
    group.deliver(PRE_VOTE)
    assert [reply.reject for reply in group.drop(PRE_VOTE_REPLY)] == [True, True]


def test_a_pre_vote_is_given_again_once_the_leader_was_not_heard_for_a_timeout() -> None:
    """Thesis 9.6: silence for an election timeout frees who is asked."""
    group = Group(3)
    group.elect(1)
    group.cut(1)
    group.wait_for_timeouts(2)
    time_out(group, 3)
    group.settle()
    assert (group[3].term, group.leaders()) == (2, [1, 3])


def test_an_older_log_gets_no_pre_vote() -> None:
    """Thesis 9.6 and paper 5.4.1: who could not get the vote does not get the pre-vote."""
    group = Group(3, {2: [1], 3: [1]}, term=1)
    time_out(group, 1)
    group.deliver(PRE_VOTE)
    assert [reply.reject for reply in group.drop(PRE_VOTE_REPLY)] == [True, True]
    assert group.drop(VOTE) == []


def test_late_pre_votes_do_not_count_for_a_later_term() -> None:
    """Paper 5.1: an answer speaks of the term it was asked for."""
    group = Group(3)
    time_out(group, 1)
    group.deliver(PRE_VOTE)
    late = group.drop(PRE_VOTE_REPLY)
    group[1].campaign()  # term 1 is entered by other means
    group.collect()
    time_out(group, 1)
    for reply in late:
        group[1].step(reply)
    assert (group[1].role, group[1].term) == (PRE_CANDIDATE, 1)
