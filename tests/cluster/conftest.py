"""Three nodes for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.patience import wait_until
from tests.processes.trio import Trio


@pytest.fixture(scope="module")
def shared_trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    with Trio(tmp_path_factory.mktemp("trio")) as three:
        yield three
        assert three.faults_logged() == []


@pytest.fixture
def trio(shared_trio: Trio) -> Trio:
    """Three nodes without keys."""

    def is_empty() -> bool:
        flushed = [node.call("FLUSHALL") for node in shared_trio.nodes]
        sizes = [node.call("DBSIZE") for node in shared_trio.nodes]
        return flushed == [b"OK"] * 3 and sizes == [0] * 3

    shared_trio.wait_ready()
    wait_until(is_empty)  # a leader may change meanwhile: who should lead asks for it
    return shared_trio
