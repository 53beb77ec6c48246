"""A taskiq application: its broker on a list or a stream, of one server or of a cluster."""

import os
from typing import Any

from taskiq import AsyncBroker, SimpleRetryMiddleware
from taskiq_redis import (
    ListQueueBroker,
    ListQueueClusterBroker,
    RedisAsyncClusterResultBackend,
    RedisAsyncResultBackend,
    RedisStreamBroker,
    RedisStreamClusterBroker,
)

# redis-py's 5 s are shorter than the brokers' blocking calls.
PATIENT: dict[str, Any] = {"socket_timeout": None}


def broker_of(kind: str, url: str) -> AsyncBroker:
    """Return a broker of that kind with its result backend and the application's tasks."""
    broker: Any
    if kind in ("list", "stream"):
        broker = {"list": ListQueueBroker, "stream": RedisStreamBroker}[kind](url, **PATIENT)
        broker = broker.with_result_backend(RedisAsyncResultBackend(url))
    else:
        of_kind = {
            "cluster list": ListQueueClusterBroker,
            "cluster stream": RedisStreamClusterBroker,
        }
        broker = of_kind[kind](url, f"{{taskiq}} {kind}", **PATIENT).with_result_backend(
            RedisAsyncClusterResultBackend(url)
        )
    broker.add_middlewares(SimpleRetryMiddleware(default_retry_count=5))
    broker.register_task(add, task_name="add")
    broker.register_task(third_time_lucky, task_name="third_time_lucky", retry_on_error=True)
    broker.register_task(fails, task_name="fails")
    return broker


def add(x: int, y: int) -> int:
    """Return the sum."""
    return x + y


attempts = 0


def third_time_lucky() -> int:
    """Succeed at the third attempt."""
    global attempts
    attempts += 1
    if attempts < 3:
        raise ValueError("not yet")
    return attempts


def fails() -> None:
    """Raise."""
    raise ValueError("this task fails")


if "RESPKV_TEST_BROKER" in os.environ:  # the worker's process
    broker = broker_of(os.environ["RESPKV_TEST_BROKER"], os.environ["RESPKV_TEST_URL"])
