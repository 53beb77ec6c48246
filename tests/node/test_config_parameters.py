"""CONFIG for every parameter of Redis 7.0: names, ranges and texts against a real redis-server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from respkv.config.options import ALIASES, OPTIONS
from tests.commands.reference import RawConnection, Reference
from tests.conftest import ServerProcess

TEXTS = (
    b"x", b"", b"-1", b"0", b"1", b"01", b"-0", b"+1", b"2", b"63", b"100", b"101", b"1000",
    b"1001", b"65535", b"65536", b"2147483647", b"2147483648", b"4294967296", b"-2147483649",
    b"9223372036854775807", b"9223372036854775808", b"99999999999999999999", b"1kb", b"2MB",
    b"9" * 5_000, b"-" + b"9" * 5_000, b"9" * 127, b"9" * 128 + b"gb", b"9" * 5_000 + b"%",
    b"1.5gb", b"3g", b"7b", b"1kkb", b"10%", b"101%", b"-5%", b"yes", b"YES", b"no", b"always",
    b"a b", b"900 1", b"900 1 300", b"900 1 300 10", b"0 1", b"900 -1", b"KEA", b"AKEmn", b"nxKt",
    b"KQ", b"0 0", b"0 200 800", b"3000 1 2", b"50 99.9", b"50 101", b"{title}", b"{x}",
)  # fmt: skip

# What CONFIG SET does there would end the test, or is another thing here by design.
NOT_COMPARED = {
    "port", "bind", "unixsocket", "unixsocketperm", "logfile", "requirepass", "maxclients",
    "loglevel", "cluster-announce-ip", "client-output-buffer-limit",
    "activedefrag", "oom-score-adj", "replicaof", "tls-port", "dir", "tracking-table-max-keys",
    "save", "maxmemory-clients", "proc-title-template",
}  # fmt: skip
# Redis takes these and then fails to apply them, because of a build without TLS files.
TLS = {name for name in OPTIONS if name.startswith("tls-")}


Pair = tuple[RawConnection, RawConnection]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Connections to a reference and to our server."""
    directory = tmp_path_factory.mktemp("pair")
    reference = Reference(directory)
    with ServerProcess(directory / "data", "--unixsocket", str(directory / "ours.sock")):
        theirs = RawConnection(directory / "redis.sock")
        ours = RawConnection(directory / "ours.sock")
        yield theirs, ours
        theirs.close()
        ours.close()
    reference.close()


def names_in(reply: bytes) -> set[bytes]:
    """Return the names in a CONFIG GET reply of RESP2."""
    return set(reply.split(b"\r\n")[2::4])


def test_every_parameter_of_redis_is_known(pair: Pair) -> None:
    theirs, ours = pair
    asked = [b"CONFIG", b"GET", b"*"]
    assert names_in(theirs.call(asked)) - names_in(ours.call(asked)) == set()


# Another default, as the log is always on and synced, or set where the server under test is started.
OTHER_DEFAULTS = {
    b"appendfsync", b"appendonly", b"bind", b"dir", b"enable-debug-command", b"port", b"save",
    b"unixsocket", b"unixsocketperm",
}  # fmt: skip


def test_what_is_not_set_has_the_value_it_has_in_redis(pair: Pair) -> None:
    theirs, ours = (connection.call([b"CONFIG", b"GET", b"*"]) for connection in pair)
    expected, found = (
        dict(zip(reply.split(b"\r\n")[2::4], reply.split(b"\r\n")[4::4], strict=True))
        for reply in (theirs, ours)
    )
    different = {name for name, text in expected.items() if found[name] != text}
    assert different - OTHER_DEFAULTS == set()


def test_what_can_be_set_in_redis_can_be_set(pair: Pair) -> None:
    names = names_in(pair[0].call([b"CONFIG", b"GET", b"*"]))
    fixed: list[set[bytes]] = [set(), set()]
    for connection, found in zip(pair, fixed, strict=True):
        for name in names:
            text = connection.call([b"CONFIG", b"GET", name]).split(b"\r\n")[4]
            if b"can't set" in connection.call([b"CONFIG", b"SET", name, text]):
                found.add(name)
    assert fixed[0] == fixed[1]


