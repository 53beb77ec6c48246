"""One log, two builds: the pure and the compiled keyspace must end in the same state.

`python -m tests.compare_builds OTHER_PYTHON` replays random commands here and there.
"""

import subprocess
import sys

PROGRAM = r"""
from respkv.clock import SeededChance
from respkv.entry import Entry
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.replay import apply_entry
from respkv.wire.run import encode_command

def commands(chance):
    key = b"key:%d" % chance.below(200)
    value = b"v" * chance.below(100) + b"%d" % chance.below(1000)
    return (
        [b"SET", key, value], [b"SET", key, value, b"PX", b"%d" % (1 + chance.below(5000))],
        [b"INCR", b"n" + key], [b"DEL", key], [b"APPEND", key, value], [b"GETDEL", key],
        [b"SETRANGE", key, b"%d" % chance.below(50), value], [b"RENAME", key, b"other"],
        [b"EXPIRE", key, b"3"], [b"PERSIST", key], [b"RESPKV.SWEEP", b"50"], [b"COPY", key, b"c"],
        [b"INCRBYFLOAT", b"f" + key, b"0.1"], [b"MSET", key, value, b"m" + key, value],
        [b"HSET", b"h" + key, value, value], [b"HINCRBYFLOAT", b"h" + key, b"f", b"0.1"],
        [b"HDEL", b"h" + key, value], [b"RPUSH", b"l" + key, value, key], [b"LPOP", b"l" + key],
        [b"BLPOP", b"l" + key, b"0"], [b"LMOVE", b"l" + key, b"l", b"LEFT", b"RIGHT"],
        [b"SADD", b"s" + key, value, key], [b"SPOP", b"s" + key], [b"SUNIONSTORE", b"s", b"s" + key, b"s"],
        [b"ZADD", b"z" + key, b"%d" % chance.below(9), value], [b"ZINCRBY", b"z" + key, b"0.1", value],
        [b"ZPOPMIN", b"z" + key], [b"ZUNIONSTORE", b"z", b"2", b"z" + key, b"s" + key],
        [b"XADD", b"x" + key, b"MAXLEN", b"~", b"200", b"*", value, key], [b"XTRIM", b"x" + key, b"MAXLEN", b"3"],
        [b"PFADD", b"p" + key, value], [b"PFCOUNT", b"p" + key], [b"PFMERGE", b"p", b"p" + key],
        [b"SETBIT", b"b" + key, b"%d" % chance.below(99), b"1"],
        [b"BITFIELD", b"b" + key, b"INCRBY", b"i7", b"%d" % chance.below(99), b"33"],
        [b"GEOADD", b"g" + key, b"13.%d" % chance.below(999), b"38.%d" % chance.below(999), value],
        [b"GEOSEARCHSTORE", b"g", b"g" + key, b"FROMLONLAT", b"13.5", b"38.5", b"BYRADIUS", b"40", b"km", b"STOREDIST"],
        [b"SORT", b"l" + key, b"ALPHA", b"STORE", b"o"],
    )

chance = SeededChance(2026)
keyspace = Keyspace(16)
for index in range(1, 20_001):
    chosen = commands(chance)
    payload = b"".join(encode_command(chosen[chance.below(len(chosen))]) for _ in range(3))
    apply_entry(keyspace, Entry(1, index, 1_700_000_000_000 + 20 * index, payload))
print(keyspace.digest().hex())
copy = Keyspace.load(keyspace.dump())
assert copy.digest() == keyspace.digest()
"""


def main() -> int:
    """Print both digests; 1 when they differ."""
    digests = []
    for python in (sys.executable, sys.argv[1]):
        run = subprocess.run(
            [python, "-I", "-c", PROGRAM], capture_output=True, text=True, check=False
        )
        print(f"{run.stdout.strip() or run.stderr.strip()}")
        digests.append(run.stdout)
    print("equal" if digests[0] == digests[1] != "" else "DIFFERENT")
    return 0 if digests[0] == digests[1] != "" else 1


if __name__ == "__main__":
    sys.exit(main())
