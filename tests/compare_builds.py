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
from respkv.wire.request import encode_command

def commands(chance):
    key = b"key:%d" % chance.below(200)
    value = b"v" * chance.below(100) + b"%d" % chance.below(1000)
    return (
        [b"SET", key, value], [b"SET", key, value, b"PX", b"%d" % (1 + chance.below(5000))],
        [b"INCR", b"n" + key], [b"DEL", key], [b"APPEND", key, value], [b"GETDEL", key],
        [b"SETRANGE", key, b"%d" % chance.below(50), value], [b"RENAME", key, b"other"],
        [b"EXPIRE", key, b"3"], [b"PERSIST", key], [b"RESPKV.SWEEP", b"50"], [b"COPY", key, b"c"],
        [b"INCRBYFLOAT", b"f" + key, b"0.1"], [b"MSET", key, value, b"m" + key, value],
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
