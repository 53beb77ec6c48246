"""How long a GET waits at worst while another client of the same server sends one huge command.

python bench/micro/stalls.py [elements] [part of a command's name]

The asking client is a process of its own, and so is the server. The table has the longest of its
GETs; the most CPU time that the server's loop took during one of them, which on a busy machine says
more; how many GETs were answered, and how long the huge command itself took.
"""

import multiprocessing
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event

from respkv.wire.run import encode_command

Argv = list[bytes]
FILLED_AT_ONCE = 1_000
QUIET_SECONDS = 0.3  # of GETs before and behind the huge command


def bombs(size: int) -> list[tuple[bytes, Argv]]:
    """Return commands with what they are shown as, on the keys of `fill` and on new ones."""
    numbers = [b"%d" % (number * 7_919 % size) for number in range(size)]
    every, many = b"%d" % size, b"%d" % (size * 9 // 10)
    half = numbers[: size // 2]
    pairs = [part for number in half for part in (number, b"m" + number)]
    shown: list[Argv] = [
        [b"PING"],
        [b"SORT", b"list"],
        [b"SORT", b"list", b"ALPHA"],
        [b"SORT", b"list", b"LIMIT", b"0", b"10"],
        [b"SORT", b"set"],
        [b"SORT", b"zset"],
        [b"SORT", b"zset", b"ALPHA"],
        [b"SORT", b"list", b"BY", b"w*", b"GET", b"#"],
        [b"SORT", b"list", b"BY", b"nosort", b"GET", b"w*"],
        [b"LRANGE", b"list", b"0", b"-1"],
        [b"SMEMBERS", b"set"],
        [b"SUNION", b"set", b"set2"],
        [b"SINTER", b"set", b"set2"],
        [b"SDIFF", b"set", b"set2"],
        [b"HGETALL", b"hash"],
        [b"HKEYS", b"hash"],
        [b"HVALS", b"hash"],
        [b"ZRANGE", b"zset", b"0", b"-1"],
        [b"ZRANGE", b"zset", b"0", b"-1", b"WITHSCORES"],
        [b"ZREVRANGE", b"zset", b"0", b"-1", b"WITHSCORES"],
        [b"ZUNION", b"2", b"zset", b"zset2", b"WITHSCORES"],
        [b"ZINTER", b"2", b"zset", b"zset2"],
        [b"ZDIFF", b"2", b"zset", b"zset2"],
        [b"XRANGE", b"stream", b"-", b"+"],
        [b"XREVRANGE", b"stream", b"+", b"-"],
        [b"XREAD", b"STREAMS", b"stream", b"0"],
        [b"KEYS", b"*"],
        [b"SCAN", b"0", b"COUNT", every, b"MATCH", b"w*7"],
        [b"SSCAN", b"set", b"0", b"COUNT", every, b"MATCH", b"*7"],
        [b"HSCAN", b"hash", b"0", b"COUNT", every],
        [b"ZSCAN", b"zset", b"0", b"COUNT", every],
        b"GEOSEARCH geo FROMLONLAT 0 0 BYRADIUS 20000 km ASC".split(),
        [b"SRANDMEMBER", b"set", many],
        [b"HRANDFIELD", b"hash", many, b"WITHVALUES"],
        [b"ZRANDMEMBER", b"zset", many, b"WITHSCORES"],
        [b"LPOP", b"list", every],
        [b"SPOP", b"set", every],
        [b"ZPOPMIN", b"zset", every],
    ]
    return [
        *[(b" ".join(argv), argv) for argv in shown],
        (b"RPUSH, all at once", [b"RPUSH", b"new", *numbers]),
        (b"SADD, all at once", [b"SADD", b"new", *numbers]),
        (b"HSET, half as many pairs at once", [b"HSET", b"new", *pairs]),
        (b"ZADD, half as many pairs at once", [b"ZADD", b"new", *pairs]),
        (b"MSET, half as many pairs at once", [b"MSET", *pairs]),
        (b"DEL, all at once", [b"DEL", *numbers]),
        *[(b"DEL " + key, [b"DEL", key]) for key in (b"list", b"set", b"hash", b"zset", b"stream")],
        (b"RENAME set list", [b"RENAME", b"set", b"list"]),
    ]


def fillings(size: int, argv: Argv) -> Iterator[Argv]:
    """Return commands that make what a bomb is for."""
    numbers = [b"%d" % (number * 7_919 % size) for number in range(size)]
    keys = argv[:6]
    for start in range(0, size, FILLED_AT_ONCE):
        some = numbers[start : start + FILLED_AT_ONCE]
        pairs = [part for number in some for part in (number, b"m" + number)]
        if b"list" in keys:
            yield [b"RPUSH", b"list", *some]
        if b"set" in keys:
            yield [b"SADD", b"set", *some]
        if b"set2" in keys:
            yield [b"SADD", b"set2", *[b"2" + number for number in some[::2]], *some[1::2]]
        if b"hash" in keys:
            yield [b"HSET", b"hash", *pairs]
        if b"zset" in keys:
            yield [b"ZADD", b"zset", *pairs]
        if b"zset2" in keys:
            half = len(pairs) // 2
            yield [b"ZADD", b"zset2", *pairs[:half], *[b"2" + part for part in pairs[half:]]]
        if b"geo" in keys:
            places = [(b"%d" % (int(number) % 340 - 170), b"%d" % (int(number) % 160 - 80), number)
                      for number in some]  # fmt: skip
            yield [b"GEOADD", b"geo", *[part for place in places for part in place]]
        if b"w*" in keys or argv[0] in (b"KEYS", b"SCAN"):
            yield [b"MSET", *[part for number in some for part in (b"w" + number, number)]]
        if b"stream" in keys:
            for number in some:
                yield [b"XADD", b"stream", b"*", b"f", number]


class Server:
    """A server on a free port, and one connection to it."""

    def __init__(self, directory: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        command = [sys.executable, "-m", "respkv", "server", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--dir", directory, "--save", "", "--loglevel", "warning"]
        )
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", self.port))
                self.connection.sendall(encode_command([b"PING"]))
                if self.connection.recv(100) == b"+PONG\r\n":
                    return
            except ConnectionRefusedError:
                if self.process.poll() is not None:
                    raise SystemExit("the server has ended; what it said is above") from None
                time.sleep(0.05)

    def call(self, data: bytes) -> None:
        """Send commands and read until an ECHO behind them is answered."""
        self.connection.sendall(data + encode_command([b"ECHO", b"the end of it all"]))
        tail = b""
        while not tail.endswith(b"the end of it all\r\n"):
            tail = tail[-32:] + self.connection.recv(1 << 20)

    def close(self) -> None:
        """Stop it."""
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process's first thread."""
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


def ask(port: int, pid: int, results: Connection, stop: Event) -> None:
    """GET a key in a loop; the longest wait, of time and of CPU, and their number are the result."""
    request = encode_command([b"GET", b"none"])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        longest = longest_cpu = 0.0
        count = 0
        while not stop.is_set():
            cpu_before = cpu_seconds(pid)
            begun = time.perf_counter()
            connection.sendall(request)
            connection.recv(100)
            longest = max(longest, time.perf_counter() - begun)
            longest_cpu = max(longest_cpu, cpu_seconds(pid) - cpu_before)
            count += 1
    results.send((longest, longest_cpu, count))


def measure(size: int, shown: bytes, argv: Argv) -> None:
    """Send one bomb to a fresh server."""
    with tempfile.TemporaryDirectory() as directory:
        server = Server(directory)
        try:
            for filling in fillings(size, argv):
                server.call(encode_command(filling))
            data = encode_command(argv)
            mine, theirs = multiprocessing.Pipe()
            stop = multiprocessing.Event()
            asking = multiprocessing.Process(
                target=ask, args=(server.port, server.process.pid, theirs, stop)
            )
            asking.start()
            time.sleep(QUIET_SECONDS)
            begun = time.perf_counter()
            server.call(data)
            seconds = time.perf_counter() - begun
            time.sleep(QUIET_SECONDS)
            stop.set()
            longest, longest_cpu, count = mine.recv()
            asking.join()
        finally:
            server.close()
    print(
        f"{shown.decode():36} {longest * 1e3:8.1f} ms {longest_cpu * 1e3:8.1f} ms CPU"
        f" {count:8} GETs {seconds * 1e3:8.0f} ms",
        flush=True,
    )


def main() -> None:
    """Print a line for each."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chosen = sys.argv[2].encode() if len(sys.argv) > 2 else b""
    print(f"{size} elements: the longest GET, GETs, and the command itself")
    for shown, argv in bombs(size):
        if chosen in shown:
            measure(size, shown, argv)


if __name__ == "__main__":
    main()
