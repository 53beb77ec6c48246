"""Forming on simulated nodes: interrupted at every effect, it ends in one genesis, once and for all."""

from collections.abc import Callable

import pytest

from respkv.clock import SeededChance
from respkv.cluster.forming import Answer
from respkv.cluster.genesis import Genesis, Member
from respkv.node.membership import Membership
from tests.faulty_disk import FaultyDisk, SimulatedCrash
from tests.simulation.cluster import Cluster
from tests.simulation.node import DIRECTORY, SimulatedNode
from tests.simulation.world import MILLISECOND, SECOND

PATIENCE = 12 * SECOND


def calm_cluster() -> Cluster:
    """Three nodes, right clocks, no troubles but those a test makes."""
    seed = 0
    while (cluster := Cluster(seed)).size != 3:
        seed += 1
    cluster.troubles.forming_crashes = 0
    for node in cluster.nodes.values():
        node.power_losses = 0
    return cluster


def boot(cluster: Cluster) -> None:
    for node in cluster.nodes.values():
        if not node.alive:
            node.boot()


def run_until(cluster: Cluster, done: Callable[[], bool]) -> None:
    deadline = cluster.world.now + PATIENCE
    while not done():
        assert cluster.world.now < deadline, [node.complaint for node in cluster.nodes.values()]
        cluster.world.run_until(cluster.world.now + MILLISECOND)


def run_until_formed(cluster: Cluster) -> None:
    run_until(cluster, lambda: all(node.booted for node in cluster.nodes.values()))


def geneses(cluster: Cluster) -> set[bytes]:
    return {node.told for node in cluster.nodes.values()}


def assert_it_lasts(cluster: Cluster) -> None:
    """All power is lost; everybody is back in the same cluster (the invariants watch as well)."""
    kept = geneses(cluster)
    assert len(kept) == 1
    for node in cluster.nodes.values():
        node.crash(power_loss=True)
    boot(cluster)
    run_until_formed(cluster)
    assert geneses(cluster) == kept


def disk_operations_of_forming() -> int:
    cluster = calm_cluster()
    boot(cluster)
    run_until_formed(cluster)
    return min(node.disk.operations for node in cluster.nodes.values())


@pytest.mark.parametrize("power_losses", [0, 1000], ids=["killed", "power lost"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_crash_at_any_disk_operation_leaves_one_genesis(number: int, power_losses: int) -> None:
    for operation in range(disk_operations_of_forming()):
        cluster = calm_cluster()
        node = cluster.nodes[number]
        node.power_losses = power_losses
        node.disk.crash_at = operation
        boot(cluster)
        run_until_formed(cluster)
        node.disk.crash_at = -1
        assert_it_lasts(cluster)


@pytest.mark.parametrize("seed", range(8))
def test_what_a_node_has_told_survives_a_kill_and_then_a_power_loss(seed: int) -> None:
    """A rename that only the page cache has seen is not yet a promise."""
    operation = 0
    while True:
        disk = FaultyDisk(SeededChance(seed), crash_at=operation)
        try:
            Membership(disk, DIRECTORY)
            return
        except SimulatedCrash:
            disk = disk.after_kill()
        told = Membership(disk, DIRECTORY).node_id
        assert Membership(disk.after_power_loss(), DIRECTORY).node_id == told
        operation += 1


class InterruptedCluster(Cluster):
    """At the question that is counted as `at`, something happens."""

    at = -1
    asked = 0
    interrupt: Callable[["InterruptedCluster", SimulatedNode, int], None]

    def ask(
        self, asker: SimulatedNode, number: int, argv: list[bytes], take: Callable[[Answer], None]
    ) -> None:
        """Interrupt, then ask, or not."""
        self.asked += 1
        if self.asked - 1 == self.at:
            self.interrupt(asker, number)
        super().ask(asker, number, argv, take)


def _cut_question(cluster: InterruptedCluster, asker: SimulatedNode, number: int) -> None:
    _cut(cluster, asker.id, number)


def _cut_answer(cluster: InterruptedCluster, asker: SimulatedNode, number: int) -> None:
    _cut(cluster, number, asker.id)


def _cut(cluster: InterruptedCluster, sender: int, recipient: int) -> None:
    cluster.network.cut.add((sender, recipient))
    cluster.world.after(5 * MILLISECOND, cluster.network.cut.clear)


def _asker_dies(cluster: InterruptedCluster, asker: SimulatedNode, _: int) -> None:
    cluster.world.after(0, lambda: asker.crash(power_loss=True))


def _asked_dies(cluster: InterruptedCluster, _: SimulatedNode, number: int) -> None:
    cluster.world.after(
        3 * MILLISECOND, lambda: cluster.nodes[number].crash(power_loss=True)
    )  # it has answered, or is about to


@pytest.mark.parametrize("interrupt", [_cut_question, _cut_answer, _asker_dies, _asked_dies])
def test_any_question_may_be_the_last(
    interrupt: Callable[[InterruptedCluster, SimulatedNode, int], None],
) -> None:
    at, questions = 0, 1
    while at < questions:
        cluster = InterruptedCluster(calm_cluster().world.seed)
        cluster.troubles.forming_crashes = 0
        cluster.at, cluster.interrupt = at, interrupt.__get__(cluster)
        boot(cluster)
        run_until_formed(cluster)
        assert_it_lasts(cluster)
        questions = min(cluster.asked, 60)
        at += 1


def membership(node: SimulatedNode) -> Membership:
    return Membership(node.disk, DIRECTORY)


def genesis_of(cluster: Cluster, cluster_id: str) -> Genesis:
    members = [
        Member(membership(node).node_id, "127.0.0.1", 7000 + node.id, 17000 + node.id, "")
        for node in cluster.nodes.values()
    ]
    return Genesis(cluster_id, cluster.partitions, 3, members)


def test_nodes_that_keep_different_geneses_never_form() -> None:
    cluster = calm_cluster()
    for number, cluster_id in ((1, "a"), (2, "a"), (3, "b")):
        membership(cluster.nodes[number]).accept(genesis_of(cluster, cluster_id))
    boot(cluster)
    cluster.world.run_until(PATIENCE)
    assert not any(node.booted for node in cluster.nodes.values())
    assert "keep different geneses" in cluster.nodes[1].complaint


def test_a_directory_wiped_before_all_have_confirmed_stops_forming() -> None:
    cluster = calm_cluster()
    genesis = genesis_of(cluster, "a")
    for number in (1, 3):
        membership(cluster.nodes[number]).accept(genesis)
    cluster.nodes[2].disk = FaultyDisk(cluster.nodes[2].chance)
    boot(cluster)
    cluster.world.run_until(PATIENCE)
    assert not any(node.booted for node in cluster.nodes.values())
    assert "at 127.0.0.1:7002 is a new node" in cluster.nodes[1].complaint


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_wiped_node_is_refused_and_the_others_go_on(number: int) -> None:
    cluster = calm_cluster()
    boot(cluster)
    run_until_formed(cluster)
    wiped = cluster.nodes[number]
    wiped.wipe()
    cluster.world.run_until(cluster.world.now + PATIENCE)
    assert not wiped.booted
    assert "respkv cluster replace" in wiped.complaint
    others = [node for node in cluster.nodes.values() if node is not wiped]
    assert sum(len(node.led) for node in others) == cluster.partitions
