"""A few seeds in the test run; CI runs hundreds with `python -m tests.simulation`."""

import os
import subprocess
import sys

import pytest

from tests.simulation.__main__ import run_seed
from tests.simulation.troubles import PROFILES, profile_of, share_of

SEEDS = range(2 * len(PROFILES), 3 * len(PROFILES) + 3)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{profile_of(seed)} {share_of(seed)}")
def test_nothing_is_violated(seed: int) -> None:
    result = run_seed(seed, 40)
    assert result.failure == ""
    assert result.counts["ok"] > 50


@pytest.mark.parametrize("seed", [22, 30])
def test_a_run_repeats_exactly_in_another_process(seed: int) -> None:
    """Python hashes bytes differently in each process: no run may depend on that."""
    script = (
        "from tests.simulation.__main__ import run_seed;"
        f"result = run_seed({seed}, 30); print(result.trace, sorted(result.counts.items()))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(seen) == 1