@pytest.mark.parametrize("name", sorted({*OPTIONS, *ALIASES}))
def test_a_parameter_takes_and_refuses_what_it_does_in_redis(pair: Pair, name: str) -> None:
    theirs, ours = pair
    known = name.encode()
    before = theirs.call([b"CONFIG", b"GET", known])
    if before == b"*0\r\n" or ALIASES.get(name, name) in NOT_COMPARED or name in TLS:
        assert ours.call([b"CONFIG", b"GET", known]) != b"*0\r\n"
        return
    default = before.split(b"\r\n")[4]
    if OPTIONS[ALIASES.get(name, name)].is_kept and name != "appendonly":
        assert ours.call([b"CONFIG", b"GET", known]) == before
    for text in TEXTS:
        argv = [b"CONFIG", b"SET", known, text]
        asked = [b"CONFIG", b"GET", known]
        reply = theirs.call(argv)
        assert ours.call(argv) == reply, text
        if reply == b"+OK\r\n":
            assert ours.call(asked) == theirs.call(asked), text
    theirs.call([b"CONFIG", b"SET", known, default])
    ours.call([b"CONFIG", b"SET", known, default])


@pytest.mark.parametrize(
    "line",
    [
        "SET hash-max-ziplist-entries 3 zset-max-ziplist-value 9",
        "SET hash-max-ziplist-entries 3 hash-max-listpack-entries 4",
        "SET hash-max-ziplist-entries 5 HASH-MAX-ZIPLIST-ENTRIES 6",
        "SET hash-max-listpack-entries 7 hz x",
        "SET slave-priority x replica-priority 1",
        "SET hz 20 appendfsync sometimes",
        "SET dbfilename other.rdb",
        "SET hz 20 dir /tmp nosuch 1",
        "SET hz 20 io-threads 2",
        "SET hz 20 hz",
        "GET hash-max-*",
        "GET lua-time-limit busy-reply-threshold",
        "GET slave-*",
        "GET hz",
    ],
)
def test_several_parameters_change_together_or_not_at_all(pair: Pair, line: str) -> None:
    theirs, ours = pair
    argv = [b"CONFIG", *line.encode().split()]
    reply, expected = ours.call(argv), theirs.call(argv)
    if line.startswith("GET"):
        assert sorted(reply.split(b"\r\n")) == sorted(expected.split(b"\r\n"))
    else:
        assert reply == expected
    for name in (b"hz", b"hash-max-listpack-entries", b"zset-max-listpack-value"):
        asked = [b"CONFIG", b"GET", name]
        assert ours.call(asked) == theirs.call(asked)


def test_what_is_only_kept_is_said_once_in_the_log(tmp_path: Path) -> None:
    file = tmp_path / "respkv.conf"
    log = tmp_path / "log"
    file.write_text(f"slave-priority 7\nlogfile {log}\n")
    with (
        ServerProcess(tmp_path / "data", str(file)) as server,
        redis.Redis(port=server.port, single_connection_client=True) as client,
    ):
        client.config_set("hz", 20)
        client.config_set("hz", 30, "replica-priority", 8)
        client.config_set("maxmemory-samples", 6)
        client.config_set("save", "60 1", "appendonly", "no")
        client.execute_command("CONFIG REWRITE")
    text = log.read_text()
    assert text.count("'replica-priority' has no meaning here") == 1
    assert text.count("'hz' has no meaning here") == 1
    assert text.count("'save' has no meaning here") == 1
    assert text.count("'appendonly' has no meaning here") == 1
    assert "maxmemory-samples" not in text
    lines = file.read_text().splitlines()
    assert lines[0] == "replica-priority 8"
    assert {"hz 30", "maxmemory-samples 6"} <= set(lines)


def test_encodings_follow_their_thresholds_before_and_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (
        ServerProcess(data) as server,
        redis.Redis(port=server.port, decode_responses=True) as client,
    ):
        client.hset("h", mapping={str(field): "v" for field in range(5)})
        assert client.object("encoding", "h") == "listpack"
        client.config_set("hash-max-ziplist-entries", 4)
        assert client.object("encoding", "h") == "hashtable"
    with (
        ServerProcess(data, "--hash-max-listpack-entries", "4") as server,
        redis.Redis(port=server.port, decode_responses=True) as client,
    ):
        assert client.object("encoding", "h") == "hashtable"
        client.config_set("hash-max-listpack-entries", 5)
        assert client.object("encoding", "h") == "listpack"


def test_appendfsync_changes_while_the_server_runs(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "data") as server,
        redis.Redis(port=server.port, decode_responses=True) as client,
    ):
        for policy in ("everysec", "always", "no", "always"):
            client.config_set("appendfsync", policy)
            assert client.info("respkv")["appendfsync"] == policy
            for number in range(20):
                client.set(f"{policy}:{number}", number)
    with (
        ServerProcess(tmp_path / "data") as server,
        redis.Redis(port=server.port, decode_responses=True) as client,
    ):
        assert client.dbsize() == 60
