"""A few seeds in the test run; CI runs hundreds with `python -m tests.simulation`."""

import pytest

from tests.simulation.__main__ import run_seed


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_violated(seed: int) -> None:
    _, counts, failure = run_seed(seed, 40)
    assert failure == ""
    assert counts["ok"] > 500


def test_a_run_repeats_exactly() -> None:
    assert run_seed(3, 30) == run_seed(3, 30)
