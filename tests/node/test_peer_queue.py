"""What waits for a peer: bounded, in order for each partition, heartbeats between chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.consensus.messages import APPEND, HEARTBEAT, Message
from respkv.entry import Entry
from respkv.errors import FrameError
from respkv.node.peer_queue import (
    CHUNK,
    CONTROL_BYTES_RESERVED,
    EXPRESS_BYTES_MAX,
    MESSAGES,
    PeerQueue,
    message_bounds,
)
from respkv.replica.peer_codec import decode_message
from respkv.replica.snapshot_transfer import SnapshotChunk
from respkv.wire.frames import BODY_BYTES_MAX, ChunkJoiner, FrameSplitter


def append(number: int, size: int) -> Message:
    return Message(APPEND, 1, 2, 1, index=number, entries=[Entry(1, number + 1, 0, bytes(size))])


def heartbeat(number: int) -> Message:
    return Message(HEARTBEAT, 1, 2, 1, context=number)


class Receiver:
    """What arrives, as (partition, kind, number)."""

    def __init__(self) -> None:
        self.splitter = FrameSplitter()
        self.joiner = ChunkJoiner()
        self.got: list[tuple[int, str, int]] = []
        self.frames = 0

    def take(self, queue: PeerQueue, bytes_max: int) -> None:
        for kind, flags, body in self.splitter.feed(b"".join(queue.take(bytes_max))):
            self.frames += 1
            if kind == MESSAGES:
                for start, end in message_bounds(body):
                    self._add(body, start, end)
            else:
                assert kind == CHUNK
                joined = self.joiner.add(flags, body)
                if joined is not None:
                    self._add(joined, 0, len(joined))

    def _add(self, data: bytes, start: int, end: int) -> None:
        partition, message = decode_message(data, start, end)
        assert isinstance(message, Message)
        if message.kind == HEARTBEAT:
            self.got.append((partition, "heartbeat", message.context))
        else:
            self.got.append((partition, "append", message.index))


SIZES = (0, 100, EXPRESS_BYTES_MAX, 3 * BODY_BYTES_MAX)
steps = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from([*SIZES, None]), st.booleans()), max_size=25
)


@given(steps)
def test_appends_of_a_partition_stay_in_order_and_all_arrive(
    steps: list[tuple[int, int | None, bool]],
) -> None:
    queue, receiver = PeerQueue(1 << 30), Receiver()
    for number, (partition, size, take) in enumerate(steps):
        assert queue.add(partition, heartbeat(number) if size is None else append(number, size))
        if take:
            receiver.take(queue, BODY_BYTES_MAX)
    while queue.bytes:
        receiver.take(queue, BODY_BYTES_MAX)
    assert queue.messages == 0
    assert queue.messages_taken == len(receiver.got) == len(steps)
    for partition in range(3):
        for kind in ("append", "heartbeat"):
            numbers = [one[2] for one in receiver.got if one[:2] == (partition, kind)]
            assert numbers == sorted(numbers)


def test_heartbeats_and_other_partitions_pass_between_the_chunks_of_a_large_append() -> None:
    queue, receiver = PeerQueue(1 << 30), Receiver()
    queue.add(1, append(1, 5 << 20))
    receiver.take(queue, 1)
    queue.add(1, append(2, 10))  # stays behind it
    queue.add(1, heartbeat(3))
    queue.add(2, append(4, 10))
    while queue.bytes:
        receiver.take(queue, 1)
    assert receiver.got == [
        (1, "heartbeat", 3), (2, "append", 4), (1, "append", 1), (1, "append", 2),
    ]  # fmt: skip
    queue.add(1, append(5, 10))  # nothing large is before it any more
    queue.add(2, append(6, 10))
    receiver.take(queue, 1)
    assert receiver.got[-2:] == [(1, "append", 5), (2, "append", 6)]


def test_the_messages_of_a_turn_share_a_frame() -> None:
    queue, receiver = PeerQueue(1 << 30), Receiver()
    for number in range(1000):
        queue.add(number, heartbeat(number))
    receiver.take(queue, BODY_BYTES_MAX)
    assert (receiver.frames, len(receiver.got)) == (1, 1000)


def test_a_full_queue_takes_no_more_data_but_still_heartbeats_up_to_a_second_bound() -> None:
    queue = PeerQueue(1 << 20)
    taken = 0
    while queue.add(1, append(taken, 100_000)):
        taken += 1
    assert (1 << 20) <= queue.bytes < (1 << 20) + 110_000
    assert not queue.add(2, SnapshotChunk(1, 2, 1, 1, 1, 0, 10, b"x"))
    heartbeats = 0
    while queue.add(1, heartbeat(heartbeats)):
        heartbeats += 1
    assert heartbeats > 1000
    assert queue.bytes < (1 << 20) + CONTROL_BYTES_RESERVED + 100
    queue.clear()
    assert (queue.bytes, queue.messages, queue.take(1)) == (0, 0, [])
    assert queue.add(1, append(1, 5 << 20))  # the largest entry fits into an empty queue


@pytest.mark.parametrize(
    "body", [b"\1\0\0", b"\5\0\0\0abcd", b"\1\0\0\0a\xff\xff\xff\xff"], ids=repr
)
def test_sizes_that_do_not_add_up_are_refused(body: bytes) -> None:
    with pytest.raises(FrameError):
        message_bounds(body)
