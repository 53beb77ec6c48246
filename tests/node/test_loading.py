"""What clients see of a server that is still loading."""

import socket
import time
from pathlib import Path

import pytest
import redis

from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS

KEYS = 200_000  # loading them takes a large part of a second, connecting to a port a fraction of it


def fill(server: ServerProcess) -> None:
    with redis.Redis(port=server.port) as client:
        for start in range(0, KEYS, 10_000):
            client.mset({f"key:{number}": number for number in range(start, start + 10_000)})


def connect(server: ServerProcess) -> socket.socket:
    """Connect as soon as the port opens."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", server.port), 10)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            assert server.process.poll() is None, server.log.read_text()


@pytest.mark.parametrize("snapshot", [False, True], ids=["log", "snapshot"])
def test_a_loading_server_says_so_and_tells_how_far_it_is(tmp_path: Path, snapshot: bool) -> None:
    with ServerProcess(tmp_path / "data") as server:
        fill(server)
        if snapshot:
            assert server.ask(b"SAVE", 30) == b"+OK\r\n"
        server.kill()
        server.launch()
        with connect(server) as connection:
            answers = connection.makefile("rb")
            connection.sendall(  # at once: the server answers all of it in one turn
                b"GET key:1\r\nSET key:1 x\r\nPING\r\nECHO hi\r\n"
                b"MULTI\r\nGET key:1\r\nEXEC\r\nINFO persistence\r\n"
            )
            for _ in range(3):
                loading = b"-LOADING Redis is loading the dataset in memory\r\n"
                assert answers.readline() == loading
            assert answers.readline() + answers.readline() == b"$2\r\nhi\r\n"
            assert answers.readline() == b"+OK\r\n"
            assert answers.readline() == loading
            assert answers.readline().startswith(b"-EXECABORT")
            info = answers.read(int(answers.readline()[1:]))
            assert b"\r\nloading:1\r\n" in info
            total = int(info.split(b"loading_total_bytes:")[1].split()[0])
            loaded = int(info.split(b"loading_loaded_bytes:")[1].split()[0])
            assert 0 <= loaded < total
            answers.readline()
            server.wait_ready()
            connection.sendall(b"GET key:1\r\nDBSIZE\r\n")
            assert answers.readline() + answers.readline() == b"$1\r\n1\r\n"
            assert answers.readline() == b":%d\r\n" % KEYS
            answers.close()
        assert "loading: " in server.log.read_text()
        assert server.stop() == 0


def test_a_loading_server_stops_when_told_to_and_loses_nothing(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        fill(server)
        server.kill()
        server.launch()
        connect(server).close()
        assert server.stop() == 0
        server.start()
        assert server.ask(b"DBSIZE") == b":%d\r\n" % KEYS
