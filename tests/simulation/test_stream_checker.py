"""The checker of streams: what it must blame, and what it must not."""

from tests.simulation.observed import UNKNOWN, Observed
from tests.simulation.stream_calls import (
    Acknowledgement,
    Add,
    Claim,
    Delivery,
    Entry,
    EntryId,
    OwnEntries,
    Read,
    Stream,
)
from tests.simulation.stream_checker import problem


def id_of(number: int) -> EntryId:
    """Return the id of the entry with token `number`."""
    return (number, 0)


def entries_of(numbers: tuple[int, ...]) -> list[Entry]:
    """Return entries whose tokens are their ids."""
    return [Entry(id_of(number), b"%d" % number) for number in numbers]


def add(number: int, invoked: int, completed: int = UNKNOWN) -> Add:
    """XADD that got the id which is its token."""
    ids = [id_of(number)] if completed != UNKNOWN else []
    return Add(invoked, completed, False, tokens=[b"%d" % number], ids=ids)


def delivery(consumer: bytes, invoked: int, completed: int, *numbers: int) -> Delivery:
    """XREADGROUP that was given these."""
    return Delivery(invoked, completed, False, consumer=consumer, entries=entries_of(numbers))


def acknowledged(number: int, invoked: int, done: bool = True) -> Acknowledgement:
    """XACK."""
    return Acknowledgement(invoked, invoked + 1, False, ids=[id_of(number)], done=[done])


def claim(consumer: bytes, invoked: int, *numbers: int, asked: tuple[int, ...] = ()) -> Claim:
    """XCLAIM of what was `asked` for, or XAUTOCLAIM of everything; it took these."""
    ids = [id_of(number) for number in asked]
    took = entries_of(numbers)
    return Claim(invoked, invoked + 1, False, consumer=consumer, ids=ids, entries=took)


def blame(
    *calls: Observed,
    there: tuple[int, ...],
    last: int = 0,
    pending: dict[int, bytes] | None = None,
) -> str:
    """Return what is wrong; the rest is the state at the end."""
    owners = {id_of(number): owner for number, owner in (pending or {}).items()}
    return problem(list(calls), Stream(entries_of(there), (last, 0), owners))


def test_ids_never_go_back():
    assert blame(add(1, 1, 2), add(2, 3, 4), there=(1, 2)) == ""
    assert "go back" in blame(add(2, 1, 2), add(1, 3, 4), there=(1, 2))
    assert blame(add(2, 1, 3), add(1, 2, 4), there=(1, 2)) == ""


def test_what_was_acknowledged_stays():
    assert "not there" in blame(add(1, 1, 2), there=())
    assert blame(add(1, 1), there=()) == ""
    assert blame(add(1, 1), there=(1,)) == ""
    assert "from nowhere" in blame(there=(1,))


def test_a_read_sees_all_there_was():
    added = add(1, 1, 2), add(2, 3, 4)
    everything = Read(5, 6, False, entries=entries_of((1, 2)))
    assert blame(*added, everything, there=(1, 2)) == ""
    old = Read(5, 6, False, entries=entries_of((1,)))
    assert "missed the last" in blame(*added, old, there=(1, 2))
    limited = Read(5, 6, False, limit=1, entries=entries_of((1,)))
    assert blame(*added, limited, there=(1, 2)) == ""
    gap = Read(5, 6, False, entries=entries_of((2,)))
    assert "missed the first" in blame(*added, gap, there=(1, 2))
    further = Read(5, 6, False, after=id_of(1), entries=entries_of((2,)))
    assert blame(*added, further, there=(1, 2)) == ""


def test_a_read_of_what_comes_sees_nothing_that_was_there():
    fresh = Read(3, 6, False, after=None, entries=entries_of((2,)))
    assert blame(add(1, 1, 2), add(2, 4, 5), fresh, there=(1, 2)) == ""
    stale = Read(3, 6, False, after=None, entries=entries_of((1,)))
    assert "there already" in blame(add(1, 1, 2), stale, there=(1,))


def test_an_entry_is_given_to_one_consumer():
    added = add(1, 1, 2)
    first, second = delivery(b"a", 3, 4, 1), delivery(b"b", 5, 6, 1)
    assert "was given to" in blame(added, first, second, there=(1,), last=1, pending={1: b"a"})


def test_older_entries_are_given_first_and_none_is_left_out():
    added = add(1, 1, 2), add(2, 3, 4)
    both = {1: b"a", 2: b"a"}
    newer, older = delivery(b"a", 5, 6, 2), delivery(b"a", 7, 8, 1)
    assert "older entries" in blame(*added, newer, older, there=(1, 2), last=2, pending=both)
    assert "belonged" in blame(*added, newer, there=(1, 2), last=2, pending={2: b"a"})
    assert blame(*added, there=(1, 2)) == ""


