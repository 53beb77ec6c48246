"""node-redis, unchanged, against a server: `npm ci --prefix tests/node_client` installs it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ServerProcess
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


def run_client(name: str, port: int, resp: int) -> None:
    run = subprocess.run(
        ["node", str(HERE / name), str(port), str(resp)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
