"""Appends run ahead of their acknowledgements, and each disk ahead of the others."""

import pytest

from respkv.consensus.messages import APPEND, APPEND_REPLY, VOTE, VOTE_REPLY
from respkv.consensus.progress import IN_FLIGHT_MESSAGES_MAX, STALLED_AFTER_TICKS
from respkv.consensus.raft import APPEND_BYTES_MAX, APPEND_ENTRIES_MAX
from tests.consensus.group import Group


def led(size: int = 3) -> Group:
    """Member 1 leads, and nothing is under way."""
    group = Group(size)
    group.elect(1)
    return group


def append_at_a_time(group: Group, count: int) -> None:
    """Propose entries that travel in an append each."""
    for number in range(count):
        group.propose(1, b"%d" % number)
        group.collect()


def test_appends_do_not_wait_for_answers() -> None:
    """Thesis 10.2.2: the leader sends the next append before the last is acknowledged."""
    group = led()
    append_at_a_time(group, 3)
    sent = group.drop(APPEND, recipient=2)
    assert [message.index for message in sent] == [1, 2, 3]


def test_one_acknowledgement_stands_for_all_before_it() -> None:
    """Paper 5.3: a match at one index is a match at all before it."""
    group = led()
    append_at_a_time(group, 3)
    group.deliver(APPEND, recipient=2)
    group.sync()
    replies = group.drop(APPEND_REPLY)
    group[1].step(replies[-1])
    assert group[1].commit_index == 4


def test_appends_in_another_order_end_in_the_same_log() -> None:
    """Thesis 10.2.2: the consistency check refuses what comes too early; it is sent again."""
    group = led()
    append_at_a_time(group, 4)
    group.messages.reverse()
    group.settle()
    group.settle_with_ticks(1, STALLED_AFTER_TICKS + 1)
    assert group.members[2].entries == group.members[3].entries == group.members[1].entries
    assert len(group.members[2].applied) == 5


def test_a_lost_append_is_sent_again() -> None:
    """Paper 5.3: the leader retries until all followers store all entries."""
    group = led()
    append_at_a_time(group, 2)
    group.drop(APPEND)
    append_at_a_time(group, 1)
    group.settle()
    group.settle_with_ticks(1, STALLED_AFTER_TICKS + 1)
    assert len(group.members[2].applied) == len(group.members[3].applied) == 4


def test_a_lost_last_append_is_sent_again_when_time_passes() -> None:
    """Paper 5.3: also when nothing comes after it that would be refused."""
    group = led()
    append_at_a_time(group, 1)
    group.drop(APPEND)
    group.settle_with_ticks(1, STALLED_AFTER_TICKS + 1)
    assert group[1].commit_index == 2


def test_what_is_in_flight_is_bounded() -> None:
    """Thesis 10.2.2 leaves flow control to the implementation: here messages and bytes."""
    group = led()
    append_at_a_time(group, 2 * IN_FLIGHT_MESSAGES_MAX)
    assert len(group._matching(APPEND, 1, 2)) == IN_FLIGHT_MESSAGES_MAX
    group.settle()
    assert group[1].commit_index == 1 + 2 * IN_FLIGHT_MESSAGES_MAX


def test_an_append_is_bounded_in_entries_and_bytes() -> None:
    """So that heartbeats are not stuck behind it."""
    group = led()
    for _ in range(2 * APPEND_ENTRIES_MAX):
        group.propose(1, b"")
    for _ in range(3):
        group.propose(1, b"x" * (APPEND_BYTES_MAX // 2))
    group.collect()
    for message in group._matching(APPEND, 1, 2):
        assert len(message.entries) <= APPEND_ENTRIES_MAX
        assert sum(len(entry.payload) for entry in message.entries) <= APPEND_BYTES_MAX
    group.settle()
    group.settle_with_ticks(1, 1)
    assert len(group.members[2].applied) == 4 + 2 * APPEND_ENTRIES_MAX


def test_a_follower_acknowledges_only_what_is_on_its_disk() -> None:
    """Paper 5.3 and figure 2: entries are persistent before the answer."""
    group = led()
    append_at_a_time(group, 1)
    group.deliver(APPEND)
    assert group.drop(APPEND_REPLY) == []
    group.sync(2)
    assert [reply.index for reply in group.drop(APPEND_REPLY)] == [2]


def test_the_leader_counts_itself_only_once_its_disk_has_it() -> None:
    """Thesis 10.2.1: it sends before its own sync, and is one of the majority after it."""
    group = led()
    append_at_a_time(group, 1)
    group.deliver(APPEND, recipient=2)
    group.sync(2)
    group.deliver(APPEND_REPLY)
    assert group[1].commit_index == 1
    group.sync(1)
    assert group[1].commit_index == 2


def test_followers_alone_may_commit_what_the_leaders_disk_does_not_have() -> None:
    """Thesis 10.2.1: a majority of followers is a majority."""
    group = led()
    append_at_a_time(group, 1)
    group.deliver(APPEND)
    group.sync(2, 3)
    group.deliver(APPEND_REPLY)
    assert group.members[1].unsynced
    assert group[1].commit_index == 2


@pytest.mark.parametrize("synced", [True, False], ids=["synced before", "synced late"])
def test_a_sync_of_entries_that_were_replaced_proves_nothing(synced: bool) -> None:
    """Thesis 10.2.1: what became durable is (term, index), not the index alone."""
    group = led()
    group.cut(1)
    for _ in range(4):
        lost = group.propose(1, b"lost")
    if synced:
        group.sync(1)
    group.elect(2)
    group.heal()
    group.settle_with_ticks(2, STALLED_AFTER_TICKS + 1)
    assert group.members[1].terms() == [1, 2]
    group.cut(2)
    group.campaign(1)
    group.deliver(VOTE)
    group.sync(3)
    group.deliver(VOTE_REPLY)
    group[1].persisted(lost.term, lost.index)
    group.deliver(APPEND)
    group.sync(3)
    group.deliver(APPEND_REPLY)
    assert (group[1].last_index, group[1].commit_index) == (3, 2)
    group.sync(1)
    assert group[1].commit_index == 3


def test_followers_learn_of_a_commit_by_the_next_heartbeat() -> None:
    """Paper 5.3: the leader includes its commit index, as far as the follower matches."""
    group = led()
    append_at_a_time(group, 1)
    group.settle()
    assert group[2].commit_index == 1
    group.settle_with_ticks(1, 1)
    assert group[2].commit_index == group[3].commit_index == 2
