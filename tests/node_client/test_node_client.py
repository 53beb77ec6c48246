"""node-redis and ioredis, unchanged, against a server: `npm ci --prefix tests/node_client` installs it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.trio import Trio

HERE = Path(__file__).parent
needs_npm = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules").is_dir(),
    reason="npm ci --prefix tests/node_client has not been run",
)


@needs_npm
@pytest.mark.parametrize("resp", [2, 3])
def test_what_an_application_does_through_node_redis(server: ServerProcess, resp: int) -> None:
    run_client("client.mjs", server.port, resp)


@needs_npm
@pytest.mark.parametrize("resp", [2, 3])
def test_what_an_application_does_through_its_cluster_client(tmp_path: Path, resp: int) -> None:
    with Trio(tmp_path) as trio:
        run_client("cluster.mjs", trio.nodes[0].port, resp)
        assert trio.faults_logged() == []


@needs_npm
def test_what_an_application_does_through_ioredis_cluster(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        run_client("ioredis_cluster.mjs", trio.nodes[0].port)
        assert trio.faults_logged() == []


@needs_npm
def test_messages_through_ioredis(server: ServerProcess) -> None:
    run_client("ioredis_pubsub.mjs", "server", server.port)


@needs_npm
def test_messages_through_ioredis_cluster(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        run_client("ioredis_pubsub.mjs", "cluster", trio.nodes[0].port)
        assert trio.faults_logged() == []


@needs_npm
@pytest.mark.parametrize("client", ["ioredis", "node-redis"])
def test_cluster_clients_follow_leaders_that_move_and_outlive_one(
    tmp_path: Path, client: str
) -> None:
    with Trio(tmp_path) as trio:
        doomed, *others = trio.nodes
        command = ["node", str(HERE / "failover.mjs"), client, str(others[0].port)]
        with subprocess.Popen(
            [*command, str(doomed.process.pid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as run:  # fmt: skip
            try:
                assert run.stdout is not None
                assert run.stdout.readline() == b"written\n", run.communicate()
                for node in others:
                    wait_until(lambda node=node: node.call("CLUSTER", "FAILOVER") == b"OK")
                trio.wait_ready()
                output = run.communicate(b"moved\n", timeout=60)
            finally:
                run.kill()
        assert run.returncode == 0, output
        assert doomed.process.wait(PATIENCE_SECONDS) != 0
        assert trio.faults_logged() == []


def run_client(name: str, *arguments: int | str) -> None:
    run_script(HERE / name, *arguments)


def run_script(script: Path, *arguments: int | str) -> None:
    """Run a script with node; fail with its output if it fails."""
    run = subprocess.run(
        ["node", str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
