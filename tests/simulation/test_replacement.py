"""A few seeds with lost members; `python -m tests.simulation.replacement` runs more."""

import pytest

from tests.simulation.replacement import ReplacingCluster
from tests.simulation.runs import run_seed


@pytest.mark.parametrize("seed", range(1, 5))
def test_nothing_is_violated_while_members_are_replaced(seed: int) -> None:
    _, counts, failure = run_seed(ReplacingCluster, seed, 50)
    assert failure == ""
    assert counts["members lost"] > 0
    assert counts["ok"] > 50
