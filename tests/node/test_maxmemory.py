"""maxmemory: what is refused, what is evicted, and that nothing else is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from respkv.commands.table import TABLE
from tests.commands.reference import RawConnection, Reference, split
from tests.conftest import ServerProcess
from tests.patience import wait_until

VALUE = b"x" * 1_000
KEYS = 2_000
LIMIT_BYTES = 1_500_000  # for about 1,100 of them

Client = redis.Redis


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("maxmemory") / "data") as process:
        yield process


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(port=server.port, decode_responses=True, single_connection_client=True) as client:
        client.config_set("maxmemory", 0)
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendfsync", "no")
        client.flushall()
        client.config_resetstat()
        yield client


def used(client: Client) -> int:
    return int(client.info("memory")["used_memory"])


def fill(client: Client, names: list[str], **options: int) -> None:
    """Set keys one after the other, as a client does that waits for each reply."""
    for name in names:
        client.set(name, VALUE, **options)


def wait_until_below(client: Client, limit: int) -> None:
    wait_until(lambda: used(client) <= limit)


SCRIPT = """
1> SET a 1
1> RPUSH l 1 2
2> MULTI
2> SET b 1
2> GET a
3> MULTI
3> GET a
3> DEL a
1> CONFIG SET maxmemory 1
1> SET a 2
1> APPEND a 2
1> GET a
1> LPOP l
1> DEL l
1> EXPIRE a 100
1> LPUSH
1> NOSUCH
2> EXEC
2> GET b
3> EXEC
1> MULTI
1> GET a
1> EXEC
1> MULTI
1> PING
1> DISCARD
1> MULTI
1> EXEC
1> WATCH a
1> UNWATCH
1> SET a
1> GETEX a PERSIST
1> CONFIG SET maxmemory-policy volatile-ttl
1> SET a 4
1> EXISTS a
1> CONFIG SET maxmemory 0 maxmemory-policy noeviction
1> SET a 3
1> GET a
"""


def test_what_is_refused_beyond_the_limit_is_what_redis_refuses(tmp_path: Path) -> None:
    replies = []
    reference = Reference(tmp_path)
    with ServerProcess(tmp_path / "data", "--unixsocket", str(tmp_path / "ours.sock")):
        for path in ("ours.sock", "redis.sock"):
            connections = [RawConnection(tmp_path / path) for _ in range(3)]
            replies.append(
                [
                    (line, connections[int(line[0]) - 1].call(split(line[3:])))
                    for line in SCRIPT.strip().splitlines()
                ]
            )
            for connection in connections:
                connection.close()
    reference.close()
    assert replies[0] == replies[1]


def test_without_eviction_the_data_stays_and_freed_memory_can_be_used(client: Client) -> None:
    client.config_set("maxmemory", used(client) + 100_000)
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        fill(client, [f"k{number}" for number in range(1_000)])
    kept = client.dbsize()
    assert 70 <= kept <= 100
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        client.lpush("list", "x")
    assert all(client.get(f"k{number}") for number in range(kept))
    client.delete("k0", "k1", "k2")
    client.set("small", "x")
    assert client.info("stats")["evicted_keys"] == 0


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_allkeys_policies_evict_until_the_data_fits(client: Client, policy: str) -> None:
    client.config_set("maxmemory-policy", policy)
    client.config_set("maxmemory", LIMIT_BYTES)
    fill(client, [f"k{number}" for number in range(KEYS)])
    wait_until_below(client, LIMIT_BYTES)
    kept = client.dbsize()
    assert 900 < kept < 1_200
    assert client.info("stats")["evicted_keys"] == KEYS - kept
    assert client.info("memory")["maxmemory_policy"] == policy


@pytest.mark.parametrize("policy", ["lru", "lfu", "random", "ttl"])
@pytest.mark.parametrize("number_volatile", [KEYS, 20])
def test_volatile_policies_take_only_keys_with_a_deadline(
    client: Client, policy: str, number_volatile: int
) -> None:
    fill(client, [f"keep{number}" for number in range(500)])
    fill(client, [f"v{number}" for number in range(number_volatile)], ex=10_000)
    client.config_set("maxmemory-policy", f"volatile-{policy}")
    limit = used(client) * 2 // 3 if number_volatile == KEYS else 400_000
    client.config_set("maxmemory", limit)
    if number_volatile == 20:  # all of them are not enough
        wait_until(lambda: client.dbsize() <= 500)
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            client.set("more", "x", ex=100)
    else:
        wait_until_below(client, limit)
        assert client.dbsize() > 500
    assert client.exists(*[f"keep{number}" for number in range(500)]) == 500


def test_volatile_ttl_takes_those_that_expire_first(client: Client) -> None:
    for number in range(1_000):
        client.set(f"k{number}", VALUE, ex=10_000 + 10 * (number * 7 % 1_000))
    limit = used(client) // 2
    client.config_set("maxmemory-policy", "volatile-ttl")
    client.config_set("maxmemory", limit)
    wait_until_below(client, limit)
    kept = [int(name[1:]) * 7 % 1_000 for name in client.keys("*")]
    gone = set(range(1_000)) - set(kept)
    assert gone == set(range(len(gone)))
    assert 400 < len(gone) < 600


def test_keys_used_lately_or_often_survive(client: Client) -> None:
    for policy in ("allkeys-lru", "allkeys-lfu"):
        client.flushall()
        client.config_set("maxmemory-policy", policy)
        client.config_set("maxmemory-samples", 10)
        fill(client, [f"k{number}" for number in range(1_000)])
        for _ in range(8):
            for number in range(0, 1_000, 2):
                client.get(f"k{number}")
        limit = used(client) * 6 // 10
        client.config_set("maxmemory", limit)
        wait_until_below(client, limit)
        client.config_set("maxmemory", 0)
        kept = [int(name[1:]) for name in client.keys("*")]
        used_keys = sum(number % 2 == 0 for number in kept)
        assert used_keys > 450, policy
        assert len(kept) - used_keys < 200, policy


def test_idle_times_and_frequencies_are_told_as_redis_does(client: Client) -> None:
    client.set("k", "v")
    assert client.object("idletime", "k") == 0
    assert client.object("idletime", "nosuch") is None
    with pytest.raises(redis.ResponseError, match="An LFU maxmemory policy is not selected"):
        client.object("freq", "k")
    client.config_set("maxmemory-policy", "allkeys-lfu")
    client.set("new", "v")
    assert client.object("freq", "new") == 5
    for _ in range(200):
        client.get("new")
    assert 8 < client.object("freq", "new") < 40
    assert client.object("freq", "nosuch") is None
    with pytest.raises(redis.ResponseError, match="An LFU maxmemory policy is selected"):
        client.object("idletime", "k")


def test_an_evicted_state_is_the_same_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    options = ("--maxmemory", str(LIMIT_BYTES), "--maxmemory-policy", "allkeys-random")
    with ServerProcess(data, *options) as server, Client(port=server.port) as client:
        with client.pipeline(transaction=False) as pipeline:
            for number in range(KEYS):
                pipeline.set(f"k{number}", VALUE)
            pipeline.execute()
        wait_until_below(client, LIMIT_BYTES)
        client.config_set("maxmemory", 0)
        before = sorted(client.keys())
        assert len(before) < KEYS
    with ServerProcess(data) as server, Client(port=server.port) as client:
        assert sorted(client.keys()) == before


def test_evictions_are_no_commands_of_clients(client: Client) -> None:
    assert b"RESPKV.EVICT" in TABLE
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command("RESPKV.EVICT", 0, "k", 0)
