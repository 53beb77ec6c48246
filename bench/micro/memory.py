"""How near the estimate of memory comes to what the process grows by, per type.

python -m bench.micro.memory [KIND SIZE ELEMENTS]      tests/keyspace/test_memory_estimate.py runs some
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from respkv.commands.table import lookup
from respkv.keyspace.keyspace import Keyspace

SMALL, LARGE = 8, 100_000  # elements of a value
ELEMENTS = 400_000


def rss_bytes() -> int:
    """Return the memory this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def fresh(text: bytes) -> bytes:
    """Return an object of its own, as the parser makes it."""
    return bytes(bytearray(text))


Fill = Callable[[bytes, int], list[bytes]]

FILLS: dict[str, Fill] = {
    "hash": lambda key, at: [b"HSET", key, fresh(b"field:%08d" % at), fresh(b"value:%08d" % at)],
    "list": lambda key, at: [b"RPUSH", key, fresh(b"value:%08d" % at)],
    "set": lambda key, at: [b"SADD", key, fresh(b"value:%08d" % at)],
    "zset": lambda key, at: [b"ZADD", key, b"%d" % at, fresh(b"value:%08d" % at)],
    "stream": lambda key, at: [
        b"XADD", key, b"%d-1" % (at + 1), b"field", fresh(b"value:%08d" % at)
    ],
}  # fmt: skip


def fill(kind: str, elements: int) -> Keyspace:
    """Return a keyspace of so many elements in values of one kind."""
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1_700_000_000_000)
    keyspace.applying = True
    name, _, size = kind.partition(" ")
    if name in ("string", "deadline"):
        options = [b"EX", b"100"] if name == "deadline" else []
        command = lookup(b"SET")
        assert command is not None
        for at in range(elements):
            value = fresh(b"x" * int(size))
            command.handler(keyspace, [b"SET", fresh(b"key:%012d" % at), value, *options])
        return keyspace
    make = FILLS[name]
    for at in range(elements):
        argv = make(fresh(b"key:%012d" % (at // int(size))), at)
        command = lookup(argv[0])
        assert command is not None
        command.handler(keyspace, argv)
    return keyspace


def main() -> None:
    """Measure each kind in a process of its own."""
    if len(sys.argv) > 1:
        kind = " ".join(sys.argv[1:3])
        before = rss_bytes()
        keyspace = fill(kind, int(sys.argv[3]))
        grown, estimate = rss_bytes() - before, keyspace.used_bytes()
        share = 100 * estimate / grown
        print(f"{kind:16} grown {grown:>12,} estimate {estimate:>12,} {share:6.1f} %")
        return
    kinds = [f"{name} {size}" for name in FILLS for size in (SMALL, LARGE)]
    for kind in ["string 8", "string 64", "string 1000", "deadline 64", *kinds]:
        subprocess.run(
            [sys.executable, "-m", "bench.micro.memory", *kind.split(), str(ELEMENTS)], check=True
        )


if __name__ == "__main__":
    main()
