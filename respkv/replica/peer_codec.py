"""What replicas say to each other as bytes: (partition, message) ↔ bytes, little-endian.

All kinds of `Message` share one layout: one pack call, and no field that a kind starts to use can
be forgotten. Its 82 bytes are about what TCP and IP put around them.
"""

import struct
from typing import Final

from respkv.consensus.messages import KIND_NAMES, Message
from respkv.consensus.pair_heartbeat import PAIR_KIND_NAMES, PairMessage
from respkv.entry import Entry
from respkv.errors import PeerCodecError
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk

SNAPSHOT_CHUNK: Final = 128  # kinds of `Message` stay below
SNAPSHOT_ACK: Final = 129
PAIR: Final = 160  # and the kind of a `PairMessage`

# kind, reject, partition, sender, recipient, term, index, log term, commit, hint index, hint term,
# context, number of entries
_MESSAGE: Final = struct.Struct("<BBIQQQQQQQQQI")
_ENTRY: Final = struct.Struct("<QQQBHI")  # term, index, time, kind, semantics, bytes of the payload
# kind, partition, sender, recipient, term, index, log term, offset, size, bytes of the
# configuration; this and the data follow
_CHUNK: Final = struct.Struct("<BIQQQQQQQI")
_ACK: Final = struct.Struct("<BIQQQQQB")  # kind, partition, sender, recipient, term, index, ...

_PAIR: Final = struct.Struct("<BQQQQQI")  # kind, sender, recipient, number, digest, acked, rows
_ROW: Final = struct.Struct("<IQQ")  # partition, term, index

PeerMessage = Message | SnapshotChunk | SnapshotAck | PairMessage


def encode_message(partition: int, message: PeerMessage) -> list[bytes]:
    """Return the message's bytes, in buffers to join: payloads, which may be large, are not copied."""
    if isinstance(message, Message):
        return _encode_message(partition, message)
    if isinstance(message, SnapshotChunk):
        head: bytes = _CHUNK.pack(
            SNAPSHOT_CHUNK,
            partition,
            message.sender,
            message.recipient,
            message.term,
            message.index,
            message.log_term,
            message.offset,
            message.size,
            len(message.configuration),
        )
        return [head, message.configuration, message.data]
    if isinstance(message, PairMessage):
        return _encode_pair(message)
    ack: bytes = _ACK.pack(
        SNAPSHOT_ACK,
        partition,
        message.sender,
        message.recipient,
        message.term,
        message.index,
        message.offset,
        message.done,
    )
    return [ack]


def _encode_message(partition: int, message: Message) -> list[bytes]:
    entries = message.entries
    head: bytes = _MESSAGE.pack(
        message.kind,
        message.reject,
        partition,
        message.sender,
        message.recipient,
        message.term,
        message.index,
        message.log_term,
        message.commit,
        message.hint_index,
        message.hint_term,
        message.context,
        len(entries),
    )
    parts = [head]
    for entry in entries:
        payload = entry.payload
        parts.append(
            _ENTRY.pack(
                entry.term,
                entry.index,
                entry.time_ms,
                entry.kind,
                entry.semantics,
                len(payload),
            )
        )
        parts.append(payload)
    return parts


def _encode_pair(message: PairMessage) -> list[bytes]:
    """It speaks of many partitions; the one it is sent with means nothing."""
    head: bytes = _PAIR.pack(
        PAIR + message.kind,
        message.sender,
        message.recipient,
        message.number,
        message.digest,
        message.acked,
        len(message.resting),
    )
    return [head, *[_ROW.pack(*row) for row in message.resting]]


