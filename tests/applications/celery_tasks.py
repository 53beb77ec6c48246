"""A Celery application with results, on the server that RESPKV_TEST_URL names."""

import os

import redis
from celery import Celery, Task, signals

URL = os.environ.get("RESPKV_TEST_URL", "redis://")
store = redis.Redis.from_url(URL, socket_timeout=None, decode_responses=True)

app = Celery("tests.applications.celery_tasks", broker=URL, backend=URL)
app.conf.broker_connection_retry_on_startup = True


@signals.worker_ready.connect
def say_ready(**_: object) -> None:
    """Tell the test that the worker takes tasks."""
    store.rpush("ready", os.getpid())


@app.task
def add(x: int, y: int) -> int:
    """Return the sum."""
    return x + y


@app.task
def total(numbers: list[int]) -> int:
    """Return the sum of all, as the body of a chord."""
    return sum(numbers)


@app.task(bind=True, max_retries=5)
def third_time_lucky(self: Task) -> int:
    """Succeed at the third attempt."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.05)
    return int(self.request.retries)


@app.task
def fails() -> None:
    """Raise."""
    raise ValueError("this task fails")
