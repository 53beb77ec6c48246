"""Partitions at rest cost one heartbeat a pair of nodes, and none sleeps without a leader."""

from hypothesis import given
from hypothesis import strategies as st

from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.messages import (
    APPEND,
    HEARTBEAT,
    HEARTBEAT_REPLY,
    PRE_VOTE,
    TRANSFER_REQUEST,
)
from respkv.consensus.pair_heartbeat import ACK, ASK, BEAT, LIST, PairMessage, Resting, digest_of
from respkv.consensus.progress import STALLED_AFTER_TICKS
from respkv.consensus.raft import FOLLOWER
from tests.consensus.nodes import Nodes

LONGEST_TIMEOUT_TICKS = 2 * ELECTION_TIMEOUT_TICKS


def led(size: int = 3, seed: int = -1) -> Nodes:
    """Return nodes of which node 1 leads all partitions, at rest."""
    nodes = Nodes(size, seed=seed)
    nodes.elect(1)
    return nodes


def kinds(messages: list[PairMessage]) -> list[int]:
    return [message.kind for message in messages]


def terms(nodes: Nodes) -> list[int]:
    return [raft.term for group in nodes.groups for raft in map(group.__getitem__, nodes.pairs)]


def test_at_rest_each_node_sends_each_other_one_message() -> None:
    nodes = led()
    before = terms(nodes)
    for _ in range(3 * LONGEST_TIMEOUT_TICKS):
        nodes.tick()
        assert [group.messages for group in nodes.groups] == [[], [], []]
        assert kinds(nodes.settle()) == [BEAT] * 6
    assert terms(nodes) == before
    assert all(nodes.leads(1))


def test_followers_learn_what_was_committed_last_by_one_message() -> None:
    nodes = led()
    nodes.groups[0].propose(1)
    nodes.settle()
    assert nodes.groups[0][2].commit_index == 1
    nodes.tick()
    assert [m.kind for m in nodes.groups[0].messages] == [HEARTBEAT, HEARTBEAT]
    for beat in nodes.lose():
        nodes.hear(beat)  # before those
    assert nodes.said == []
    nodes.settle()
    assert [nodes.groups[0][node].commit_index for node in (1, 2, 3)] == [2, 2, 2]
    nodes.tick()
    assert not nodes.groups[0].messages


def test_followers_learn_it_although_that_message_is_lost() -> None:
    nodes = led()
    nodes.groups[0].propose(1)
    nodes.settle()
    nodes.tick()
    assert nodes.groups[0].drop(HEARTBEAT)
    nodes.lose()
    nodes.tick()
    assert LIST in kinds(nodes.settle())
    assert [nodes.groups[0][node].commit_index for node in (1, 2, 3)] == [2, 2, 2]


def test_a_partition_whose_leader_has_gone_elects_while_the_pair_lives() -> None:
    """The sleeping partition: its leader's node goes on with the other partitions."""
    nodes = led(seed=1)
    nodes.restart(1, partition=0)
    nodes.groups[0].cut(1)  # it does not stand itself
    nodes.live(3 * LONGEST_TIMEOUT_TICKS)
    assert nodes.leads(1) == [False, True, True]
    assert len(nodes.groups[0].leaders()) == 1


def test_a_leader_that_only_stepped_down_is_in_no_list() -> None:
    """In the same term, with every connection alive."""
    nodes = led(seed=1)
    while any(nodes.leads(1)):
        nodes.tick(1)
        for beat in nodes.lose(BEAT):
            nodes.hear(beat)
    assert terms(nodes) == [1] * 9
    nodes.live(3 * LONGEST_TIMEOUT_TICKS)
    assert [len(group.leaders()) for group in nodes.groups] == [1, 1, 1]


def test_a_leader_whose_heartbeats_nobody_acknowledges_steps_down() -> None:
    """Check-quorum (thesis 6.2)."""
    nodes = led()
    for _ in range(LONGEST_TIMEOUT_TICKS):
        nodes.tick(1)
        nodes.lose(BEAT)
    assert not any(nodes.leads(1))


def test_one_of_two_followers_that_acknowledges_is_enough() -> None:
    nodes = led()
    for _ in range(LONGEST_TIMEOUT_TICKS):
        nodes.tick(1, 2)
        nodes.lose(recipient=3)
        nodes.settle()
    assert all(nodes.leads(1))


def test_an_acknowledgement_of_an_earlier_term_does_not_count() -> None:
    nodes = led()
    nodes.tick()
    beats = nodes.lose(BEAT)
    for beat in beats:
        nodes.hear(beat)
    nodes.tick(2, 3)
    late = nodes.lose(BEAT, recipient=1)
    assert all(message.acked for message in late)
    nodes.elect(2)
    nodes.elect(1)
    for _ in range(LONGEST_TIMEOUT_TICKS):
        nodes.tick(1)
        nodes.lose()
        for acknowledgement in late:
            nodes.hear(acknowledgement)
    assert not any(nodes.leads(1))


