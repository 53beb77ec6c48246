"""What waits to be replicated is bounded: beyond that writes are refused, and none that was taken."""

import pytest

from respkv.clock import SeededChance
from respkv.replica.refusals import PENDING_BYTES_MAX, QUEUE_FULL
from tests.faulty_disk import FaultyDisk
from tests.replica.one_voter import HandClient, OneVoter

MIB = 1 << 20
REFUSED = b"-%b\r\n" % QUEUE_FULL


@pytest.fixture
def node() -> OneVoter:
    return OneVoter(FaultyDisk(SeededChance(1)))


def test_writes_beyond_the_limit_are_refused_until_there_is_room(node: OneVoter) -> None:
    client, other = HandClient(), HandClient()
    for number in range(PENDING_BYTES_MAX // MIB + 5):
        node.submit(client, b"SET", b"%d" % number, bytes(MIB))
    node.submit(other, b"SET", b"other", bytes(MIB))
    assert other.replies == [REFUSED]  # it has nothing to wait for
    node.turns()
    taken = client.replies.count(b"+OK\r\n")
    assert taken == PENDING_BYTES_MAX // MIB - 1  # beside the values there are keys
    assert client.replies[taken:] == [REFUSED] * 6
    assert len(node.replica.keyspace.databases[0].keys) == taken
    assert node.replica.pending_bytes == 0
    node.write(other, b"SET", b"other", b"1")
    assert other.replies[1:] == [b"+OK\r\n"]


def test_a_command_beyond_the_limit_is_written_and_others_beside_it(node: OneVoter) -> None:
    huge, small, third = HandClient(), HandClient(), HandClient()
    node.submit(huge, b"SET", b"huge", bytes(PENDING_BYTES_MAX + 1))
    node.submit(small, b"SET", b"small", b"1")
    node.submit(third, b"SET", b"third", bytes(PENDING_BYTES_MAX + 1))
    assert third.replies == [REFUSED]
    node.turns()
    assert huge.replies == small.replies == [b"+OK\r\n"]
    node.write(third, b"SET", b"third", bytes(PENDING_BYTES_MAX + 1))
    assert third.replies[1:] == [b"+OK\r\n"]
