"""The longest piece that each long command is cut into, in CPU time of this process.

python -m bench.micro.steps [elements] [part of a command's name]

What bench/micro/stalls.py asks of a server, but no other process on the machine changes the figures:
the handler itself, the longest of the steps in which its reply is made and encoded, the dropping of
what is left behind the last one, and the longest slice in which what a write has dropped is freed.
"""

import gc
import sys
import time
from itertools import pairwise

from bench.micro.stalls import bombs, fillings
from respkv.commands.table import resolve
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.node.server import FREE_ITEMS_PER_TURN
from respkv.wire.long_reply import LongReply, encode_or_begin

Argv = list[bytes]


def fill(size: int, argv: Argv) -> Keyspace:
    """Return a keyspace with what a command is for."""
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1)
    keyspace.applying = True
    for filling in fillings(size, argv):
        resolve(filling).handler(keyspace, filling)
    return keyspace


def next_part(reply: LongReply) -> bytes | None:
    """Take a step as a connection does."""
    try:
        return reply.next_part()
    except CommandError as error:
        reply.end_with(error.with_traceback(None))
        return b""


def measure(size: int, shown: bytes, argv: Argv) -> None:
    """Run one command."""
    keyspace = fill(size, argv)
    handler = resolve(argv).handler
    argv = argv.copy()  # bombs has it as well, so that its freeing is not seen here
    times = [time.thread_time()]
    reply = encode_or_begin(handler(keyspace, argv), 2)
    times.append(time.thread_time())
    while isinstance(reply, LongReply) and next_part(reply) is not None:
        times.append(time.thread_time())
    times.append(time.thread_time())
    del reply
    dropped = time.thread_time() - times[-1]
    freeing = [time.thread_time()]
    while keyspace.free_some(FREE_ITEMS_PER_TURN):
        freeing.append(time.thread_time())
    freeing.append(time.thread_time())
    steps = [later - earlier for earlier, later in pairwise(times)]
    slices = [later - earlier for earlier, later in pairwise(freeing)]
    longest = max(steps[1:])
    print(
        f"{shown.decode():40} {steps[0] * 1e3:8.1f} {longest * 1e3:8.1f} {dropped * 1e3:8.1f}"
        f" {max(slices) * 1e3:8.1f}  (step {steps.index(longest, 1)} of {len(steps) - 1})",
        flush=True,
    )


def main() -> None:
    """Print a line for each."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chosen = sys.argv[2].encode() if len(sys.argv) > 2 else b""
    gc.disable()
    print(f"{size} elements, ms of CPU: the handler, the longest step, what is left, freeing")
    for shown, argv in bombs(size):
        if chosen in shown and argv != [b"PING"]:
            measure(size, shown, argv)


if __name__ == "__main__":
    main()
