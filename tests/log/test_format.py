"""Logs that earlier versions wrote stay readable, with the state they had then."""

import shutil
from pathlib import Path
from zlib import crc32

import pytest

from respkv.keyspace.keyspace import Keyspace
from respkv.log.damage import LogDamaged, UnknownFormat
from respkv.log.filesystem import RealFileSystem
from respkv.log.salvage import describe_segment
from respkv.log.segment import segment_names
from tests.log import format_fixture

FIXTURES = Path(__file__).parent / "fixtures"
# Of the keyspace, as its own dump format 1 hashes it: a new dump format gives another digest.
DIGEST = "ab48568d3b915248595385a222d5eeb213db242080eaaffb4c36db32765b61ff"


@pytest.fixture(name="directory")
def copy_of_fixture(tmp_path: Path) -> str:
    return str(shutil.copytree(FIXTURES / "format-1", tmp_path / "data"))


def value(keyspace: Keyspace, db: int, key: bytes) -> object:
    keyspace.select(db)
    return keyspace.lookup(key)


def test_a_log_of_format_1_gives_the_state_its_writer_had(directory: str) -> None:
    wal, keyspace = format_fixture.read(RealFileSystem(), directory)
    recovered = wal.recovered
    assert sorted(recovered) == [0, 1, 3]  # partition 2 was dropped
    zero = recovered[0]
    assert (zero.term, zero.vote, zero.snapshot_index, zero.last_index) == (2, 3, 12, 18)
    assert zero.entries == [format_fixture.entry(13, 1)] + [
        format_fixture.entry(index, 2) for index in range(14, 19)
    ]
    assert (recovered[1].term, recovered[1].vote, recovered[1].last_index) == (1, 1, 1)
    assert (recovered[3].snapshot_index, recovered[3].snapshot_term) == (70, 5)
    assert bytes(value(keyspace, 0, b"counter")) == b"%d" % sum(range(1, 19))  # type: ignore[call-overload]
    assert value(keyspace, 1, b"in one") == b"18"
    assert value(keyspace, 2, b"in two") == b"a\r\nb18"
    assert value(keyspace, 0, b"deadline:1") is None
    assert keyspace.digest().hex() == DIGEST
    wal.close()


def test_a_log_of_format_1_can_be_written_to(directory: str) -> None:
    fs = RealFileSystem()
    wal, _ = format_fixture.read(fs, directory)
    wal.add_entries(0, [format_fixture.entry(19, 2)])
    wal.write()
    wal.close()
    wal, _ = format_fixture.read(fs, directory)
    assert wal.recovered[0].last_index == 19
    wal.close()


def test_the_fixture_holds_every_type_of_record(directory: str) -> None:
    fs = RealFileSystem()
    text = "\n".join(
        line
        for name in segment_names(fs, directory)
        for line in describe_segment(fs, directory, name)
    )
    for words in ("entry 2.18", "term 2 vote 3", "covers 1.12", "restarts", "dropped", "check"):
        assert words in text
    assert ": 0 records" in text  # the seal


def test_a_directory_of_a_newer_format_is_refused_by_that_name(directory: str) -> None:
    """Durability rule 10: a version that does not know a format leaves it alone."""
    identity = Path(directory) / "identity"
    said = b"respkv log format 2"
    identity.write_bytes(b"%b %08x\n" % (said, crc32(said)))
    with pytest.raises(UnknownFormat, match="newer"):
        format_fixture.read(RealFileSystem(), directory)
    identity.write_bytes(said)
    with pytest.raises(LogDamaged, match="identity"):
        format_fixture.read(RealFileSystem(), directory)
