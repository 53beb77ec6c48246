"""Rounds of faults on three nodes, few here; `python -m tests.processes.cluster_rounds` runs more."""

from pathlib import Path

from tests.processes.cluster_rounds import run
from tests.processes.faults import FAULTS, kill_all, kill_leader, kill_two


def test_no_acknowledged_write_is_lost_and_histories_are_linearizable(tmp_path: Path) -> None:
    faults = FAULTS[:10]
    done = run(tmp_path, faults, seed=0, writers=64)
    assert [error for round_ in done for error in round_.errors] == []
    assert len(done) == len(faults)
    assert all(round_.acknowledged for round_ in done)
    assert sum(round_.in_flight for round_ in done)


def test_a_loss_of_power_on_one_two_and_all_nodes_loses_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, [kill_leader, kill_two, kill_all], seed=0, writers=64, lossy=True)
    assert [error for round_ in done for error in round_.errors] == []
    assert len(done) == 3


def test_without_fdatasync_a_loss_of_power_is_noticed(tmp_path: Path) -> None:
    done = run(tmp_path, [kill_all], seed=0, writers=64, lossy=True, without_fdatasync=True)
    assert done[0].lost > 0
