"""Members lose everything, one after the other, in the midst of all other troubles.

python -m tests.simulation.replacement [--seed N | --seeds A..B] [--seconds 90]

A machine comes back with an empty disk, and asks to join; an operator gives it the place that it had
(`respkv cluster replace`). Only when nobody is being replaced the next one is lost: a majority of the
voters keeps what was acknowledged.
"""

import argparse
import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from respkv.cluster.roster import newcomer_number
from respkv.errors import CommandError
from tests.faulty_disk import SimulatedCrash
from tests.simulation.cluster import Cluster
from tests.simulation.node import SimulatedNode
from tests.simulation.world import MILLISECOND, SECOND, Violation

FIRST_LOSS = 6 * SECOND
BETWEEN_LOSSES_MS = (500, 6000)
ASK_AGAIN = 300 * MILLISECOND
AFTER_RESTART = 8 * SECOND


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


def run_seed(seed: int, seconds: int) -> tuple[int, dict[str, int], str]:
    """Run one seed; the text is empty when nothing was violated."""
    logging.disable(logging.CRITICAL)
    cluster = ReplacingCluster(seed)
    failure = ""
    try:
        cluster.run(seconds)
    except (Exception, SimulatedCrash) as error:
        failure = f"{type(error).__name__}: {error}"
    return seed, cluster.world.counts, failure


def main() -> int:
    """Run the seeds asked for; 0 when nothing was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.replacement")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seeds", default="1..20", help="A..B, both included")
    parser.add_argument("--seconds", type=int, default=90, help="virtual seconds for each seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    first, _, last = arguments.seeds.partition("..")
    seeds = range(int(first), int(last or first) + 1)
    if arguments.seed is not None:
        seeds = range(arguments.seed, arguments.seed + 1)
    totals: dict[str, int] = {}
    failures = 0
    with ProcessPoolExecutor(min(arguments.jobs, len(seeds))) as pool:
        for seed, counts, failure in pool.map(partial(run_seed, seconds=arguments.seconds), seeds):
            for what, count in counts.items():
                totals[what] = totals.get(what, 0) + count
            if failure:
                failures += 1
                print(f"seed={seed}: {failure}", flush=True)
    for what in ("members lost", "replacements decided", "leaders", "snapshots installed", "ok"):
        print(f"{what:<44}{totals.get(what, 0):>12,}")
    print(f"{len(seeds)} seeds of {arguments.seconds} simulated seconds, {failures} violations")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
