"""Members lose everything, one after the other, in the midst of all other troubles.

python -m tests.simulation.replacement [--seed N | --seeds A..B] [--seconds 90]

A member that is lost never comes back; a newcomer with an empty disk and another number does, and
whoever leads replaces it (`next_configuration`). Only when nobody is being replaced the next one is
lost: a majority of the voters keeps what was acknowledged.
"""

import argparse
import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from respkv.errors import NotLeader, NotReady
from respkv.replica.next_configuration import next_configuration
from tests.faulty_disk import FaultyDisk, SimulatedCrash
from tests.simulation.cluster import Cluster
from tests.simulation.node import SimulatedNode
from tests.simulation.world import MILLISECOND, SECOND, Addressed, Network, Violation

FIRST_LOSS = 6 * SECOND
BETWEEN_LOSSES_MS = (500, 6000)
PLACES = (1, 2, 3)
AFTER_RESTART = 8 * SECOND


class Places(dict[int, SimulatedNode]):
    """The members by their numbers; that of a lost one stands for who has its place."""

    def __init__(self) -> None:
        super().__init__()
        self.successors: dict[int, int] = {}

    def successor(self, number: int) -> int:
        while number in self.successors:
            number = self.successors[number]
        return number

    def __getitem__(self, number: int) -> SimulatedNode:
        return super().__getitem__(self.successor(number))


class PlacesNetwork(Network):
    """Isolates who has a place now."""

    def __init__(self, cluster: "ReplacingCluster") -> None:
        super().__init__(cluster.world, cluster.deliver)
        self._cluster = cluster

    def isolate(self, node: int) -> set[tuple[int, int]]:
        places = self._cluster.places
        one = places.successor(node)
        links = {link for other in places for link in ((one, other), (other, one))}
        self.cut |= links
        return links


class ReplacingNode(SimulatedNode):
    """Goes a step further at each tick while it leads."""

    cluster: "ReplacingCluster"

    def _tick(self) -> None:
        super()._tick()
        raft = self.replica.raft
        if self.replica.serving and raft.configuration_is_committed:
            following = next_configuration(
                raft.configuration, self.cluster.places.successor, raft.has_caught_up
            )
            if following is not None:
                try:
                    raft.propose_configuration(following)
                except (NotReady, NotLeader):
                    return
                self.world.count("configurations")
                self.log_writer.touch(self.replica)


class ReplacingCluster(Cluster):
    """Three places, and newcomers for them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.places = Places()
        for number in PLACES:
            self.places[number] = ReplacingNode(self, number)
        self.nodes = self.places
        self.network = PlacesNetwork(self)
        self.world.after(FIRST_LOSS, self._lose_one)

    def deliver(self, message: Addressed) -> None:
        """What was meant for a lost member reaches nobody."""
        if message.recipient in self.places:
            self._deliver(message)

    def restart(self, node: SimulatedNode) -> None:
        """Start a node again, unless it is lost."""
        if node.id in self.places:
            super().restart(node)

    def is_whole(self) -> bool:
        """Whether the latest leader has committed that exactly the members vote."""
        serving = [node for node in self.nodes.values() if node.booted and node.replica.serving]
        if not serving:
            return False
        raft = max((node.replica.raft for node in serving), key=lambda raft: raft.term)
        return raft.configuration_is_committed and sorted(raft.voters) == sorted(self.places)

    def _lose_one(self) -> None:
        world = self.world
        if self.troubles.over:
            return
        world.after(world.between(*BETWEEN_LOSSES_MS) * MILLISECOND, self._lose_one)
        if not self.is_whole():
            return
        world.count("members lost")
        lost = self.nodes[world.between(1, 3)]
        # What was acknowledged by now may be on one disk less from here on.
        booted = [node for node in self.nodes.values() if node.booted]
        self.invariants.acknowledged_index = max(node.replica.raft.last_index for node in booted)
        number = max(self.places) + 1
        del self.places[lost.id]
        lost.disk = FaultyDisk(self.world.chance)
        if lost.alive:
            lost.crash(power_loss=True)
        newcomer = ReplacingNode(self, number)
        newcomer.skew_ms, newcomer.speed_per_mille = lost.skew_ms, lost.speed_per_mille
        self.places[number] = newcomer
        self.places.successors[lost.id] = number
        world.after(world.between(0, 3000) * MILLISECOND, lambda: self.restart(newcomer))

    def _check_peace(self) -> None:
        super()._check_peace()
        if not self.is_whole():
            raise Violation("after healing a replacement is not done")
        for node in self.places.values():
            self.world.count("voters compared")
            voters = sorted(node.replica.raft.voters)
            if voters != sorted(self.places):
                raise Violation(f"node {node.id} takes {voters} for the voters")
            node.crash(power_loss=True)
        self.world.run_until(self.world.now + AFTER_RESTART)
        for node in self.places.values():
            voters = sorted(node.replica.raft.voters)
            if voters != sorted(self.places):
                raise Violation(f"node {node.id}, started again, takes {voters} for the voters")


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
    for what in ("members lost", "configurations", "leaders", "snapshots installed", "ok"):
        print(f"{what:<44}{totals.get(what, 0):>12,}")
    print(f"{len(seeds)} seeds of {arguments.seconds} simulated seconds, {failures} violations")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
