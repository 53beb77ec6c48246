"""Chance follows from the log, so that a replay picks as the leader picked."""

from respkv.clock import SeededChance
from respkv.commands import iteration  # noqa: F401  (importing it declares RANDOMKEY)
from respkv.commands.table import resolve
from respkv.replica.transaction import Transaction
from respkv.wire.run import encode_command
from tests.faulty_disk import FaultyDisk
from tests.replica.one_voter import HandClient, OneVoter


def exec_(node: OneVoter, client: HandClient, *commands: bytes) -> None:
    """MULTI, the commands, EXEC; the turn goes on."""
    transaction = Transaction(client)
    argvs = [text.split() for text in commands]
    for argv in argvs:
        transaction.commands.append((resolve(argv).handler, argv, False))
    writes = any(argv[0] == b"SET" for argv in argvs)
    raws = [encode_command(argv) for argv in argvs] if writes else []
    node.replica.submit_transaction(client, transaction, raws, [b"EXEC"])


def test_reads_that_ride_an_entry_leave_its_chance_alone() -> None:
    """RANDOMKEY removes the expired keys that it meets, so its picks are part of the state."""
    disk = FaultyDisk(SeededChance(1))
    node = OneVoter(disk)
    client = HandClient()
    for number in range(40):
        node.write(client, b"SET", b"%d" % number, b"x", b"PX", b"1" if number < 36 else b"9999")
    node.now += 50
    exec_(node, client, b"SET a 1", b"RANDOMKEY")
    exec_(node, client, b"GET a", b"GET b")  # behind the client's own write: in its entry, unlogged
    exec_(node, client, b"SET a 2", b"RANDOMKEY")
    node.turns()
    digest = node.replica.keyspace.digest()
    assert 2 < node.replica.keyspace.size() < 41
    assert OneVoter(disk.after_kill()).replica.keyspace.digest() == digest
