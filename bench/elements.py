"""What an element of each type weighs: in values of 1,000 elements, and in one of 1,000,000."""

from collections.abc import Callable, Iterator

from bench.bench import Bench
from bench.client import Client
from bench.processes import Build, running
from bench.report import REDIS, Asked, Figure, of_both
from respkv.wire.run import encode_command

POLICY = "everysec"
SMALL, LARGE = 1_000, 1_000_000
TOTAL = 1_000_000  # elements of all values: the growth is of megabytes
PER_COMMAND = 50
PER_PIPELINE = 100
OF_REDIS_MAX = 4
ELEMENT = "memory of an element: "

Arguments = Callable[[int], list[bytes]]  # of one element, to a command that takes many
MANY: dict[str, tuple[bytes, Arguments]] = {
    "hash": (b"HSET", lambda at: [b"field:%08d" % at, b"value:%08d" % at]),
    "list": (b"RPUSH", lambda at: [b"value:%08d" % at]),
    "set of strings": (b"SADD", lambda at: [b"value:%08d" % at]),
    "set of integers": (b"SADD", lambda at: [b"%d" % at]),
    "sorted set": (b"ZADD", lambda at: [b"%d" % (at * 7919 % TOTAL), b"value:%08d" % at]),
    "HyperLogLog": (b"PFADD", lambda at: [b"value:%08d" % at]),
}


def _commands(kind: str, size: int) -> Iterator[list[bytes]]:
    """Yield what stores TOTAL elements in values of `size` elements each."""
    for value in range(TOTAL // size):
        key = b"key:%012d" % value
        first = value * size
        if kind == "stream":
            for at in range(first, first + size):
                yield [b"XADD", key, b"%d-1" % (at + 1), b"field", b"value:%08d" % at]
        else:
            name, arguments = MANY[kind]
            for start in range(first, first + size, PER_COMMAND):
                argv = [name, key]
                for at in range(start, start + PER_COMMAND):
                    argv += arguments(at)
                yield argv


def _strings() -> Iterator[list[bytes]]:
    for at in range(TOTAL):
        yield [b"SET", b"key:%012d" % at, b"value:%08d" % at]


def _send(port: int, commands: Iterator[list[bytes]]) -> None:
    with Client(port) as client:
        waiting = 0
        pipeline: list[bytes] = []
        for argv in commands:
            pipeline.append(encode_command(argv))
            if len(pipeline) == PER_PIPELINE:
                client.send(b"".join(pipeline))
                for _ in range(waiting):
                    client.reply()
                waiting = len(pipeline)
                pipeline = []
        client.send(b"".join(pipeline))
        for _ in range(waiting + len(pipeline)):
            client.reply()


def elements(bench: Bench) -> list[Figure]:
    """What the process grows by an element. It hardly varies, so each is filled once."""
    asked = of_both(Asked("≤", OF_REDIS_MAX, REDIS))
    figures: list[Figure] = []
    plans = [(kind, size) for kind in (*MANY, "stream") for size in (SMALL, LARGE)]
    plans.remove(("HyperLogLog", LARGE))  # one value of 12 KB
    for kind, size in [("key with a string", LARGE), *plans]:
        figure = Figure(f"{ELEMENT}{kind}, {size:,}", "bytes", asked)
        figures.append(figure)
        bench.say(figure.name)
        for build in bench.builds:
            commands = _commands(kind, size) if (kind, size) in plans else _strings()
            figure.add(build.name, _growth(bench, build, commands) / TOTAL)
            figure.commands[build.name] = build.shown(POLICY, *_options(build))
    return figures


def _options(build: Build) -> list[str]:
    return [] if build.is_redis else ["--save", ""]


def _growth(bench: Bench, build: Build, commands: Iterator[list[bytes]]) -> int:
    with running(build, bench.scratch, POLICY, *_options(build)) as server:
        empty_bytes = server.memory_bytes()
        _send(server.port, commands)
        return server.memory_bytes() - empty_bytes
