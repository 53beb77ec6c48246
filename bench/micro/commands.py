"""What SET and GET handlers cost, and what a keyspace of a million keys weighs.

python bench/micro/commands.py            # handlers, dump, load, FLUSHALL in slices, memory
python bench/micro/commands.py --redis    # memory also of a redis-server with the same keys
"""

import gc
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from respkv.commands.strings import get, set_
from respkv.commands.table import resolve
from respkv.keyspace.keyspace import Keyspace

KEYS = 1_000_000
VALUE = b"x" * 64
CALLS = 200_000


def nanoseconds(run: Callable[[], object], calls: int) -> float:
    """Return the best of three, per call."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - started)
    return best / calls * 1e9


def rss_bytes() -> int:
    """Return the memory this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def handlers(keyspace: Keyspace, keys: int) -> None:
    """Time one call of each hot handler, over keys in no particular order."""
    argvs = [[b"SET", b"key:%012d" % (at * 7919 % keys), VALUE] for at in range(CALLS)]

    def sets() -> None:
        for argv in argvs:
            set_(keyspace, argv)

    def gets() -> None:
        for argv in argvs:
            get(keyspace, argv)

    def resolves() -> None:
        for argv in argvs:
            resolve(argv)

    sets()
    for name, run in (("set", sets), ("get", gets), ("resolve", resolves)):
        print(f"{name:8} {nanoseconds(run, CALLS):6.0f} ns a call, {keys} keys")


def filled() -> Keyspace:
    """Return a keyspace with KEYS keys, as if each had come from the network."""
    keyspace = Keyspace()
    keyspace.begin_entry(1, 1, 1_700_000_000_000)
    keyspace.applying = True
    for number in range(KEYS):
        set_(keyspace, [b"SET", b"key:%012d" % number, bytes(bytearray(VALUE))])
    return keyspace


def redis_bytes() -> int:
    """Return what a redis-server holds for the same keys."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/redis.sock"
        server = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", path, "--save", ""]
            + ["--enable-debug-command", "local"],
            stdout=subprocess.PIPE,
        )
        assert server.stdout is not None
        while b"ready to accept" not in server.stdout.readline():
            pass
        cli = ["redis-cli", "-s", path]
        subprocess.run([*cli, "DEBUG", "POPULATE", str(KEYS), "key:0000000", "64"], check=True)
        status = Path(f"/proc/{server.pid}/statm").read_text()
        server.terminate()
        server.wait()
        return int(status.split()[1]) * 4096


def main() -> None:
    """Print all figures."""
    handlers(Keyspace(), 1_000)
    gc.collect()
    before = rss_bytes()
    keyspace = filled()
    print(f"memory   {(rss_bytes() - before) / KEYS:6.0f} bytes a key (16 + 64 bytes)")
    if "--redis" in sys.argv:
        print(f"redis    {redis_bytes() / KEYS:6.0f} bytes a key, its own 8 MB included")
    handlers(keyspace, KEYS)
    gc.freeze()
    started = time.perf_counter()
    chunks = list(keyspace.dump())
    print(f"dump     {time.perf_counter() - started:6.2f} s, {sum(map(len, chunks)) >> 20} MiB")
    started = time.perf_counter()
    Keyspace.load(chunks)
    print(f"load     {time.perf_counter() - started:6.2f} s")
    started = time.perf_counter()
    keyspace.flush_all()
    longest = time.perf_counter() - started
    more, slices = True, 0
    while more:
        started = time.perf_counter()
        more = keyspace.free_some(5_000)
        longest = max(longest, time.perf_counter() - started)
        slices += 1
    print(f"flushall {longest * 1e3:6.1f} ms at most at once, {slices} slices")


if __name__ == "__main__":
    main()
