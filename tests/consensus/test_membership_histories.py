"""The properties of `test_random_histories` while members are replaced, one voter at a time.

A configuration counts from when it is appended and may be taken back, so members disagree about
who votes; elections stay safe across them, and nothing that was committed is ever lost.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from respkv.clock import SeededChance
from respkv.consensus.configuration import Configuration
from respkv.errors import InvariantViolation, NotLeader, NotReady
from tests.consensus.group import Group
from tests.consensus.test_random_histories import Histories, picks


class MembershipHistories(Histories):
    """Three voters and three spares; a leader now and then changes one of them."""

    @initialize(size=st.just(3), seed=picks)
    def begin(self, size: int, seed: int) -> None:
        super().begin(size, seed)
        self.group = Group(size, spares=3)
        for member in self.group.members.values():
            member.chance = SeededChance(seed + member.id)
            member.start()

    @rule(member=picks, promote=st.booleans())
    def change_members(self, member: int, promote: bool) -> None:
        """Whoever leads turns a stranger into a learner, a learner or voter into what it is not."""
        chosen = self.pick(member).id
        for leader_id in self.group.leaders():
            raft = self.group[leader_id]
            voters = [voter for voter in raft.voters if voter != chosen]
            learners = [learner for learner in raft.learners if learner != chosen]
            if chosen in raft.learners and promote:
                voters.append(chosen)
            elif chosen not in raft.voters and chosen not in raft.learners:
                learners.append(chosen)
            if not voters:
                continue
            try:
                raft.propose_configuration(Configuration(voters, learners))
            except NotReady:
                continue
            self.group.collect()

    @rule(member=picks)
    def replace(self, member: int) -> None:
        """All goes well while one of the leader's voters is replaced."""
        self.heal()
        for leader_id in self.group.leaders():
            raft = self.group[leader_id]
            others = [number for number in self.group.members if number not in raft.voters]
            old = raft.voters[member % len(raft.voters)]
            new = others[member % len(others)] if others else old
            left = [voter for voter in raft.voters if voter != old]
            if new == old or not left:
                continue
            for configuration in (
                Configuration(raft.voters, [new]),
                Configuration(left, [new]),
                Configuration([*left, new], []),
            ):
                try:
                    raft.propose_configuration(configuration)
                except (NotReady, NotLeader, InvariantViolation):
                    # It leads no more, has not committed the step before, or began elsewhere.
                    break
                self.calm(3)

    def check_liveness(self) -> None:
        """The voters have elected a leader, and have committed."""
        # One that was removed and did not hear of it may still believe in an older configuration.
        leading = [self.group[leader] for leader in self.group.leaders()]
        newest = max(leading, key=lambda raft: raft.term, default=None)
        assert newest is not None, "nobody leads"
        assert newest.commit_index == newest.last_index
        for number in newest.voters:
            assert self.group[number].last_index == newest.last_index


TestMembershipHistories = MembershipHistories.TestCase
TestMembershipHistories.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
