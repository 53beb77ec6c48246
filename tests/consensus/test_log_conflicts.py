"""Logs that differ become the leader's, and nothing committed is ever replaced."""

import pytest

from respkv.consensus.messages import APPEND, APPEND_REPLY, Message
from respkv.consensus.raft import APPEND_BYTES_MAX, LEADER
from respkv.entry import Entry
from tests.consensus.group import Group, entries_of

LEADER_LOG = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
FIGURE_7 = {
    "a": [1, 1, 1, 4, 4, 5, 5, 6, 6],
    "b": [1, 1, 1, 4],
    "c": [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    "d": [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    "e": [1, 1, 1, 4, 4, 4, 4],
    "f": [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
}


def figure_7() -> Group:
    """The leader of term 8 is member 1; a to f are members 2 to 7."""
    group = Group(7, dict(enumerate([LEADER_LOG, *FIGURE_7.values()], 1)), term=7)
    group.campaign(1)
    return group


def test_figure_7_all_six_logs_become_the_leaders() -> None:
    """Paper 5.3, figure 7: missing entries are sent, extra ones removed, in every combination."""
    group = figure_7()
    group.settle()
    assert group.leaders() == [1]
    leader_log = group[1].log
    entries = leader_log.slice(1, leader_log.last_index)
    assert [entry.term for entry in entries] == [*LEADER_LOG, 8]
    for member in group.members.values():
        assert member.raft.log.slice(1, member.raft.last_index) == entries, f"member {member.id}"
        assert member.entries == entries, f"member {member.id}'s disk"


def test_figure_7_only_logs_that_are_not_better_vote_for_it() -> None:
    """Paper 5.4.1: (c) and (d) would not; the others make a majority."""
    group = figure_7()
    group.deliver()
    group.sync()
    votes = {message.sender: not message.reject for message in group.drop()}
    assert votes == {2: True, 3: True, 4: False, 5: False, 6: True, 7: True}


@pytest.mark.parametrize("name", FIGURE_7)
def test_figure_7_a_log_is_found_with_one_rejection_per_term_that_differs(name: str) -> None:
    """Paper 5.3, end: a rejection names the term that conflicts, so whole terms are skipped."""
    follower = FIGURE_7[name]
    group = Group(3, {1: LEADER_LOG, 2: LEADER_LOG, 3: follower}, term=7)
    group.campaign(1)
    rejections = 0
    while group.messages or any(member.unsynced for member in group.members.values()):
        group.sync()
        sent = group.deliver()
        rejections += sum(m.reject for m in sent if m.kind == APPEND_REPLY and m.sender == 3)
    differing = {
        term
        for index, term in enumerate(follower)
        if index >= len(LEADER_LOG) or LEADER_LOG[index] != term
    }
    assert group.members[3].terms() == [*LEADER_LOG, 8]
    assert rejections <= 1 + len(differing)


def test_a_follower_skips_its_own_later_terms() -> None:
    """Paper 5.3, end: entries of terms later than the one asked for cannot match."""
    group = Group(3, {1: [1] * 9, 2: [1] * 9, 3: [1] + [2] * 8}, term=2)
    group.wait_for_timeouts(1, 3)
    group[2].campaign()  # with its log in the way, member 3 must not be asked
    group.sync(2)
    group.drop(recipient=3)
    rejections = 0
    while group.messages or any(member.unsynced for member in group.members.values()):
        group.sync()
        sent = group.deliver()
        rejections += sum(m.reject for m in sent if m.kind == APPEND_REPLY and m.sender == 3)
    assert group.members[3].terms() == [1] * 9 + [3]
    assert rejections == 1


def test_a_late_append_removes_nothing_that_matches() -> None:
    """Paper 5.3, figure 2: only an entry that *conflicts* is deleted, with all that follow it."""
    group = Group(3)
    group.elect(1)
    group.propose(1, b"a")
    early = group.deliver(APPEND, recipient=2)
    group.propose(1, b"b")
    group.settle()
    log = group[2].log.slice(1, group[2].last_index)
    for message in early:
        group[2].step(message)
    assert group[2].log.slice(1, group[2].last_index) == log
    assert group[2].truncations == 0


def figure_8() -> Group:
    """Figure 8 (c): member 1 leads term 4; its entry of term 2 is on 1, 2 and 3.

    That entry fills an append, so the leader's entry of term 4 does not travel with it.
    """
    group = Group(5, {member: [1] for member in range(1, 6)}, term=3)
    group.members[1].entries.append(Entry(2, 2, 0, b"x" * (APPEND_BYTES_MAX + 1)))
    group.members[5].entries.append(Entry(3, 2, 0, b"3.2"))
    group.restart(1)
    group.restart(5)
    group.cut(5)
    group.campaign(1)
    group.deliver()
    group.sync()
    group.deliver()
    group.sync()
    assert group[1].role == LEADER
    group.cut(4)
    group.deliver(APPEND)  # "here is the entry of term 4": refused, the one before is missing
    group.deliver(APPEND_REPLY)
    carried = group.deliver(APPEND)
    assert {(m.recipient, *(entry.term for entry in m.entries)) for m in carried} == {
        (2, 2),
        (3, 2),
    }
    group.sync()
    group.deliver(APPEND_REPLY)
    assert [group.members[member].terms() for member in (1, 2, 3)] == [[1, 2, 4], [1, 2], [1, 2]]
    return group


def test_figure_8_an_entry_of_an_older_term_is_not_committed_by_counting() -> None:
    """Paper 5.4.2, figure 8 (c) and (d): it is on a majority, and yet it can be overwritten."""
    group = figure_8()
    assert group[1].commit_index < 2
    group.heal()
    group.drop()
    group.cut(1)
    group.campaign(5)  # term 4, in which the others have voted already
    group.settle()
    group.elect(5)
    assert [group.members[member].terms() for member in (2, 3, 4, 5)] == [[1, 3, 5]] * 4
    assert group[5].commit_index == 3
    assert group.members[1].applied == []


def test_figure_8_an_entry_of_the_own_term_commits_all_before_it() -> None:
    """Paper 5.4.2, figure 8 (e): once term 4 is on a majority, member 5 cannot win."""
    group = figure_8()
    group.settle()
    assert group[1].commit_index == 3
    assert [entry.term for entry in group.members[1].applied] == [1, 2, 4]
    group.heal()
    group.cut(1)
    for _ in range(3):
        group.campaign(5)
        group.settle()
        assert group.leaders() == [1]


def test_a_new_leader_commits_what_it_inherited() -> None:
    """Paper 8: its first entry, of its own term, commits those of older terms."""
    group = Group(3, {1: [1, 1], 2: [1, 1]}, term=1)
    assert group.elect(1).commit_index == 3
    assert group.members[1].terms() == [1, 1, 2]


def test_a_commit_index_never_covers_what_was_not_compared() -> None:
    """Paper 5.3, figure 2: commitIndex = min(leaderCommit, index of last new entry)."""
    group = Group(3, {3: [1, 1, 1, 1, 1]}, term=1)
    group.cut(3)
    group.elect(1)
    for payload in (b"a", b"b"):
        group.propose(1, payload)
        group.settle()
    assert group[1].commit_index == 3
    group.heal()
    group[1].tick()
    group.deliver(recipient=3)
    assert group[3].commit_index == 0
    group.settle()
    group.settle_with_ticks(1, 4)
    assert group.members[3].terms() == [2, 2, 2]
    assert group.members[3].applied == group.members[1].applied


def test_a_commit_index_beyond_an_append_commits_only_the_append() -> None:
    """Paper figure 2: entries behind the last new one may still be in conflict."""
    group = Group(3, {3: [1, 1, 1]}, term=2)
    group[3].step(Message(APPEND, 1, 3, 2, commit=3, entries=entries_of([1])))
    group.collect()
    assert [entry.index for entry in group.members[3].applied] == [1]
