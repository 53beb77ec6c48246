"""One round of lost data, its replacement lost as well; `python -m tests.processes.replace_rounds`."""

from pathlib import Path

from tests.processes.replace_rounds import run


def test_nothing_acknowledged_is_lost_with_a_node_and_its_replacement(tmp_path: Path) -> None:
    done = run(tmp_path, rounds=1, seed=3, writers=8)
    assert [error for round_ in done for error in round_.errors] == []
    assert all(round_.acknowledged for round_ in done)
