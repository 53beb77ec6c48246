"""A node whose disk is full hands its partitions over to followers that can write."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import hiredis
import pytest

from tests.patience import wait_until
from tests.processes.full_disk import full_flag
from tests.processes.trio import Trio, TrioProcess

MEGABYTE = b"x" * (1 << 20)
FILLING_WRITES_MAX = 200  # of a megabyte: several segments


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Trio]:
    program = ("tests.processes.faulty_server",)
    with Trio(tmp_path, "--cluster-partitions", "4", program=program) as nodes:
        yield nodes


def fill(node: TrioProcess, key: bytes) -> str:
    """Write to one key of a node until it takes no more; return what it says."""
    for _ in range(FILLING_WRITES_MAX):
        reply = node.call(b"SET", key, MEGABYTE)
        if isinstance(reply, hiredis.ReplyError):
            return str(reply)
    raise AssertionError(f"it still writes:\n{node.log_text()}")


def test_others_lead_and_write_until_there_is_room_again(trio: Trio) -> None:
    full = trio.leader_of(b"key")
    key = trio.key_led_by(full)
    full_flag(full.directory).touch()
    answer = fill(full, key)
    assert answer.startswith(("MOVED", "MISCONF No room"))
    wait_until(lambda: full.port not in trio.leaders(), full.log_text)
    assert trio.at_leader(b"SET", key, b"written elsewhere") == b"OK"
    assert str(full.call(b"SET", key, b"refused")).startswith("MOVED")
    full.call(b"CLUSTER", b"FAILOVER")  # it declines what it could not write
    assert trio.at_leader(b"SET", key, b"again") == b"OK"
    assert full.port not in trio.leaders()
    full_flag(full.directory).unlink()
    wait_until(lambda: full.port in trio.leaders(), full.log_text)  # the ring wants it to

    def writes() -> bool:
        with contextlib.suppress(LookupError):
            return bool(full.call(b"SET", trio.key_led_now(full), b"small") == b"OK")
        return False

    wait_until(writes, full.log_text)


def test_where_all_disks_are_full_leaders_stay_and_say_so(trio: Trio) -> None:
    for node in trio.nodes:
        full_flag(node.directory).touch()
    leader = trio.leader_of(b"key")
    answer = fill(leader, trio.key_led_by(leader))
    assert answer.startswith(("MOVED", "MISCONF No room"))

    def say_so() -> bool:
        for node in trio.nodes:  # leaders may still move to a node that has not noticed yet
            with contextlib.suppress(LookupError):
                fill(node, trio.key_led_now(node))
        return any("no follower that is reached takes over" in n.log_text() for n in trio.nodes)

    wait_until(say_so)
