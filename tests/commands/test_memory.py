"""MEMORY against redis-server: its replies where they are fixed, and estimates that add up."""

import contextlib
from pathlib import Path

import pytest

from respkv.commands import describe
from respkv.node import memory_commands as _declares_it  # noqa: F401
from respkv.wire.reply import encode
from tests.commands.comparing import parse, replies_test
from tests.commands.reference import Reference, Served, split

CASES = {
    "replies without a number": """
        MEMORY
        MEMORY NOSUCH
        MEMORY USAGE
        MEMORY USAGE none
        MEMORY USAGE none SAMPLES 5
        MEMORY USAGE none SAMPLES 0 SAMPLES 1
        MEMORY USAGE none SAMPLES
        MEMORY USAGE none SAMPLES x
        MEMORY USAGE none SAMPLES -1
        MEMORY USAGE none NOSUCH 1
        SET k v
        MEMORY USAGE k SAMPLES x
        """,
}
OF_THE_NODE = ["MEMORY HELP", "MEMORY DOCTOR x", "MEMORY PURGE", "MEMORY STATS x"]


test_replies_are_those_of_redis = replies_test(CASES)


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("line", OF_THE_NODE)
def test_replies_of_the_node(line: str, resp: int, reference: Reference, served: Served) -> None:
    assert served.call(split(line), resp) == reference.call(split(line), resp)


def test_the_doctor_of_an_empty_server(tmp_path: Path, served: Served) -> None:
    """Of a redis-server of its own: the other one remembers what other tests have put into it."""
    with contextlib.closing(Reference(tmp_path)) as empty:
        assert served.call([b"MEMORY", b"DOCTOR"]) == empty.call([b"MEMORY", b"DOCTOR"])


@pytest.mark.parametrize("name", ["usage", "doctor", "stats", "malloc-stats", "purge", "help"])
def test_descriptions(name: str, reference: Reference) -> None:
    full_name = b"memory|" + name.encode()
    for subcommand, reply in (
        (b"INFO", describe.info_reply([full_name])),
        (b"DOCS", describe.docs_reply([full_name])),
    ):
        assert encode(reply, 3) == reference.call([b"COMMAND", subcommand, full_name], 3)


FILLED = {
    "string": "SET k {}",
    "hash": "HSET k field {}",
    "list": "RPUSH k {}",
    "set": "SADD k {}",
    "zset": "ZADD k 1 {}",
    "stream": "XADD k * field {}",
}


@pytest.mark.parametrize("name", FILLED)
def test_usage_counts_what_a_value_holds(name: str, served: Served) -> None:
    sizes = []
    for text in ("x", "x" * 5_000):
        served.call([b"DEL", b"k"])
        served.call(split(FILLED[name].format(text)))
        sizes.append(int(served.call([b"MEMORY", b"USAGE", b"k"])[1:]))
    assert sizes[0] > 0
    assert 4_900 < sizes[1] - sizes[0] < 5_200


def test_a_deadline_counts(served: Served) -> None:
    served.call([b"SET", b"k", b"v"])
    without = int(served.call([b"MEMORY", b"USAGE", b"k"])[1:])
    served.call([b"EXPIRE", b"k", b"1000"])
    assert int(served.call([b"MEMORY", b"USAGE", b"k"])[1:]) > without


def test_statistics_have_redis_names(reference: Reference, served: Served) -> None:
    for server in (reference, served):
        server.call([b"MSET", *[b"%d" % number for number in range(100)]])
    ours, theirs = (parse(server.call([b"MEMORY", b"STATS"], 3)) for server in (served, reference))
    assert isinstance(ours, tuple)
    assert isinstance(theirs, tuple)
    of_redis = {repr(name): value for name, value in theirs[1]}
    for name, value in ours[1]:
        assert repr(name) in of_redis
        assert type(value) is type(of_redis[repr(name)])
        if name == b"$keys.count":
            assert value == of_redis[repr(name)] == b":50"


@pytest.mark.parametrize("kind", [*FILLED, "STRING", "Hash", "nosuch", "none", ""])
def test_scan_finds_the_keys_of_a_type(kind: str, reference: Reference, served: Served) -> None:
    for server in (reference, served):
        for name, line in FILLED.items():
            server.call(split(line.replace(" k ", f" {name} ").format("x")))
    argv = [b"SCAN", b"0", b"COUNT", b"100", b"TYPE", kind.encode()]
    assert served.call(argv) == reference.call(argv)
