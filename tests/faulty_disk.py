"""A disk in memory that loses what was not synced, tears it, fails, or crashes at any operation.

It is a `FileSystem`: the log runs on it unchanged, in the crash tests and in the simulator.
"""

import errno
from dataclasses import dataclass, field

from respkv.clock import SeededChance
from respkv.log.filesystem import NOTHING_STAGED, DirectoryLocked

SECTOR = 512


class SimulatedCrash(BaseException):
    """The machine stopped at a disk operation; nothing may catch it on the way out."""


@dataclass
class _Inode:
    """A file's bytes as programs see them, as the disk holds them, and the writes in between."""

    content: bytearray = field(default_factory=bytearray)
    durable: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes]] = field(default_factory=list)


class FaultyFile:
    """An open file of a `FaultyDisk`."""

    def __init__(self, disk: "FaultyDisk", inode: _Inode) -> None:
        self.fd = -1
        self._disk = disk
        self._inode = inode

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes."""
        return bytes(self._inode.content[offset : offset + size])

    def write_at(self, offset: int, data: bytes) -> None:
        """Write; durable only after `datasync`."""
        self._disk.operation("write")
        content = self._inode.content
        growth = offset + len(data) - len(content)
        if growth > 0:
            if self._disk.used + growth > self._disk.capacity:
                raise OSError(errno.ENOSPC, "no space left")
            self._disk.used += growth
            content.extend(bytes(growth))
        content[offset : offset + len(data)] = data
        self._inode.unsynced.append((offset, data))

    stage_at = write_at

    def allocate(self, size: int) -> None:
        """Make an empty file `size` zero bytes long."""
        self.write_at(0, bytes(size))

    def staged(self) -> tuple[int, memoryview]:
        """Nothing is."""
        return NOTHING_STAGED

    def staged_written(self) -> None:
        """Nothing was staged."""

    def write_staged(self) -> None:
        """Nothing is staged."""

    def size(self) -> int:
        """Return the length in bytes."""
        return len(self._inode.content)

    def datasync(self) -> None:
        """Make all writes durable."""
        self._disk.operation("sync")
        if self._disk.syncs_lie:
            return
        inode = self._inode
        _apply(inode.durable, inode.unsynced)
        inode.unsynced.clear()

    def close(self) -> None:
        """Nothing is synced."""


def _apply(target: bytearray, writes: list[tuple[int, bytes]]) -> None:
    for offset, data in writes:
        if offset + len(data) > len(target):
            target.extend(bytes(offset + len(data) - len(target)))
        target[offset : offset + len(data)] = data


class FaultyDisk:
    """One machine's disk with one directory level, which is all that the log uses."""

    def __init__(self, chance: SeededChance, crash_at: int = -1, capacity: int = 1 << 40) -> None:
        self.chance = chance
        self.crash_at = crash_at  # number of the operation that crashes; -1: none
        self.capacity = capacity
        self.used = 0
        self.operations = 0
        self.fail_next = 0  # errno that the next operation raises
        self.syncs_lie = False  # a planted fault: syncs report success and do nothing
        self.lost_writes = 0
        self.torn_writes = 0
        self._names: dict[str, _Inode] = {}
        self._durable_names: dict[str, _Inode] = {}
        self._locked: set[str] = set()

    def operation(self, kind: str) -> None:
        """Count an operation; crash or fail when it is that one's turn."""
        self.operations += 1
        if self.operations - 1 == self.crash_at:
            raise SimulatedCrash(f"crash at disk operation {self.crash_at} ({kind})")
        if self.fail_next:
            number, self.fail_next = self.fail_next, 0
            raise OSError(number, "injected")

    # --- FileSystem --------------------------------------------------------------------------

    def make_directory(self, directory: str) -> None:
        """Directories are there."""

    def lock(self, directory: str) -> None:
        """Hold the directory until a crash."""
        if directory in self._locked:
            raise DirectoryLocked(directory)
        self._locked.add(directory)

    def unlock(self, directory: str) -> None:
        """Let others have the directory."""
        self._locked.discard(directory)

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory, sorted."""
        prefix = directory + "/"
        return sorted(name[len(prefix) :] for name in self._names if name.startswith(prefix))

    def open(self, path: str, create: bool = False) -> FaultyFile:
        """Open; `create` makes a new, empty file."""
        if create:
            self.operation("create")
            self._names[path] = _Inode()
        elif path not in self._names:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return FaultyFile(self, self._names[path])

    def open_log(self, path: str) -> FaultyFile:
        """Open for batches that are synced."""
        return self.open(path)

    def rename(self, source: str, destination: str) -> None:
        """Rename, replacing what is there."""
        self.operation("rename")
        self._names[destination] = self._names.pop(source)

    def remove(self, path: str) -> None:
        """Delete."""
        self.operation("remove")
        inode = self._names.pop(path, None)
        if inode is not None:
            self.used = max(0, self.used - len(inode.content))

    def sync_directory(self, directory: str) -> None:
        """Make names durable."""
        self.operation("sync directory")
        self._durable_names = dict(self._names)

    def free_bytes(self, directory: str) -> int:
        """Return how much more fits."""
        return self.capacity - self.used

    def random_salt(self) -> int:
        """Return 64 bits of the seeded chance."""
        return self.chance.below(1 << 64)

    # --- what happens to it ------------------------------------------------------------------

    def after_kill(self) -> "FaultyDisk":
        """The process died; the page cache, and so every write, is still there."""
        disk = self._successor()
        disk._names = dict(self._names)
        disk._durable_names = dict(self._durable_names)
        return disk

    def after_power_loss(self) -> "FaultyDisk":
        """The machine died: of what was not synced, any sectors and any names may be missing."""
        disk = self._successor()
        names = dict(self._durable_names)
        for name in sorted(set(self._names) | set(self._durable_names)):
            if self._names.get(name) is not self._durable_names.get(name) and self._flip():
                # A directory entry that was not synced may have reached the disk all the same.
                if name in self._names:
                    names[name] = self._names[name]
                else:
                    names.pop(name, None)
        # A rename is one change: the old name is gone where the new one has arrived.
        seen: dict[int, str] = {}
        for name in sorted(names):
            inode = names[name]
            if id(inode) in seen:
                keep_new = name in self._names and self._names[name] is inode
                del names[seen[id(inode)] if keep_new else name]
                if not keep_new:
                    continue
            seen[id(inode)] = name
        disk._names = {name: disk._survivor(inode) for name, inode in names.items()}
        disk._durable_names = dict(disk._names)
        disk.used = sum(len(inode.content) for inode in disk._names.values())
        return disk

    def durable_image(self) -> "FaultyDisk":
        """What is certain to survive a power loss."""
        disk = FaultyDisk(self.chance)
        disk._names = {
            name: _Inode(bytearray(inode.durable), bytearray(inode.durable))
            for name, inode in self._durable_names.items()
        }
        disk._durable_names = dict(disk._names)
        disk.used = sum(len(inode.content) for inode in disk._names.values())
        return disk

    def _successor(self) -> "FaultyDisk":
        disk = FaultyDisk(self.chance, capacity=self.capacity)
        disk.used = self.used
        disk.lost_writes, disk.torn_writes = self.lost_writes, self.torn_writes
        disk.syncs_lie = self.syncs_lie
        return disk

    def _flip(self) -> bool:
        return self.chance.below(2) == 1

    def _survivor(self, inode: _Inode) -> _Inode:
        content = bytearray(inode.durable)
        for offset, data in inode.unsynced:
            fate = self.chance.below(3)
            if fate == 0:
                self.lost_writes += 1
            elif fate == 1:
                _apply(content, [(offset, data)])
            else:
                self.torn_writes += 1
                at = offset
                while at < offset + len(data):
                    end = min(at - at % SECTOR + SECTOR, offset + len(data))
                    if self._flip():
                        _apply(content, [(at, data[at - offset : end - offset])])
                    at = end
        return _Inode(content, bytearray(content))

    def flip_bit(self, path: str, bit: int) -> None:
        """Alter one durable bit of a file."""
        inode = self._names[path]
        for image in (inode.content, inode.durable):
            image[bit // 8] ^= 1 << (bit % 8)

    def cut(self, path: str, size: int) -> None:
        """Cut a file short."""
        inode = self._names[path]
        del inode.content[size:]
        del inode.durable[size:]
