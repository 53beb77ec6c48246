"""A few seeds of random commands of every type; `python -m tests.simulation.data` runs more."""

import pytest

from tests.simulation.data import DataCluster
from tests.simulation.runs import run_seed

SEEDS = (3, 5, 6)


@pytest.mark.parametrize("seed", SEEDS)
def test_replicas_stay_alike_through_every_trouble(seed: int) -> None:
    _, counts, failure = run_seed(DataCluster, seed, 40)
    assert failure == ""
    assert counts["commands of every type answered"] > 100
    assert counts["digests compared"] > 20
    assert counts["snapshots built"] > 0
    assert counts["kills"] + counts["power losses"] > 0
