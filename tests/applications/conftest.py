"""One server and three nodes, as an application's client sees them."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
import redis
import redis.asyncio
from redis.asyncio.cluster import RedisCluster as AsyncRedisCluster

from tests.cluster.conftest import shared_trio, trio
from tests.conftest import ServerProcess

__all__ = ["shared_trio", "trio"]


@pytest.fixture(params=["one node, RESP2", "one node, RESP3", "three nodes"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis | redis.RedisCluster]:
    """redis-py's client, or its cluster client, of an empty database."""
    client: redis.Redis | redis.RedisCluster
    if request.param == "three nodes":
        nodes = request.getfixturevalue("trio").nodes
        client = redis.RedisCluster(port=nodes[0].port, host="127.0.0.1", decode_responses=True)
    else:
        server: ServerProcess = request.getfixturevalue("server")
        protocol = int(request.param[-1])
        client = redis.Redis(port=server.port, protocol=protocol, decode_responses=True)
    with contextlib.closing(client):
        yield client


@pytest.fixture(params=["one node", "three nodes"])
async def async_client(
    request: pytest.FixtureRequest,
) -> AsyncIterator[redis.asyncio.Redis | AsyncRedisCluster]:
    """The same of redis-py's asyncio clients."""
    client: redis.asyncio.Redis | AsyncRedisCluster
    if request.param == "three nodes":
        nodes = request.getfixturevalue("trio").nodes
        client = AsyncRedisCluster(host="127.0.0.1", port=nodes[0].port, decode_responses=True)
    else:
        port = request.getfixturevalue("server").port
        client = redis.asyncio.Redis(port=port, decode_responses=True)
    async with client:
        yield client
