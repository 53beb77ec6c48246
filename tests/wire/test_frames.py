"""Frames between nodes: what was packed comes out in any chunking, and nothing else ever does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.errors import FrameError, WrongChecksum, WrongFrameVersion
from respkv.wire.frames import (
    BODY_BYTES_MAX,
    HEADER_BYTES,
    MORE,
    ChunkJoiner,
    Frame,
    FrameSplitter,
    pack_frame,
)
from tests.wire.streams import cut, cuts

frames = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=40)))


def split(splitter: FrameSplitter, pieces: list[bytes]) -> list[Frame]:
    return [frame for piece in pieces for frame in splitter.feed(piece)]


@given(frames, cuts)
def test_what_is_packed_comes_out_in_any_chunking(sent: list[Frame], places: list[int]) -> None:
    stream = b"".join(pack_frame(*frame) for frame in sent)
    assert split(FrameSplitter(), cut(stream, places)) == sent
    assert split(FrameSplitter(), [stream[at : at + 1] for at in range(len(stream))]) == sent


def test_the_largest_body_passes_and_one_byte_more_is_refused_on_both_sides() -> None:
    largest = bytes(BODY_BYTES_MAX)
    assert FrameSplitter().feed(pack_frame(1, 0, largest)) == [(1, 0, largest)]
    with pytest.raises(ValueError, match="chunks"):
        pack_frame(1, 0, largest + b"x")
    with pytest.raises(FrameError, match="262144 bytes, more than 1024"):
        FrameSplitter(1024).feed(pack_frame(1, 0, largest)[:HEADER_BYTES])


@given(frames.filter(bool), st.data())
def test_any_flipped_bit_is_noticed(sent: list[Frame], data: st.DataObject) -> None:
    stream = bytearray(b"".join(pack_frame(*frame) for frame in sent))
    bit = data.draw(st.integers(0, len(stream) * 8 - 1))
    stream[bit // 8] ^= 1 << bit % 8
    splitter = FrameSplitter()
    try:
        got = splitter.feed(bytes(stream))
    except FrameError:
        return
    assert got == sent[: len(got)]  # a longer length: the rest is still being waited for
    assert len(got) < len(sent)


@given(st.binary(max_size=200), cuts)
def test_random_bytes_are_refused_and_never_taken_for_a_frame(
    noise: bytes, places: list[int]
) -> None:
    splitter = FrameSplitter()
    try:
        assert split(splitter, cut(noise, places)) == []
    except FrameError:
        with pytest.raises(FrameError):
            splitter.feed(pack_frame(1, 0, b"after the noise"))
    else:
        assert len(noise) < HEADER_BYTES or noise.startswith(b"rK")


def test_another_version_and_a_wrong_checksum_have_names_of_their_own() -> None:
    good = pack_frame(1, 0, b"body")
    with pytest.raises(WrongFrameVersion, match="version 9, not 1"):
        FrameSplitter().feed(good[:2] + b"\x09" + good[3:])
    with pytest.raises(WrongChecksum):
        FrameSplitter().feed(good[:-1] + b"!")


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1))
def test_chunks_join_to_the_message_whose_last_one_says_so(chunks: list[bytes]) -> None:
    joiner = ChunkJoiner()
    for _ in range(2):
        assert [joiner.add(MORE, chunk) for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
        assert joiner.add(0, chunks[-1]) == b"".join(chunks)


def test_a_message_beyond_the_bound_is_refused_and_so_are_endless_empty_chunks() -> None:
    joiner = ChunkJoiner(10)
    assert joiner.add(MORE, b"12345") is None
    with pytest.raises(FrameError, match="more than 10 bytes"):
        joiner.add(MORE, b"678901")
    with pytest.raises(FrameError, match="empty chunk"):
        ChunkJoiner().add(MORE, b"")
