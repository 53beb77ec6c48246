"""From any configuration, whoever catches up when: small steps that end without replaced members."""

from hypothesis import given
from hypothesis import strategies as st

from respkv.consensus.configuration import Configuration
from respkv.replica.next_configuration import next_configuration


def steps(
    voters: list[int], learners: list[int], successors: dict[int, int], ready: bool = True
) -> list[tuple[list[int], list[int]]]:
    """Take steps until there is nothing to do."""
    taken = []
    now = Configuration(voters, learners)

    def successor(number: int) -> int:
        while number in successors:
            number = successors[number]
        return number

    while True:
        following = next_configuration(now, successor, lambda _: ready)
        if following is None:
            return taken
        assert now.may_become(following)
        now = following
        taken.append((now.voters, now.learners))
        assert len(taken) < 20


def test_the_newcomer_learns_then_the_old_one_leaves_then_the_newcomer_votes() -> None:
    assert steps([1, 2, 3], [], {3: 9}) == [
        ([1, 2, 3], [9]),
        ([1, 2], [9]),
        ([1, 2, 9], []),
    ]


def test_nothing_goes_on_before_the_newcomer_has_caught_up() -> None:
    assert steps([1, 2, 3], [], {3: 9}, ready=False) == [([1, 2, 3], [9])]
    assert steps([1, 2], [9], {3: 9}, ready=False) == []


def test_who_is_replaced_while_it_learns_makes_room_for_its_own_successor() -> None:
    assert steps([1, 2], [9], {3: 9, 9: 10}) == [([1, 2], [10]), ([1, 2, 10], [])]
    assert steps([1, 2, 3], [9], {3: 9, 9: 10})[0] == ([1, 2, 3], [10])


def test_without_replaced_members_nothing_changes() -> None:
    assert steps([1, 2, 3], [], {7: 9}) == []


@given(st.sets(st.integers(1, 7), min_size=3, max_size=5), st.data())
def test_every_voter_ends_as_its_successor(voters: set[int], data: st.DataObject) -> None:
    lost = data.draw(st.sets(st.sampled_from(sorted(voters)), max_size=len(voters) - 1))
    successors = {number: number + 100 for number in lost}
    twice = data.draw(st.sets(st.sampled_from(sorted(lost)))) if lost else set()
    successors |= {number + 100: number + 200 for number in twice}
    taken = steps(sorted(voters), [], successors)
    if taken:
        final, learners = taken[-1]
        assert learners == []
        assert sorted(final) == sorted(
            number + 200 if number in twice else number + 100 if number in lost else number
            for number in voters
        )
    assert bool(taken) == bool(lost)
