"""Readings in a stream, consumed by a group through redis-py, while the stream's leader is killed."""

import contextlib
import threading
from pathlib import Path

import redis

from tests.applications.stream_replies import entries_of
from tests.patience import PATIENCE_SECONDS, wait_until
from tests.processes.trio import Trio

STREAM, GROUP, READINGS = "{readings}", "billing", 300


def test_every_acknowledged_reading_is_consumed_when_the_leader_is_killed(tmp_path: Path) -> None:
    with Trio(tmp_path) as trio:
        doomed = trio.leader_of(STREAM.encode())
        other = next(node for node in trio.nodes if node is not doomed)
        with redis.RedisCluster("127.0.0.1", other.port, decode_responses=True) as client:
            client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        half_sent = threading.Event()
        sent: set[str] = set()
        producer = threading.Thread(target=produce, args=(other.port, sent, half_sent))
        seen: set[str] = set()
        stopped = threading.Event()
        consumers = [
            threading.Thread(target=consume, args=(other.port, name, seen, stopped))
            for name in ("anna", "ben")
        ]
        for thread in (producer, *consumers):
            thread.start()
        try:
            assert half_sent.wait(PATIENCE_SECONDS)
            doomed.strike()
            producer.join(PATIENCE_SECONDS)
            assert len(sent) == READINGS
            with redis.RedisCluster("127.0.0.1", other.port, decode_responses=True) as client:
                wait_until(lambda: not is_behind(client), lambda: str(client.xinfo_groups(STREAM)))
                # One added again after a call of unknown outcome may be there twice; none is missing.
                stored = {fields["n"] for _, fields in client.xrange(STREAM)}
        finally:
            stopped.set()
            for thread in consumers:
                thread.join(PATIENCE_SECONDS)
        assert stored == sent == seen
        doomed.process.wait()
        assert trio.faults_logged() == []


def is_behind(client: redis.RedisCluster) -> bool:
    (group,) = client.xinfo_groups(STREAM)
    return bool(group["lag"] or group["pending"])


def produce(port: int, sent: set[str], half_sent: threading.Event) -> None:
    """Add the readings one after the other, each until it is acknowledged."""
    with redis.RedisCluster("127.0.0.1", port, decode_responses=True) as client:
        for number in range(READINGS):
            while str(number) not in sent:
                with contextlib.suppress(redis.RedisError, OSError):
                    client.xadd(STREAM, {"n": number})
                    sent.add(str(number))
            if number == READINGS // 2:
                half_sent.set()


def consume(port: int, name: str, seen: set[str], stopped: threading.Event) -> None:
    """Read new entries of the group, and those that a failed call has left pending."""
    with redis.RedisCluster("127.0.0.1", port, decode_responses=True) as client:
        while not stopped.is_set():
            try:
                entries = [
                    *client.xautoclaim(STREAM, GROUP, name, 200, count=10)[1],
                    *entries_of(client.xreadgroup(GROUP, name, {STREAM: ">"}, 10, 20)),
                ]
                for id_, fields in entries:
                    seen.add(fields["n"])
                    client.xack(STREAM, GROUP, id_)
            except (redis.RedisError, OSError):
                continue
