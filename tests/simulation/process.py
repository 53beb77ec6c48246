"""What a process keeps in modules of the product; here one process plays many."""

from collections.abc import Callable

from respkv.scripts import engine


class Process:
    """It has an engine for scripts of its own, once one is run."""

    def __init__(self) -> None:
        self._engine: engine.Engine | None = None

    def run(self, call: Callable[[], object]) -> None:
        """Call something in this process."""
        outer, engine._engine = engine._engine, self._engine
        try:
            call()
        finally:
            self._engine, engine._engine = engine._engine, outer
