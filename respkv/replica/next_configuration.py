"""The steps by which a partition's leader replaces a member: one at a time, each safe by itself."""

from collections.abc import Callable

from respkv.consensus.configuration import Configuration


def next_configuration(
    now: Configuration, successor: Callable[[int], int], has_caught_up: Callable[[int], bool]
) -> Configuration | None:
    """Return the next step towards a configuration without replaced members; None: nothing to do.

    The old voter leaves before the newcomer votes: see consensus/DESIGN.md.
    """
    learners = [successor(learner) for learner in now.learners]
    for voter in now.voters:
        new = successor(voter)
        if new == voter:
            continue
        if new not in now.learners:
            return Configuration(now.voters, learners if new in learners else [*learners, new])
        if has_caught_up(new):
            return Configuration([other for other in now.voters if other != voter], learners)
    if learners != now.learners:
        return Configuration(now.voters, learners)
    placed = [successor(voter) for voter in now.voters]
    for learner in learners:
        if learner not in placed and has_caught_up(learner):
            rest = [other for other in learners if other != learner]
            return Configuration([*now.voters, learner], rest)
    return None
