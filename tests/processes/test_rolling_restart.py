"""Every node is stopped and started under load; `python -m tests.processes.rolling` shows pauses."""

from pathlib import Path

from tests.processes.rolling import roll


def test_clients_with_default_retries_see_no_error_and_lose_nothing(tmp_path: Path) -> None:
    rolled = roll(tmp_path, 1, 2, "--cluster-partitions", "8")
    assert rolled.errors == []
    assert rolled.lost == []
    assert [phase.name for phase in rolled.phases if not phase.calls] == []
