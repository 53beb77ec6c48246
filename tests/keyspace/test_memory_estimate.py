"""The estimate of memory that `maxmemory` goes by is within 25 % of what a process grows by."""

import subprocess
import sys

import pytest

# Kind, elements of a value, elements in all: so many that what Python had free before does not count.
CASES = ["string 64 100000", "deadline 64 100000"]
for kind in ("hash", "list", "set", "zset", "stream"):
    CASES += [f"{kind} 8 100000", f"{kind} 100000 400000"]


@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_near_what_a_process_grows_by(case: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench.micro.memory", *case.split()],
        capture_output=True,
        text=True,
        check=True,
    )
    percent = float(run.stdout.split()[-2])
    assert 75 <= percent <= 125, run.stdout
