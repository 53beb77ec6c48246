"""The checker of scripts: it accepts what scripts may do, and nothing else."""

from typing import Any

from tests.simulation.checker import UNKNOWN, Operation, explain
from tests.simulation.script_checker import COUNT_MAX, Failure, step, with_anonymous_tokens

WRONG_TYPE = Failure(b"WRONGTYPE Operation against a key holding the wrong kind of value script: x")
NO_SCRIPT = Failure(b"NOSCRIPT No matching script. Please use EVAL.")


def done(at: int, *steps: tuple[str, Any, Any], by_script: bool = False) -> Operation:
    """Return an operation that took from `at` to `at` + 5: (name, argument, reply) of its steps."""
    what = tuple([(name, argument, by_script) for name, argument, _ in steps])
    return Operation("script", what, at, at + 5, [reply for _, _, reply in steps])


def lost(at: int, *steps: tuple[str, Any], by_script: bool = False) -> Operation:
    """Return an operation of unknown outcome."""
    return Operation("script", tuple([(*one, by_script) for one in steps]), at, UNKNOWN)


def is_possible(*history: Operation) -> bool:
    """Return whether the checker accepts a history."""
    return explain(list(history), step=step) is None


def test_a_lock_is_released_by_its_holder_only() -> None:
    taken = done(0, ("acquire", b"mine", b"OK"))
    assert is_possible(taken, done(10, ("release", b"other", 0)), done(20, ("read", None, b"mine")))
    assert is_possible(taken, done(10, ("release", b"mine", 1)), done(20, ("acquire", b"x", b"OK")))
    assert not is_possible(taken, done(10, ("release", b"other", 1)))
    assert not is_possible(taken, done(10, ("acquire", b"x", b"OK")))


def test_what_is_moved_is_neither_lost_nor_doubled() -> None:
    paid = done(0, ("deposit", 3, 3))
    assert is_possible(
        paid, done(10, ("move", 2, [1, 2])), done(20, ("read accounts", None, [1, 2]))
    )
    assert is_possible(paid, lost(10, ("move", 2)), done(20, ("read accounts", None, [3, 0])))
    assert not is_possible(paid, lost(10, ("move", 2)), done(20, ("read accounts", None, [1, 0])))
    assert not is_possible(paid, done(10, ("move", 2, [3, 2])))


def test_a_counter_stops_at_its_limit() -> None:
    full = done(0, *[("increment", None, number + 1) for number in range(COUNT_MAX)])
    assert is_possible(full, done(10, ("count up", 1, -1)), done(20, ("forget", None, 1)))
    assert not is_possible(full, done(10, ("count up", 1, COUNT_MAX + 1)))


def test_what_a_script_wrote_before_it_failed_stays() -> None:
    failed = done(0, ("write and fail", b"v1", WRONG_TYPE))
    assert is_possible(failed, done(10, ("read", None, b"v1")))
    assert not is_possible(failed, done(10, ("read", None, None)))


def test_a_script_that_the_node_did_not_know_does_nothing() -> None:
    sent = done(0, ("push", b"a", 1), ("take", None, NO_SCRIPT))
    assert is_possible(sent, done(10, ("read elements", None, [b"a"])))
    assert not is_possible(sent, done(10, ("read elements", None, [])))


def test_of_a_lost_transaction_the_scripts_may_not_have_been_known() -> None:
    sent = (("deposit", 3, False), ("move", 1, True), ("move", 2, True))
    for replies in ([3, 0], [2, 1], [1, 2], [0, 3]):
        read = done(10, ("read accounts", None, replies))
        assert is_possible(Operation("script", sent, 0, UNKNOWN), read)
    read = done(10, ("read accounts", None, [0, 1]))
    assert not is_possible(Operation("script", sent, 0, UNKNOWN), read)


def test_many_lost_writes_are_judged_quickly() -> None:
    """What nobody saw is all alike; each alone would double the work."""
    history = [lost(number, ("write", b"v%d" % number)) for number in range(40)]
    history += [done(100 + number, ("read", None, None)) for number in range(0, 60, 10)]
    history.append(done(200, ("read", None, b"v7")))
    assert is_possible(*with_anonymous_tokens(history))
    history.append(done(220, ("read", None, b"never written")))
    assert not is_possible(*with_anonymous_tokens(history))
