"""`respkv wal` on a damaged log: it shows what a repair would drop before it drops anything."""

from pathlib import Path

import pytest

from respkv.cli.wal import wal as run
from respkv.entry import Entry
from respkv.log.damage import LogDamaged
from respkv.log.filesystem import RealFileSystem
from respkv.log.wal import Wal
from respkv.wire.run import encode_command

SEGMENT_BYTES = 4096


def write_log(directory: str) -> None:
    wal = Wal.open(RealFileSystem(), directory, SEGMENT_BYTES)
    for index in range(1, 4):
        payload = encode_command([b"SET", b"key", b"value %d" % index])
        wal.add_entries(0, [Entry(1, index, 1_000, payload)])
        wal.write()
        wal.sync()
    wal.seal()
    wal.close()


def last_index(directory: str) -> int:
    wal = Wal.open(RealFileSystem(), directory, SEGMENT_BYTES)
    try:
        return wal.recovered[0].last_index
    finally:
        wal.close()


def test_salvage_lists_the_loss_and_makes_it_only_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = str(tmp_path)
    write_log(directory)
    segment = tmp_path / "wal-0000000000000001"
    data = bytearray(segment.read_bytes())
    data[data.index(b"value 2")] ^= 1
    segment.write_bytes(data)
    with pytest.raises(LogDamaged, match=r"wal-0000000000000001 is damaged at byte \d+"):
        last_index(directory)
    assert run(["salvage", directory]) == 1
    said = capsys.readouterr().out
    assert "value 3" in said
    assert "Nothing was changed" in said
    assert segment.read_bytes() == data
    assert run(["salvage", directory, "--accept-loss"]) == 0
    assert last_index(directory) == 1
    assert run(["salvage", directory]) == 0
    assert "nothing to repair" in capsys.readouterr().out


def test_dump_prints_every_record_of_a_log_damaged_or_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_log(str(tmp_path))
    segment = tmp_path / "wal-0000000000000001"
    assert run(["dump", str(segment)]) == 0
    whole = capsys.readouterr().out
    assert "entry 1.3" in whole
    segment.write_bytes(bytes(64) + segment.read_bytes()[64:3000])  # no header, no end
    assert run(["dump", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == whole.splitlines()[1:]


def test_a_repair_is_refused_while_a_server_uses_the_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wal = Wal.open(RealFileSystem(), str(tmp_path), SEGMENT_BYTES)
    assert run(["salvage", str(tmp_path)]) == 1
    assert "in use" in capsys.readouterr().err
    wal.close()
