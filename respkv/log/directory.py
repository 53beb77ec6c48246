"""What a data directory holds beside segments: its identity, and remains of unfinished files."""

from typing import Final
from zlib import crc32

from respkv.log.damage import LogDamaged, UnknownFormat
from respkv.log.filesystem import FileSystem, join
from respkv.log.segment import segment_names

_FORMAT: Final = b"respkv log format "
_VERSION: Final = b"1"
_IDENTITY: Final = "identity"
_UNFINISHED_SUFFIX: Final = ".new"
_SNAPSHOT_PREFIX: Final = "snapshot-"
_BYTES_MAX: Final = 256


def has_identity(fs: FileSystem, directory: str) -> bool:
    """Return whether a log was made here, which is noted once its first segment is durable.

    Raises:
        LogDamaged: the note is not what any version writes.
        UnknownFormat: a newer version made it.
    """
    if _IDENTITY not in fs.names(directory):
        return False
    path = join(directory, _IDENTITY)
    file = fs.open(path)
    found = file.read_at(0, _BYTES_MAX)
    file.close()
    version, _, _ = found.removeprefix(_FORMAT).partition(b" ")
    if found != _identity(version):
        raise LogDamaged(path, 0, f"it says {found[:64]!r}")
    if version != _VERSION:
        raise UnknownFormat(path, found.decode(errors="replace").strip())
    return True


def _identity(version: bytes) -> bytes:
    """Return the one line of the file; the checksum tells a newer version from damage."""
    said = _FORMAT + version
    return b"%b %08x\n" % (said, crc32(said))


def write_identity(fs: FileSystem, directory: str) -> None:
    """Note that a log was made here; from now on an empty directory means that it is gone."""
    path = join(directory, _IDENTITY)
    file = fs.open(path + _UNFINISHED_SUFFIX, create=True)
    file.write_at(0, _identity(_VERSION))
    file.datasync()
    file.close()
    fs.rename(path + _UNFINISHED_SUFFIX, path)
    fs.sync_directory(directory)


def refuse_missing_log(fs: FileSystem, directory: str, identity: bool) -> None:
    """Refuse a directory in which a log was and is no more (rule 5).

    Raises:
        LogDamaged: it was made here, or snapshots are, which need one.
    """
    names = fs.names(directory)
    if identity or any(
        name.startswith(_SNAPSHOT_PREFIX) and not name.endswith(_UNFINISHED_SUFFIX)
        for name in names
    ):
        names = segment_names(fs, directory)
        what = f"nothing in {', '.join(names)} can be read" if names else "its segments are gone"
        raise LogDamaged(directory, 0, f"a log was made here, but {what}")


def remove_unfinished(fs: FileSystem, directory: str) -> None:
    """Remove files that never got their names; the caller syncs the directory."""
    for name in fs.names(directory):
        if name.endswith(_UNFINISHED_SUFFIX):
            fs.remove(join(directory, name))
