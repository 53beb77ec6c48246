"""How tests wait for what other processes do: never for ever, and never for a time that may pass."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 60.0  # far more than anything takes, on a busy machine as well
_PAUSE_SECONDS: Final = 0.005  # the processes that are waited for need the cores more


def wait_until(condition: Callable[[], object], explain: Callable[[], str] | None = None) -> None:
    """Return once the condition holds.

    Raises:
        AssertionError: it does not in `PATIENCE_SECONDS`; with what `explain` says then.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(_complaint(explain))
        time.sleep(_PAUSE_SECONDS)


async def until(condition: Callable[[], object], explain: Callable[[], str] | None = None) -> None:
    """Do the same beside other tasks; a condition that blocks the loop holds them up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(_complaint(explain))
        await asyncio.sleep(_PAUSE_SECONDS)


def _complaint(explain: Callable[[], str] | None) -> str:
    return f"not in {PATIENCE_SECONDS} s" + (f":\n{explain()}" if explain else "")
