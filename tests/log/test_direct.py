"""A log file past the page cache: what a sync has promised is in the file, and nothing else is."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.log.direct import BLOCK, NO_DIRECT_WRITES, STAGED_BYTES_MAX, DirectFile, write_blocks
from respkv.log.filesystem import RealFileSystem

FILE_BYTES = 1 << 20
SIZES = st.one_of(
    st.integers(1, 300),
    st.sampled_from([BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, STAGED_BYTES_MAX - 1]),
    st.sampled_from([STAGED_BYTES_MAX, STAGED_BYTES_MAX + 1, 2 * STAGED_BYTES_MAX]),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["stage", "write"]), SIZES),
        st.tuples(st.sampled_from(["sync", "hand over", "reopen"]), st.just(0)),
    ),
    max_size=25,
)


def opened(path: Path) -> DirectFile:
    file = RealFileSystem().open_log(str(path))
    if not isinstance(file, DirectFile):
        pytest.skip("this file system takes no direct writes")
    return file


def filled(path: Path, byte: bytes) -> Path:
    path.write_bytes(byte * FILE_BYTES)
    return path


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, start=st.integers(0, 3 * BLOCK))
def test_batches_are_in_the_file_once_synced(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]], start: int
) -> None:
    """In a recycled file, whose old bytes stay behind the block that was written last."""
    path = filled(tmp_path_factory.mktemp("direct") / "wal", b"o")
    file = opened(path)
    expected, end, number = bytearray(b"o" * start), start, 0
    for step, size in steps:
        number += 1
        if step in ("stage", "write") and end + size < FILE_BYTES:
            data = bytes([number]) * size
            (file.stage_at if step == "stage" else file.write_at)(end, data)
            expected += data
            end += size
            continue
        if step == "hand over":
            offset, blocks = file.staged()
            write_blocks(file.fd, offset, blocks)
            file.staged_written()
        else:
            file.datasync()
        if step == "reopen":
            file.close()
            file = opened(path)
        content = path.read_bytes()
        assert content[:end] == expected
        assert content[-(-end // BLOCK) * BLOCK :] == b"o" * (FILE_BYTES - -(-end // BLOCK) * BLOCK)
    file.close()


def test_what_is_not_synced_is_not_in_the_file(tmp_path: Path) -> None:
    path = filled(tmp_path / "wal", b"\0")
    file = opened(path)
    file.stage_at(512, b"durable")
    file.datasync()
    file.stage_at(519, b"lost when the process is killed")
    assert path.read_bytes().rstrip(b"\0") == bytes(512) + b"durable"
    file.close()


def test_a_sync_here_does_not_trust_that_another_process_has_written(tmp_path: Path) -> None:
    path = filled(tmp_path / "wal", b"\0")
    file = opened(path)
    file.stage_at(0, b"handed over, and not yet written")
    file.staged()
    file.datasync()
    assert path.read_bytes().startswith(b"handed over, and not yet written")
    file.close()


def test_a_file_system_without_direct_writes_has_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(tmp_path / "wal", b"\0")
    real_open = os.open

    def without_direct(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_DIRECT:
            raise OSError(NO_DIRECT_WRITES[0], os.strerror(NO_DIRECT_WRITES[0]))
        return real_open(path, flags, mode)

    monkeypatch.setattr(os, "open", without_direct)
    file = RealFileSystem().open_log(str(path))
    file.stage_at(0, b"at once")
    assert path.read_bytes().startswith(b"at once")
    file.close()
