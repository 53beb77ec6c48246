"""Members lose everything, one after the other, in the midst of all other troubles.

python -m tests.simulation.replacement [--seed N | --seeds A..B] [--seconds 90]

A machine comes back with an empty disk, and asks to join; an operator gives it the place that it had
(`respkv cluster replace`). Only when nobody is being replaced the next one is lost: a majority of the
voters keeps what was acknowledged.
"""

import sys

from respkv.cluster.roster import newcomer_number
from respkv.errors import CommandError
from tests.simulation.cluster import Cluster
from tests.simulation.node import SimulatedNode
from tests.simulation.runs import run_seeds
from tests.simulation.world import MILLISECOND, SECOND, Violation

FIRST_LOSS = 6 * SECOND
BETWEEN_LOSSES_MS = (500, 6000)
ASK_AGAIN = 300 * MILLISECOND
AFTER_RESTART = 8 * SECOND

SHOWN = ("members lost", "replacements decided", "leaders", "snapshots installed", "ok")


class ReplacingCluster(Cluster):
    """An operator looks after it."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.troubles.wipes = False
        self.troubles.destructions = 0
        self.world.after(FIRST_LOSS, self._lose_one)

    def _members(self, partition: int) -> list[int]:
        return sorted(self.nodes[place].number for place in self.voters[partition])

    def is_whole(self) -> bool:
        """Whether every partition's latest leader has committed that its members of now vote."""
        if not self.voters[0] or any(node.is_lost for node in self.nodes.values()):
            return False
        for partition in range(self.partitions):
            serving = self.leading(partition)
            if not serving:
                return False
            raft = max((replica.raft for replica in serving), key=lambda raft: raft.term)
            members = self._members(partition)
            if not raft.configuration_is_committed or sorted(raft.voters) != members:
                return False
        return True

    def _lose_one(self) -> None:
        world = self.world
        if self.troubles.over:
            return
        world.after(world.between(*BETWEEN_LOSSES_MS) * MILLISECOND, self._lose_one)
        node = self.nodes[world.between(1, self.size)]
        if node.booted and self.is_whole():
            world.count("members lost")
            old_id = node.told_id
            node.wipe()
            self._replace(node, old_id)

    def _replace(self, node: SimulatedNode, old_id: str) -> None:
        """Go on asking until it is decided, as `respkv cluster replace` does."""
        for asked in self.nodes.values():
            if asked.booted and asked.member.roster.successor_of(old_id) is not None:
                self.world.count("replacements decided")
                return
        self.world.after(ASK_AGAIN, lambda: self._replace(node, old_id))
        for leader in self.nodes.values():
            if leader.booted and 0 in leader.partitions and leader.partitions[0].serving:
                leader.handle(lambda asked=leader: self._ask(asked, node, old_id))

    def _ask(self, asked: SimulatedNode, node: SimulatedNode, old_id: str) -> None:
        replacing = asked.member.replacing
        if node.told_id and replacing is not None:
            self.let_in.add(node.told_id)
            self.places[newcomer_number(node.told_id)] = node.id
            try:
                replacing.decide(old_id, node.told_id, "127.0.0.1")
            except CommandError:
                self.world.count("replacements put off")

    def _check_peace(self) -> None:
        super()._check_peace()
        if not self.is_whole():
            raise Violation("after healing a replacement is not done")
        for node in self.nodes.values():
            node.crash(power_loss=True)
        self.world.run_until(self.world.now + AFTER_RESTART)
        for partition in range(self.partitions):
            for replica in self.copies(partition):
                self.world.count("voters compared")
                if sorted(replica.raft.voters) != self._members(partition):
                    raise Violation(
                        f"a replica of {partition}, started again, takes {replica.raft.voters} for "
                        "the voters"
                    )


if __name__ == "__main__":
    sys.exit(run_seeds("tests.simulation.replacement", ReplacingCluster, 90, SHOWN))
