"""Slots of keys and of commands: what redis-server in cluster mode says of them."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.commands.describe import commands
from respkv.commands.routing import slot_of_command
from respkv.commands.table import MOVABLE_KEYS, resolve
from respkv.errors import CommandError
from respkv.keyspace.slots import SLOTS, slot_of
from respkv.node import server as _declares  # noqa: F401 - PING, WATCH, COMMAND
from tests.commands.reference import ClusterReference, split
from tests.patience import wait_until

TAGGED = [
    b"", b"k", b"123456789", b"{user1000}.following", b"foo{}{bar}", b"foo{{bar}}zap",
    b"foo{bar}{zap}", b"{}", b"{}k", b"{", b"}", b"}{", b"a}b{c}d", b"{a", b"a}", b"{}{a}", b"{{a}}",
    b"{a}", b"a", b"{\x00}x", b"\x00", b"\xff" * 300, b"k" * 4096, b"{" + b"t" * 600 + b"}x",
]  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterReference]:
    """A redis-server in cluster mode that serves every slot."""
    server = ClusterReference(tmp_path_factory.mktemp("redis-cluster"))
    try:
        assert server.call([b"CLUSTER", b"ADDSLOTSRANGE", b"0", b"16383"]) == b"+OK\r\n"
        wait_until(lambda: b"cluster_state:ok" in server.call([b"CLUSTER", b"INFO"]))
        yield server
    finally:
        server.close()


def test_keys_have_the_slots_redis_gives_them(cluster: ClusterReference) -> None:
    keys = [*TAGGED, *(b"key:%d" % number for number in range(2000))]
    for key in keys:
        assert b":%d\r\n" % slot_of(key) == cluster.call([b"CLUSTER", b"KEYSLOT", key]), key


@given(key=st.lists(st.sampled_from([b"{", b"}", b"a", b"\x00"]), max_size=8).map(b"".join))
def test_hash_tags_of_any_shape(cluster: ClusterReference, key: bytes) -> None:
    assert b":%d\r\n" % slot_of(key) == cluster.call([b"CLUSTER", b"KEYSLOT", key])


@given(st.binary(min_size=1).filter(lambda tag: b"}" not in tag), st.binary())
def test_a_tag_alone_decides(tag: bytes, rest: bytes) -> None:
    assert slot_of(b"{%b}%b" % (tag, rest)) == slot_of(b"{%b}" % tag) < SLOTS
    assert b"{" in tag or slot_of(b"{%b}" % tag) == slot_of(tag)


def test_every_slot_is_used() -> None:
    assert len({slot_of(b"%d" % number) for number in range(200_000)}) == SLOTS


@pytest.mark.parametrize(
    "line",
    [
        "GET a", "SET a 1", "MGET a b", "MGET a a", "MGET {t}a {t}b t", "MSET a 1 b 2",
        "MSET {t}a b {t}b a", "MSETNX a 1 b 2", "DEL a", "DEL a b", "DEL {a} a", "RENAME a b",
        "RENAME a {a}b", "COPY a b", "COPY a {a}b", "LCS a b", "LCS {t}1 {t}2", "EXISTS a a b",
        "TOUCH a b c", "UNLINK a b", "OBJECT ENCODING a", "DBSIZE", "PING", "ECHO a", "WATCH a b",
        "WATCH a {a}b", "SCAN 0", "COMMAND COUNT", "ZUNIONSTORE a 1 b",
        "ZUNIONSTORE {t}d 2 {t}a {t}b", "ZUNION 2 a b", "ZRANGESTORE a b 0 1", "BZMPOP 1 1 a MIN",
    ],
)  # fmt: skip
def test_commands_over_several_slots_are_refused_like_redis_does(
    line: str, cluster: ClusterReference
) -> None:
    argv = split(line)
    theirs = cluster.call(argv)
    command = resolve(argv)
    try:
        slot = slot_of_command(command, argv)
    except CommandError as error:
        assert b"-%b\r\n" % error.text == theirs
    else:
        assert not theirs.startswith(b"-CROSSSLOT")
        keys = cluster.call([b"COMMAND", b"GETKEYS", *argv])
        first = keys.split(b"\r\n")[2] if keys.startswith(b"*") else b""
        assert slot == (slot_of(first) if first else -1)


def test_each_command_with_one_key_has_the_slot_of_that_key() -> None:
    argvs = {b"MSET": [b"v"], b"MSETNX": [b"v"]}
    found = 0
    for command in commands():
        if command.keys != (1, 1, 1) or command.flags & MOVABLE_KEYS:
            continue
        argv = [command.name, b"{tag}key", *argvs.get(command.name, [b"1"] * 6)]
        assert slot_of_command(command, argv) == slot_of(b"tag")
        found += 1
    assert found > 20
