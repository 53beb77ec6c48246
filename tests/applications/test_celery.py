"""Celery with its Redis transport and result backend, unchanged, and kombu's queues by themselves."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kombu
import pytest
import redis
from celery import Celery, chain, chord, group

from tests.applications import celery_jobs as jobs
from tests.applications import celery_tasks as tasks
from tests.conftest import ServerProcess
from tests.patience import PATIENCE_SECONDS, wait_until


class Worker:
    """A Celery worker of one process and its pool; use it as a context manager."""

    def __init__(self, url: str, log: Path, app: str = "celery_tasks", **environment: str) -> None:
        self.url, self.log, self.app = url, log, app
        self.environment = {**os.environ, "RESPKV_TEST_URL": url, **environment}
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> "Worker":
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "celery", "-A", f"tests.applications.{self.app}",
                    "worker", "--concurrency", "1", "--loglevel", "INFO",
                ],
                stdout=log, stderr=log, env=self.environment, start_new_session=True,
            )  # fmt: skip
        with redis.Redis.from_url(self.url, socket_timeout=None) as client:
            while client.blpop(["ready"], 0.1) is None:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise RuntimeError(f"the worker did not start:\n{self.log.read_text()}")
        return self

    def kill(self) -> None:
        """kill -9 it and its pool."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __exit__(self, *_: object) -> None:
        self.kill()


@pytest.fixture
def url(server: ServerProcess) -> str:
    return f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture
def app(url: str) -> Iterator[Celery]:
    """The application, of an empty server."""
    tasks.app.conf.update(broker_url=url, result_backend=url)
    tasks.app.set_current()
    yield tasks.app
    tasks.app.close()


def worker(url: str, tmp_path: Path) -> Worker:
    return Worker(url, tmp_path / "worker.log")


def test_tasks_groups_chords_retries_and_delays(app: Celery, url: str, tmp_path: Path) -> None:
    with worker(url, tmp_path):
        assert tasks.add.delay(1, 2).get(PATIENCE_SECONDS) == 3
        assert chain(tasks.add.s(1, 2), tasks.add.s(10))().get(PATIENCE_SECONDS) == 13
        assert group(tasks.add.s(n, n) for n in range(5))().get(PATIENCE_SECONDS) == [0, 2, 4, 6, 8]
        assert tasks.third_time_lucky.delay().get(PATIENCE_SECONDS) == 2
        with pytest.raises(ValueError, match="this task fails"):
            tasks.fails.delay().get(PATIENCE_SECONDS)
        assert tasks.add.apply_async((3, 4), countdown=0.1).get(PATIENCE_SECONDS) == 7
        soon = datetime.now(UTC) + timedelta(seconds=0.1)
        assert tasks.add.apply_async((5, 6), eta=soon).get(PATIENCE_SECONDS) == 11
        header = [tasks.add.s(n, 1) for n in range(4)]
        assert chord(header, tasks.total.s())().get(PATIENCE_SECONDS) == 10
        result = tasks.add.delay(7, 8)
        assert result.get(PATIENCE_SECONDS) == 15
        result.forget()
        assert result.state == "PENDING"


def test_no_task_is_lost_with_its_worker(url: str, tmp_path: Path) -> None:
    """Also those to be retried, or that are for later."""

    def worker(visible_after_s: int = 3600) -> Worker:
        environment = {"RESPKV_TEST_VISIBLE_AFTER": str(visible_after_s)}
        return Worker(url, tmp_path / "worker.log", app="celery_jobs", **environment)

    jobs.app.conf.broker_url = url
    with (
        redis.Redis.from_url(url, socket_timeout=None, decode_responses=True) as client,
        worker() as doomed,
    ):
        for number in range(50):
            jobs.note.delay(str(number))
        jobs.note.apply_async(("later",), countdown=0.1)
        jobs.note.apply_async(("at nine",), eta=datetime.now(UTC) + timedelta(seconds=0.1))
        jobs.third_time_lucky.delay()
        notes = [client.blpop(["notes"], PATIENCE_SECONDS) for _ in range(53)]
        assert {text for _, text in filter(None, notes)} == {
            "later", "at nine", "third time lucky", *map(str, range(50)),
        }  # fmt: skip

        jobs.outlives_its_worker.delay()
        assert client.blpop(["started"], PATIENCE_SECONDS) is not None
        doomed.kill()
        with worker(visible_after_s=1):
            assert client.blpop(["notes"], PATIENCE_SECONDS) == ("notes", "delivered again")
            wait_until(lambda: not client.exists("unacked", "unacked_index"))
        assert int(client.get("deliveries")) >= 2  # it is delivered at least once
    jobs.app.close()


@pytest.fixture
def connection(url: str) -> Iterator[kombu.Connection]:
    with kombu.Connection(url) as connection:
        yield connection


def test_kombu_messages_are_taken_acknowledged_and_put_back(connection: kombu.Connection) -> None:
    queue = connection.SimpleQueue("jobs")
    for number in range(3):
        queue.put({"number": number})
    assert queue.qsize() == 3
    first = queue.get(timeout=PATIENCE_SECONDS)
    assert first.payload == {"number": 0}
    first.ack()
    queue.get(timeout=PATIENCE_SECONDS).requeue()
    rest = [queue.get(timeout=PATIENCE_SECONDS), queue.get(timeout=PATIENCE_SECONDS)]
    assert sorted(message.payload["number"] for message in rest) == [1, 2]
    (again,) = (message for message in rest if message.payload == {"number": 1})
    assert again.delivery_info["redelivered"]
    again.reject()
    queue.close()
    connection.default_channel.close()  # the other, not acknowledged, goes back
    with connection.clone() as other:
        restored = other.SimpleQueue("jobs").get(timeout=PATIENCE_SECONDS)
        assert restored.payload == {"number": 2}
        restored.ack()
    with redis.Redis.from_url(connection.as_uri()) as client:
        assert client.exists("unacked", "unacked_index", "jobs") == 0


def test_kombu_routes_by_topic_and_takes_the_urgent_first(connection: kombu.Connection) -> None:
    exchange = kombu.Exchange("logs", "topic")
    errors = kombu.Queue("errors", exchange, "*.error")
    everything = kombu.Queue("everything", exchange, "#", max_priority=9)
    taken: list[Any] = []
    with connection.Producer(exchange=exchange) as producer:
        for priority, key in [(9, "app.info"), (0, "app.error"), (3, "db.info")]:
            producer.publish(key, routing_key=key, declare=[errors, everything], priority=priority)

    def take(body: Any, message: kombu.Message) -> None:
        taken.append(body)
        message.ack()

    for queue, expected in [
        (errors, ["app.error"]),
        (everything, ["app.error", "db.info", "app.info"]),
    ]:
        taken.clear()
        with connection.channel() as channel, kombu.Consumer(channel, [queue], callbacks=[take]):
            while len(taken) < len(expected):
                connection.drain_events(timeout=PATIENCE_SECONDS)
        assert taken == expected
