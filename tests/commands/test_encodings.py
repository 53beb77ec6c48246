"""OBJECT ENCODING through random changes and thresholds: what redis-server would say."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, shared
from tests.commands.reference import Argv, Reference, Served

LIMITS: Final = (
    b"hash-max-listpack-entries hash-max-listpack-value set-max-intset-entries "
    b"zset-max-listpack-entries zset-max-listpack-value"
).split()
DEFAULTS: Final = (512, 64, 512, 128, 64)


def keys(letter: str) -> st.SearchStrategy[bytes]:
    return st.sampled_from([b"%b%d" % (letter.encode(), number) for number in (1, 2)])


numbers = st.integers(-1, 12).map(lambda number: b"%d" % number)
texts = numbers | st.sampled_from([b"x" * size for size in (1, 5, 6, 44, 45, 64, 65)])
some = st.lists(texts, min_size=1, max_size=7)
h, s, z, t = map(keys, "hszt")
pairs = some.map(lambda words: [word for word in words for _ in range(2)])
scored = some.map(lambda words: [word for text in words for word in (b"1", text)])
one, two = st.just(b"1"), st.just(b"2")
replace = st.just(b"REPLACE")
changes = st.one_of(
    call("HSET", h, texts, texts),
    call_with("HSET", h, rest=pairs),
    call("HINCRBY", h, numbers, numbers),
    call("HDEL", h, numbers),
    call("COPY", h, h, replace),
    call_with("SADD", s, rest=some),
    call_with("SADD", s, rest=st.lists(numbers, min_size=1, max_size=7)),
    call("SREM", s, numbers),
    call("SMOVE", s, s, numbers),
    call("COPY", s, s, replace),
    *[call(name, s, s, s) for name in ("SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE")],
    call_with("ZADD", z, rest=scored),
    call("ZREM", z, numbers),
    call("ZINCRBY", z, numbers, texts),
    call("GEOADD", z, one, one, texts),
    call("ZREMRANGEBYRANK", z, one, two),
    call("ZRANGESTORE", z, z, st.just(b"0"), numbers),
    call("COPY", z, z, replace),
    call("RENAME", z, z),
    *[call(name, z, two, z, z | s) for name in ("ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE")],
    call("SET", t, texts),
    call("APPEND", t, texts),
    call("SETRANGE", t, numbers, texts),
    call("INCR", t),
    call("GETSET", t, texts),
    call("COPY", t, t, replace),
    call("BITOP", st.just(b"AND"), t, t, t),
    call("GETDEL", t),
)


@pytest.fixture
def with_limits(reference: Reference, served: Served) -> Iterator[list[Reference | Served]]:
    """Both servers, whose thresholds are the default ones again afterwards."""
    yield [reference, served]
    for server in (reference, served):
        limit(server, DEFAULTS)


def limit(server: Reference | Served, sizes: tuple[int, ...]) -> None:
    for name, size in zip(LIMITS, sizes, strict=True):
        assert server.call([b"CONFIG", b"SET", name, b"%d" % size]) == b"+OK\r\n"


@shared
@given(
    st.lists(changes, max_size=40),
    st.tuples(*[st.sampled_from([0, 3, 6, default]) for default in DEFAULTS]),
    st.integers(0, 40),
)
def test_encodings_are_those_of_redis(
    with_limits: list[Reference | Served], sequence: list[Argv], sizes: tuple[int, ...], at: int
) -> None:
    for server in with_limits:
        server.clear()
        limit(server, sizes)
    for number, argv in enumerate(sequence):
        if number == at:  # payloads go the other way, too
            exchange(with_limits)
        for server in with_limits:
            server.call(argv)
        for key in (b"h1", b"h2", b"s1", b"s2", b"z1", b"z2", b"t1", b"t2"):
            asked = [b"OBJECT", b"ENCODING", key]
            expected, found = [server.call(asked) for server in with_limits]
            assert found == expected, (sequence[: number + 1], key)


def exchange(servers: list[Reference | Served]) -> None:
    """Restore on both what either has dumped."""
    for server, key in zip(servers, (b"h1", b"z1"), strict=True):
        dump = server.call([b"DUMP", key])
        if dump != b"$-1\r\n":
            payload = dump[dump.index(b"\r\n") + 2 : -2]
            for other in servers:
                argv = [b"RESTORE", key, b"0", payload, b"REPLACE"]
                assert other.call(argv) == b"+OK\r\n"
