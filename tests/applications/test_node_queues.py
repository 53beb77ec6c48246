"""node-resque and BullMQ, unchanged, on one node and on three whose leader is killed."""

from pathlib import Path

import pytest

from tests.conftest import ServerProcess
from tests.node_client.test_node_client import needs_npm, run_script
from tests.processes.trio import Trio

HERE = Path(__file__).parent
RESQUE, BULLMQ = HERE / "node_resque.mjs", HERE / "bullmq.mjs"

pytestmark = needs_npm


def test_resque_takes_jobs_by_scripts(server: ServerProcess) -> None:
    run_script(RESQUE, "Redis", server.port)


def test_resque_in_a_cluster_of_one(tmp_path: Path) -> None:
    with Trio(tmp_path, count=1) as cluster:
        run_script(RESQUE, "Cluster", cluster.nodes[0].port)
        assert cluster.faults_logged() == []


def test_bullmq(server: ServerProcess) -> None:
    run_script(BULLMQ, server.port)


@pytest.mark.parametrize(
    ("script", "arguments", "slot"), [(RESQUE, ["Cluster"], b"{resque}"), (BULLMQ, [], b"{bull}")]
)
def test_jobs_go_on_when_their_leader_is_killed(
    tmp_path: Path, script: Path, arguments: list[str], slot: bytes
) -> None:
    with Trio(tmp_path) as cluster:
        leader = cluster.leader_of(slot)
        other = next(node for node in cluster.nodes if node is not leader)
        run_script(script, *arguments, other.port, leader.process.pid)
        assert cluster.faults_logged() == []
