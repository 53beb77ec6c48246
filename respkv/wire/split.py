"""Whole commands from the front of a chunk, split at its line ends: the interpreted build's way.

One call does most of the work; reading byte by byte would cost 50 times that (see `scan.py`).
"""

from typing import Final

from respkv.wire.run import Argv, Run

SHORT_BYTES_MAX: Final = 1024  # of the arguments that splitting takes

_LENGTHS: Final = [b"$%d" % length for length in range(SHORT_BYTES_MAX + 1)]
_NO_NAME: Final = b"\r\n"  # no part of a chunk that was split there
_ARRAYS: Final = {b"*%d" % count: count for count in range(1, 65)}


def take_by_splitting(data: bytes, runs: list[Run]) -> int:
    """Take whole commands of short arguments from the front; return the bytes taken.

    A run is cut from `data` once, by its end: offsets of each command cost more than joining.
    """
    parts = data.split(b"\r\n")
    count = len(parts) - 1  # what follows the last CRLF is incomplete
    position = taken = run_position = stride = 0
    run: list[Argv] = []
    head = b""
    name = _NO_NAME
    while position < count:
        if parts[position] != head:
            head = parts[position]
            name = _NO_NAME
            stride = 2 * _ARRAYS.get(head, 0) + 1
        after = position + stride
        if stride == 1 or after > count:
            break
        argv = parts[position + 2 : after : 2]
        at = position + 1
        for argument in argv:
            length = len(argument)
            if length > SHORT_BYTES_MAX or parts[at] != _LENGTHS[length]:
                break
            at += 2
        if at != after:
            break
        if argv[0] != name:
            name = argv[0]
            if run:
                raw = b"\r\n".join(parts[run_position:position]) + b"\r\n"
                runs.append((run, raw))
                taken += len(raw)
                run = []
                run_position = position
        run.append(argv)
        position = after
    if run:
        raw = data
        if run_position or position < count or parts[count]:
            raw = b"\r\n".join(parts[run_position:position]) + b"\r\n"
        runs.append((run, raw))
        taken += len(raw)
    return taken
