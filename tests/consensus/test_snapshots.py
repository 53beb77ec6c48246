"""A follower behind the leader's log gets a snapshot, and goes on from there."""

import pytest

from respkv.consensus.messages import APPEND, APPEND_REPLY
from respkv.consensus.progress import STALLED_AFTER_TICKS
from respkv.errors import InvariantViolation
from tests.consensus.group import Group


def behind() -> Group:
    """Member 1 leads with a log that begins at 6; member 3 has an empty one."""
    group = Group(3)
    group.cut(3)
    group.elect(1)
    for number in range(4):
        group.propose(1, b"%d" % number)
        group.settle()
    group.members[1].compact(5)
    group.heal()
    group.settle_with_ticks(1, STALLED_AFTER_TICKS + 1)
    return group


def test_a_follower_behind_the_log_needs_a_snapshot() -> None:
    """Paper 7: when the next entry was discarded, the leader sends a snapshot instead."""
    group = behind()
    assert group.members[1].snapshot_peers == [3]
    assert group[3].last_index == 0


def test_serving_goes_on_while_a_snapshot_travels() -> None:
    """Paper 7: its chunks take their time; entries commit, and no append goes to that follower."""
    group = behind()
    for number in range(4):
        group.propose(1, b"more %d" % number)
        group.collect()
        assert group._matching(APPEND, 1, 3) == []
        group.settle()
        group.settle_with_ticks(1, 1)
    assert group[1].commit_index == 9
    assert group.members[1].snapshot_peers == [3]  # asked for once, not at every turn


def test_appends_go_on_behind_an_installed_snapshot() -> None:
    """Paper 7, figure 13: the follower restarts its log at the snapshot's last index and term."""
    group = behind()
    group.propose(1, b"meanwhile")
    group.settle()
    assert group.members[3].install(5, 1)
    group[1].snapshot_sent(3, 5, True)
    group.settle()
    group.settle_with_ticks(1, 1)
    assert (group[3].log.first_index, group[3].last_index, group[3].commit_index) == (6, 6, 6)
    assert [entry.payload for entry in group.members[3].applied] == [b"meanwhile"]
    group.restart(3)
    assert (group[3].last_index, group[3].term_at(5), group[3].commit_index) == (6, 1, 5)


def test_an_installed_snapshot_counts_for_the_majority() -> None:
    """Paper 7: a follower with the snapshot holds every entry it covers."""
    group = behind()
    group.cut(2)
    entry = group.propose(1, b"needs member 3")
    group.settle()
    assert group[1].commit_index == entry.index - 1
    group.members[3].install(5, 1)
    group[1].snapshot_sent(3, 5, True)
    group.settle()
    assert group[1].commit_index == entry.index


def test_a_transfer_that_failed_is_asked_for_again() -> None:
    """Paper 7: the leader retries; nothing is taken for installed."""
    group = behind()
    group[1].snapshot_sent(3, 5, False)
    group.settle_with_ticks(1, STALLED_AFTER_TICKS + 1)
    assert group.members[1].snapshot_peers == [3, 3]
    assert group[3].commit_index == 0


def test_a_snapshot_that_is_not_ahead_changes_nothing() -> None:
    """Paper 7: one that comes late or twice describes a prefix of what is there."""
    group = behind()
    assert group.members[3].install(5, 1)
    assert not group.members[3].install(5, 1)
    assert not group.members[3].install(3, 1)
    assert (group[3].commit_index, group[3].last_index) == (5, 5)


def test_entries_behind_a_snapshot_that_fits_the_log_are_kept() -> None:
    """Paper 7, figure 13, step 6: same index and term: retain the log entries following it."""
    group = Group(3, {3: [1, 1, 2, 2]}, term=2)
    assert group.members[3].install(2, 1)
    assert (group[3].commit_index, group.members[3].terms()) == (2, [2, 2])


def test_a_log_that_conflicts_with_a_snapshot_is_discarded() -> None:
    """Paper 7, figure 13, step 7: discard the entire log."""
    group = Group(3, {3: [1, 1, 1, 1]}, term=2)
    assert group.members[3].install(3, 2)
    assert (group[3].commit_index, group[3].last_index, group[3].term_at(3)) == (3, 3, 2)
    assert group.members[3].terms() == []


def test_only_what_is_committed_may_be_compacted() -> None:
    """Paper 7: a snapshot covers committed entries only."""
    group = Group(3)
    group.elect(1)
    group.propose(1)
    group.collect()
    with pytest.raises(InvariantViolation):
        group[1].compact(2)


def test_the_term_of_the_last_entry_of_a_snapshot_is_known() -> None:
    """Paper 7: last included index and term are there for the consistency check and for votes."""
    group = behind()
    assert (group[1].term_at(5), group[1].term_at(4)) == (1, 0)
    group.cut(3)
    group.propose(1, b"next")
    sent = [message for message in group.deliver(APPEND, recipient=2) if message.entries]
    assert [(message.index, message.log_term) for message in sent] == [(5, 1)]
    group.sync()
    assert [reply.reject for reply in group.drop(APPEND_REPLY)] == [False]
    group.restart(1)
    assert group.elect(1).last_index == 7


def test_a_late_append_below_a_snapshot_is_acknowledged_up_to_the_commit() -> None:
    """Paper 7: what a snapshot covers matches, so nothing is truncated or looked for."""
    group = Group(3)
    group.elect(1)
    group.propose(1, b"a")
    late = group.drop(APPEND, recipient=3)
    group.settle()
    group.members[3].install(5, 1)
    for message in late:
        group[3].step(message)
    group.sync(3)
    replies = group.drop(APPEND_REPLY, sender=3)
    assert [(reply.reject, reply.index) for reply in replies] == [(False, 5)]
    assert group[3].truncations == 0
