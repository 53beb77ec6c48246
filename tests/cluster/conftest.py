"""Three nodes for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.processes.trio import Trio


@pytest.fixture(scope="module")
def shared_trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with Trio(tmp_path_factory.mktemp("trio")) as three:
        yield three
        assert three.faults_logged() == []


@pytest.fixture
def trio(shared_trio: Trio) -> Trio:
    """Three nodes without keys, each of which leads something."""
    for node in shared_trio.nodes:
        assert node.call("FLUSHALL") == b"OK"
    return shared_trio
