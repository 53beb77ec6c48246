"""How long one huge command keeps a node from everything else, in CPU time.

python bench/micro/bombs.py [elements] [part of a command's name]
"""

import gc
import sys
import time

from respkv.commands.table import resolve
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import encode

Argv = list[bytes]
ROUNDS = 1
STRING_BYTES_MAX = 512 << 20


def bombs(size: int) -> list[Argv]:
    """Return commands on the keys of `fill`, and on new ones."""
    numbers = [b"%d" % (number * 7_919 % size) for number in range(size)]
    pairs = [part for number in numbers[: size // 2] for part in (number, b"m" + number)]
    return [
        [b"SADD", b"new", *numbers],
        [b"SADD", b"set", *numbers],
        [b"RPUSH", b"new", *numbers],
        [b"LPUSH", b"list", *numbers],
        [b"HSET", b"new", *pairs],
        [b"HSET", b"hash", *pairs],
        [b"ZADD", b"new", *pairs],
        [b"ZADD", b"zset", *pairs],
        [b"PFADD", b"new", *numbers],
        [b"MSET", *pairs],
        [b"DEL", b"zset"],
        [b"FLUSHALL"],
        [b"SORT_RO", b"list"],
        [b"SORT_RO", b"list", b"ALPHA"],
        [b"SORT_RO", b"list", b"BY", b"x*", b"GET", b"#"],
        [b"SORT_RO", b"list", b"LIMIT", b"0", b"10"],
        [b"SORT_RO", b"set"],
        [b"SORT", b"list", b"STORE", b"new"],
        [b"LPOS", b"list", b"x", b"MAXLEN", b"%d" % size],
        [b"LREM", b"list", b"0", b"7"],
        [b"LINSERT", b"list", b"BEFORE", b"x", b"y"],
        [b"LRANGE", b"list", b"0", b"-1"],
        [b"SMEMBERS", b"set"],
        [b"HGETALL", b"hash"],
        [b"ZRANGE", b"zset", b"0", b"-1"],
        [b"ZRANGE", b"zset", b"0", b"-1", b"WITHSCORES"],
        [b"SINTER", b"set", b"set2"],
        [b"SUNION", b"set", b"set2"],
        [b"SUNIONSTORE", b"new", b"set", b"set2"],
        [b"SDIFFSTORE", b"new", b"set", b"set2"],
        [b"ZUNION", b"2", b"zset", b"zset2"],
        [b"ZUNIONSTORE", b"new", b"2", b"zset", b"zset2"],
        [b"ZINTERSTORE", b"new", b"2", b"zset", b"zset2"],
        [b"ZDIFFSTORE", b"new", b"2", b"zset", b"zset2"],
        [b"ZRANGESTORE", b"new", b"zset", b"0", b"-1"],
        [b"ZREMRANGEBYRANK", b"zset", b"0", b"-2"],
        [b"SPOP", b"set", b"%d" % (size - 1)],
        [b"SPOP", b"set", b"%d" % (size // 2)],
        [b"ZPOPMAX", b"zset", b"%d" % (size // 2)],
        [b"LTRIM", b"list", b"0", b"0"],
        [b"COPY", b"zset", b"new"],
        [b"DUMP", b"zset"],
        *[[b"RESTORE", b"new", b"0", key] for key in (b"list", b"set", b"hash", b"zset")],
        [b"SETRANGE", b"new", b"%d" % (STRING_BYTES_MAX - 1), b"x"],
        [b"SETBIT", b"new", b"%d" % (STRING_BYTES_MAX * 8 - 1), b"1"],
        [b"BITFIELD", b"new", b"SET", b"u8", b"%d" % (STRING_BYTES_MAX * 8 - 8), b"1"],
        [b"BITOP", b"AND", b"new", b"string", b"string2"],
        [b"BITOP", b"NOT", b"new", b"string"],
        [b"BITCOUNT", b"string"],
        [b"BITPOS", b"string", b"1"],
        [b"GET", b"string"],
        [b"APPEND", b"string2", b"x"],
    ]


def fill(size: int, argv: Argv) -> Keyspace:
    """Return a keyspace with what one of `bombs` is for."""
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1)
    keyspace.applying = True
    numbers = [b"%d" % (number * 7_919 % size) for number in range(size)]
    pairs = [part for number in numbers for part in (number, b"m" + number)]
    fillings: list[Argv] = [
        [b"RPUSH", b"list", *numbers],
        [b"SADD", b"set", *numbers],
        [b"SADD", b"set2", *[b"2" + number for number in numbers]],
        [b"HSET", b"hash", *pairs],
        [b"ZADD", b"zset", *pairs],
        [b"ZADD", b"zset2", *pairs],
        [b"SETRANGE", b"string", b"%d" % (STRING_BYTES_MAX - 1), b"x"],
        [b"SETRANGE", b"string2", b"%d" % (STRING_BYTES_MAX - 2), b"x"],
    ]
    for filling in fillings:
        if filling[1] in argv[1:] or argv == [b"FLUSHALL"]:
            resolve(filling).handler(keyspace, filling)
    return keyspace


def main() -> None:
    """Print the shortest of some rounds for each, with and without the encoding of its reply."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chosen = sys.argv[2].encode() if len(sys.argv) > 2 else b""
    gc.disable()
    for argv in bombs(size):
        if chosen in b" ".join(argv[:6]):
            measure(size, argv)


def measure(size: int, argv: Argv) -> None:
    """Run one command on fresh keys, a few times."""
    best: tuple[float, float] = (1e9, 1e9)
    for _ in range(ROUNDS):
        keyspace = fill(size, argv)
        call = argv
        if argv[0] == b"RESTORE":
            call = [*argv[:3], resolve([b"DUMP", b""]).handler(keyspace, [b"DUMP", argv[3]])]
        handler = resolve(call).handler
        started = time.process_time()
        reply = handler(keyspace, call)
        handled = time.process_time()
        encode(reply, 2)
        best = min(best, (handled - started, time.process_time() - started))
    shown = b" ".join(argv[:6])[:50].decode()
    print(f"{shown:50} {best[0] * 1e3:8.1f} ms {best[1] * 1e3:8.1f} ms with its reply", flush=True)


if __name__ == "__main__":
    main()
