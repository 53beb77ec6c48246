"""A process's wall clock, which a test sets wrong through a file beside the data directory."""

import mmap
import struct
import time
from pathlib import Path

_OFFSET_MS = struct.Struct("<q")


def set_clock(directory: Path, offset_ms: int) -> None:
    """Let the clock of the server of this directory differ from the right time from now on."""
    with _offset_path(directory).open("r+b") as file:
        file.write(_OFFSET_MS.pack(offset_ms))


def wear_clock(directory: Path) -> None:
    """Let this process read its clock as `set_clock` says; the monotonic one goes on alike."""
    path = _offset_path(directory)
    if not path.exists():
        path.write_bytes(bytes(_OFFSET_MS.size))
    with path.open("rb") as file:
        offset = mmap.mmap(file.fileno(), _OFFSET_MS.size, access=mmap.ACCESS_READ)
    right_ns = time.time_ns

    def time_ns() -> int:
        return right_ns() + _OFFSET_MS.unpack(offset)[0] * 1_000_000

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


def _offset_path(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.clock")
