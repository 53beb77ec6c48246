"""Which commands count as a use of their key, for LRU and OBJECT IDLETIME: as in redis-server."""

from collections.abc import Iterator

import pytest

from tests.commands.reference import RawConnection, Reference
from tests.conftest import ServerProcess

Pair = tuple[RawConnection, RawConnection]
OF_A_KEY = {
    "SET k 10": (
        "GET k", "STRLEN k", "TYPE k", "EXISTS k", "TTL k", "EXPIRETIME k", "OBJECT ENCODING k",
        "OBJECT REFCOUNT k", "DUMP k", "SCAN 0", "SCAN 0 TYPE string", "KEYS *", "MEMORY USAGE k",
        "TOUCH k", "GETRANGE k 0 1", "BITCOUNT k", "GETBIT k 0", "RANDOMKEY", "SORT other BY k",
        "SORT other BY k* GET k*", "COPY k to REPLACE", "LCS k k", "MGET k", "PERSIST k",
        "EXPIRE k 1000", "EXPIRE k 10 XX", "GETEX k", "RENAME k k", "RENAMENX k other", "WATCH k",
        "SET k 5 XX", "SET k 1 NX", "SETNX k 4", "MSETNX k 1 q 2", "BITOP NOT to k", "HGET k f",
    ),
    "RPUSH k 3 1 2": ("LLEN k", "LRANGE k 0 -1", "LPOS k 1", "SORT k", "LMOVE k k LEFT LEFT"),
    "HSET k f 1": ("HGET k f", "HLEN k", "HSCAN k 0", "HSETNX k f 2", "HDEL k none"),
    "SADD k 1 2": ("SCARD k", "SISMEMBER k 1", "SSCAN k 0", "SMOVE k other none", "SADD k 1"),
    "ZADD k 1 a": ("ZCARD k", "ZRANGESTORE to k 0 -1", "ZADD k 1 a", "ZSCAN k 0", "GEOPOS k a"),
    "XADD k 1-1 f v": ("XLEN k", "XINFO STREAM k", "XREAD STREAMS k 0", "XPENDING k g"),
}  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Connections to a reference and to our server."""
    directory = tmp_path_factory.mktemp("pair")
    policy = ("--maxmemory-policy", "allkeys-lru")
    reference = Reference(directory, *policy)
    ours_at = directory / "ours.sock"
    with ServerProcess(directory / "data", "--unixsocket", str(ours_at), *policy):
        theirs, ours = RawConnection(directory / "redis.sock"), RawConnection(ours_at)
        yield theirs, ours
        theirs.close()
        ours.close()
    reference.close()


def is_used(connection: RawConnection, made_by: str, command: str) -> bool:
    """Return whether a key idle for 5,000 s is no more so after the command."""
    for words in ("FLUSHALL", "RPUSH other a", made_by):
        connection.call(words.encode().split())
    payload = connection.call([b"DUMP", b"k"]).partition(b"\r\n")[2][:-2]
    idle = [b"RESTORE", b"k", b"0", payload, b"REPLACE", b"IDLETIME", b"5000"]
    assert connection.call(idle) == b"+OK\r\n"
    connection.call(command.encode().split())
    return int(connection.call([b"OBJECT", b"IDLETIME", b"k"])[1:]) < 4_000


@pytest.mark.parametrize(
    ("made_by", "command"), [(made_by, call) for made_by in OF_A_KEY for call in OF_A_KEY[made_by]]
)
def test_a_command_counts_as_a_use_where_it_does_in_redis(
    pair: Pair, made_by: str, command: str
) -> None:
    theirs, ours = pair
    assert is_used(ours, made_by, command) == is_used(theirs, made_by, command)
