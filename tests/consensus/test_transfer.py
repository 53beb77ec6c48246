"""A leader hands over to a follower that has the whole log, without waiting for a timeout."""

from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import TIMEOUT_NOW
from respkv.consensus.raft import FOLLOWER
from tests.consensus.group import Group


def test_leadership_moves_at_once_though_everybody_hears_the_leader() -> None:
    """Thesis 3.10: the vote that the leader has asked for is not held back (4.2.3)."""
    group = Group(3)
    group.elect(1)
    group.propose(1)
    group.settle()
    group[1].transfer(3)
    group.settle()
    assert group.leaders() == [3]
    assert group[1].role == FOLLOWER
    assert group[3].commit_index == group[1].log.last_index


def test_the_target_gets_the_whole_log_first() -> None:
    """Thesis 3.10: entries proposed before the transfer are never lost by it."""
    group = Group(3)
    group.elect(1)
    group.settle()
    group.cut(3)
    for _ in range(3):
        group.propose(1)
    group.settle()
    group.heal()
    group[1].transfer(3)
    group.settle_with_ticks(1, 3)
    assert group.leaders() == [3]
    assert group[3].log.last_index >= 4


def test_a_target_that_cannot_be_reached_is_given_up() -> None:
    """Thesis 3.10: after an election timeout the leader goes on as if nothing had been asked."""
    group = Group(3)
    group.elect(1)
    group.settle()
    group.cut(3)
    group.propose(1)
    group[1].transfer(3)
    group.settle_with_ticks(1, 2 * ELECTION_TIMEOUT_TICKS)
    group.heal()
    group.settle_with_ticks(1, 3)
    assert group.leaders() == [1]


def test_a_follower_may_ask_for_it() -> None:
    """CLUSTER FAILOVER is sent to the node that shall lead."""
    group = Group(3)
    group.elect(1)
    group.settle()
    group[2].ask_for_transfer()
    group.settle()
    assert group.leaders() == [2]


def test_an_old_order_to_campaign_is_ignored() -> None:
    """A message of an earlier term deposes nobody."""
    group = Group(3)
    group.elect(1)
    group.settle()
    group[1].transfer(3)
    group.collect()
    late = group.drop(TIMEOUT_NOW)
    assert [message.recipient for message in late] == [3]
    group.cut(1)
    for node_id in (2, 3, 2, 3):  # the first has not forgotten the leader when it is asked
        group.wait_for_timeouts(node_id)
        group.settle()
    group.heal()
    group.settle()
    term = group[2].term
    assert term > late[0].term
    group.post(late)
    group.settle()
    assert (group[2].term, group[3].term) == (term, term)
