"""A snapshot in chunks, to a follower behind the log, while entries go on being committed."""

from respkv.replica.snapshot_transfer import (
    CHUNK_BYTES,
    RESEND_AFTER_TICKS,
    SnapshotAck,
    SnapshotChunk,
    SnapshotSender,
)
from tests.consensus.group import Group
from tests.consensus.test_snapshots import behind


class Source:
    """A snapshot file in memory."""

    def __init__(self, index: int, term: int, content: bytes) -> None:
        self.index = index
        self.term = term
        self.size = len(content)
        self._content = content

    def read_at(self, offset: int, size: int) -> bytes:
        return self._content[offset : offset + size]

    def close(self) -> None:
        pass


class Follower:
    """Takes chunks in order; a restart forgets an incomplete file."""

    def __init__(self, group: Group, node_id: int) -> None:
        self.member = group.members[node_id]
        self.content = b""

    def take(self, chunk: SnapshotChunk) -> SnapshotAck:
        if chunk.offset == len(self.content):
            self.content += chunk.data
        done = len(self.content) == chunk.size
        if done:
            self.member.install(chunk.index, chunk.log_term)
        offset = len(self.content)
        return SnapshotAck(chunk.recipient, chunk.sender, chunk.term, chunk.index, offset, done)


CONTENT = bytes(range(256)) * (5 * CHUNK_BYTES // 512)  # two chunks and a half


def test_chunks_one_after_the_other_while_entries_commit() -> None:
    """Paper 7, figure 13: chunks at growing offsets; the log restarts behind the last one."""
    group = behind()
    sender = SnapshotSender(Source(5, 1, CONTENT), 3)
    follower = Follower(group, 3)
    offsets = []
    done = False
    while not done:
        chunk = sender.chunk(1, group[1].term)
        offsets.append(chunk.offset)
        group.propose(1, b"while chunk %d travels" % len(offsets))
        group.settle()
        ack = follower.take(chunk)
        assert sender.acknowledged(ack)
        done = ack.done
    assert offsets == [0, CHUNK_BYTES, 2 * CHUNK_BYTES]
    assert follower.content == CONTENT
    assert group[1].commit_index == 5 + len(offsets)
    group[1].snapshot_sent(3, 5, True)
    group.settle()
    group.settle_with_ticks(1, 1)
    assert group[3].commit_index == group[1].commit_index
    assert len(group.members[3].applied) == len(offsets)


def test_a_lost_chunk_is_sent_again_and_a_late_answer_does_no_harm() -> None:
    """Paper 7: the leader resends what was not acknowledged; a chunk twice changes nothing."""
    group = behind()
    sender = SnapshotSender(Source(5, 1, CONTENT), 3)
    follower = Follower(group, 3)
    lost = sender.chunk(1, 1)
    assert [sender.tick() for _ in range(RESEND_AFTER_TICKS)][-1]
    again = sender.chunk(1, 1)
    assert (again.offset, again.data) == (lost.offset, lost.data)
    first = follower.take(again)
    follower.take(again)
    assert sender.acknowledged(first)
    assert not sender.acknowledged(first)
    assert follower.content == CONTENT[:CHUNK_BYTES]
    assert group[3].commit_index == 0


def test_a_follower_that_restarted_gets_the_file_from_where_it_is() -> None:
    """Paper 7: only a whole snapshot is installed; the offset acknowledged says what comes next."""
    group = behind()
    sender = SnapshotSender(Source(5, 1, CONTENT), 3)
    follower = Follower(group, 3)
    assert sender.acknowledged(follower.take(sender.chunk(1, 1)))
    group.restart(3)
    follower.content = b""
    assert sender.acknowledged(follower.take(sender.chunk(1, 1)))
    assert (sender.offset, group[3].commit_index) == (0, 0)
    while not (ack := follower.take(sender.chunk(1, 1))).done:
        assert sender.acknowledged(ack)
    assert follower.content == CONTENT
    assert group[3].commit_index == 5
