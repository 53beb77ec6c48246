"""What scripts do to the keys of one slot, as values: users' histories have to fit this.

A step is (name, argument, whether a script does it); an operation takes some, at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.checker import ANONYMOUS, Operation

State = Any  # of one slot's keys; None: they are not there
Step = tuple[str, Any, bool]

COUNT_MAX = 20  # beyond, the script of a counter refuses
MANY_CALLS = 6  # of redis.call, by one script

# What becomes of a script that the node does not know, or that gets no memory: it does nothing.
WITHOUT_EFFECT = (b"NOSCRIPT", b"OOM")


@dataclass(frozen=True, slots=True)
class Failure:
    """An error reply; where one is expected, what it begins with."""

    text: bytes


def _acquire(holder: State, token: bytes) -> tuple[State, Any]:
    return (token, b"OK") if holder is None else (holder, None)


def _release(holder: State, token: bytes) -> tuple[State, Any]:
    return (None, 1) if holder == token else (holder, 0)


def _read(state: State, _: None) -> tuple[State, Any]:
    return state, state


def _count_up(count: State, amount: int) -> tuple[State, Any]:
    total = (count or 0) + amount
    return (total, total) if total <= COUNT_MAX else (count, -1)


def _count_many(count: State, _: None) -> tuple[State, Any]:
    total = (count or 0) + MANY_CALLS
    return total, total


def _increment(count: State, _: None) -> tuple[State, Any]:
    return (count or 0) + 1, (count or 0) + 1


def _run_away(count: State, _: None) -> tuple[State, Any]:
    return (count or 0) + 1, Failure(b"ERR Script stopped after")


def _forget(count: State, _: None) -> tuple[State, Any]:
    return None, int(count is not None)


def _read_count(count: State, _: None) -> tuple[State, Any]:
    return count, None if count is None else b"%d" % count


def _deposit(accounts: State, amount: int) -> tuple[State, Any]:
    one, other = accounts or (0, 0)
    return (one + amount, other), one + amount


def _move(accounts: State, amount: int) -> tuple[State, Any]:
    one, other = accounts or (0, 0)
    moved = min(amount, one)
    return (one - moved, other + moved), [one - moved, other + moved]


def _read_accounts(accounts: State, _: None) -> tuple[State, Any]:
    return accounts, list(accounts or (0, 0))


def _write(_: State, value: bytes) -> tuple[State, Any]:
    return value, value


def _write_and_fail(_: State, value: bytes) -> tuple[State, Any]:
    return value, Failure(b"WRONGTYPE")


def _push(elements: State, element: bytes) -> tuple[State, Any]:
    elements = (*(elements or ()), element)
    return elements, len(elements)


def _take(elements: State, _: None) -> tuple[State, Any]:
    return (elements[1:], elements[0]) if elements else ((), None)


def _read_elements(elements: State, _: None) -> tuple[State, Any]:
    return elements, list(elements or ())


EFFECTS: dict[str, Callable[[State, Any], tuple[State, Any]]] = {
    "acquire": _acquire,
    "release": _release,
    "read": _read,
    "count up": _count_up,
    "count many": _count_many,
    "increment": _increment,
    "run away": _run_away,
    "forget": _forget,
    "read count": _read_count,
    "deposit": _deposit,
    "move": _move,
    "read accounts": _read_accounts,
    "write": _write,
    "write and fail": _write_and_fail,
    "push": _push,
    "take": _take,
    "read elements": _read_elements,
}


def with_anonymous_tokens(history: list[Operation]) -> list[Operation]:
    """Give what unknown operations write, and nobody ever saw, one common token: it is all alike."""
    seen: set[bytes] = set()
    for operation in history:
        for reply in operation.result or ():
            seen.update(reply if isinstance(reply, list) else [reply])
    return [one if one.known else _anonymous(one, seen) for one in history]


def _anonymous(operation: Operation, seen: set[bytes]) -> Operation:
    steps = tuple(
        (name, argument if argument in seen or argument is None else ANONYMOUS, by_script)
        for name, argument, by_script in operation.argument
    )
    return Operation(operation.name, steps, operation.invoked)


def step(state: State, operation: Operation) -> list[State]:
    """Return the states an operation may lead to; none when its replies do not fit."""
    steps: tuple[Step, ...] = operation.argument
    if not operation.known:
        return _states_after(state, steps)
    if len(operation.result) != len(steps):
        return []
    for (name, argument, _), seen in zip(steps, operation.result, strict=True):
        if isinstance(seen, Failure) and seen.text.startswith(WITHOUT_EFFECT):
            continue
        state, expected = EFFECTS[name](state, argument)
        if isinstance(expected, Failure):
            if not (isinstance(seen, Failure) and seen.text.startswith(expected.text)):
                return []
        elif seen != expected:
            return []
    return [state]


def _states_after(state: State, steps: tuple[Step, ...]) -> list[State]:
    """Return what steps of unknown outcome may lead to: each script may have had no effect."""
    states = [state]
    for name, argument, by_script in steps:
        after = [EFFECTS[name](before, argument)[0] for before in states]
        states = [*dict.fromkeys([*states, *after])] if by_script else after
    return states
