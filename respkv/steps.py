"""Long work in steps: a generator whose owner decides what happens between them.

Each step yields how many bytes of input it has dealt with; the result is the generator's.
"""

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")
Steps = Generator[int, None, Result]


def finish(steps: Steps[Result]) -> Result:
    """Run all steps at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
