"""CLIENT TRACKING beyond what a script against the reference can show."""

import contextlib
from pathlib import Path

import pytest

from tests.commands.reference import RawConnection
from tests.conftest import ServerProcess
from tests.node.test_against_redis import Sockets, sockets
from tests.patience import wait_until

__all__ = ["sockets"]


def connect(path: Path) -> contextlib.closing[RawConnection]:
    connection = RawConnection(path)
    connection.call([b"HELLO", b"3"])
    return contextlib.closing(connection)


def pushes(connection: RawConnection) -> bytes:
    pushed, answer = b"", connection.call([b"PING"])
    while answer != b"+PONG\r\n":
        pushed += answer
        answer = connection.reply()
    return pushed


def wait_for_pushes(connection: RawConnection, count: int) -> bytes:
    """Return once so many invalidations have come."""
    pushed = bytearray()

    def have_come() -> bool:
        pushed.extend(pushes(connection))
        return pushed.count(b"invalidate") >= count

    wait_until(have_come)
    return bytes(pushed)


@pytest.fixture
def both(sockets: Sockets) -> Sockets:
    for path in sockets:
        with connect(path) as connection:
            connection.call([b"FLUSHALL"])
    return sockets


def test_a_key_that_expires_is_invalidated(both: Sockets) -> None:
    for path in both:
        with connect(path) as reader:
            reader.call([b"CLIENT", b"TRACKING", b"ON"])
            reader.call([b"MULTI"])  # it is read before its time has come, however slow we are
            reader.call([b"SET", b"short", b"1", b"PX", b"20"])
            reader.call([b"GET", b"short"])
            assert reader.call([b"EXEC"]) == b"*2\r\n+OK\r\n$1\r\n1\r\n"
            assert wait_for_pushes(reader, 1) == b">2\r\n$10\r\ninvalidate\r\n*1\r\n$5\r\nshort\r\n"


def test_a_full_table_forgets_keys_and_says_so(both: Sockets) -> None:
    for path in both:
        with connect(path) as reader:
            reader.call([b"CONFIG", b"SET", b"tracking-table-max-keys", b"10"])
            reader.call([b"CLIENT", b"TRACKING", b"ON"])
            for number in range(30):
                reader.send([b"GET", b"key:%d" % number])
            wait_for_pushes(reader, 20)
            reader.call([b"CONFIG", b"SET", b"tracking-table-max-keys", b"1000000"])


def test_a_reader_never_keeps_a_value_that_changed_unseen(tmp_path: Path) -> None:
    """A cache kept by replies and pushes in the order they come equals the truth in the end."""
    path = tmp_path / "s"
    with (
        ServerProcess(tmp_path / "data", "--unixsocket", str(path)),
        connect(path) as reader,
        connect(path) as writer,
    ):
        reader.call([b"CLIENT", b"TRACKING", b"ON"])
        cached: dict[bytes, bytes] = {}
        asked: list[bytes] = []
        for turn in range(300):
            key = b"k%d" % (turn % 7)
            writer.send([b"SET", key, b"%d" % turn])
            for other in range(7):
                reader.send([b"GET", b"k%d" % other])
                asked.append(b"k%d" % other)
            writer.reply()
        reader.send([b"PING"])
        while (answer := reader.reply()) != b"+PONG\r\n":
            if answer.startswith(b">"):
                cached.pop(answer.split(b"\r\n")[-2], None)
            else:
                cached[asked.pop(0)] = answer
        for key, reply in cached.items():
            assert writer.call([b"GET", key]) == reply
