"""Whatever becomes of heartbeats between pairs of nodes: one leader a term, and none sleeps.

Hypothesis chooses: who leads what, which messages are lost, late, doubled or out of order, who
restarts, what is written, read or handed over meanwhile.
"""

import contextlib

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.pair_heartbeat import BEAT
from respkv.consensus.raft import LEADER
from respkv.entry import Entry
from respkv.errors import NotReady
from tests.consensus.nodes import Nodes

picks = st.integers(0, 1 << 16)
counts = st.integers(1, 8)
PARTITIONS = 2


class PairHistories(RuleBasedStateMachine):
    """Nodes, and what has been true of each partition once."""

    @initialize(size=st.sampled_from([3, 5]), seed=picks)
    def begin(self, size: int, seed: int) -> None:
        self.nodes = Nodes(size, PARTITIONS, seed)
        self.size = size
        self.proposals = 0
        self.leader_of: dict[tuple[int, int], int] = {}  # partition, term
        self.applied: dict[tuple[int, int], Entry] = {}  # partition, index
        self.reads: dict[tuple[int, int, int, int], int] = {}  # wanted index

    def node(self, number: int) -> int:
        return 1 + number % self.size

    @rule(node=picks, ticks=counts)
    def tick(self, node: int, ticks: int) -> None:
        for _ in range(ticks):
            self.nodes.tick(self.node(node))

    @rule(ticks=counts)
    def live(self, ticks: int) -> None:
        """All goes well for a while."""
        for _ in range(ticks):
            self.nodes.live(1)
            self.check()

    @rule(ticks=counts)
    def live_without_disks(self, ticks: int) -> None:
        for _ in range(ticks):
            self.nodes.tick()
            for group in self.nodes.groups:
                group.deliver()
            said, self.nodes.said = self.nodes.said, []
            for message in said:
                self.nodes.hear(message)

    @rule(message=picks, count=counts, keep=st.booleans())
    def hear(self, message: int, count: int, keep: bool) -> None:
        """Out of order, and perhaps again later."""
        for _ in range(count):
            said = self.nodes.said
            if said:
                position = message % len(said)
                self.nodes.hear(said[position] if keep else said.pop(position))

    @rule(message=picks, count=counts)
    def lose(self, message: int, count: int) -> None:
        said = self.nodes.said
        for _ in range(min(count, len(said))):
            del said[message % len(said)]

    @rule(message=picks, partition=picks, count=counts)
    def lose_ordinary(self, message: int, partition: int, count: int) -> None:
        messages = self.nodes.groups[partition % PARTITIONS].messages
        for _ in range(min(count, len(messages))):
            del messages[message % len(messages)]

    @rule(node=picks)
    def restart(self, node: int) -> None:
        self.nodes.restart(self.node(node))

    @rule(node=picks, partition=picks)
    def restart_one(self, node: int, partition: int) -> None:
        """The node forgets what it led there, and goes on leading the rest."""
        self.nodes.restart(self.node(node), partition % PARTITIONS)

    @rule(node=picks)
    def lead_all(self, node: int) -> None:
        self.heal()
        for group in self.nodes.groups:
            for member in group.members.values():
                if member.raft.role == LEADER:
                    member.raft.transfer(self.node(node))
        self.nodes.live(3)

    @rule(node=picks, partition=picks)
    def cut(self, node: int, partition: int) -> None:
        """One partition's own messages, while the pair still hears each other."""
        group = self.nodes.groups[partition % PARTITIONS]
        group.heal()
        group.cut(self.node(node))

    @rule()
    def heal(self) -> None:
        for group in self.nodes.groups:
            group.heal()

    @rule(node=picks, partition=picks)
    def lose_connection(self, node: int, partition: int) -> None:
        self.nodes.groups[partition % PARTITIONS][self.node(node)].leader_lost()

    @rule(node=picks, partition=picks)
    def stand(self, node: int, partition: int) -> None:
        group = self.nodes.groups[partition % PARTITIONS]
        if group[self.node(node)].role != LEADER:
            group[self.node(node)].campaign()
            group.sync(self.node(node))

    @rule(node=picks, partition=picks)
    def hand_over(self, node: int, partition: int) -> None:
        for leader in self.nodes.groups[partition % PARTITIONS].leaders():
            self.nodes.groups[partition % PARTITIONS][leader].transfer(self.node(node))

    @rule(partition=picks)
    def propose(self, partition: int) -> None:
        group = self.nodes.groups[partition % PARTITIONS]
        for leader in group.leaders():
            self.proposals += 1
            with contextlib.suppress(NotReady):  # leadership is being handed over
                group.propose(leader, b"%d" % self.proposals)
        group.collect()

    @rule(partition=picks)
    def read(self, partition: int) -> None:
        number = partition % PARTITIONS
        group = self.nodes.groups[number]
        wanted = max((index for at, index in self.applied if at == number), default=0)
        for leader in group.leaders():
            try:
                round_ = group[leader].read_index()
            except NotReady:
                continue
            self.reads[number, leader, group[leader].term, round_] = wanted

    @invariant()
    def all_is_well(self) -> None:
        if hasattr(self, "nodes"):
            self.check()

    def check(self) -> None:
        for number, group in enumerate(self.nodes.groups):
            for node, member in group.members.items():
                raft = member.raft
                if raft.role == LEADER:
                    leader = self.leader_of.setdefault((number, raft.term), node)
                    assert leader == node, "two leaders in one term"
                for entry in member.applied:
                    first = self.applied.setdefault((number, entry.index), entry)
                    assert first == entry, "two entries committed at one index"
                for round_, index in member.reads:
                    wanted = self.reads.get((number, node, raft.term, round_), 0)
                    assert index >= wanted, "a read misses a committed write"
                member.reads.clear()

    def teardown(self) -> None:
        """With a network that is well each partition has one leader, and comes to rest."""
        if not hasattr(self, "nodes"):
            return
        self.heal()
        for _ in range(12 * ELECTION_TIMEOUT_TICKS):
            self.nodes.live(1)
            self.check()
        for group in self.nodes.groups:
            (leader,) = group.leaders()
            raft = group[leader]
            for node in self.nodes.pairs:
                assert (group[node].leader_id, group[node].term) == (leader, raft.term)
                assert group[node].commit_index == raft.last_index, "a follower was not told"
        for _ in range(ELECTION_TIMEOUT_TICKS):
            self.nodes.tick()
            assert not any(group.messages for group in self.nodes.groups)
            heard = [message.kind for message in self.nodes.settle()]
            assert heard == [BEAT] * self.size * (self.size - 1)


TestPairHistories = PairHistories.TestCase
TestPairHistories.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)
