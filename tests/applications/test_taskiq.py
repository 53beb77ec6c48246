"""taskiq's brokers on lists and streams and its result backends, unchanged, with a worker process."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from taskiq import AsyncBroker, TaskiqResultTimeoutError

from tests.applications.taskiq_tasks import broker_of
from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS
from tests.processes.trio import Trio


@contextmanager
def worker(kind: str, url: str, tmp_path: Path) -> Iterator[None]:
    """A worker's process; tasks wait until it has started."""
    with (tmp_path / f"{kind}.log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "taskiq", "worker", "--workers", "1",
                "--shutdown-timeout", "1", "tests.applications.taskiq_tasks:broker",
            ],
            stdout=log, stderr=log,
            env={**os.environ, "RESPKV_TEST_BROKER": kind, "RESPKV_TEST_URL": url},
            start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


async def exercise(broker: AsyncBroker) -> None:
    """Run the tasks and look at their results."""
    add, lucky, fails = (broker.find_task(n) for n in ("add", "third_time_lucky", "fails"))
    assert add
    assert lucky
    assert fails
    sent = [await add.kiq(n, 1) for n in range(20)]
    results = await asyncio.gather(*(task.wait_result(0.02, PATIENCE_SECONDS) for task in sent))
    assert [result.return_value for result in results] == list(range(1, 21))
    assert (await (await lucky.kiq()).wait_result(0.02, PATIENCE_SECONDS)).return_value == 3
    failed = await (await fails.kiq()).wait_result(0.02, PATIENCE_SECONDS)
    assert failed.is_err
    assert "this task fails" in str(failed.error)


@pytest.mark.parametrize("kind", ["list", "stream"])
async def test_tasks_results_and_retries_of_one_server(
    server: ServerProcess, tmp_path: Path, kind: str
) -> None:
    url = f"redis://127.0.0.1:{server.port}"
    broker = broker_of(kind, url)
    with worker(kind, url, tmp_path):
        await broker.startup()
        try:
            await exercise(broker)
        finally:
            await broker.shutdown()


async def test_tasks_of_a_cluster_while_the_leader_of_the_queues_is_killed(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio, ExitStack() as workers:
        doomed = trio.leader_of(b"{taskiq}")
        other = next(node for node in trio.nodes if node is not doomed)
        url = f"redis://127.0.0.1:{other.port}"
        kinds = ["cluster list", "cluster stream"]
        brokers = [broker_of(kind, url) for kind in kinds]
        for kind, broker in zip(kinds, brokers, strict=True):
            await broker.startup()
            workers.enter_context(worker(kind, url, tmp_path))
        try:
            await asyncio.gather(*map(exercise, brokers))
            doomed.strike()
            numbers = range(20)
            await asyncio.gather(*(sum_of(b, n, 1000) for b in brokers for n in numbers))
        finally:
            for broker in brokers:
                await broker.shutdown()
        doomed.process.wait()
        assert trio.faults_logged() == []


async def sum_of(broker: AsyncBroker, x: int, y: int) -> None:
    """Have a task done, sent again when its outcome is unknown."""
    add = broker.find_task("add")
    assert add
    async with asyncio.timeout(2 * PATIENCE_SECONDS):
        while True:
            try:
                task = await add.kiq(x, y)
                result = await task.wait_result(0.02, 3)
            except (RedisError, OSError, TaskiqResultTimeoutError):
                continue
            assert result.return_value == x + y
            return
