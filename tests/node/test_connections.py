"""Connections against a real redis-server: pipelines, muting, slow readers, what INFO counts."""

import socket
from pathlib import Path

import pytest
import redis

from tests.commands.reference import RawConnection, Reference
from tests.conftest import ServerProcess
from tests.node.test_against_redis import Sockets, sockets
from tests.patience import PATIENCE_SECONDS, wait_until

__all__ = ["sockets"]


def stream(path: Path, pipeline: bytes) -> bytes:
    """Return all that is answered to a pipeline that ends in QUIT."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        connection.settimeout(PATIENCE_SECONDS)
        connection.sendall(pipeline.replace(b"|", b"\r\n") + b"\r\nQUIT\r\n")
        answer = b""
        while received := connection.recv(65536):
            answer += received
        return answer


@pytest.mark.parametrize(
    "pipeline",
    [
        b"SET a 1|CLIENT REPLY SKIP|GET a|GET a",
        b"SET a 1|GET a|CLIENT REPLY OFF|GET a|SET a 2|PING",
        b"SET a 1|CLIENT REPLY OFF|SET a 3|CLIENT REPLY ON|GET a",
        b"CLIENT REPLY SKIP|CLIENT REPLY SKIP|PING|PING",
        b"CLIENT REPLY OFF|CLIENT REPLY SKIP|PING|CLIENT REPLY ON|PING",
        b"CLIENT REPLY SKIP|CLIENT REPLY ON|PING",
        b"CLIENT REPLY SKIP|NOSUCH|PING",
        b"CLIENT REPLY SKIP|MULTI|SET a 1|EXEC",
        b"DEL a|GET a|HELLO 3 SETNAME x|GET a|RESET|GET a|SET a 1|GET nosuch",
        b"SET a 1|HELLO 3|GET nosuch|RESET|GET nosuch",
        b"SET a 1|MULTI|SELECT 3|SET a 2|EXEC|GET a|SELECT 0|GET a|SELECT 3|GET a|FLUSHALL",
        b"WATCH k|SET k 1|MULTI|SELECT 3|EXEC|SET z 1|SELECT 0|EXISTS z|FLUSHALL",
        b"WATCH k|MULTI|SELECT 3|EXEC|SET z 1|SELECT 0|EXISTS z|FLUSHALL",
        b"MULTI|SELECT 3|SELECT 77|EXEC|SET z 1|SELECT 3|EXISTS z|FLUSHALL",
        b"CLIENT PAUSE 20|SET a 1|GET a|NOSUCH|CLIENT PAUSE 20 WRITE|SET a 2|GET a",
        b"CLIENT TRACKING on|GET a|SET a 1|MULTI|GET a|EXEC|SET a 2|PING",
        b"HELLO 3 SETNAME x|CLIENT TRACKING on|GET a|SET a 1|GET a|SET a 2|GET b|PING|SET a 3",
    ],
)
def test_a_pipeline_is_answered_in_order(sockets: Sockets, pipeline: bytes) -> None:
    answers = [stream(path, b"FLUSHALL|" + pipeline) for path in sockets]
    assert _without_ids(answers[1]) == _without_ids(answers[0])


def _without_ids(answer: bytes) -> bytes:
    head, found, rest = answer.partition(b"$2\r\nid\r\n:")
    return head + found + rest.partition(b"\r\n")[2]


def test_info_has_the_sections_of_redis(sockets: Sockets) -> None:
    for wanted in ((), ("default",), ("all",), ("everything",), ("server", "CPU"), ("x",)):
        sections = []
        for path in sockets:
            with redis.Redis(unix_socket_path=str(path)) as client:
                client.response_callbacks.clear()
                text = client.execute_command("INFO", *wanted).decode()
            titles = [line for line in text.split("\r\n") if line.startswith("# ")]
            sections.append({*titles} - {"# Latencystats", "# Respkv", "# Partitions"})
        assert sections[1] == sections[0], wanted


def test_info_counts_hits_misses_expired_keys_and_errors(sockets: Sockets) -> None:
    counted = []
    for path in sockets:
        with redis.Redis(unix_socket_path=str(path), single_connection_client=True) as client:
            client.flushall()
            client.config_resetstat()
            client.mset({"a": 1, "b": 2})
            client.mget("a", "b", "c")
            client.get("a")
            client.get("nosuch")
            client.exists("a", "nosuch")
            client.ttl("a")
            client.type("nosuch")
            client.strlen("a")
            client.getrange("b", 0, 1)
            client.append("a", "x")
            client.set("short", 1, px=1)
            wait_until(lambda client=client: client.dbsize() < 3)
            for wrong in (("SET", "a"), ("NOSUCH",), ("INCR", "a")):
                with pytest.raises(redis.ResponseError):
                    client.execute_command(*wrong)
            stats = client.info("stats")
            names = "keyspace_hits keyspace_misses expired_keys evicted_keys total_error_replies"
            calls = client.info("commandstats")
            counted.append(
                (
                    {name: stats[name] for name in names.split()},
                    {name: calls[f"cmdstat_{name}"]["calls"] for name in ("mget", "get", "append")},
                    calls["cmdstat_set"]["rejected_calls"],
                    client.info("errorstats"),
                )
            )
    assert counted[1] == counted[0]


def are_blocked(admin: redis.Redis, clients: int) -> bool:
    return sum("b" in client["flags"] for client in admin.client_list()) == clients


def test_a_paused_client_shows_as_blocked_and_can_be_killed(sockets: Sockets) -> None:
    for path in sockets:
        with redis.Redis(unix_socket_path=str(path), single_connection_client=True) as admin:
            admin.flushall()
            waiting = RawConnection(path)
            number = int(waiting.call([b"CLIENT", b"ID"])[1:])
            admin.execute_command("CLIENT PAUSE", 60_000, "WRITE")
            waiting.send([b"SET", b"a", b"b"])
            wait_until(lambda: are_blocked(admin, 1))
            assert admin.client_kill_filter(_id=number) == 1
            assert waiting.reply() == b""
            waiting.close()
            admin.client_unpause()
            assert admin.get("a") is None


@pytest.mark.parametrize("limit", ["normal 1mb 0 0", "normal 0 100kb 0"], ids=["hard", "soft"])
def test_a_client_that_does_not_read_is_closed_at_its_limit(tmp_path: Path, limit: str) -> None:
    with (
        ServerProcess(tmp_path / "data", "--client-output-buffer-limit", limit) as server,
        redis.Redis(port=server.port) as client,
    ):
        client.set("big", b"x" * 1_000_000)
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(b"GET big\r\n" * 20)
            wait_until(lambda: client.info("clients")["connected_clients"] == 1)
        assert client.strlen("big") == 1_000_000  # others are not concerned


def test_config_rewrite_keeps_comments_and_what_it_wrote_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "respkv.conf"
    file.write_text("# mine\ntimeout 5\n\nmaxclients 50 \nhz 10\ntimeout 6\n# end\n")
    options = (str(file), "--tcp-keepalive", "77")
    with (
        ServerProcess(tmp_path / "data", *options) as server,
        redis.Redis(port=server.port, single_connection_client=True) as client,
    ):
        client.config_set("timeout", 9, "requirepass", 'a "b" \\ c')
        client.execute_command("AUTH", 'a "b" \\ c')
        client.execute_command("CONFIG REWRITE")
    lines = file.read_text().splitlines()
    assert lines[:6] == ["# mine", "timeout 9", "", "maxclients 50", "hz 10", "# end"]
    assert lines[6] == "# Generated by CONFIG REWRITE"
    assert "tcp-keepalive 77" in lines
    with (
        ServerProcess(tmp_path / "data", str(file)) as server,
        redis.Redis(port=server.port, password='a "b" \\ c') as client,
    ):
        assert client.config_get("t*")["timeout"] in ("9", b"9")
        client.execute_command("CONFIG REWRITE")
        assert [line for line in file.read_text().splitlines() if "port" not in line] == [
            line for line in lines if "port" not in line
        ]


def test_save_waits_for_the_snapshot_while_others_are_served(sockets: Sockets) -> None:
    for path in sockets:
        with redis.Redis(unix_socket_path=str(path)) as client:
            client.set("saved", "1")
            before = client.lastsave()
            assert client.save() is True
            assert client.lastsave() >= before
            assert client.info("persistence")["rdb_bgsave_in_progress"] == 0


def test_the_reference_is_the_one_we_follow(tmp_path: Path) -> None:
    reference = Reference(tmp_path)
    assert b"redis_version:7.0.15" in reference.call([b"INFO", b"server"])
    reference.close()


def test_clients_that_leave_while_paused_are_freed(server: ServerProcess) -> None:
    with redis.Redis(port=server.port) as admin:
        admin.execute_command("CLIENT PAUSE", 60_000, "WRITE")
        paused = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        for connection in paused:
            connection.sendall(b"SET paused v\r\n")
        wait_until(lambda: are_blocked(admin, 5))
        addresses = {"{}:{}".format(*connection.getsockname()) for connection in paused}
        for connection in paused:
            connection.close()
        wait_until(lambda: addresses.isdisjoint(each["addr"] for each in admin.client_list()))
        admin.execute_command("CLIENT UNPAUSE")
        assert admin.get("paused") is None


@pytest.mark.parametrize("line", ["BLPOP k 9223372036854775", "WAIT 1 9223372036854775807"])
def test_the_longest_wait_does_not_end_by_itself(server: ServerProcess, line: str) -> None:
    with (
        redis.Redis(port=server.port, protocol=3) as admin,
        socket.create_connection(("127.0.0.1", server.port)) as waiting,
    ):
        waiting.settimeout(PATIENCE_SECONDS)
        waiting.sendall(b"CLIENT ID\r\n")
        number = int(waiting.recv(100)[1:])
        waiting.sendall(line.encode() + b"\r\n")
        wait_until(lambda: admin.info("clients")["blocked_clients"])
        assert admin.client_unblock(number, error=True)
        assert waiting.recv(100).startswith(b"-UNBLOCKED ")
