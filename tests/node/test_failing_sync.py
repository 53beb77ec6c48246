"""A sync that fails stops the server, and nothing that waited for it is acknowledged."""

from pathlib import Path

import pytest
import redis

from tests.conftest import ServerProcess
from tests.processes.failing_sync import failing_sync_flag

SYNCED_IN_THE_HELPER_FIRST = 200  # more than it takes until small batches are synced in the loop
LARGE = 100_000
WRITES_MAX = 5_000


def helper_of(server: ServerProcess) -> int:
    """Return the process that syncs for a server: its only child while nothing is saved."""
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def write_until_closed(client: "redis.Redis", first: int, padding: str) -> int:
    """Write one number after the other; return the last that was acknowledged."""
    for number in range(first, WRITES_MAX):
        try:
            client.set("key", f"{number}{padding}")
        except redis.ConnectionError:
            return number - 1
    raise AssertionError("the syncs do not fail")


@pytest.mark.parametrize(
    ("in_the_loop", "synced_before", "value_bytes"),
    [
        (False, 0, 0),
        (True, SYNCED_IN_THE_HELPER_FIRST, 0),
        (False, SYNCED_IN_THE_HELPER_FIRST, LARGE),
    ],
    ids=["first", "small", "large"],
)
def test_the_server_stops_and_never_acknowledges(
    tmp_path: Path, in_the_loop: bool, synced_before: int, value_bytes: int
) -> None:
    """Durability: acknowledged implies on disk, and after a failed fdatasync nobody knows.

    The helper process syncs what comes first, until syncs have proved quick, and what is large.
    """
    program = ("tests.processes.faulty_server", "--quick-syncs")
    with ServerProcess(tmp_path / "data", program=program) as server:
        client = redis.Redis(port=server.port, retry=None)
        for number in range(synced_before):
            client.set("key", number)
        flag = failing_sync_flag(server.directory)
        flag.write_text(str(server.process.pid if in_the_loop else helper_of(server)))
        acknowledged = write_until_closed(client, synced_before, " " * value_bytes)
        assert server.process.wait(10) != 0
        assert "fdatasync of the log failed: Input/output error" in server.log.read_text()
        client.close()
        flag.unlink()
        server.start()
        with redis.Redis(port=server.port) as again:
            found = int(again.get("key") or 0)
        assert found in (acknowledged, acknowledged + 1)  # the last one's outcome is unknown
