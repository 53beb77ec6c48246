"""The longest piece that each long command is cut into, in CPU time of this process.

python -m bench.micro.steps [elements] [part of a command's name]

What bench/micro/stalls.py asks of a server, but no other process on the machine changes the figures:
the handler itself, and the longest of the steps in which its reply is made and encoded, of those in
which it is freed where its client leaves when half of it is done, and of those in which what a write
has dropped is freed.
"""

import gc
import sys
import time
from collections.abc import Callable

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
    """Run one command, and again until it is half done."""
    keyspace = fill(size, argv)
    handler = resolve(argv).handler
    begun = time.thread_time()
    reply = encode_or_begin(handler(keyspace, argv.copy()), 2)
    handled = time.thread_time() - begun
    steps = [0.0]
    given_up = [0.0]
    if isinstance(reply, LongReply):
        steps = durations(lambda: next_part(reply) is not None)
        half = encode_or_begin(handler(keyspace, argv.copy()), 2)
        assert isinstance(half, LongReply)
        for _ in range(len(steps) // 2):
            next_part(half)
        giving_up = half.giving_up()
        given_up = durations(lambda: next(giving_up, None) is not None)
    freed = durations(lambda: keyspace.free_some(FREE_ITEMS_PER_TURN))
    figures = [handled, max(steps), max(given_up), max(freed)]
    shown_figures = "".join([f"{figure * 1e3:9.1f}" for figure in figures])
    print(f"{shown.decode():40}{shown_figures}{len(steps):9}", flush=True)


def durations(step: Callable[[], bool]) -> list[float]:
    """Take steps while there are any; return how long each took."""
    found: list[float] = []
    goes_on = True
    while goes_on:
        begun = time.thread_time()
        goes_on = step()
        found.append(time.thread_time() - begun)
    return found


def main() -> None:
    """Print a line for each."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chosen = sys.argv[2].encode() if len(sys.argv) > 2 else b""
    gc.disable()
    print(f"{size} elements, ms of CPU")
    print(f"{'':40}  handler     step given up    freed    steps")
    for shown, argv in bombs(size):
        if chosen in shown and argv != [b"PING"]:
            measure(size, shown, argv)


if __name__ == "__main__":
    main()
