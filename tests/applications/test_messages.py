"""What libraries do with messages, unchanged: kombu's fanout, redis-py's listeners that come back."""

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import kombu
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.conftest import ServerProcess
from tests.processes.trio import Trio

SECONDS = 60


def test_kombu_sends_to_all_who_listen(server: ServerProcess) -> None:
    """Its fanout, which is how Celery's remote control asks every worker."""
    heard: dict[str, list[Any]] = {"one": [], "other": []}
    exchange = kombu.Exchange("orders", "fanout")
    url = f"redis://127.0.0.1:{server.port}/0"
    with kombu.Connection(url) as connection, contextlib.ExitStack() as stack:
        for name, messages in heard.items():
            queue = kombu.Queue(f"orders.{name}", exchange, exclusive=True)
            channel = stack.enter_context(connection.channel())
            consumer = kombu.Consumer(channel, [queue], no_ack=True)
            consumer.register_callback(lambda body, _, found=messages: found.append(body))
            stack.enter_context(consumer)
        deadline = time.monotonic() + SECONDS
        with connection.Producer(exchange=exchange) as producer:
            while not all(heard.values()):  # a channel subscribes when it first looks
                producer.publish({"do": "rest"})
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=0.1)
                assert time.monotonic() < deadline
    assert [messages[0] for messages in heard.values()] == [{"do": "rest"}] * 2


def test_a_listener_of_redis_py_comes_back_when_its_node_does(tmp_path: Path) -> None:
    """Its thread reconnects and subscribes anew by itself; what it misses meanwhile is lost."""
    with Trio(tmp_path) as trio:
        doomed, sender, _ = trio.nodes
        retry = Retry(ConstantBackoff(0.05), 20 * SECONDS)
        heard: list[bytes] = []
        news = threading.Event()

        def hear(message: dict[str, Any]) -> None:
            heard.append(message["data"])
            news.set()

        def tell(text: str) -> None:
            """Say it until it is heard: messages are delivered at most once."""
            deadline = time.monotonic() + SECONDS
            while text.encode() not in heard:
                sender.call("PUBLISH", "news", text)
                news.wait(0.1)
                news.clear()
                assert time.monotonic() < deadline

        client = redis.Redis(port=doomed.port, retry=retry, socket_timeout=SECONDS)
        with contextlib.closing(client), contextlib.closing(client.pubsub()) as listener:
            listener.subscribe(news=hear)
            thread = listener.run_in_thread(sleep_time=0.1)
            try:
                tell("before")
                doomed.kill()
                doomed.start()
                trio.wait_ready()
                tell("after")
            finally:
                thread.stop()
                thread.join(SECONDS)
        assert trio.faults_logged() == []
