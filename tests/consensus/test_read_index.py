"""Linearizable reads: the leader proves that it leads after the read arrived."""

import pytest

from respkv.consensus.messages import APPEND, HEARTBEAT, HEARTBEAT_REPLY
from respkv.consensus.progress import STALLED_AFTER_TICKS
from respkv.consensus.raft import FOLLOWER
from respkv.errors import NotLeader, NotReady
from tests.consensus.group import Group


def led() -> Group:
    """Member 1 leads, and nothing is under way."""
    group = Group(3)
    group.elect(1)
    return group


def test_a_read_waits_for_a_majority_of_heartbeats_and_for_what_was_committed() -> None:
    """Thesis 6.4, steps 2 to 4: read index, a round of heartbeats, then the state at that index."""
    group = led()
    group.propose(1)
    group.settle()
    number = group[1].read_index()
    group.deliver(HEARTBEAT)
    assert group.members[1].reads == []
    group.deliver(HEARTBEAT_REPLY, sender=2)
    assert group.members[1].reads == [(number, 2)]


def test_no_read_before_an_entry_of_the_own_term_is_committed() -> None:
    """Thesis 6.4, step 1: until then a leader may not know what is committed."""
    group = Group(3, {1: [1], 2: [1]}, term=1)
    group.campaign(1)
    group.deliver()
    group.sync()
    group.deliver()
    assert group.leaders() == [1]
    with pytest.raises(NotReady):
        group[1].read_index()
    group.settle()
    group[1].read_index()
    group.settle()
    assert [index for _, index in group.members[1].reads] == [2]


def test_followers_do_not_read() -> None:
    """Thesis 6.4: they name the leader."""
    group = led()
    with pytest.raises(NotLeader) as error:
        group[2].read_index()
    assert error.value.leader_id == 1


def test_the_reads_of_a_deposed_leader_are_never_confirmed() -> None:
    """Thesis 6.4: another leader may have committed newer writes."""
    group = led()
    group.cut(1)
    group[1].read_index()
    group.elect(2)
    group.propose(2, b"newer")
    group.settle()
    group.heal()
    group[1].tick()
    group.settle()
    group.settle_with_ticks(2, 2)
    assert group[1].role == FOLLOWER
    assert group.members[1].reads == []


def test_a_round_that_began_before_the_read_does_not_count_for_it() -> None:
    """Thesis 6.4, step 3: leadership is confirmed by heartbeats sent after the read came."""
    group = led()
    first = group[1].read_index()
    group.deliver(HEARTBEAT)
    early_replies = group.drop(HEARTBEAT_REPLY)
    second = group[1].read_index()
    for reply in early_replies:
        group[1].step(reply)
    group.collect()
    assert [number for number, _ in group.members[1].reads] == [first]
    group.deliver(HEARTBEAT)
    group.deliver(HEARTBEAT_REPLY)
    assert [number for number, _ in group.members[1].reads] == [first, second]


def test_a_plain_heartbeat_under_way_when_the_read_came_does_not_count() -> None:
    """Thesis 6.4, step 3, for heartbeats that no read had asked for."""
    group = led()
    group[1].tick()
    group.deliver(HEARTBEAT)
    early_replies = group.drop(HEARTBEAT_REPLY)
    group[1].read_index()
    for reply in early_replies:
        group[1].step(reply)
    group.collect()
    assert group.members[1].reads == []


def test_one_round_confirms_all_reads_before_it() -> None:
    """Thesis 6.4: the costs of a round are shared by all reads that wait for it."""
    group = led()
    numbers = [group[1].read_index() for _ in range(3)]
    group.collect()
    group.messages = [message for message in group.messages if message.context == numbers[-1]]
    group.deliver(HEARTBEAT)
    group.deliver(HEARTBEAT_REPLY)
    assert [number for number, _ in group.members[1].reads] == numbers


def test_one_follower_answering_twice_is_no_majority() -> None:
    """Thesis 6.4, step 3: of five members two have answered, the leader included."""
    group = Group(5)
    group.elect(1)
    group[1].read_index()
    group.deliver(HEARTBEAT, recipient=2, keep=True)
    group.deliver(HEARTBEAT, recipient=2)
    group.deliver(HEARTBEAT_REPLY, sender=2)
    assert group.members[1].reads == []
    group.deliver(HEARTBEAT, recipient=3)
    group.deliver(HEARTBEAT_REPLY, sender=3)
    assert len(group.members[1].reads) == 1


def test_confirmations_of_an_earlier_term_do_not_count() -> None:
    """Paper 5.1 and thesis 6.4: between its two terms another may have led."""
    group = led()
    for _ in range(2):
        group[1].read_index()
    group.deliver(HEARTBEAT)
    late = group.drop(HEARTBEAT_REPLY)
    group.cut(1)
    group.elect(2)
    group.propose(2, b"newer")
    group.settle()
    group.heal()
    group.settle_with_ticks(2, STALLED_AFTER_TICKS + 1)
    group.cut(2)
    group.elect(1)
    group.members[1].reads.clear()
    group[1].read_index()
    for reply in late:
        group[1].step(reply)
    group.collect()
    assert group.members[1].reads == []


def test_a_lost_round_is_confirmed_by_a_later_heartbeat() -> None:
    """Thesis 6.4: any heartbeat sent after the read came will do."""
    group = led()
    group[1].read_index()
    group.drop(HEARTBEAT)
    group[1].tick()
    group.deliver(HEARTBEAT)
    group.deliver(HEARTBEAT_REPLY)
    assert len(group.members[1].reads) == 1


def test_a_read_does_not_wait_for_what_is_committed_after_it_came() -> None:
    """Thesis 6.4, step 2: the read index is the commit index of that moment."""
    group = led()
    group[1].read_index()
    held = group.drop(HEARTBEAT)
    group.propose(1)
    group.deliver(APPEND)
    group.settle()
    assert group[1].commit_index == 2
    group.messages += held
    group.settle()
    assert [index for _, index in group.members[1].reads] == [1]


def test_followers_confirm_before_their_disks_do() -> None:
    """A confirmation says nothing about the disk (DESIGN.md), so reads never wait for a sync."""
    group = led()
    group.propose(1)
    group.deliver(APPEND)
    group[1].read_index()
    group.deliver(HEARTBEAT)
    group.deliver(HEARTBEAT_REPLY)
    assert group.members[2].unsynced
    assert len(group.members[1].reads) == 1


def test_a_sole_voter_reads_at_once() -> None:
    """Thesis 6.4: it is its own majority."""
    group = Group(1)
    group.elect(1)
    number = group[1].read_index()
    group.collect()
    assert group.members[1].reads == [(number, 1)]
