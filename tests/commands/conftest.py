"""Fixtures of the differential tests."""

from collections.abc import Iterator

import pytest

from tests.commands.reference import Ours, Reference


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    """A redis-server 7.0.15 for the whole session."""
    reference = Reference(tmp_path_factory.mktemp("redis"))
    yield reference
    reference.close()


@pytest.fixture
def reference(server: Reference) -> Reference:
    """The server, emptied."""
    server.clear()
    return server


@pytest.fixture
def ours() -> Ours:
    """An empty keyspace."""
    return Ours()
