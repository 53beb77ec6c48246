"""The checker of waits that others end: what it must blame, and what it must not."""

from respkv.commands.blocking import UNBLOCKED
from tests.simulation.observed import Observed
from tests.simulation.unblocking import Unblock, problem


def wait(completed: int, *, nothing: bool = False, error: bytes = b"") -> Observed:
    """BLPOP, parked at 5 and not timed out before 50."""
    call = Observed(1, completed, error != b"", parked=5, times_out=50, waits=True)
    call.answered = completed
    call.found_nothing, call.error = nothing, error
    return call


def unblock(target: Observed | None, reason: bytes, *, ended: bool = True) -> Unblock:
    """CLIENT UNBLOCK from 10 to 12."""
    return Unblock(10, 12, False, target=target, reason=reason, ended=ended)


def test_a_wait_that_is_ended_is_answered_as_asked_or_served():
    for call, reason in (
        (wait(12, error=UNBLOCKED), b"ERROR"),
        (wait(12), b"ERROR"),
        (wait(60, nothing=True), b"ERROR"),
    ):
        assert problem([call], [unblock(call, reason)]) == ""
    early = wait(12, nothing=True)
    early.times_out = 10  # since it was unblocked with TIMEOUT then
    assert problem([early], [unblock(early, b"TIMEOUT")]) == ""


def test_nobody_is_unblocked_without_a_cause():
    assert "nobody has unblocked" in problem([wait(12, error=UNBLOCKED)], [])
    call = wait(12, error=UNBLOCKED)
    assert "nobody has unblocked" in problem([call], [unblock(call, b"TIMEOUT")])
    assert "before its time" in problem([wait(12, nothing=True)], [])
    assert problem([wait(55, nothing=True)], []) == ""
    never_parked = wait(12, nothing=True)
    never_parked.parked = 0
    assert "did not wait" in problem([never_parked], [])


def test_only_who_waits_is_unblocked():
    assert "did not wait" in problem([], [unblock(None, b"ERROR")])
    assert problem([], [unblock(None, b"ERROR", ended=False)]) == ""
    assert "did not wait" in problem([], [unblock(wait(8), b"TIMEOUT")])