def decode_message(data: bytes, start: int, end: int) -> tuple[int, PeerMessage]:
    """Return (partition, message) of the bytes from `start` to `end`, all of them.

    Raises:
        PeerCodecError: they are not exactly one message.
    """
    if not 0 <= start < end <= len(data):
        raise PeerCodecError("a message without bytes")
    kind = data[start]
    if kind in KIND_NAMES:
        return _decode_message(data, start, end)
    if kind == SNAPSHOT_CHUNK:
        return _decode_chunk(data, start, end)
    if kind == SNAPSHOT_ACK:
        return _decode_ack(data, start, end)
    if kind - PAIR in PAIR_KIND_NAMES:
        return _decode_pair(data, start, end)
    raise PeerCodecError(f"message kind {kind} is not known: sent by a newer version?")


def _decode_message(data: bytes, start: int, end: int) -> tuple[int, PeerMessage]:
    at = start + _MESSAGE.size
    if at > end:
        raise PeerCodecError("a message is cut short")
    (
        kind,
        reject,
        partition,
        sender,
        recipient,
        term,
        index,
        log_term,
        commit,
        hint_index,
        hint_term,
        context,
        count,
    ) = _MESSAGE.unpack_from(data, start)
    if reject > 1:
        raise PeerCodecError(f"reject is {reject}, neither yes nor no")
    if count * _ENTRY.size > end - at:
        raise PeerCodecError(f"{count} entries do not fit into the message")
    entries: list[Entry] = []
    for _ in range(count):
        payload_at = at + _ENTRY.size
        if payload_at > end:
            raise PeerCodecError("an entry is cut short")
        entry_term, entry_index, time_ms, entry_kind, semantics, size = _ENTRY.unpack_from(data, at)
        at = payload_at + size
        if at > end:
            raise PeerCodecError(f"entry {entry_index} is longer than its message")
        entries.append(
            Entry(entry_term, entry_index, time_ms, data[payload_at:at], entry_kind, semantics)
        )
    if at != end:
        raise PeerCodecError(f"{end - at} bytes follow a message")
    return partition, Message(
        kind,
        sender,
        recipient,
        term,
        index,
        log_term,
        commit,
        entries,
        reject == 1,
        hint_index,
        hint_term,
        context,
    )


def _decode_chunk(data: bytes, start: int, end: int) -> tuple[int, PeerMessage]:
    at = start + _CHUNK.size
    if at > end:
        raise PeerCodecError("a snapshot chunk is cut short")
    (
        _,
        partition,
        sender,
        recipient,
        term,
        index,
        log_term,
        offset,
        size,
        configuration_bytes,
    ) = _CHUNK.unpack_from(data, start)
    data_at = at + configuration_bytes
    if data_at > end:
        raise PeerCodecError("a snapshot chunk's configuration is cut short")
    if offset + (end - data_at) > size:
        raise PeerCodecError(f"a snapshot chunk ends behind its file of {size} bytes")
    return partition, SnapshotChunk(
        sender,
        recipient,
        term,
        index,
        log_term,
        offset,
        size,
        data[data_at:end],
        data[at:data_at],
    )


def _decode_ack(data: bytes, start: int, end: int) -> tuple[int, PeerMessage]:
    if end - start != _ACK.size:
        raise PeerCodecError(f"a snapshot acknowledgement of {end - start} bytes")
    _, partition, sender, recipient, term, index, offset, done = _ACK.unpack_from(data, start)
    if done > 1:
        raise PeerCodecError(f"done is {done}, neither yes nor no")
    return partition, SnapshotAck(sender, recipient, term, index, offset, done == 1)


def _decode_pair(data: bytes, start: int, end: int) -> tuple[int, PeerMessage]:
    at = start + _PAIR.size
    if at > end:
        raise PeerCodecError("a pair message is cut short")
    kind, sender, recipient, number, digest, acked, count = _PAIR.unpack_from(data, start)
    if end - at != count * _ROW.size:
        raise PeerCodecError(f"{count} partitions in {end - at} bytes of a pair message")
    rows = [_ROW.unpack_from(data, row_at) for row_at in range(at, end, _ROW.size)]
    return 0, PairMessage(kind - PAIR, sender, recipient, number, digest, acked, rows)
