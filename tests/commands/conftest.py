"""Fixtures of the differential tests."""

from collections.abc import Iterator

import pytest

from tests.commands.reference import Ours, Reference, Served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    """A redis-server 7.0.15 for the whole session."""
    reference = Reference(tmp_path_factory.mktemp("redis"))
    yield reference
    reference.close()


@pytest.fixture(scope="session")
def respkv_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A respkv server for the whole session."""
    served = Served(tmp_path_factory.mktemp("respkv"))
    yield served
    served.close()


@pytest.fixture
def reference(server: Reference) -> Reference:
    """The server, emptied."""
    server.clear()
    return server


@pytest.fixture
def served(respkv_server: Served) -> Served:
    """Our server, emptied."""
    respkv_server.clear()
    return respkv_server


@pytest.fixture
def handlers() -> Ours:
    """An empty keyspace, without a server around it."""
    return Ours()


@pytest.fixture(params=["handlers", "server"])
def ours(request: pytest.FixtureRequest) -> Ours | Served:
    """What is compared: the handlers in this process, and a whole server."""
    name = "handlers" if request.param == "handlers" else "served"
    return request.getfixturevalue(name)  # type: ignore[no-any-return]
