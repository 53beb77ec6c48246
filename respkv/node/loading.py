"""How far a starting node has got: for INFO, for the log, and as a bar on a terminal."""

import logging
import os
import sys
import time
from typing import Final

from respkv.log.segment import segment_number
from respkv.log.snapshot import SNAPSHOT_PREFIX

logger = logging.getLogger("respkv")

_BAR_CELLS: Final = 40


class LoadingProgress:
    """Bytes of the directory dealt with: segments read and applied, the snapshot loaded."""

    def __init__(self, directory: str) -> None:
        self.started = time.time()
        self.log_bytes = 0
        self.loaded_bytes = 0
        snapshot_bytes = 0
        for entry in os.scandir(directory):
            if segment_number(entry.name):
                self.log_bytes += entry.stat().st_size
            elif entry.name.startswith(SNAPSHOT_PREFIX) and not entry.name.endswith(".new"):
                snapshot_bytes += entry.stat().st_size
        self.total_bytes = 2 * self.log_bytes + snapshot_bytes
        self._read_bytes = 0
        self._shown = -1
        self._on_terminal = sys.stderr.isatty()

    def percent(self) -> float:
        """Return how much is done, 0 to 100."""
        return min(100.0, 100 * self.loaded_bytes / self.total_bytes) if self.total_bytes else 100.0

    def eta_seconds(self) -> int:
        """Return an estimate of the time left, as Redis makes it."""
        elapsed = time.time() - self.started
        percent = self.percent()
        return int(elapsed * (100 - percent) / percent) if percent else 1

    def read(self, size: int) -> None:
        """Count bytes of files."""
        self._read_bytes += size
        self.loaded_bytes = self._read_bytes

    def applied(self, done: int, total: int) -> None:
        """Count entries of the log's tail."""
        self.loaded_bytes = self._read_bytes + self.log_bytes * done // max(1, total)

    def show(self) -> None:
        """Redraw the bar, or log another ten percent; an empty directory is not worth a line."""
        if not self.total_bytes:
            return
        percent = int(self.percent())
        if self._on_terminal:
            if percent != self._shown:
                cells = "#" * (percent * _BAR_CELLS // 100)
                sys.stderr.write(f"\rloading [{cells:.<{_BAR_CELLS}}] {percent:3} %")
                sys.stderr.flush()
        elif percent // 10 == self._shown // 10:
            return
        else:
            fields = {"event": "loading", "percent": percent, "bytes": self.total_bytes}
            text = "loading: %d %% of %d bytes"
            logger.info(text, percent, self.total_bytes, extra={"fields": fields})
        self._shown = percent

    def done(self) -> None:
        """Leave the terminal's line to what comes next."""
        if self._on_terminal and self._shown >= 0:
            sys.stderr.write("\r" + " " * (_BAR_CELLS + 20) + "\r")
            sys.stderr.flush()
