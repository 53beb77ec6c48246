"""What INFO counts goes on when a leader's snapshot takes the place of a replica's state."""

from respkv.clock import SeededChance
from respkv.keyspace.keyspace import Keyspace
from tests.faulty_disk import FaultyDisk
from tests.replica.one_voter import HandClient, OneVoter


def test_counts_go_on_behind_an_installed_snapshot() -> None:
    node = OneVoter(FaultyDisk(SeededChance(1)))
    replica = node.replica
    client = HandClient()
    node.write(client, b"SET", b"gone", b"1", b"PX", b"1")
    node.write(client, b"SET", b"key", b"1")
    replica.keyspace.lookup(b"key")
    for _ in range(30):
        node.tick()
    assert (replica.keyspace.hits, replica.keyspace.expired) == (1, 1)
    snapshot = Keyspace.load(list(replica.keyspace.dump()))
    replica.snapshot_installed(snapshot, replica.applied_index + 1, replica.applied_term)
    assert (replica.keyspace.hits, replica.keyspace.expired) == (1, 1)
