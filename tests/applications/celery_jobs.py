"""A Celery application whose worker may be killed: what it had taken is soon visible again."""

import os

import redis
from celery import Celery, Task, signals

URL = os.environ.get("RESPKV_TEST_URL", "redis://")
store = redis.Redis.from_url(URL, socket_timeout=None, decode_responses=True)

app = Celery("tests.applications.celery_jobs", broker=URL)
app.conf.update(
    broker_transport_options={
        "visibility_timeout": float(os.environ.get("RESPKV_TEST_VISIBLE_AFTER", 3600)),
        "unacked_restore_interval": 0.1,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 1,  # seconds: a worker that is killed may hold it
    },
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)


@signals.worker_ready.connect
def say_ready(**_: object) -> None:
    """Tell the test that the worker takes tasks."""
    store.rpush("ready", os.getpid())


@app.task
def note(text: str) -> None:
    """Leave word."""
    store.rpush("notes", text)


@app.task(bind=True, max_retries=5)
def third_time_lucky(self: Task) -> None:
    """Succeed at the third attempt."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.05)
    store.rpush("notes", "third time lucky")


@app.task(acks_late=True)
def outlives_its_worker() -> None:
    """Be under way until the worker is killed; leave word when it is delivered again."""
    if store.incr("deliveries") == 1:
        store.rpush("started", os.getpid())
        store.blpop(["never"])
    store.rpush("notes", "delivered again")
