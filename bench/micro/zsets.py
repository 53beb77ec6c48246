"""What commands on a sorted set of a million members cost, in CPU time, and what it weighs.

python bench/micro/zsets.py [members]
"""

import gc
import random
import sys
import time
from pathlib import Path

from respkv.commands.table import resolve
from respkv.keyspace.keyspace import Keyspace

CALLS = 20_000
SHAPES = {
    "ZADD, a new score": lambda score, member: [b"ZADD", b"z", score, member],
    "ZADD, a new member": lambda score, member: [b"ZADD", b"z", score, b"new:" + score],
    "ZINCRBY": lambda score, member: [b"ZINCRBY", b"z", b"1.5", member],
    "ZSCORE": lambda score, member: [b"ZSCORE", b"z", member],
    "ZRANK": lambda score, member: [b"ZRANK", b"z", member],
    "ZRANGEBYSCORE LIMIT 0 10": lambda score, member: [
        b"ZRANGEBYSCORE", b"z", score, b"+inf", b"LIMIT", b"0", b"10"
    ],
    "ZREM": lambda score, member: [b"ZREM", b"z", member],
    "ZPOPMIN": lambda score, member: [b"ZPOPMIN", b"z"],
    "ZRANDMEMBER": lambda score, member: [b"ZRANDMEMBER", b"z"],
    "ZSCAN": lambda score, member: [b"ZSCAN", b"z", score],
}  # fmt: skip


def rss_bytes() -> int:
    """Return the memory this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def main() -> None:
    """Fill one sorted set, then time each command at random places of it."""
    members = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chance = random.Random(1)
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1)
    keyspace.applying = True
    gc.disable()
    before = rss_bytes()
    zadd = resolve([b"ZADD", b"z", b"0", b""]).handler
    for number in range(members):
        score = b"%d" % chance.randrange(10**9)
        zadd(keyspace, [b"ZADD", b"z", score, b"element:%012d" % number])
    print(f"{(rss_bytes() - before) / members:.0f} bytes a member")
    for name, shape in SHAPES.items():
        argvs = [
            shape(b"%d" % chance.randrange(10**9), b"element:%012d" % chance.randrange(members))
            for _ in range(CALLS)
        ]
        handler = resolve(argvs[0]).handler
        started = time.process_time()
        for argv in argvs:
            handler(keyspace, argv)
        print(f"{name:26} {(time.process_time() - started) / CALLS * 1e6:6.2f} us")


if __name__ == "__main__":
    main()
