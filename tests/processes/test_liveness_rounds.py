"""One round of steps that stop and start nodes; `python -m tests.processes.liveness_rounds` runs more."""

from pathlib import Path

from tests.processes.liveness_rounds import run


def test_whenever_a_majority_runs_all_agree_and_take_writes(tmp_path: Path) -> None:
    assert run(tmp_path, seed=3, steps=8).count("heal") > 1