def test_what_is_given_is_pending_until_acknowledged():
    added, given = add(1, 1, 2), delivery(b"a", 3, 4, 1)
    assert blame(added, given, there=(1,), last=1, pending={1: b"a"}) == ""
    assert blame(added, given, acknowledged(1, 5), there=(1,), last=1) == ""
    # Without its owner's name it is missing from the group altogether.
    assert "belonged" in blame(added, given, there=(1,), last=1)
    assert "belonged" in blame(added, given, there=(1,), last=1, pending={1: b"b"})
    twice = acknowledged(1, 5), acknowledged(1, 7)
    assert "belonged" in blame(added, given, *twice, there=(1,), last=1)
    again = acknowledged(1, 5), acknowledged(1, 7, done=False)
    assert blame(added, given, *again, there=(1,), last=1) == ""
    kept = blame(added, given, acknowledged(1, 5), there=(1,), last=1, pending={1: b"a"})
    assert "belonged" in kept


def test_a_claimed_entry_belongs_to_one_consumer():
    before = add(1, 1, 2), delivery(b"a", 3, 4, 1)
    assert blame(*before, claim(b"b", 5, 1), there=(1,), last=1, pending={1: b"b"}) == ""
    assert "belonged" in blame(*before, claim(b"b", 5, 1), there=(1,), last=1, pending={1: b"a"})
    still = OwnEntries(7, 8, False, consumer=b"a", entries=entries_of((1,)))
    stolen = *before, claim(b"b", 5, 1)
    assert "belonged" in blame(*stolen, still, there=(1,), last=1, pending={1: b"b"})
    back = *stolen, claim(b"a", 6, 1), still
    assert blame(*back, there=(1,), last=1, pending={1: b"a"}) == ""


def test_what_is_pending_long_enough_is_claimed_and_nothing_else():
    before = add(1, 1, 2), delivery(b"a", 3, 4, 1)
    missed = claim(b"b", 5, asked=(1,))
    assert "belonged" in blame(*before, missed, there=(1,), last=1, pending={1: b"a"})
    missed.surely = False
    assert blame(*before, missed, there=(1,), last=1, pending={1: b"a"}) == ""
    not_asked = claim(b"b", 5, asked=(2,))
    assert blame(*before, not_asked, there=(1,), last=1, pending={1: b"a"}) == ""
    further = claim(b"b", 5)
    further.cursor = id_of(1)
    assert blame(*before, further, there=(1,), last=1, pending={1: b"a"}) == ""
    new, acknowledged_one = claim(b"b", 3, 1), claim(b"b", 7, 1)
    assert "belonged" in blame(before[0], new, there=(1,), pending={1: b"b"})
    done = *before, acknowledged(1, 5), acknowledged_one
    assert "belonged" in blame(*done, there=(1,), last=1, pending={1: b"b"})


def test_a_claim_of_unknown_outcome_may_have_happened():
    before = add(1, 1, 2), delivery(b"a", 3, 4, 1)
    unknown = Claim(5, refused=False, consumer=b"b")
    assert blame(*before, unknown, there=(1,), last=1, pending={1: b"a"}) == ""
    assert blame(*before, unknown, there=(1,), last=1, pending={1: b"b"}) == ""
    assert "belonged" in blame(*before, unknown, there=(1,), last=1, pending={1: b"c"})


def test_a_delivery_of_unknown_outcome_leaves_its_consumer_entries():
    added, unknown = add(1, 1, 2), Delivery(3, refused=False, consumer=b"a")
    assert blame(added, unknown, there=(1,), last=1, pending={1: b"a"}) == ""
    assert "belonged" in blame(added, unknown, there=(1,), last=1, pending={1: b"b"})


def test_who_waited_longer_is_given_the_older_entries():
    added = add(1, 20, 21), add(2, 30, 31)
    pending = {1: b"b", 2: b"a"}
    first, second = delivery(b"a", 1, 40, 2), delivery(b"b", 10, 39, 1)
    first.parked, first.times_out = 5, 90
    assert "waited when" in blame(*added, first, second, there=(1, 2), last=2, pending=pending)
    nothing = delivery(b"c", 1, 95)
    nothing.parked, nothing.times_out = 5, 90
    second.completed = 25
    assert "waited when" in blame(added[0], nothing, second, there=(1,), last=1, pending={1: b"b"})
