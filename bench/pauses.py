"""The writers' process as the scenarios use it: what they wrote, and which writes were slow."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.processes import die_with_parent

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class SlowWrite:
    """A write that took long, or was sent again; times in seconds of the monotonic clock."""

    tag: str
    began: float
    ended: float
    retries: int
    error: str | None

    @property
    def seconds(self) -> float:
        """How long its client waited."""
        return self.ended - self.began


class Writers:
    """One process of clients under way; `writing` makes them."""

    def __init__(self, ports: list[int], tags: list[str]) -> None:
        self.slow: list[SlowWrite] = []
        self.written = 0
        words = [",".join(map(str, ports)), ",".join(tags)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.writers", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            preexec_fn=die_with_parent,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if isinstance(told, int):
                self.written = told
            else:
                self.slow.append(SlowWrite(*told))

    def wait_running(self) -> None:
        """Wait until they write."""
        deadline = time.monotonic() + 30
        while not self.written:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the writers do not write")
            time.sleep(0.05)

    def stop(self) -> None:
        """End them, their last writes done."""
        self._process.terminate()
        self._process.wait()
        self._thread.join()

    def longest(self, first: float, last: float, tags: set[str]) -> SlowWrite | None:
        """Return the longest write of these tags that was under way between two moments."""
        found = [
            write for write in self.slow
            if write.tag in tags and write.began < last and write.ended > first
        ]  # fmt: skip
        return max(found, key=lambda write: write.seconds, default=None)

    def longest_ms(self, first: float, last: float, tags: set[str]) -> float:
        """Return its milliseconds; 0 when none was slow."""
        write = self.longest(first, last, tags)
        return 0.0 if write is None else write.seconds * 1e3

    def longest_ended_ms(self, first: float, last: float) -> float:
        """Return the milliseconds of the longest write that ended between two moments."""
        ended = [write.seconds * 1e3 for write in self.slow if first < write.ended < last]
        return max(ended, default=0.0)


@contextlib.contextmanager
def writing(ports: list[int], tags: list[str]) -> Iterator[Writers]:
    """Let clients write until the end of the block."""
    writers = Writers(ports, tags)
    try:
        writers.wait_running()
        yield writers
    finally:
        writers.stop()
