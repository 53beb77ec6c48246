"""Rounds of faults on three nodes, few here; `python -m tests.processes.cluster_rounds` runs more."""

from pathlib import Path

from tests.processes.cluster_rounds import run


def test_no_acknowledged_write_is_lost_and_histories_are_linearizable(tmp_path: Path) -> None:
    """A leader is killed, one is paused and comes back, one is stopped and started."""
    done = run(tmp_path, rounds=3, seed=0, writers=16)
    assert [error for round_ in done for error in round_.errors] == []
    assert len(done) == 3
    assert all(round_.acknowledged for round_ in done)
