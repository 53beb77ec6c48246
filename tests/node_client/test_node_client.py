"""node-redis, unchanged, against a server: `npm ci --prefix tests/node_client` installs it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ServerProcess

HERE = Path(__file__).parent
needs_npm = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules").is_dir(),
    reason="npm ci --prefix tests/node_client has not been run",
)


@needs_npm
@pytest.mark.parametrize("resp", [2, 3])
def test_what_an_application_does_through_node_redis(server: ServerProcess, resp: int) -> None:
    run = subprocess.run(
        ["node", str(HERE / "client.mjs"), str(server.port), str(resp)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
