"""The checker of lists: what it must blame, and what it must not."""

from tests.simulation.observed import UNKNOWN
from tests.simulation.queue_checker import QueueCall, Step, problem

IN, OUT = b"in", b"out"


def push(elements: bytes, invoked: int, completed: int = UNKNOWN) -> QueueCall:
    """RPUSH of elements of one letter each."""
    each = [elements[at : at + 1] for at in range(len(elements))]
    return QueueCall(invoked, completed, False, steps=[Step([], pushed=each, into=IN)])


def pop(
    element: bytes,
    invoked: int,
    completed: int = UNKNOWN,
    *,
    into: bytes = b"",
    source: bytes = IN,
    parked: int = 0,
    times_out: int = 0,
) -> QueueCall:
    """BLPOP, or BLMOVE; nothing for an unknown one, or one that timed out."""
    step = Step([], sources=[source], into=into, taken=[(source, element)] if element else [])
    return QueueCall(invoked, completed, False, steps=[step], parked=parked, times_out=times_out)


def blame(*calls: QueueCall, left: bytes = b"", moved: bytes = b"") -> str:
    """Return what is wrong; `left` and `moved` are what the lists hold at the end."""
    lists = {IN: left, OUT: moved}
    return problem(
        list(calls),
        {key: [held[at : at + 1] for at in range(len(held))] for key, held in lists.items()},
    )


def test_an_ordinary_history_is_not_blamed():
    assert blame(push(b"ab", 1, 2), pop(b"a", 3, 4), push(b"c", 5, 6), left=b"bc") == ""


def test_an_element_is_delivered_once():
    assert "delivered to" in blame(push(b"a", 1, 2), pop(b"a", 3, 4), pop(b"a", 5, 6))
    assert "still there" in blame(push(b"a", 1, 2), pop(b"a", 3, 4), left=b"a")
    assert "still there" in blame(push(b"a", 1, 2), left=b"aa")


def test_nothing_comes_from_nowhere():
    assert "nobody has pushed" in blame(pop(b"a", 1, 2))
    assert "before it was pushed" in blame(pop(b"a", 1, 2), push(b"a", 3, 4))
    refused = push(b"a", 1, 2)
    refused.refused = True
    assert "nobody has pushed" in blame(refused, left=b"a")


def test_a_push_of_unknown_outcome_may_have_happened():
    assert blame(push(b"a", 1), pop(b"a", 3, 4)) == ""
    assert blame(push(b"a", 1)) == ""


def test_an_acknowledged_element_is_lost_only_to_a_pop_of_unknown_outcome():
    assert "lost" in blame(push(b"a", 1, 2))
    assert blame(push(b"a", 1, 2), pop(b"", 3)) == ""
    assert "lost" in blame(push(b"ab", 1, 2), pop(b"", 3))


def test_elements_leave_in_the_order_they_came():
    assert "overtakes" in blame(push(b"ab", 1, 2), pop(b"b", 3, 4), pop(b"a", 5, 6))
    assert "overtakes" in blame(push(b"ab", 1, 2), pop(b"b", 3, 4), left=b"a")
    assert "overtakes" in blame(push(b"ab", 1, 2), left=b"ba")
    assert blame(push(b"a", 1, 5), push(b"b", 1, 5), pop(b"b", 6, 7), left=b"a") == ""
    assert blame(push(b"ab", 1, 2), pop(b"b", 3, 8), pop(b"a", 5, 6)) == ""


def test_one_connection_sends_in_order():
    first, second = push(b"a", 1, 5), push(b"b", 1, 5)
    first.connection = second.connection = object()
    second.number = 1
    assert "overtakes" in blame(first, second, left=b"ba")


def test_what_is_moved_was_there():
    assert blame(push(b"a", 1, 2), pop(b"a", 3, 4, into=OUT), pop(b"a", 5, 6, source=OUT)) == ""
    assert "lost" in blame(push(b"a", 1, 2), pop(b"a", 3, 4, into=OUT))
    assert blame(push(b"a", 1, 2), pop(b"", 3, into=OUT), moved=b"a") == ""
    assert "nobody has pushed" in blame(push(b"a", 1, 2), pop(b"", 3), moved=b"a")


def test_nobody_leaves_empty_handed_while_there_is_something():
    assert "all the time" in blame(push(b"a", 1, 2), pop(b"", 3, 4), left=b"a")
    assert "all the time" in blame(
        push(b"a", 1, 2), push(b"b", 1, 2), pop(b"", 3, 9), pop(b"a", 5, 8), left=b"b"
    )
    assert blame(push(b"a", 1, 4), pop(b"", 3, 5), left=b"a") == ""


def test_who_is_parked_is_given_what_comes():
    waiting = pop(b"", 1, 50, parked=5, times_out=40)
    assert "not given to" in blame(waiting, push(b"a", 10, 20), left=b"a")
    late = pop(b"", 1, 50, parked=5, times_out=18)
    assert blame(late, push(b"a", 10, 20), left=b"a") == ""


def test_who_waited_longer_is_served_first():
    first = pop(b"b", 1, 50, parked=5, times_out=90)
    second = pop(b"a", 10, 50, parked=15, times_out=90)
    assert "waited when" in blame(push(b"ab", 20, 30), first, second)
    timed_out = pop(b"", 1, 95, parked=5, times_out=90)
    assert "waited when" in blame(push(b"a", 20, 30), timed_out, second)
    at_once = pop(b"a", 4, 50)
    assert blame(push(b"ab", 20, 30), first, at_once) == ""
