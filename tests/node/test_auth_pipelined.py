"""AUTH and what comes behind it in one chunk, as pipelining clients send it."""

import socket
from pathlib import Path

from respkv.wire.reply import encode
from respkv.wire.run import encode_command
from tests.conftest import ServerProcess


def test_a_command_behind_auth_is_read_by_the_limits_of_who_is_authenticated(
    tmp_path: Path,
) -> None:
    keys = [b"key:%d" % number for number in range(20)]
    wide = encode_command([b"COMMAND", b"GETKEYS", b"DEL", *keys])
    with ServerProcess(tmp_path / "data", "--requirepass", "secret") as server:
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            connection.sendall(b"AUTH secret\r\n" + wide + b"QUIT\r\n")
            received = b""
            while data := connection.recv(4096):
                received += data
        assert received == b"+OK\r\n" + encode(keys, 2) + b"+OK\r\n"
        assert b"unauthenticated multibulk length" in server.ask(wide)
