"""CONFIG SET of `port` and `bind`: where clients come in changes, beside a real redis-server."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.commands.reference import Reference, Served, Server
from tests.processes.ports import listening_port

HERE, ALSO_HERE, NOBODY = "127.0.0.1", "127.0.0.2", "192.0.2.1"


@pytest.fixture(scope="module", params=["redis-server", "respkv"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Both pass the same tests; commands reach them by a Unix socket."""
    kind = Reference if request.param == "redis-server" else Served
    server = kind(tmp_path_factory.mktemp("listening"))
    yield server
    server.close()


def set_(server: Server, *words: object) -> bytes:
    return server.call([b"CONFIG", b"SET", *[str(word).encode() for word in words]])


def answers(host: str, port: int) -> bool:
    try:
        with redis.Redis(host, port) as client:
            return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_clients_find_it_at_another_port_and_those_it_has_stay(server: Server) -> None:
    first, second = listening_port(), listening_port()
    assert set_(server, "port", first) == b"+OK\r\n"
    with redis.Redis(HERE, first, single_connection_client=True) as client:
        assert client.ping()
        assert set_(server, "port", second) == b"+OK\r\n"
        assert client.get("key") is None
        assert client.info("server")["tcp_port"] == second
        assert client.config_get("port") == {"port": str(second)}
    assert (answers(HERE, first), answers(HERE, second)) == (False, True)
    assert set_(server, "port", 0) == b"+OK\r\n"
    assert not answers(HERE, second)


def test_a_port_that_another_has_is_refused_and_the_old_one_stays(server: Server) -> None:
    own = listening_port()
    assert set_(server, "port", own, "bind", HERE) == b"+OK\r\n"
    with socket.create_server((HERE, 0)) as taken:
        port = taken.getsockname()[1]
        refusal = b"Unable to listen on this port. Check server logs.\r\n"
        before = b"-ERR CONFIG SET failed (possibly related to argument 'port') - "
        assert set_(server, "port", port) == before + refusal
        assert set_(server, "timeout", 77, "port", port) == before + refusal
    assert server.call([b"CONFIG", b"GET", b"timeout"]).endswith(b"\r\n0\r\n")
    assert answers(HERE, own)


def test_it_listens_at_other_addresses_of_the_same_port(server: Server) -> None:
    port = listening_port()
    for addresses, here, also_here in (
        (HERE, True, False),
        (f"{HERE} {ALSO_HERE}", True, True),
        ("*", True, True),
        (ALSO_HERE, False, True),
        (f"{HERE} -{NOBODY}", True, False),
        ("", False, False),
    ):
        assert set_(server, "bind", addresses, "port", port) == b"+OK\r\n"
        assert (answers(HERE, port), answers(ALSO_HERE, port)) == (here, also_here), addresses
        shown = server.call([b"CONFIG", b"GET", b"bind"])
        assert shown.endswith(b"\r\n%b\r\n" % addresses.encode())


def test_addresses_that_are_not_here_are_refused_and_the_old_ones_stay(server: Server) -> None:
    port = listening_port()
    assert set_(server, "bind", HERE, "port", port) == b"+OK\r\n"
    for addresses in (NOBODY, f"{HERE} {NOBODY}", "300.1.2.3"):
        assert set_(server, "bind", addresses) == (
            b"-ERR CONFIG SET failed (possibly related to argument 'bind') - "
            b"Failed to bind to specified addresses.\r\n"
        )
        assert answers(HERE, port)


def test_who_moves_on_and_on_is_found_where_it_ends(tmp_path: Path) -> None:
    """Several moves in one pipeline: what they open in between is closed again."""
    ports = [listening_port() for _ in range(5)]
    server = Served(tmp_path)
    try:
        connection = server.connect()
        for port in ports:
            connection.send([b"CONFIG", b"SET", b"port", b"%d" % port])
        assert [connection.reply() for _ in ports] == [b"+OK\r\n"] * 5
        assert [answers(HERE, port) for port in ports] == [False] * 4 + [True]
        connection.close()
    finally:
        server.close()
