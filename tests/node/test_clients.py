"""What real clients see of a real server process."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest
import redis
import redis.asyncio

from tests.conftest import ServerProcess
from tests.patience import wait_until


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def client(server: ServerProcess, request: pytest.FixtureRequest) -> redis.Redis:
    with redis.Redis(port=server.port, protocol=request.param) as connected:
        yield connected


def test_set_options_as_redis_py_sends_them(client: redis.Redis) -> None:
    assert client.set("k", "1", ex=100) is True
    assert client.ttl("k") == 100
    assert client.set("k", "2", nx=True) is None
    assert client.set("k", "3", get=True, keepttl=True) == b"1"
    assert client.ttl("k") == 100
    assert client.set("k", "4") is True
    assert client.ttl("k") == -1


def test_counters_expiry_and_flush(client: redis.Redis) -> None:
    assert client.incr("n") == 1
    assert client.incrby("n", 41) == 42
    assert client.get("n") == b"42"
    assert client.pexpire("n", 5_000) == 1
    assert 0 < client.pttl("n") <= 5_000
    assert client.exists("n", "missing") == 1
    assert client.dbsize() == 1
    assert client.flushall() is True
    assert client.dbsize() == 0


def test_a_key_is_gone_once_its_time_has_come_and_the_sweep_frees_it(client: redis.Redis) -> None:
    client.set("short", "1", px=30)
    wait_until(lambda: client.get("short") is None)
    wait_until(lambda: not client.dbsize())


def test_a_pipeline_keeps_the_order_of_its_replies(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for number in range(500):
            pipeline.set("k", number).get("k").ping().incr("n")
        replies = pipeline.execute()
    assert replies[1::4] == [b"%d" % number for number in range(500)]
    assert replies[3::4] == list(range(1, 501))
    assert replies[2::4] == [True] * 500


def test_transactions_run_whole_and_watch_stops_them(client: redis.Redis) -> None:
    with client.pipeline() as pipeline:
        assert pipeline.set("a", 1).incr("a").get("a").execute() == [True, 2, b"2"]
        pipeline.watch("a")
        value = int(pipeline.get("a"))
        client.set("a", 100)
        pipeline.multi()
        pipeline.set("a", value + 1)
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    assert client.get("a") == b"100"


def test_an_error_while_queueing_discards_the_transaction(server: ServerProcess) -> None:
    with redis.Redis(port=server.port) as client:
        connection = client.connection_pool.get_connection()
        for command, reply in (
            (("MULTI",), b"OK"),
            (("SET", "k"), "wrong number of arguments for 'set' command"),
            (("EXEC",), "Transaction discarded because of previous errors."),
        ):
            connection.send_command(*command)
            if isinstance(reply, bytes):
                assert connection.read_response() == reply
            else:
                with pytest.raises(redis.ResponseError, match=reply):
                    connection.read_response()
        connection.disconnect()


def test_select_moves_later_commands_to_another_database(client: redis.Redis) -> None:
    client.set("k", "zero")
    connection = client.connection_pool.get_connection()
    for command, reply in (
        (("SELECT", 3), b"OK"),
        (("GET", "k"), None),
        (("SET", "k", "three"), b"OK"),
        (("SELECT", 0), b"OK"),
        (("GET", "k"), b"zero"),
    ):
        connection.send_command(*command)
        assert connection.read_response() == reply
    connection.send_command("SELECT", 99)
    with pytest.raises(redis.ResponseError, match="DB index is out of range"):
        connection.read_response()
    connection.disconnect()


def test_unknown_commands_are_answered_as_redis_does(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError) as caught:
        client.execute_command("NOSUCH", "a", "b")
    assert str(caught.value) == ("unknown command 'NOSUCH', with args beginning with: 'a' 'b' ")


def test_what_only_the_log_may_hold_is_unknown_to_clients(client: redis.Redis) -> None:
    with pytest.raises(redis.ResponseError, match="unknown command 'RESPKV\\.SWEEP'"):
        client.execute_command("RESPKV.SWEEP", 1)


def test_client_config_command_and_info(client: redis.Redis) -> None:
    assert client.client_setname("tester") is True
    assert client.client_getname() in ("tester", b"tester")
    assert client.client_id() in {int(found["id"]) for found in client.client_list()}
    assert client.config_get("appendfsync") == {"appendfsync": "always"}
    assert client.config_get("save") == {"save": ""}
    assert client.info("server")["redis_version"] == "7.0.15"
    assert client.info()["loading"] == 0
    assert "get" in client.command()
    assert client.command_getkeys("MSET", "a", 1, "b", 2) in (["a", "b"], [b"a", b"b"])


async def test_asyncio_client_with_its_default_protocol(server: ServerProcess) -> None:
    client = redis.asyncio.Redis(port=server.port)
    await client.set("k", "v")
    assert await asyncio.gather(*(client.get("k") for _ in range(50))) == [b"v"] * 50
    assert sorted(await asyncio.gather(*(client.incr("n") for _ in range(50)))) == list(
        range(1, 51)
    )
    await client.aclose()


@pytest.mark.skipif(shutil.which("redis-cli") is None, reason="redis-cli is not installed")
def test_redis_cli_and_redis_benchmark(server: ServerProcess) -> None:
    def run(*arguments: str) -> str:
        return subprocess.run(
            [*arguments[:1], "-p", str(server.port), *arguments[1:]],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip

    assert run("redis-cli", "SET", "k", "hello") == "OK\n"
    assert run("redis-cli", "-3", "GET", "k") == "hello\n"
    shown = run("redis-benchmark", "-t", "set,get", "-n", "2000", "-P", "16", "-q")
    assert "SET: " in shown
    assert "GET: " in shown


def test_acknowledged_writes_survive_kills_under_load(tmp_path: Path) -> None:
    acknowledged = {}
    server = ServerProcess(tmp_path / "data")
    for round_ in range(3):
        with server:
            client = redis.Redis(port=server.port, retry=None)
            for key, value in acknowledged.items():
                assert client.get(key) == value
            for number in range(300):
                key, value = b"%d:%d" % (round_, number), b"v%d" % number
                client.set(key, value)
                acknowledged[key] = value
            server.kill()
            client.close()


def test_a_snapshot_and_a_clean_stop_keep_everything(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        client = redis.Redis(port=server.port)
        client.mset({f"k{number}": number for number in range(1000)})
        assert client.bgsave() is True
        wait_until(lambda: not client.info("persistence")["rdb_bgsave_in_progress"])
        assert client.info("persistence")["rdb_last_bgsave_status"] == "ok"
        assert client.info("respkv")["snapshot_index"] > 0
        client.set("after", "1")
        client.close()
        assert server.stop() == 0
        server.start()
        client = redis.Redis(port=server.port)
        assert client.dbsize() == 1001
        assert client.get("k999") == b"999"
        assert client.get("after") == b"1"
        client.close()


def test_a_second_server_on_a_directory_is_refused(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        other = ServerProcess(tmp_path / "data")
        with pytest.raises(RuntimeError, match="in use by another server"):
            other.start()
        assert server.ask(b"PING") == b"+PONG\r\n"


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data", "--requirepass", "secret") as server:
        assert server.ask(b"GET k") == b"-NOAUTH Authentication required.\r\n"
        with redis.Redis(port=server.port, password="secret") as client:
            assert client.set("k", "v") is True
        with (
            redis.Redis(port=server.port, password="wrong") as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()


def test_protocol_errors_are_named_and_end_the_connection(server: ServerProcess) -> None:
    assert server.ask(b"*1\r\n+PING") == b"-ERR Protocol error: expected '$', got '+'\r\n"
    assert server.ask(b"*99999999999") == b"-ERR Protocol error: invalid multibulk length\r\n"
    assert server.ask(b'SET k "open') == b"-ERR Protocol error: unbalanced quotes in request\r\n"
