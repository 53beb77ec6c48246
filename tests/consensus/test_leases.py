"""Leases: while one counts on a quorum, nobody else is elected (thesis 6.4.1)."""

import pytest

from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import (
    HEARTBEAT,
    HEARTBEAT_REPLY,
    PRE_VOTE_REPLY,
    TIMEOUT_NOW,
    VOTE,
    Message,
)
from respkv.consensus.raft import FOLLOWER, LEADER
from tests.consensus.group import Group

BEGAN_MS = 5000


def leased() -> Group:
    """Member 1 leads and has a lease."""
    group = Group(3)
    group.elect(1)
    group[1].offers_lease = True
    group[1].read_index(BEGAN_MS)
    group.settle()
    assert group[1].read_rounds.lease_from_ms == BEGAN_MS
    return group


def test_it_counts_from_when_the_round_began() -> None:
    group = Group(3)
    group.elect(1)
    group[1].offers_lease = True
    group[1].read_index(BEGAN_MS)
    group[1].read_index(BEGAN_MS + 50)
    group.deliver(HEARTBEAT)
    assert group[1].read_rounds.lease_from_ms == 0
    group.deliver(HEARTBEAT_REPLY, sender=3)
    assert group[1].read_rounds.lease_from_ms == BEGAN_MS + 50


def test_who_has_acknowledged_votes_for_nobody_for_an_election_timeout() -> None:
    group = leased()
    group.cut(1)
    for _ in range(ELECTION_TIMEOUT_TICKS - 1):
        group[2].tick()
        group[3].tick()
    group[2].campaign()
    group.settle()
    assert group[2].role != LEADER
    assert group[3].vote != 2
    group[3].tick()
    group[2].campaign()
    group.settle()
    assert group[2].role == LEADER


def test_nor_does_it_after_a_restart() -> None:
    """It has forgotten whom it has heard, and still it is counted on."""
    group = leased()
    group.cut(1)
    group.restart(3)
    group.wait_for_timeouts(2)
    group[2].start_pre_vote()
    group[2].campaign()
    group.settle()
    assert group[2].role != LEADER
    for _ in range(ELECTION_TIMEOUT_TICKS):
        group[3].tick()
    group[2].campaign()
    group.settle()
    assert group[2].role == LEADER


def test_nor_when_it_learns_of_a_later_term() -> None:
    """A late refusal tells of a term that nobody leads; its candidate asks again."""
    group = leased()
    group.wait_for_timeouts(2)
    group[2].campaign()
    group.cut(1)
    group.settle()
    late = group[2].term
    group.heal()
    group.cut(1)
    group[3].step(Message(PRE_VOTE_REPLY, 2, 3, late, reject=True))
    assert (group[3].term, group[3].role) == (late, FOLLOWER)
    group[2].campaign()
    group.settle()
    assert group[2].role != LEADER


@pytest.mark.parametrize("arrives", [True, False])
def test_a_transfer_gives_it_up_for_the_rest_of_the_term(arrives: bool) -> None:
    """TIMEOUT_NOW may arrive at any time."""
    group = leased()
    group[1].transfer(2)
    group.collect()
    assert group[1].read_rounds.lease_from_ms == 0
    if arrives:
        group.settle()
        assert group[2].role == LEADER
        return
    group.drop(TIMEOUT_NOW)
    group[1].read_index(BEGAN_MS + 100)
    group.settle()
    assert group[1].role == LEADER
    assert group.members[1].reads[-1][0] == 2  # the round is good for its reads
    assert group[1].read_rounds.lease_from_ms == 0


def test_a_forced_election_asks_a_leader_that_lives() -> None:
    """CLUSTER FAILOVER FORCE: its own vote is counted on as well."""
    group = leased()
    group[2].force_election()
    group.collect()
    assert not group.drop(VOTE)
    group.settle()
    assert group[2].role == LEADER  # by transfer


def test_nobody_counts_who_has_no_entry_of_the_term_on_disk() -> None:
    """After a restart it would not know that it ever heard of the term."""
    group = Group(3)
    group.campaign(1)
    group.deliver()
    group.sync(2, 3)
    group.deliver()  # member 1 leads: its first entry goes out
    group.sync(1)
    group.deliver(recipient=2)
    group.deliver(recipient=3)
    group.sync(2)
    group.deliver(recipient=1)
    group[1].read_index(BEGAN_MS)
    group.drop(recipient=2)
    group.deliver(HEARTBEAT, recipient=3)
    group.deliver(HEARTBEAT_REPLY, sender=3)
    assert group.members[1].reads  # confirmed by 1 and 3
    assert group[1].read_rounds.lease_from_ms == 0
