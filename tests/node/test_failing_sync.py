"""A sync that fails stops the server, and nothing that waited for it is acknowledged."""

from pathlib import Path

import pytest
import redis

from tests.conftest import ServerProcess
from tests.processes.failing_sync import failing_sync_flag

SYNCED_IN_THE_HELPER_FIRST = 200  # more than it takes until small batches are synced in the loop
WRITES_MAX = 5_000


def helper_of(server: ServerProcess) -> int:
    """Return the process that syncs for a server: its only child while nothing is saved."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def write_until_closed(client: "redis.Redis", first: int) -> int:
    """Write one number after the other; return the last that was acknowledged."""
    for number in range(first, WRITES_MAX):
        try:
            client.set("key", number)
        except redis.ConnectionError:
            return number - 1
    raise AssertionError("the syncs do not fail")


@pytest.mark.parametrize("where", ["in the loop", "in the helper process"])
def test_the_server_stops_and_never_acknowledges(tmp_path: Path, where: str) -> None:
    """Durability: acknowledged implies on disk, and after a failed fdatasync nobody knows."""
    program = ("tests.processes.faulty_server", "--quick-syncs")
    with ServerProcess(tmp_path / "data", program=program) as server:
        client = redis.Redis(port=server.port, retry=None)
        pid = helper_of(server)
        first = 1
        if where == "in the loop":
            pid, first = server.process.pid, SYNCED_IN_THE_HELPER_FIRST
            for number in range(1, first):
                client.set("key", number)
        flag = failing_sync_flag(server.directory)
        flag.write_text(str(pid))
        acknowledged = write_until_closed(client, first)
        assert server.process.wait(10) != 0
        assert "fdatasync of the log failed: Input/output error" in server.log.read_text()
        client.close()
        flag.unlink()
        server.start()
        with redis.Redis(port=server.port) as again:
            found = int(again.get("key") or 0)
        assert found in (acknowledged, acknowledged + 1)  # the last one's outcome is unknown
