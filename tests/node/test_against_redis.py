"""The node's own commands, byte for byte against a real redis-server 7.0.15, over sockets."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.commands.reference import RawConnection, Reference, split
from tests.conftest import ServerProcess

Sockets = tuple[Path, Path]


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sockets]:
    """The Unix sockets of a reference and of our server."""
    directory = tmp_path_factory.mktemp("pair")
    reference = Reference(directory)
    with ServerProcess(directory / "data", "--unixsocket", str(directory / "ours.sock")):
        yield directory / "redis.sock", directory / "ours.sock"
    reference.close()


def play(path: Path, script: str, resp: int) -> list[tuple[str, bytes]]:
    """Return the reply to each line `connection> command`.

    PUSHES returns what was pushed to the connection, $ID stands for the first connection's id and
    $FREE for one that nobody has.
    """
    replies: list[tuple[str, bytes]] = []
    with contextlib.ExitStack() as stack:
        connections: dict[str, RawConnection] = {}

        def connect(name: str) -> RawConnection:
            connection = connections[name] = RawConnection(path)
            stack.callback(connection.close)
            if resp == 3:
                connection.call([b"HELLO", b"3"])
            return connection

        first = connect("1")
        first.call([b"FLUSHALL"])
        number = int(first.call([b"CLIENT", b"ID"])[1:])
        for line in script.strip().splitlines():
            name, _, text = line.partition("> ")
            connection = connections.get(name.strip()) or connect(name.strip())
            argv = split(text.replace("$ID", str(number)).replace("$FREE", str(number + 1000)))
            if text == "PUSHES":
                reply = b""
                answer = connection.call([b"PING"])
                while answer != b"+PONG\r\n":
                    reply += answer
                    answer = connection.reply()
            else:
                reply = connection.call(argv)
            if "CLIENT" in script:
                reply = re.sub(rb"(?<![$*~>])\b%d\b" % number, b"<ID>", reply)
            replies.append((line, reply))
    return replies


def compare(sockets: Sockets, script: str, resp: int) -> None:
    reference, ours = sockets
    assert play(ours, script, resp) == play(reference, script, resp)


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=script.split("\n", 1)[0].strip("# "))
        for script in (Path(__file__).parent / "node_scripts.txt").read_text().split("\n\n")
    ],
)
def test_scripts(sockets: Sockets, script: str, resp: int) -> None:
    lines = [line for line in script.strip().splitlines() if not line.startswith("#")]
    compare(sockets, "\n".join(lines), resp)


CHOSEN = "CLIENT CONFIG COMMAND SAVE BGSAVE LASTSAVE AUTH HELLO PING ECHO SELECT QUIT RESET MULTI \
EXEC DISCARD WATCH UNWATCH INFO TIME DBSIZE".split()
OURS_ONLY = re.compile("setinfo|no-touch")  # of later versions, and sent by today's clients


@pytest.mark.parametrize("name", CHOSEN)
def test_the_declarations_say_what_redis_says(sockets: Sockets, name: str) -> None:
    told = [_command_info(path, name) for path in sockets]
    assert told[1] == told[0]


@pytest.mark.parametrize("name", [*CHOSEN, "SHUTDOWN"])
def test_the_documentation_is_that_of_redis(sockets: Sockets, name: str) -> None:
    told = [_command_docs(path, name) for path in sockets]
    assert told[1] == told[0]


def _command_docs(path: Path, name: str) -> dict[str, object]:
    with redis.Redis(unix_socket_path=str(path), protocol=3) as client:
        client.response_callbacks.clear()
        [docs] = client.execute_command("COMMAND DOCS", name).values()
    subcommands = docs.pop(b"subcommands", {})
    described: dict[str, object] = {"": {field: _plain(value) for field, value in docs.items()}}
    for subcommand, entry in subcommands.items():
        if not OURS_ONLY.search(subcommand.decode()):
            described[subcommand.decode()] = {
                field: _plain(value) for field, value in entry.items()
            }
    return described


def _plain(value: object) -> object:
    if isinstance(value, (set, frozenset, list, tuple)):
        items = [_plain(item) for item in value]
        return sorted(items, key=repr) if isinstance(value, (set, frozenset)) else items
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _command_info(path: Path, name: str) -> dict[str, object]:
    with redis.Redis(unix_socket_path=str(path), protocol=2) as client:
        client.response_callbacks.clear()
        found = client.execute_command("COMMAND INFO", name)[0]

    def entry(info: list) -> dict[str, object]:
        described: dict[str, object] = {
            "arity": info[1],
            "flags": sorted(info[2]),
            "keys": info[3:6],
            "categories": sorted(info[6]),
            "tips": sorted(info[7]),
        }
        for subcommand in info[9]:
            if not OURS_ONLY.search(subcommand[0].decode()):
                described[subcommand[0].decode()] = entry(subcommand)
        return described

    return entry(found)