def test_no_read_is_confirmed_by_a_pair_heartbeat() -> None:
    """Thesis 6.4: a round is acknowledged by who got it, partition by partition."""
    nodes = led()
    group = nodes.groups[0]
    group[1].read_index()
    assert group.drop(HEARTBEAT)
    for node in (1, 2, 3):
        nodes.said += nodes.pairs[node].beats()
    nodes.settle()
    assert group.members[1].reads == []
    nodes.tick()
    nodes.settle()
    assert len(group.members[1].reads) == 1


def test_who_hears_the_pair_refuses_pre_votes() -> None:
    """Thesis 4.2.3: a live leader is not deposed."""
    nodes = led()
    nodes.live(ELECTION_TIMEOUT_TICKS - 1)
    nodes.groups[0][3].start_pre_vote()
    nodes.groups[0].deliver(PRE_VOTE)
    nodes.settle()
    assert nodes.leads(1) == [True, True, True]
    assert nodes.groups[0][1].term == nodes.groups[0][2].term == 1


def test_a_restarted_follower_follows_again_and_learns_what_is_committed() -> None:
    nodes = led()
    nodes.restart(2)
    assert nodes.groups[0][2].commit_index == 0
    nodes.tick()
    assert kinds(nodes.settle()) == [BEAT] * 6 + [ASK, LIST, ACK]
    for group in nodes.groups:
        assert (group[2].leader_id, group[2].commit_index) == (1, 1)
    nodes.tick()
    assert kinds(nodes.settle()) == [BEAT] * 6


def test_a_follower_that_missed_an_entry_gets_it_while_the_others_rest() -> None:
    nodes = led()
    group = nodes.groups[0]
    group.propose(1)
    assert group.drop(APPEND, recipient=3)
    nodes.settle()
    nodes.live(STALLED_AFTER_TICKS + 1)
    assert group[3].last_index == group[3].commit_index == 2
    nodes.tick()
    assert not group.messages


def test_a_list_names_an_old_leader_to_who_knows_better() -> None:
    """Its heartbeat is answered with the newer term, as ever."""
    nodes = led()
    for group in nodes.groups:
        group.cut(1)
        group.elect(2)
        group.heal()
    nodes.tick(1)
    nodes.settle()
    assert nodes.leads(1) == [False, False, False]


def test_what_a_node_has_no_copy_of_is_not_acknowledged() -> None:
    nodes = led()
    answer = nodes.pairs[2].step(PairMessage(LIST, 1, 2, 7, resting=[(9, 1, 1)]))
    assert answer is not None
    assert (answer.kind, answer.number, list(answer.resting)) == (ACK, 7, [(9, 1, 1)])


def test_a_leader_that_its_followers_do_not_agree_with_steps_down() -> None:
    """They acknowledge the list, but for one partition."""
    nodes = led()
    for _ in range(LONGEST_TIMEOUT_TICKS):
        nodes.tick(1)
        for beat in nodes.lose(BEAT):
            nodes.hear(PairMessage(ASK, beat.recipient, 1, beat.number))
        for named in nodes.lose(LIST):
            first = named.resting[:1]
            nodes.hear(PairMessage(ACK, named.recipient, 1, named.number, resting=first))
    assert nodes.leads(1) == [False, True, True]


def test_late_and_doubled_beats_depose_nobody_and_raise_nobody() -> None:
    nodes = led()
    nodes.tick()
    old = nodes.lose()
    nodes.elect(2)
    before = terms(nodes)
    for message in old * 2:
        nodes.hear(message)
    nodes.settle()
    assert terms(nodes) == before
    assert all(nodes.leads(2))


def test_a_handover_needs_no_heartbeat() -> None:
    nodes = led()
    nodes.groups[0][2].ask_for_transfer()
    nodes.groups[0].deliver(TRANSFER_REQUEST)
    nodes.settle()
    assert nodes.leads(2) == [True, False, False]
    nodes.live(3)
    nodes.tick()
    assert kinds(nodes.settle()) == [BEAT] * 6


def test_a_lost_connection_makes_one_voter_after_the_other_stand() -> None:
    """Two who stood at once would split the votes."""
    nodes = led(5)
    group = nodes.groups[0]
    group.cut(1)
    for node in (2, 3, 4, 5):
        group[node].leader_lost()
    for node in (2, 3, 4, 5):
        group[node].tick()
    group.settle()
    assert group.leaders() == [1, 2]
    assert group[2].elections_started == 1
    assert sum(group[node].elections_started for node in (3, 4, 5)) == 0


def test_a_lost_connection_alone_deposes_nobody() -> None:
    """Pre-vote still applies: the others hear the leader."""
    nodes = led()
    group = nodes.groups[0]
    group[2].leader_lost()
    for _ in range(3):
        group[2].tick()
    group.settle()
    assert group[1].term == 1
    nodes.live(1)
    assert group.leaders() == [1]
    assert group[2].role == FOLLOWER
    assert group[2].leader_id == 1
    assert not group.drop(HEARTBEAT_REPLY)


rows = st.lists(st.tuples(st.integers(0, 63), st.integers(1, 9), st.integers(1, 9)), max_size=9)


@given(one=rows, other=rows)
def test_two_lists_have_one_digest_when_they_are_the_same(
    one: list[Resting], other: list[Resting]
) -> None:
    assert (digest_of(one) == digest_of(other)) == (one == other)
