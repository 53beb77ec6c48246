"""What commands on a sorted set and on a stream of a million cost, in CPU time of the process.

python bench/micro/containers.py [--elements 1000000] [--json]
"""

import argparse
import gc
import json
import random
import time
from collections.abc import Callable

from respkv.commands.table import resolve
from respkv.keyspace.keyspace import Keyspace

CALLS = 20_000
ZSET_CALLS: dict[str, Callable[[bytes, bytes], list[bytes]]] = {
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
STREAM_CALLS: dict[str, Callable[[bytes], list[bytes]]] = {
    "XADD": lambda entry_id: [b"XADD", b"s", b"*", b"field", b"value"],
    "XRANGE COUNT 10": lambda entry_id: [b"XRANGE", b"s", entry_id, b"+", b"COUNT", b"10"],
    "XREADGROUP COUNT 10": lambda entry_id: [
        b"XREADGROUP", b"GROUP", b"g", b"c", b"COUNT", b"10", b"STREAMS", b"s", b">"
    ],
    "XREVRANGE COUNT 10": lambda entry_id: [b"XREVRANGE", b"s", entry_id, b"-", b"COUNT", b"10"],
    "XPENDING": lambda entry_id: [b"XPENDING", b"s", b"g"],
    "XACK": lambda entry_id: [b"XACK", b"s", b"g", entry_id],
    "XDEL": lambda entry_id: [b"XDEL", b"s", entry_id],
}  # fmt: skip


def timed_us(keyspace: Keyspace, argvs: list[list[bytes]]) -> float:
    """Run the calls and return what each took."""
    handler = resolve(argvs[0]).handler
    started = time.process_time()
    for argv in argvs:
        handler(keyspace, argv)
    return (time.process_time() - started) / len(argvs) * 1e6


def sorted_set_us(keyspace: Keyspace, elements: int, chance: random.Random) -> dict[str, float]:
    """Fill one sorted set, then time each command at random places of it."""

    def score() -> bytes:
        return b"%d" % chance.randrange(10**9)

    zadd = resolve([b"ZADD", b"z", b"0", b""]).handler
    for number in range(elements):
        zadd(keyspace, [b"ZADD", b"z", score(), b"element:%012d" % number])
    found = {}
    for name, call in ZSET_CALLS.items():
        members = [b"element:%012d" % chance.randrange(elements) for _ in range(CALLS)]
        found[name] = timed_us(keyspace, [call(score(), member) for member in members])
    return found


def stream_us(keyspace: Keyspace, elements: int, chance: random.Random) -> dict[str, float]:
    """Fill one stream, then time each command at random places of it."""
    xadd = resolve([b"XADD", b"s", b"*", b"f", b"v"]).handler
    for number in range(1, elements + 1):
        xadd(keyspace, [b"XADD", b"s", b"%d-1" % number, b"field", b"value:%08d" % number])
    create = [b"XGROUP", b"CREATE", b"s", b"g", b"0"]
    resolve(create).handler(keyspace, create)
    found = {}
    for name, call in STREAM_CALLS.items():
        ids = [b"%d-1" % chance.randrange(1, elements) for _ in range(CALLS)]
        found[name] = timed_us(keyspace, [call(entry_id) for entry_id in ids])
    return found


def main() -> None:
    """Measure, and print a line a command or all as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--elements", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    chance = random.Random(1)
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1)
    keyspace.applying = True
    gc.disable()
    found = sorted_set_us(keyspace, arguments.elements, chance)
    found |= stream_us(keyspace, arguments.elements, chance)
    if arguments.json:
        print(json.dumps(found))
        return
    for name, cost_us in found.items():
        print(f"{name:26} {cost_us:6.2f} us")


if __name__ == "__main__":
    main()
