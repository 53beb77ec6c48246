"""Limits and error texts of requests, byte for byte those of a real redis-server."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respkv.errors import ProtocolError
from respkv.wire.inline import split_inline
from respkv.wire.reply import encode
from respkv.wire.request import RequestParser

NO_AUTH = b"-NOAUTH Authentication required.\r\n"


class RedisServer:
    """A redis-server on a unix socket; each stream gets a connection of its own."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._path = str(directory / "redis.sock")
        self._process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self._path, "--dir", str(directory)]
            + ["--save", "", *options],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"ready to accept connections" in line:
                return
        raise RuntimeError("redis-server did not start")

    def answers(self, stream: bytes) -> bytes:
        """Return all that comes back until the server, or the stream, ends."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(self._path)
            received = b""
            try:
                connection.sendall(stream)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has answered and closed before it read all
            try:
                while data := connection.recv(1 << 16):
                    received += data
            except ConnectionResetError:
                pass
            return received

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def serve(directory: Path, *options: str) -> Iterator[RedisServer]:
    server = RedisServer(directory, *options)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    yield from serve(tmp_path_factory.mktemp("redis"))


@pytest.fixture(scope="module")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    yield from serve(tmp_path_factory.mktemp("redis"), "--requirepass", "secret")


def our_answers(stream: bytes, authenticated: bool = True) -> bytes:
    """Return what a server that knows ECHO only would answer."""
    parser = RequestParser()
    parser.authenticated = authenticated
    answers = []
    runs = parser.feed(stream)
    while runs:
        for argv in [argv for argvs, _ in runs for argv in argvs]:
            if argv[0] == b"AUTH":
                parser.authenticated = True
                answers.append(b"+OK\r\n")
            else:
                answers.append(encode(argv[1], 2) if parser.authenticated else NO_AUTH)
        runs = parser.feed(b"") if parser.held else []
    if parser.error is not None:
        answers.append(encode(parser.error, 2))
    return b"".join(answers)


ECHO = b"*2\r\n$4\r\nECHO\r\n$1\r\na\r\n"
STREAMS = [
    b"*2147483647\r\n",
    b"*2147483648\r\n",
    b"*-2147483649\r\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"*-10\r\n",
    b"*1a\r\n",
    b"*\r\n",
    b"*+1\r\n",
    b"* 1\r\n",
    b"*01\r\n",
    b"*-0\r\n",
    b"*--1\r\n",
    b"*99999999999999999999\r\n",
    b"*1\r\n:4\r\n",
    b"*1\r\n\r\n",
    b"*1\r\n\xff\r\n",
    b"*1\r\n*1\r\n",
    b"*1\r\n\n\r\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$\r\n",
    b"*1\r\n$4a\r\n",
    b"*1\r\n$04\r\nPING\r\n",
    b"*1\r\n$536870912\r\n",
    b"*1\r\n$536870913\r\n",
    b"*1\r\n$9223372036854775808\r\n",
    b"*2\r\n$4\r\nECHO\r\n$1\r\nabc" + ECHO,
    b"*2\r$4\r\nECHO",
    b"*2\rx$4\rxECHOxx$1\rxaxx" + ECHO,
    b"ECHO a\n",
    b"ECHO a\r\n",
    b"\r\n\r\n \t \r\nECHO a\r\n",
    b'ECHO "a\r\n',
    b"ECHO 'a\r\n",
    b'ECHO "a"b\r\n',
    b"ECHO 'a'b\r\n",
    b'ECHO "a\\"\r\n',
    b"ECHO " + b"a" * 65000 + b"\r\n",
]


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: repr(stream[:30]))
def test_a_strange_stream_gets_the_answers_of_redis(
    redis_server: RedisServer, stream: bytes
) -> None:
    """After a good command and before another one, so that both are answered or dropped alike."""
    stream = ECHO + stream + ECHO
    assert our_answers(stream) == redis_server.answers(stream)


@pytest.mark.parametrize("arguments", [1, 20])
def test_limits_are_lifted_behind_auth_in_the_same_chunk(
    locked_server: RedisServer, arguments: int
) -> None:
    """Clients that pipeline do not wait for the answer to AUTH."""
    big = b"*2\r\n$4\r\nECHO\r\n$20000\r\n" + b"a" * 20000 + b"\r\n"
    wide = b"*%d\r\n$3\r\nDEL\r\n" % (arguments + 1) + b"$1\r\na\r\n" * arguments
    stream = b"AUTH secret\r\n" + ECHO + big
    assert our_answers(stream, authenticated=False) == locked_server.answers(stream)
    stream = b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n" + wide
    assert locked_server.answers(stream) == b"+OK\r\n:0\r\n"
    assert our_answers(stream, authenticated=False) == b"+OK\r\n$1\r\na\r\n"


@pytest.mark.parametrize("beginning", [b"ECHO ", b"*", b"*1\r\n$", b"*2\r\n$1\r\na\r\n$"])
@pytest.mark.parametrize("length", [100, 65_000, 100_000])
def test_a_line_without_end_is_refused_when_it_is_long(
    redis_server: RedisServer, beginning: bytes, length: int
) -> None:
    """Above 64 KiB; redis-server takes a longer line whose end came with the same read."""
    stream = ECHO + beginning + b"1" * length
    assert our_answers(stream) == redis_server.answers(stream)


@pytest.mark.parametrize(
    "stream",
    [
        b"*10\r\n$3\r\nDEL\r\n" + b"$1\r\na\r\n" * 9 + ECHO,
        b"*11\r\n" + b"$1\r\na\r\n" * 11 + ECHO,
        b"*2\r\n$4\r\nECHO\r\n$16384\r\n" + b"a" * 16384 + b"\r\n" + ECHO,
        b"*2\r\n$4\r\nECHO\r\n$16385\r\n" + b"a" * 16385 + b"\r\n" + ECHO,
        b"*2\r\n$536870913\r\n",
        b"DEL" + b" a" * 20 + b"\r\n",
    ],
    ids=lambda stream: repr(stream[:30]),
)
def test_who_is_not_authenticated_may_send_little(
    locked_server: RedisServer, stream: bytes
) -> None:
    assert our_answers(stream, authenticated=False) == locked_server.answers(stream)


@given(
    st.text("ab '\"\\xn0f9\t~é", max_size=16).map(lambda text: text.encode("latin-1"))
    | st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"").replace(b"\0", b""))
)
@example(b'"\\x41\\x4g\\q\\a\\b\\t\\r\\n\\\\"')
@example(b"'\\'\\x41\\n'")
@example(b'"a"b')
@example(b"a\"b\" c'd'")
@example(b"\"\" ''")
def test_inline_commands_are_split_as_redis_splits_them(
    redis_server: RedisServer, line: bytes
) -> None:
    """A line with a zero byte is the exception: redis-server never finds its end."""
    try:
        expected = encode(split_inline(line.removesuffix(b"\r")), 2)
    except ProtocolError as error:
        expected = encode(error, 2)
    assert redis_server.answers(b'EVAL "return ARGV" 0 ' + line + b"\n") == expected
