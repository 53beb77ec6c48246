"""node-resque's queue, worker and scheduler, unchanged, on one node in cluster mode and on three."""

from pathlib import Path

import pytest

from tests.node_client.test_node_client import needs_npm, run_script
from tests.processes.trio import Trio

SCRIPT = Path(__file__).parent / "node_resque.mjs"


@needs_npm
@pytest.mark.parametrize("nodes", [1, 3])
def test_jobs_retries_and_delayed_jobs_while_the_leader_is_killed(
    tmp_path: Path, nodes: int
) -> None:
    with Trio(tmp_path, count=nodes) as cluster:
        leader = cluster.leader_of(b"{resque}")
        if nodes == 1:
            run_script(SCRIPT, leader.port)
        else:
            other = next(node for node in cluster.nodes if node is not leader)
            run_script(SCRIPT, other.port, leader.process.pid)
        assert cluster.faults_logged() == []
