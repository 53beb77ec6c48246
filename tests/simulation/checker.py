"""Linearizability of one key's history (Wing and Gong 1993; Lowe 2017, with memoised states)."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

UNKNOWN = 1 << 62  # completion time of an operation that may have happened, at any time or never

State = Hashable
# (state, operation) → the states it may lead to; empty when its result does not fit the state
Step = Callable[[Any, "Operation"], tuple[Any, ...]]


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


def register_step(state: Any, operation: Operation) -> tuple[Any, ...]:
    """A key that holds bytes or None: set, get, delete, incr, compare-and-set, expiring set.

    A value set to expire is ("ttl", value): from then on it may vanish, once and for all.
    """
    name, argument, result = operation.name, operation.argument, operation.result
    value = state[1] if isinstance(state, tuple) else state
    if name == "set":
        return (argument,)
    if name == "set ttl":
        return (("ttl", argument),)
    if name == "get":
        if result == value:
            return (state,)
        return (None,) if result is None and isinstance(state, tuple) else ()
    if name == "delete":
        if not operation.known:
            return (None,)
        if isinstance(state, tuple):
            return (None,)
        return (None,) if result == (value is not None) else ()
    if name == "incr":
        number = int(value or 0) + 1
        return (b"%d" % number,) if not operation.known or result == number else ()
    if name == "swap":  # a transaction that a watched key did not stop
        before, after = argument
        return (after,) if value == before else ()
    raise ValueError(name)


def explain(
    history: list[Operation], step: Step = register_step, initial: Any = None
) -> str | None:
    """Return None for a linearizable history, else the operations around the point it breaks."""
    operations = sorted(history, key=lambda operation: operation.invoked)
    needed = sum(1 << number for number, operation in enumerate(operations) if operation.known)
    stack: list[tuple[int, Any]] = [(0, initial)]
    seen = {(0, initial)}
    best = 0
    while stack:
        done, state = stack.pop()
        if done & needed == needed:
            return None
        if (done & needed).bit_count() > (best & needed).bit_count():
            best = done
        earliest_end = UNKNOWN + 1
        number = _first_missing(done)
        candidates: list[int] = []
        while number < len(operations):
            operation = operations[number]
            if operation.invoked > earliest_end:
                break
            if not done >> number & 1:
                candidates.append(number)
                earliest_end = min(earliest_end, operation.completed)
            number += 1
        for number in candidates:
            if operations[number].invoked > earliest_end:
                continue
            for after in step(state, operations[number]):
                key = (done | 1 << number, after)
                if key not in seen:
                    seen.add(key)
                    stack.append(key)
    missing = [op for number, op in enumerate(operations) if op.known and not best >> number & 1]
    around = [op for number, op in enumerate(operations) if best >> number & 1][-6:]
    return f"after {around} nothing explains {missing[:4]}"


def _first_missing(done: int) -> int:
    """Return the number of the lowest clear bit."""
    return (~done & (done + 1)).bit_length() - 1
