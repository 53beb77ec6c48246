"""A turn of several partitions is one write and one sync, and followers work while it is synced."""

from typing import Any

from respkv.clock import SeededChance
from respkv.commands.table import resolve
from respkv.consensus.messages import APPEND, APPEND_REPLY, Message
from respkv.replica.recover import recovering_replica
from respkv.replica.replica import Replica
from respkv.steps import finish
from respkv.wire.run import encode_command
from tests.faulty_disk import FaultyDisk
from tests.replica.one_voter import HandClient, OneVoter

PARTITIONS = 16


class Noting(OneVoter):
    """Keeps in order what it does; a sync is over when the test says so."""

    def __init__(self, disk: FaultyDisk, follower: int = 0) -> None:
        self.done: list[str] = []
        self.syncs: list[int] | None = None
        super().__init__(disk, follower)

    def send(self, message: Any) -> None:
        if message.kind == APPEND:
            self.done.append("append sent")

    def start_sync(self, lsn: int) -> None:
        self.done.append("sync begun")
        if self.syncs is None:
            super().start_sync(lsn)
        else:
            self.syncs.append(lsn)

    def end_syncs(self) -> None:
        """What is under way is durable."""
        assert self.syncs is not None
        syncs, self.syncs = self.syncs, None
        for lsn in syncs:
            super().start_sync(lsn)
        self.turns()


def partition_of(node: Noting, disk: FaultyDisk, number: int) -> Replica:
    replica = finish(
        recovering_replica(
            disk, "data", node.wal, node.log_writer, node, number, 1, [1], databases=1
        )
    )
    replica.raft.campaign()
    node.log_writer.touch(replica)
    node.turns()
    return replica


def write(replica: Replica, client: HandClient) -> None:
    argv = [b"SET", b"key", b"v"]
    replica.submit_write(client, resolve(argv), [argv], encode_command(argv))


def test_all_partitions_share_one_sync_and_nobody_is_answered_before_it() -> None:
    disk = FaultyDisk(SeededChance(1))
    node = Noting(disk)
    replicas = [node.replica, *[partition_of(node, disk, n) for n in range(1, PARTITIONS)]]
    node.done.clear()
    node.syncs = []
    clients = [HandClient() for _ in replicas]
    for replica, client in zip(replicas, clients, strict=True):
        write(replica, client)
    node.turns()
    assert node.done == ["sync begun"]
    assert not any(client.replies for client in clients)
    node.end_syncs()
    assert [client.replies for client in clients] == [[b"+OK\r\n"]] * PARTITIONS


def test_what_comes_while_a_sync_is_under_way_shares_the_next_one() -> None:
    disk = FaultyDisk(SeededChance(1))
    node = Noting(disk)
    node.done.clear()
    node.syncs = []
    first, later = HandClient(), [HandClient() for _ in range(20)]
    write(node.replica, first)
    node.turns()
    for client in later:
        write(node.replica, client)
        node.turns()
    assert node.done == ["sync begun"]
    node.end_syncs()
    assert node.done == ["sync begun"] * 2
    assert [client.replies for client in [first, *later]] == [[b"+OK\r\n"]] * 21


def test_followers_get_an_entry_before_the_leader_syncs_it() -> None:
    node = Noting(FaultyDisk(SeededChance(1)), follower=2)
    raft = node.replica.raft
    node.replica.step(Message(APPEND_REPLY, 2, 1, raft.term, index=raft.last_index))
    node.turns()
    node.done.clear()
    node.syncs = []
    write(node.replica, HandClient())
    node.turns()
    assert node.done == ["append sent", "sync begun"]
