"""Replacing a member: learn, leave, vote (thesis, chapter 4), and what a configuration survives."""

import pytest

from respkv.consensus.configuration import Configuration, decode_configuration
from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import PRE_VOTE, TIMEOUT_NOW, VOTE, Message
from respkv.consensus.raft import FOLLOWER, LEADER
from respkv.errors import InvariantViolation, NotReady
from tests.consensus.group import Group

DEAD, NEWCOMER = 3, 4


def change(group: Group, leader: int, voters: list[int], learners: list[int]) -> None:
    group[leader].propose_configuration(Configuration(voters, learners))
    group.settle_with_ticks(leader, 2)


@pytest.fixture(name="group")
def three_and_a_spare() -> Group:
    group = Group(3, spares=1)
    group.elect(1)
    group.propose(1)
    group.settle()
    return group


def test_a_dead_member_is_replaced(group: Group) -> None:
    group.cut(DEAD)
    change(group, 1, [1, 2, DEAD], [NEWCOMER])
    assert group[1].has_caught_up(NEWCOMER)
    change(group, 1, [1, 2], [NEWCOMER])
    change(group, 1, [1, 2, NEWCOMER], [])
    assert [group[number].voters for number in (1, 2, NEWCOMER)] == [[1, 2, NEWCOMER]] * 3
    group.cut(2)  # the newcomer counts
    entry = group.propose(1, b"kept")
    group.settle_with_ticks(1, 2)
    assert group[1].commit_index == entry.index
    assert group.members[NEWCOMER].applied[-1].payload == b"kept"


def test_a_newcomer_leads_once_it_votes(group: Group) -> None:
    group.cut(DEAD)
    change(group, 1, [1, 2, DEAD], [NEWCOMER])
    change(group, 1, [1, 2], [NEWCOMER])
    change(group, 1, [1, 2, NEWCOMER], [])
    group[1].transfer(NEWCOMER)
    group.settle()
    assert group.leaders() == [NEWCOMER]


def test_a_learner_neither_counts_nor_campaigns_nor_leads(group: Group) -> None:
    change(group, 1, [1, 2, DEAD], [NEWCOMER])
    group.cut(2, DEAD)
    entry = group.propose(1)
    group.settle()
    assert group[NEWCOMER].last_index == entry.index
    assert group[1].commit_index < entry.index
    number = group[1].read_index()
    group.settle()
    assert number not in [confirmed for confirmed, _ in group.members[1].reads]
    group[1].transfer(NEWCOMER)
    group.settle()
    assert group.leaders() == [1]
    for _ in range(4 * ELECTION_TIMEOUT_TICKS):
        group[NEWCOMER].tick()
    group.collect()
    assert not group.drop(PRE_VOTE, sender=NEWCOMER)
    assert not group.drop(VOTE, sender=NEWCOMER)
    group[NEWCOMER].step(Message(TIMEOUT_NOW, 1, NEWCOMER, group[1].term))
    assert group[NEWCOMER].role == FOLLOWER


def test_a_learner_does_not_keep_a_leader_in_office(group: Group) -> None:
    change(group, 1, [1, 2, DEAD], [NEWCOMER])
    group.cut(2, DEAD)
    for _ in range(3 * ELECTION_TIMEOUT_TICKS):
        group[1].tick()
        group.settle()
    assert group.leaders() == []


def test_a_learner_far_behind_gets_a_snapshot_with_the_configuration(group: Group) -> None:
    group.members[1].compact(group[1].commit_index)
    group[1].propose_configuration(Configuration([1, 2, DEAD], [NEWCOMER]))
    group.settle_with_ticks(1, 2)
    assert not group[1].has_caught_up(NEWCOMER)
    assert group.members[1].snapshot_peers == [NEWCOMER]
    index, term = group.members[1].snapshot
    assert group.members[NEWCOMER].install(index, term, group.members[1].configuration)
    group[1].snapshot_sent(NEWCOMER, index, True)
    group.settle_with_ticks(1, 2)
    assert group[1].has_caught_up(NEWCOMER)
    assert group[NEWCOMER].learners == [NEWCOMER]


def test_a_configuration_survives_a_snapshot_and_a_restart(group: Group) -> None:
    change(group, 1, [1, 2, DEAD], [NEWCOMER])
    change(group, 1, [1, 2], [NEWCOMER])
    group.members[2].compact(group[2].commit_index)
    group.sync()
    group.restart(2)
    assert (group[2].voters, group[2].learners) == ([1, 2], [NEWCOMER])


def test_a_configuration_that_never_committed_is_taken_back(group: Group) -> None:
    group.cut(1)
    group[1].propose_configuration(Configuration([1, 2, DEAD], [NEWCOMER]))
    group.sync()
    assert group[1].learners == [NEWCOMER]
    group.elect(2)
    group.heal()
    group.settle_with_ticks(2, 5)
    assert (group[1].voters, group[1].learners) == ([1, 2, 3], [])
    assert group[1].role == FOLLOWER


def test_a_removed_leader_steps_down_when_that_is_committed(group: Group) -> None:
    group[1].propose_configuration(Configuration([2, 3], []))
    assert group[1].role == LEADER
    group.settle()
    assert group[1].role == FOLLOWER
    for _ in range(4 * ELECTION_TIMEOUT_TICKS):
        group[1].tick()
    group.settle()
    assert group.leaders() == []  # it does not stand again
    group.elect(2)
    assert group[2].voters == [2, 3]


def test_two_changes_do_not_overlap(group: Group) -> None:
    group[1].propose_configuration(Configuration([1, 2, DEAD], [NEWCOMER]))
    with pytest.raises(NotReady):
        group[1].propose_configuration(Configuration([1, 2], [NEWCOMER]))
    group.settle()
    group[1].propose_configuration(Configuration([1, 2], [NEWCOMER]))


def test_a_leader_changes_nothing_before_it_has_committed_in_its_term() -> None:
    """The erratum to the thesis' single-server changes (Ongaro, 2015)."""
    group = Group(3, spares=1)
    group.campaign(1)
    group.deliver(VOTE)
    group.sync()
    group.deliver()
    assert group[1].role == LEADER
    with pytest.raises(NotReady):
        group[1].propose_configuration(Configuration([1, 2, 3], [NEWCOMER]))


def test_two_voters_at_once_are_refused(group: Group) -> None:
    with pytest.raises(InvariantViolation):
        group[1].propose_configuration(Configuration([1, 2, NEWCOMER], []))


def test_what_is_no_configuration_is_refused() -> None:
    for payload in (b"", b"[]", b"{}", b'{"voters":["x"],"learners":[],"replacements":""}'):
        with pytest.raises(ValueError):
            decode_configuration(payload)
