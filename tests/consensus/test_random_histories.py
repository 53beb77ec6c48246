"""Whatever the network and the disks do: the five properties of the Raft paper's figure 3.

Hypothesis chooses what happens next: a tick, a delivery, a loss, a duplicate, a sync, a restart that
forgets what was not synced, a proposal, a snapshot. (Leader append-only is not checked by itself:
log matching and leader completeness would not survive without it.)
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respkv.clock import SeededChance
from respkv.consensus.election_timer import ELECTION_TIMEOUT_TICKS
from respkv.consensus.raft import LEADER
from respkv.entry import Entry
from respkv.errors import NotReady
from tests.consensus.group import Group, Member

picks = st.integers(0, 1 << 16)
counts = st.integers(1, 8)


class Histories(RuleBasedStateMachine):
    """A group, and what has been true of it once."""

    @initialize(size=st.sampled_from([3, 5]), seed=picks)
    def begin(self, size: int, seed: int) -> None:
        self.group = Group(size)
        self.chance = SeededChance(seed)
        for member in self.group.members.values():
            member.chance = self.chance
            member.start()
        self.proposals = 0
        self.leader_of: dict[int, int] = {}
        self.committed: dict[int, tuple[Entry, int]] = {}  # index → entry, term that committed it
        self.reads: dict[tuple[int, int, int], int] = {}  # member, term, round → read index wanted
        self.applied_counts: dict[int, int] = {}

    def pick(self, number: int) -> Member:
        return self.group.members[1 + number % len(self.group.members)]

    @rule(member=picks, ticks=counts)
    def tick(self, member: int, ticks: int) -> None:
        for _ in range(ticks):
            self.pick(member).raft.tick()
            self.group.collect()

    @rule(member=picks)
    def time_out(self, member: int) -> None:
        for other in self.group.members.values():
            if other.raft.role != LEADER:
                for _ in range(ELECTION_TIMEOUT_TICKS - 1):
                    other.raft.tick()
        self.tick(member, 2 * ELECTION_TIMEOUT_TICKS)

    @rule(message=picks, count=counts)
    def deliver(self, message: int, count: int) -> None:
        for _ in range(count):
            messages = self.group.messages
            if messages:
                chosen = messages.pop(message % len(messages))
                self.group[chosen.recipient].step(chosen)
                self.group.collect()

    @rule(message=picks)
    def duplicate(self, message: int) -> None:
        messages = self.group.messages
        if messages:
            chosen = messages[message % len(messages)]
            self.group[chosen.recipient].step(chosen)
            self.group.collect()

    @rule(message=picks, count=counts)
    def lose(self, message: int, count: int) -> None:
        messages = self.group.messages
        for _ in range(min(count, len(messages))):
            del messages[message % len(messages)]

    @rule(member=picks)
    def sync(self, member: int) -> None:
        chosen = self.pick(member)
        if chosen.unsynced:
            self.group.post(chosen.sync())
            self.group.collect()

    @rule(rounds=counts)
    def calm(self, rounds: int) -> None:
        """All goes well for a while."""
        for _ in range(rounds):
            self.group.sync()
            self.group.deliver()
            self.check()

    @rule()
    def deliver_without_sync(self) -> None:
        """The network is fast, and the disks are not."""
        self.group.deliver()

    @rule()
    def sync_all(self) -> None:
        self.group.sync()

    @rule(member=picks)
    def cut(self, member: int) -> None:
        """One member alone, until `heal`."""
        self.group.heal()
        self.group.cut(self.pick(member).id)

    @rule(members=st.sets(st.integers(0, 4), min_size=1, max_size=2))
    def cut_more(self, members: set[int]) -> None:
        self.group.cut(*(self.pick(member).id for member in members))

    @rule()
    def heal(self) -> None:
        self.group.heal()

    @rule(member=picks, proposals=counts)
    def change_leader(self, member: int, proposals: int) -> None:
        """A leader that nobody hears goes on for a while; another one is elected."""
        self.propose(proposals)
        self.heal()
        self.group.cut(*self.group.leaders())
        self.time_out(member)
        self.calm(4)

    @rule(member=picks)
    def restart(self, member: int) -> None:
        chosen = self.pick(member)
        self.group.restart(chosen.id)
        self.applied_counts[chosen.id] = 0

    @rule(count=counts)
    def propose(self, count: int) -> None:
        for leader_id in self.group.leaders():
            for _ in range(count):
                self.proposals += 1
                self.group.propose(leader_id, b"%d" % self.proposals)
            self.group.collect()

    @rule()
    def read(self) -> None:
        for leader_id in self.group.leaders():
            raft = self.group[leader_id]
            wanted = max(self.committed, default=0)
            try:
                number = raft.read_index()
            except NotReady:
                continue
            self.reads[leader_id, raft.term, number] = wanted
            self.group.collect()

    @rule(member=picks)
    def compact(self, member: int) -> None:
        chosen = self.pick(member)
        if chosen.raft.commit_index > chosen.snapshot[0]:
            chosen.compact(chosen.raft.commit_index)

    @rule(works=st.booleans())
    def transfer_snapshots(self, works: bool) -> None:
        for leader_id in self.group.leaders():
            leader = self.group.members[leader_id]
            peers, leader.snapshot_peers = leader.snapshot_peers, []
            for peer in peers:
                index, term = leader.snapshot
                if works and self.group.members[peer].install(index, term, leader.configuration):
                    self.applied_counts[peer] = 0
                leader.raft.snapshot_sent(peer, index, works)
            self.group.collect()

    @invariant()
    def figure_3_holds(self) -> None:
        if hasattr(self, "group"):
            self.check()

    def check(self) -> None:
        self.check_applied()
        self.check_leaders()
        self.check_log_matching()
        self.check_reads()

    def check_applied(self) -> None:
        """State machine safety: no two members apply different entries at one index."""
        for member in self.group.members.values():
            done = self.applied_counts.get(member.id, 0)
            for entry in member.applied[done:]:
                first, _ = self.committed.setdefault(entry.index, (entry, member.raft.term))
                assert first == entry, f"member {member.id} applies {entry}, another {first}"
            indexes = [entry.index for entry in member.applied[done:]]
            if indexes:
                before = member.applied[done - 1].index if done else member.snapshot[0]
                assert done == 0 or indexes[0] == before + 1, "an entry was left out"
                assert indexes == list(range(indexes[0], indexes[0] + len(indexes)))
            self.applied_counts[member.id] = len(member.applied)

    def check_leaders(self) -> None:
        """Election safety, and leader completeness."""
        for leader_id in self.group.leaders():
            raft = self.group[leader_id]
            assert self.leader_of.setdefault(raft.term, leader_id) == leader_id, "two leaders"
            for index, (entry, term) in self.committed.items():
                if raft.term > term and index > raft.log.base_index:
                    held = raft.log.slice(index, index)
                    assert held == [entry], f"leader {leader_id} of {raft.term} lacks {entry}"

    def check_log_matching(self) -> None:
        """Two logs that hold an entry of one index and term are the same up to it."""
        logs = [member.raft.log for member in self.group.members.values()]
        for number, one in enumerate(logs):
            for other in logs[number + 1 :]:
                first = max(one.first_index, other.first_index)
                for index in range(min(one.last_index, other.last_index), first - 1, -1):
                    if one.term_at(index) == other.term_at(index):
                        assert one.slice(first, index) == other.slice(first, index)
                        break

    def check_reads(self) -> None:
        """A confirmed read waits at least for all that was committed anywhere when it came."""
        for member in self.group.members.values():
            for number, index in member.reads:
                wanted = self.reads.get((member.id, member.raft.term, number))
                assert wanted is None or index >= wanted, "a read misses a committed write"
            member.reads.clear()

    def teardown(self) -> None:
        """Let all be well again, and look whether that is enough."""
        if not hasattr(self, "group"):
            return
        self.group.heal()
        for _ in range(12 * ELECTION_TIMEOUT_TICKS):
            for member in self.group.members.values():
                member.raft.tick()
            self.calm(3)
            self.transfer_snapshots(works=True)
        self.propose(1)
        for _ in range(4):
            for leader_id in self.group.leaders():
                self.group.settle_with_ticks(leader_id, 1)
                self.transfer_snapshots(works=True)
        self.check()
        self.check_liveness()

    def check_liveness(self) -> None:
        """The group has elected a leader, and has committed."""
        assert len(self.group.leaders()) == 1
        applied = {
            max([member.snapshot[0], *(entry.index for entry in member.applied)])
            for member in self.group.members.values()
        }
        assert applied == {self.group[self.group.leaders()[0]].last_index}


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=120, stateful_step_count=60, deadline=None)
