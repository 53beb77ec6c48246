"""What waits to be replicated is bounded: beyond that writes are refused, and none that was taken."""

import pytest

from respkv.clock import SeededChance
from respkv.commands.table import resolve
from respkv.replica.refusals import PENDING_BYTES_MAX, QUEUE_FULL, TOO_LARGE
from respkv.wire.run import encode_command
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


def test_what_has_followers_refuses_it_for_good_and_not_what_is_read_together_with_it() -> None:
    node = OneVoter(FaultyDisk(SeededChance(1)), follower=2)
    assert node.replica.leads
    huge = [b"SET", b"huge", bytes(PENDING_BYTES_MAX)]
    small = [b"SET", b"small", b"1"]
    client = HandClient()
    raw = encode_command(huge) + encode_command(small)
    node.replica.submit_write(client, resolve(huge), [huge, small], raw)
    node.turns()
    assert client.replies == [b"-%b\r\n" % TOO_LARGE]
    assert 0 < node.replica.pending_bytes < 100  # the small one waits for the follower
