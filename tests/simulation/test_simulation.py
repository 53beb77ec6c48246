"""A few seeds in the test run; CI runs hundreds with `python -m tests.simulation`."""

import pytest

from tests.simulation.__main__ import run_seed
from tests.simulation.checker import Operation, explain


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_violated(seed: int) -> None:
    _, counts, failure = run_seed(seed, 40)
    assert failure == ""
    assert counts["ok"] > 500


def test_a_run_repeats_exactly() -> None:
    assert run_seed(3, 30) == run_seed(3, 30)


def history(*operations: tuple[str, object, int, int, object]) -> list[Operation]:
    return [Operation(*operation) for operation in operations]


def test_the_checker_accepts_what_some_order_explains() -> None:
    overlapping = history(
        ("set", b"1", 0, 10, "OK"), ("get", None, 5, 6, b"1"), ("get", None, 4, 5, None)
    )
    assert explain(overlapping) is None


def test_the_checker_refuses_a_stale_read_and_a_lost_write() -> None:
    stale = history(("set", b"1", 0, 1, "OK"), ("get", None, 2, 3, None))
    assert explain(stale) is not None
    flicker = history(
        ("set", b"1", 0, 9, "OK"), ("get", None, 1, 2, b"1"), ("get", None, 3, 4, None)
    )
    assert explain(flicker) is not None


def test_an_unknown_write_may_have_happened_at_any_later_time_or_never() -> None:
    write = Operation("set", b"1", 0)
    assert explain([write, Operation("get", None, 5, 6, None)]) is None
    assert explain([write, *history(("get", None, 5, 6, None), ("get", None, 7, 8, b"1"))]) is None
    assert explain([write, *history(("get", None, 5, 6, b"1"), ("get", None, 7, 8, None))])


def test_an_expired_value_is_never_revived() -> None:
    revived = history(
        ("set ttl", b"1", 0, 1, "OK"), ("get", None, 2, 3, None), ("get", None, 4, 5, b"1")
    )
    assert explain(revived) is not None
