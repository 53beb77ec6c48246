"""What a server process does at its limits: connections, time, memory, disk, and its end."""

import contextlib
import itertools
import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS, wait_until

MEGABYTE = b"x" * (1 << 20)


@contextlib.contextmanager
def connected(server: ServerProcess, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A raw connection, from an address of this machine."""
    with socket.create_connection(
        ("127.0.0.1", server.port), PATIENCE_SECONDS, source_address=(source, 0)
    ) as connection:
        yield connection


def ask(connection: socket.socket, line: bytes) -> bytes:
    """Send one inline command and return what comes first; empty when the server hangs up."""
    try:
        connection.sendall(line + b"\r\n")
        return connection.recv(65536)
    except ConnectionError:
        return b""


def test_one_client_too_many_is_turned_away_until_another_leaves(tmp_path: Path) -> None:
    refusal = b"-ERR max number of clients reached\r\n"
    with (
        ServerProcess(tmp_path / "data", "--maxclients", "2") as server,
        connected(server) as first,
    ):
        assert ask(first, b"PING") == b"+PONG\r\n"
        with connected(server) as second:
            assert ask(second, b"PING") == b"+PONG\r\n"
            with connected(server) as third:
                assert third.recv(100) == refusal
                assert third.recv(100) == b""
        wait_until(lambda: server.ask(b"PING") == b"+PONG\r\n")
        assert ask(first, b"CONFIG SET maxclients 1") == b"+OK\r\n"
        wait_until(lambda: server.ask(b"PING") == refusal)
        assert b"rejected_connections:" in ask(first, b"INFO stats")


def test_an_idle_client_is_closed_after_the_timeout(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "data", "--timeout", "1") as server,
        connected(server) as idle,
    ):
        assert ask(idle, b"PING") == b"+PONG\r\n"
        assert idle.recv(100) == b""
        assert server.ask(b"PING") == b"+PONG\r\n"


def test_a_client_that_does_not_read_is_closed_at_the_output_limit(tmp_path: Path) -> None:
    with (
        ServerProcess(
            tmp_path / "data", "--client-output-buffer-limit", "normal 1mb 0 0"
        ) as server,
        redis.Redis(port=server.port) as other,
        connected(server) as slow,
    ):
        other.set("large", MEGABYTE * 4)
        slow.sendall(b"CLIENT SETNAME slow\r\n" + b"GET large\r\n" * 50)
        wait_until(lambda: "slow" not in {client["name"] for client in other.client_list()})
        received = 0
        with contextlib.suppress(ConnectionError):
            while data := slow.recv(1 << 20):
                received += len(data)
        assert received < 50 * 4 * len(MEGABYTE)


def test_a_slow_reader_within_the_limit_gets_every_reply(server: ServerProcess) -> None:
    replies = 64
    with redis.Redis(port=server.port) as other, connected(server) as slow:
        other.set("large", MEGABYTE)
        for _ in range(replies):
            slow.sendall(b"GET large\r\n")
            other.ping()  # somebody else is served meanwhile
        expected = replies * len(b"$1048576\r\n" + MEGABYTE + b"\r\n")
        received = 0
        while received < expected:
            received += len(slow.recv(1 << 20))
        assert received == expected
        assert ask(slow, b"PING") == b"+PONG\r\n"


def test_a_client_that_has_finished_sending_still_gets_its_replies(server: ServerProcess) -> None:
    with connected(server) as client:
        client.sendall(b"SET k 1\r\nINCR k\r\nGET k\r\n")
        client.shutdown(socket.SHUT_WR)
        received = b""
        while data := client.recv(100):
            received += data
    assert received == b"+OK\r\n:2\r\n$1\r\n2\r\n"


def test_a_unix_socket_serves_as_well(tmp_path: Path) -> None:
    path = tmp_path / "respkv.sock"
    options = ("--unixsocket", str(path), "--unixsocketperm", "770")
    for _ in range(2):  # the second start finds the path in use by nobody
        with ServerProcess(tmp_path / "data", *options) as server:
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o770
            with redis.Redis(unix_socket_path=str(path)) as client:
                client.incr("n")
            server.kill()
    with ServerProcess(tmp_path / "data") as server:
        assert server.ask(b"GET n") == b"$1\r\n2\r\n"


def test_protected_mode_refuses_other_machines_unless_there_is_a_password(tmp_path: Path) -> None:
    elsewhere = "127.0.0.5"  # redis-server, too, takes only 127.0.0.1 for itself
    with ServerProcess(tmp_path / "data") as server:
        with connected(server, elsewhere) as stranger:
            assert stranger.recv(65536).startswith(b"-DENIED Redis is running in protected mode")
            assert stranger.recv(100) == b""
        assert server.ask(b"CONFIG SET requirepass secret") == b"+OK\r\n"
        with connected(server, elsewhere) as stranger:
            assert ask(stranger, b"AUTH secret") == b"+OK\r\n"
            assert ask(stranger, b"CONFIG SET requirepass ''") == b"+OK\r\n"
            assert ask(stranger, b"CONFIG SET protected-mode no") == b"+OK\r\n"
        with connected(server, elsewhere) as stranger:
            assert ask(stranger, b"PING") == b"+PONG\r\n"


def test_sigterm_under_load_keeps_what_was_acknowledged_and_exits_0(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        with redis.Redis(port=server.port, retry=None) as client:
            acknowledged = 0
            server.process.terminate()
            with contextlib.suppress(redis.ConnectionError):
                while True:
                    acknowledged = int(client.incr("n"))
        assert server.process.wait(PATIENCE_SECONDS) == 0
        server.start()
        with redis.Redis(port=server.port) as client:
            assert acknowledged <= int(client.get("n") or 0) <= acknowledged + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for a few log segments."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=72m", "tmpfs", str(directory)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a file system is not allowed here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def fill(client: redis.Redis, refusal: str) -> int:
    """Write a megabyte a key until writes are refused so; return how many keys were written."""
    for written in itertools.count():
        try:
            client.set(f"k{written}", MEGABYTE)
        except redis.ResponseError as error:
            assert str(error).startswith(refusal)
            break
    return written


def write_once_taken(client: redis.Redis) -> None:
    """Write one more key as soon as the server takes writes again."""

    def is_taken() -> bool:
        with contextlib.suppress(redis.ResponseError):
            return bool(client.set("more", "1"))
        return False

    wait_until(is_taken)


def test_a_log_without_snapshots_is_bounded(tmp_path: Path) -> None:
    """DESIGN: growth is slowed, then refused, and goes on once a snapshot covers the log."""
    limits = ("--log-bytes-max", "24mb", "--snapshot-log-bytes", "1gb")
    with (
        ServerProcess(tmp_path / "data", *limits) as server,
        redis.Redis(port=server.port, retry=None) as client,
    ):
        acknowledged = fill(client, "MISCONF The log has grown")
        assert acknowledged >= 20
        assert client.get("k0") == MEGABYTE
        client.save()
        write_once_taken(client)
        assert client.dbsize() == acknowledged + 1


def test_a_full_disk_refuses_writes_loses_none_and_takes_them_again(small_disk: Path) -> None:
    with ServerProcess(small_disk / "data") as server:
        client = redis.Redis(port=server.port, retry=None)
        acknowledged = fill(client, "MISCONF No room is left for the log")
        assert acknowledged > 10
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.set("more", "1")
        assert client.dbsize() == acknowledged
        assert client.get("k0") == MEGABYTE
        remount = ["mount", "-o", "remount,size=300m", str(small_disk)]
        subprocess.run(remount, check=True)
        write_once_taken(client)
        client.close()
        assert server.stop() == 0
        server.start()
        with redis.Redis(port=server.port) as client:
            assert client.dbsize() == acknowledged + 1
            assert client.get(f"k{acknowledged - 1}") == MEGABYTE
