"""Long work in steps: a generator whose owner decides what happens between them.

Each step yields how many bytes of input it has dealt with; the result is the generator's.
"""

from collections.abc import Generator
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
FREED_AT_ONCE: Final = 10_000
Steps = Generator[int, None, Result]


def free_some(held: list[list[Any]]) -> bool:
    """Drop some of what lists hold, less than a millisecond's; return whether any was left."""
    while held and not held[-1]:
        held.pop()
    if not held:
        return False
    items = held[-1]
    last = items[-1]
    size = 1 + len(last) if isinstance(last, (list, dict, set)) else 1
    del items[-max(FREED_AT_ONCE // size, 1) :]
    return True


def finish(steps: Steps[Result]) -> Result:
    """Run all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
