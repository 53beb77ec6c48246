"""A full disk costs time, never a write that was acknowledged and never the node."""

from respkv.clock import SeededChance
from tests.faulty_disk import FaultyDisk
from tests.log.spares import fill_spares
from tests.replica.one_voter import SEGMENT_BYTES, HandClient, OneVoter


def test_a_write_without_room_is_answered_once_there_is_room() -> None:
    """Durability rule 9 (log/DESIGN.md), for a command larger than any spare segment."""
    disk = FaultyDisk(SeededChance(1))
    node = OneVoter(disk)
    fill_spares(node.wal)
    client = HandClient()
    node.write(client, b"SET", b"small", b"1")
    assert client.replies == [b"+OK\r\n"]
    disk.capacity = disk.used
    node.write(client, b"SET", b"large", b"x" * 2 * SEGMENT_BYTES)
    for _ in range(3):
        node.tick()
    assert client.replies == [b"+OK\r\n"]
    assert node.wal.full  # the node refuses writes by this
    disk.capacity *= 10
    node.tick()
    assert client.replies == [b"+OK\r\n", b"+OK\r\n"]
    assert not node.wal.full
    assert not client.closed
    again = OneVoter(disk.after_power_loss())
    assert again.replica.keyspace.lookup(b"large") == b"x" * 2 * SEGMENT_BYTES


def test_an_idle_log_without_room_for_its_seal_goes_on() -> None:
    disk = FaultyDisk(SeededChance(1))
    node = OneVoter(disk)
    client = HandClient()
    disk.capacity = disk.used
    while not node.wal.full:  # no spares: every segment must find room of its own
        node.write(client, b"SET", b"key", b"x" * 37)
        node.tick()
    answered = len(client.replies)
    disk.capacity *= 10
    node.write(client, b"SET", b"key", b"last")
    node.tick()
    assert len(client.replies) > answered
    assert OneVoter(disk.after_kill()).replica.keyspace.lookup(b"key") == b"last"
