"""Linearizability of one key's history (Wing and Gong 1993; Lowe 2017, with memoised states)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

UNKNOWN = 1 << 62  # completion time of an operation that may have happened, at any time or never
STATES_MAX = 1_000_000
READS = ("get", "exists")  # they change nothing, wherever they fit
ANONYMOUS = b"?"

# A key's value (None: absent), or (value, earliest, latest) of one that expires: it is gone for
# nobody before the earliest time and for everybody after the latest; once gone it stays gone.
Expiring = tuple[bytes, int, int]
State = bytes | None | Expiring


@dataclass(slots=True)
class Operation:
    """One call of a client; failed ones (certainly without effect) do not enter a history."""

    name: str
    argument: Any
    invoked: int
    completed: int = UNKNOWN
    result: Any = None

    @property
    def known(self) -> bool:
        """Whether the client saw a result."""
        return self.completed != UNKNOWN


def step(state: State, operation: Operation) -> list[State]:
    """Return the states an operation may lead to; none when its result does not fit."""
    if not isinstance(state, tuple):
        return _step_from(state, state, operation)
    after: list[State] = []
    if operation.invoked <= state[2]:
        after += _step_from(state, state[0], operation)
    if operation.completed >= state[1]:
        after += _step_from(None, None, operation)
    return after


def _step_from(state: State, value: bytes | None, operation: Operation) -> list[State]:
    name, argument, result = operation.name, operation.argument, operation.result
    known = operation.known
    if name in ("set", "set expiring"):
        return [argument]
    if name == "get":
        return [state] if result == value else []
    if name == "exists":
        return [state] if bool(result) == (value is not None) else []
    if name == "delete":
        return [None] if not known or bool(result) == (value is not None) else []
    if name == "incr":  # `argument` times, all at once
        number = int(value or 0)
        results = [number + count for count in range(1, argument + 1)]
        return [b"%d" % results[-1]] if not known or result == results else []
    if name == "swap":  # a transaction that a watched key did not stop
        before, after = argument
        return [after] if value == before else []
    raise ValueError(name)


def explain(
    history: list[Operation],
    initial: State = None,
    step: Callable[[State, Operation], list[State]] = step,
) -> str | None:
    """Return None for a linearizable history, else the operations around the point it breaks."""
    operations = _with_anonymous_values(sorted(history, key=lambda operation: operation.invoked))
    twins = _earlier_twins(operations)
    needed = sum(1 << number for number, operation in enumerate(operations) if operation.known)
    stack: list[tuple[int, State]] = [(0, initial)]
    seen = {(0, initial)}
    best = 0
    while stack:
        done, state = stack.pop()
        if done & needed == needed:
            return None
        if (done & needed).bit_count() > (best & needed).bit_count():
            best = done
        following: list[tuple[int, State]] = []
        for number in _candidates(operations, twins, done):
            afterwards = step(state, operations[number])
            if operations[number].name in READS and afterwards == [state]:
                following = [(done | 1 << number, state)]  # no later place can suit it better
                break
            following += [(done | 1 << number, after) for after in afterwards]
        for reached in following:
            if reached not in seen:
                seen.add(reached)
                stack.append(reached)
        if len(seen) > STATES_MAX:
            return f"not decided after {STATES_MAX} states: {_around(operations, best)}"
    return _around(operations, best)


def _candidates(operations: list[Operation], twins: list[int], done: int) -> list[int]:
    """Return what may come next: whatever was invoked before the first missing result.

    The last of them is tried first: the earliest completion, and unknown outcomes at the very end.
    """
    earliest_end = UNKNOWN + 1
    number = (~done & (done + 1)).bit_length() - 1  # the first that is not done
    found: list[int] = []
    while number < len(operations):
        operation = operations[number]
        if operation.invoked > earliest_end:
            break
        if not done >> number & 1:
            twin = twins[number]
            if twin < 0 or done >> twin & 1:
                found.append(number)
            earliest_end = min(earliest_end, operation.completed)
        number += 1
    found.sort(key=lambda candidate: -operations[candidate].completed)
    return found


def _with_anonymous_values(operations: list[Operation]) -> list[Operation]:
    """Give unknown writes whose value nobody ever saw one common value: they are all alike."""
    if any(operation.name == "incr" for operation in operations):
        return operations  # its result tells of the value as well
    observed = {op.result for op in operations if op.name == "get"}
    observed |= {op.argument[0] for op in operations if op.name == "swap"}
    found: list[Operation] = []
    for operation in operations:
        name, argument = operation.name, operation.argument
        if not operation.known:
            if name == "set" and argument not in observed:
                argument = ANONYMOUS
            elif name == "set expiring" and argument[0] not in observed:
                argument = (ANONYMOUS, *argument[1:])
            elif name == "swap" and argument[1] not in observed:
                argument = (argument[0], ANONYMOUS)
        found.append(
            Operation(name, argument, operation.invoked, operation.completed, operation.result)
        )
    return found


def _earlier_twins(operations: list[Operation]) -> list[int]:
    """Return for each unknown operation the one before it that does the same, else -1.

    Of two that do the same, it never matters which took effect, so the earlier one goes first;
    without this, n lost replies would mean 2**n histories.
    """
    last: dict[tuple[str, object], int] = {}
    twins: list[int] = []
    for number, operation in enumerate(operations):
        twin = -1
        if not operation.known:
            what = (operation.name, operation.argument)
            twin = last.get(what, -1)
            last[what] = number
        twins.append(twin)
    return twins


def _around(operations: list[Operation], best: int) -> str:
    missing = [op for number, op in enumerate(operations) if op.known and not best >> number & 1]
    before = [op for number, op in enumerate(operations) if best >> number & 1][-6:]
    return f"after {before} nothing explains {missing[:4]}"
