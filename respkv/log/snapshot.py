"""Snapshot files: a partition's whole state at one log position, in checksummed chunks.

Head: magic, partition u32, index u64, term u64, crc32. Then chunks: size u32, crc32 (over the
file offset and the bytes), bytes. A chunk of size 0 ends the file. A file gets its name only when
it is whole and synced, so a named snapshot that does not check out is damage, never a torn write.
"""

import struct
from collections.abc import Iterator
from typing import Final
from zlib import crc32

from respkv.log.damage import LogDamaged
from respkv.log.filesystem import FileSystem, join

_MAGIC: Final = b"RESPKVS1"
_HEAD: Final = struct.Struct("<8sIQQI")
_CHUNK: Final = struct.Struct("<II")
SNAPSHOT_PREFIX: Final = "snapshot-"
_SYNC_EVERY_BYTES: Final = 4 << 20  # small syncs, so that those of the log never wait long


def snapshot_name(partition: int, index: int, term: int) -> str:
    """Return a snapshot's file name; names sort by index."""
    return f"{SNAPSHOT_PREFIX}{partition}-{index:016x}-{term:x}"


class SnapshotName:
    """What a snapshot's file name says."""

    def __init__(self, name: str) -> None:
        partition, index, term = name.removeprefix(SNAPSHOT_PREFIX).split("-")
        self.name = name
        self.partition = int(partition)
        self.index = int(index, 16)
        self.term = int(term, 16)


def snapshots(fs: FileSystem, directory: str, partition: int) -> list[SnapshotName]:
    """Return the partition's snapshots, oldest first."""
    found = [
        SnapshotName(name)
        for name in fs.names(directory)
        if name.startswith(f"{SNAPSHOT_PREFIX}{partition}-") and not name.endswith(".new")
    ]
    return sorted(found, key=lambda snapshot: snapshot.index)


def remove_older(fs: FileSystem, directory: str, partition: int, index: int) -> None:
    """Remove the snapshots before `index`, once the log says that a newer one is durable."""
    for snapshot in snapshots(fs, directory, partition):
        if snapshot.index < index:
            fs.remove(join(directory, snapshot.name))


class SnapshotWriter:
    """Writes a snapshot beside the old one; nothing refers to it before `finish`."""

    def __init__(
        self, fs: FileSystem, directory: str, partition: int, index: int, term: int
    ) -> None:
        self._fs = fs
        self._directory = directory
        self._name = snapshot_name(partition, index, term)
        self._file = fs.open(join(directory, self._name + ".new"), create=True)
        head = _HEAD.pack(_MAGIC, partition, index, term, 0)[:-4]
        self._offset = 0
        self._unsynced = 0
        self._put(head + struct.pack("<I", crc32(head)))

    def write(self, chunk: bytes) -> None:
        """Append one chunk (not empty)."""
        checksum = crc32(chunk, crc32(struct.pack("<Q", self._offset)))
        self._put(_CHUNK.pack(len(chunk), checksum) + chunk)

    def finish(self) -> None:
        """Sync the file, give it its name and sync that."""
        self._put(_CHUNK.pack(0, crc32(struct.pack("<Q", self._offset))))
        self._file.datasync()
        self._file.close()
        path = join(self._directory, self._name)
        self._fs.rename(path + ".new", path)
        self._fs.sync_directory(self._directory)

    def _put(self, data: bytes) -> None:
        self._file.write_at(self._offset, data)
        self._offset += len(data)
        self._unsynced += len(data)
        if self._unsynced >= _SYNC_EVERY_BYTES:
            self._file.datasync()
            self._unsynced = 0


def read_snapshot(fs: FileSystem, directory: str, name: str) -> Iterator[bytes]:
    """Yield a snapshot's chunks, each checked.

    Raises:
        LogDamaged: the file is not what was written.
    """
    path = join(directory, name)
    expected = SnapshotName(name)
    file = fs.open(path)
    try:
        head = file.read_at(0, _HEAD.size)
        if len(head) < _HEAD.size or _HEAD.unpack(head)[4] != crc32(head[:-4]):
            raise LogDamaged(path, 0, "its head is not readable")
        magic, partition, index, term, _ = _HEAD.unpack(head)
        if magic != _MAGIC or (partition, index, term) != (
            expected.partition,
            expected.index,
            expected.term,
        ):
            raise LogDamaged(path, 0, "it is not the snapshot its name says")
        offset = _HEAD.size
        while True:
            chunk_head = file.read_at(offset, _CHUNK.size)
            if len(chunk_head) < _CHUNK.size:
                raise LogDamaged(path, offset, "it ends early")
            size, checksum = _CHUNK.unpack(chunk_head)
            chunk = file.read_at(offset + _CHUNK.size, size)
            if len(chunk) != size or checksum != crc32(chunk, crc32(struct.pack("<Q", offset))):
                raise LogDamaged(path, offset, "a chunk's checksum is wrong")
            if size == 0:
                return
            yield chunk
            offset += _CHUNK.size + size
    finally:
        file.close()


class SnapshotFile:
    """A durable snapshot's raw bytes, to be sent to a follower."""

    def __init__(self, fs: FileSystem, directory: str, snapshot: SnapshotName) -> None:
        self.index = snapshot.index
        self.term = snapshot.term
        self._file = fs.open(join(directory, snapshot.name))
        self.size = self._file.size()

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` raw bytes of the file."""
        return self._file.read_at(offset, size)

    def close(self) -> None:
        """Release the file."""
        self._file.close()


class SnapshotReceiver:
    """Takes a snapshot's raw bytes in order; it gets its name when it is whole and checked."""

    def __init__(
        self, fs: FileSystem, directory: str, partition: int, index: int, term: int
    ) -> None:
        self.index = index
        self.term = term
        self.offset = 0
        self.name = snapshot_name(partition, index, term)
        self._fs = fs
        self._directory = directory
        self._file = fs.open(join(directory, self.name + ".new"), create=True)

    def write(self, data: bytes) -> None:
        """Append raw bytes of the leader's file."""
        self._file.write_at(self.offset, data)
        self.offset += len(data)

    def finish(self) -> None:
        """Sync the file, give it its name and sync that; the reader checks every chunk."""
        self._file.datasync()
        self._file.close()
        path = join(self._directory, self.name)
        self._fs.rename(path + ".new", path)
        self._fs.sync_directory(self._directory)

    def abandon(self) -> None:
        """Close and remove what was received."""
        self._file.close()
        self._fs.remove(join(self._directory, self.name + ".new"))
