"""Messages between replicas as bytes: every field comes back, and nothing but messages is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.consensus.messages import APPEND, HEARTBEAT, KIND_NAMES, Message
from respkv.consensus.pair_heartbeat import PAIR_KIND_NAMES, PairMessage
from respkv.entry import Entry
from respkv.errors import PeerCodecError
from respkv.replica.peer_codec import (
    PeerMessage,
    decode_message,
    encode_message,
)
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk

numbers = st.integers(0, (1 << 64) - 1)
partitions = st.integers(0, (1 << 32) - 1)
entries = st.builds(
    Entry, numbers, numbers, numbers, st.binary(max_size=50), st.integers(0, 255),
    st.integers(0, (1 << 16) - 1),
)  # fmt: skip
raft_messages = st.builds(
    Message, st.sampled_from(sorted(KIND_NAMES)), numbers, numbers, numbers, numbers, numbers,
    numbers, st.lists(entries, max_size=4), st.booleans(), numbers, numbers, numbers,
)  # fmt: skip
chunks = st.builds(
    lambda sender, recipient, term, index, log_term, offset, data, rest: SnapshotChunk(
        sender, recipient, term, index, log_term, offset, offset + len(data) + rest, data
    ),
    numbers, numbers, numbers, numbers, numbers, st.integers(0, 1 << 40), st.binary(max_size=50),
    st.integers(0, 100),
)  # fmt: skip
acks = st.builds(SnapshotAck, numbers, numbers, numbers, numbers, numbers, st.booleans())
numbers_32 = st.integers(0, (1 << 32) - 1)
pair_messages = st.builds(
    PairMessage, st.sampled_from(sorted(PAIR_KIND_NAMES)), numbers_32, numbers_32, numbers, numbers,
    numbers, st.lists(st.tuples(numbers_32, numbers, numbers), max_size=4),
)  # fmt: skip
messages = raft_messages | chunks | acks | pair_messages


def fields(message: PeerMessage) -> list[object]:
    kind = type(message)
    names = getattr(kind, "__slots__", None) or kind.__mypyc_attrs__  # type: ignore[attr-defined]
    return [kind, *(getattr(message, name) for name in names)]


@given(partitions, messages, st.binary(max_size=9), st.binary(max_size=9))
def test_every_field_of_every_kind_comes_back(
    partition: int, message: PeerMessage, before: bytes, after: bytes
) -> None:
    if isinstance(message, PairMessage):
        partition = 0  # it speaks of many
    encoded = b"".join(encode_message(partition, message))
    data = before + encoded + after
    got_partition, got = decode_message(data, len(before), len(before) + len(encoded))
    assert got_partition == partition
    assert fields(got) == fields(message)


@given(raft_messages | acks | pair_messages, st.data())
def test_a_message_cut_short_or_with_bytes_behind_it_is_refused(
    message: PeerMessage, data: st.DataObject
) -> None:
    encoded = b"".join(encode_message(1, message))
    end = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(PeerCodecError):
        decode_message(encoded, 0, end)
    with pytest.raises(PeerCodecError):
        decode_message(encoded + b"\0", 0, len(encoded) + 1)


@given(st.sampled_from([*KIND_NAMES, 0, 99, 128, 129]), st.binary(max_size=300))
def test_random_bytes_are_a_message_or_refused_and_nothing_else_happens(
    kind: int, noise: bytes
) -> None:
    data = bytes([kind]) + noise
    try:
        partition, message = decode_message(data, 0, len(data))
    except PeerCodecError:
        return
    assert b"".join(encode_message(partition, message)) == data


def test_what_is_wrong_is_said() -> None:
    heartbeat = b"".join(encode_message(0, Message(HEARTBEAT, 1, 2, 3)))
    with pytest.raises(PeerCodecError, match="kind 99 is not known"):
        decode_message(b"\x63" + heartbeat[1:], 0, len(heartbeat))
    with pytest.raises(PeerCodecError, match="reject is 2"):
        decode_message(heartbeat[:1] + b"\x02" + heartbeat[2:], 0, len(heartbeat))
    with pytest.raises(PeerCodecError, match="4294967295 entries do not fit"):
        decode_message(heartbeat[:-4] + b"\xff" * 4, 0, len(heartbeat))
    append = b"".join(
        encode_message(0, Message(APPEND, 1, 2, 3, entries=[Entry(3, 8, 0, b"payload")]))
    )
    with pytest.raises(PeerCodecError, match="entry 8 is longer"):
        decode_message(append, 0, len(append) - 1)
    beyond = b"".join(encode_message(0, SnapshotChunk(1, 2, 3, 4, 5, 10, 12, b"abc")))
    with pytest.raises(PeerCodecError, match="behind its file of 12 bytes"):
        decode_message(beyond, 0, len(beyond))
