"""The checker of sorted sets: what it must blame, and what it must not."""

from functools import partial

from tests.simulation.observed import UNKNOWN
from tests.simulation.queue_checker import QueueCall, Step, problem
from tests.simulation.sorted_checker import SortedHistory

KEY = b"z"
ONE, TWO, THREE = b"01:a", b"02:b", b"03:c"


def push(invoked: int, completed: int, *members: bytes) -> QueueCall:
    """ZADD."""
    return QueueCall(invoked, completed, False, steps=[Step([], pushed=list(members), into=KEY)])


def pop(
    invoked: int, completed: int, *members: bytes, parked: int = 0, times_out: int = 0
) -> QueueCall:
    """BZPOPMIN or BZMPOP; nothing for an unknown one, or one that timed out."""
    step = Step([], sources=[KEY], count=2, taken=[(KEY, member) for member in members])
    return QueueCall(invoked, completed, False, steps=[step], parked=parked, times_out=times_out)


def blame(*calls: QueueCall, left: tuple[bytes, ...] = (), greatest_first: bool = False) -> str:
    """Return what is wrong; `left` is what the set holds at the end."""
    history_of = partial(SortedHistory, greatest_first=greatest_first)
    return problem(list(calls), {KEY: list(left)}, history_of)


def test_the_least_member_is_popped_or_the_greatest():
    added = push(1, 2, TWO, ONE)
    assert blame(added, pop(3, 4, ONE), left=(TWO,)) == ""
    assert "was there" in blame(added, pop(3, 4, TWO), left=(ONE,))
    assert blame(added, pop(3, 4, TWO), left=(ONE,), greatest_first=True) == ""
    assert "was there" in blame(added, pop(3, 4, ONE), left=(TWO,), greatest_first=True)
    assert blame(added, pop(3, 4, ONE, TWO)) == ""
    assert "was there" in blame(added, pop(3, 4, TWO, ONE))


def test_what_comes_meanwhile_need_not_be_popped_first():
    assert blame(push(1, 2, TWO), push(3, 6, ONE), pop(4, 5, TWO), left=(ONE,)) == ""
    late = push(1, 2, TWO), push(3, 4, ONE), pop(5, 6, TWO), pop(7, 8, ONE)
    assert "was there" in blame(*late)
    at_once = push(1, 2, TWO), push(3, 4, ONE), pop(5, 8, TWO), pop(6, 7, ONE)
    assert blame(*at_once) == ""


def test_a_member_is_popped_once_and_only_when_added():
    added = push(1, 2, ONE)
    assert "delivered to" in blame(added, pop(3, 4, ONE), pop(5, 6, ONE))
    assert "nobody has pushed" in blame(pop(3, 4, ONE))
    assert "before it was added" in blame(pop(1, 2, ONE), push(3, 4, ONE))
    assert "lost" in blame(added)
    assert blame(added, pop(3, UNKNOWN)) == ""


def test_nobody_leaves_empty_handed_and_who_waited_longer_is_served_first():
    assert "all the time" in blame(push(1, 2, ONE), pop(3, 4), left=(ONE,))
    first = pop(1, 50, THREE, parked=5, times_out=90)
    second = pop(10, 50, ONE, parked=15, times_out=90)
    assert "waited when" in blame(push(20, 21, ONE), push(30, 31, THREE), first, second)
    together = push(20, 21, ONE, THREE)  # whoever is served first gets the least
    assert blame(together, first, second) == ""
    timed_out = pop(1, 95, parked=5, times_out=90)
    assert "waited when" in blame(push(20, 30, ONE), timed_out, second)
