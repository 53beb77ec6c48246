"""Requests in, however they are cut: what was encoded comes out, and nothing is read twice."""

import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respkv.wire import request, scan, split
from respkv.wire.request import RequestParser
from respkv.wire.run import Run, encode_command
from respkv.wire.scan import take_by_scanning
from respkv.wire.split import take_by_splitting
from tests.wire.streams import Parsed, commands, cut, cuts, encode_pipeline, pipelines


@given(pipelines, cuts)
def test_what_is_encoded_parses_back_in_any_chunking(
    pipeline: list[Any], places: list[int]
) -> None:
    parsed = Parsed(cut(encode_pipeline(pipeline), places))
    assert parsed.commands == pipeline
    assert parsed.raw == encode_pipeline(pipeline)
    assert parsed.error is None
    assert parsed.parser.buffered_bytes == 0


@given(pipelines, st.integers(0, 1 << 16))
def test_commands_before_a_break_are_returned_and_nothing_after_it(
    pipeline: list[Any], place: int
) -> None:
    parser = RequestParser()
    parsed = Parsed([encode_pipeline(pipeline) + b"*1\r\n:1\r\n"], parser)
    assert parsed.commands == pipeline
    assert parser.error is not None
    assert parser.error.text == b"ERR Protocol error: expected '$', got ':'"
    assert parser.feed(encode_pipeline(pipeline)) == []
    assert parser.buffered_bytes == 0


@given(st.lists(st.sampled_from([
    b"*", b"$", b"\r\n", b"\r", b"\n", b"0", b"1", b"2", b"3", b"-1", b"03", b"a", b"PING", b":",
    b"$1\r\na\r\n", b"*1\r\n", b"*2\r\n$1\r\na\r\n", b"*1\r\n$4\r\nPINGxx", b"$0\r\n\r\n",
]), max_size=12).map(b"".join))  # fmt: skip
@example(b"*1\r\n$1\r\na\r\n*01\r\n$1\r\na\r\n")
@example(b"*1\r\n$01\r\na\r\n")
@example(b"*1\r\n$\r\na\r\n")
@example(b"*\r\n$1\r\na\r\n")
@example(b"*1\r$1\r\na\r\n")
def test_both_builds_fast_paths_take_only_what_the_careful_one_would(data: bytes) -> None:
    """The compiled build scans, the interpreted one splits; byte by byte neither is used."""
    careful = Parsed([data[at : at + 1] for at in range(len(data))])
    assert Parsed([data]).outcome() == careful.outcome()
    for take in (take_by_scanning, take_by_splitting):
        runs: list[Run] = []
        taken = take(data, runs)
        assert b"".join(raw for _, raw in runs) == data[:taken]
        found = [argv for argvs, _ in runs for argv in argvs]
        assert found == careful.commands[: len(found)]


@given(commands, st.integers(0, 1 << 16))
def test_scanning_stops_before_an_incomplete_command(argv: list[bytes], place: int) -> None:
    data = encode_command(argv)
    runs: list[Run] = []
    assert take_by_scanning(data + data[: place % len(data)], runs) == len(data)
    assert runs == [([argv], data)]


def test_scanning_gives_up_on_numbers_that_no_chunk_can_hold() -> None:
    for data in (
        b"*%d\r\n" % scan.LENGTH_MAX,
        b"*1\r\n$%d\r\n" % scan.LENGTH_MAX,
        b"*" + b"9" * 99,
    ):
        assert take_by_scanning(data + b"x\r\n", []) == 0


@pytest.mark.parametrize("size", [1024, 1025, 16384, 100_000, 600_000])
def test_arguments_of_any_size_parse_back(size: int) -> None:
    pipeline = [[b"SET", b"key", b"v" * size], [b"SET", b"key", b"\r\n" * (size // 2)]]
    data = encode_pipeline(pipeline)
    assert Parsed([data]).commands == pipeline
    assert Parsed([data[:-5], data[-5:]]).commands == pipeline
    assert Parsed([data[at : at + 4096] for at in range(0, len(data), 4096)]).commands == pipeline


@pytest.mark.parametrize("arguments", [11, 64, 65, 5000])
def test_commands_of_many_arguments_parse_back(arguments: int) -> None:
    pipeline = [[b"DEL"] + [b"key:%d" % number for number in range(arguments)]] * 2
    data = encode_pipeline(pipeline)
    assert Parsed([data]).commands == pipeline
    assert Parsed([data[at : at + 999] for at in range(0, len(data), 999)]).commands == pipeline


@given(
    st.lists(
        st.sampled_from([b"", b"a", b"\r\n", b"$1\r\na", b"$", b"x" * 50, b"\r"]), min_size=70
    ),
    st.lists(st.integers(1, 300), min_size=1),
)
def test_many_arguments_parse_back_however_they_are_cut(argv: list[bytes], cuts: list[int]) -> None:
    plain = [b"%d" % number for number in range(200)]
    commands = [plain, argv, plain + argv + plain]
    data = b"".join(map(encode_command, commands))
    chunks = []
    while data:
        step = cuts[len(chunks) % len(cuts)]
        chunks.append(data[:step])
        data = data[step:]
    assert Parsed(chunks).commands == commands


def test_a_wrong_length_among_many_arguments_breaks_the_stream() -> None:
    good = encode_command([b"x"] * 200)
    for wrong in (b"$01\r\nx", b"$ 1\r\nx", b"$x\r\nx", b"$-1\r\nx", b"1\r\nx"):
        parsed = Parsed(
            [good[: len(good) // 2], good[len(good) // 2 :].replace(b"$1\r\nx", wrong, 50)]
        )
        assert parsed.commands == []
        assert parsed.error is not None


def lines_executed(chunks: list[bytes]) -> int:
    """Return how many lines of the parser run for `chunks`: its work, on any machine."""
    executed = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal executed
        if frame.f_code.co_filename not in (request.__file__, split.__file__):
            return None
        executed += event == "line"
        return trace

    parser = RequestParser()
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for chunk in chunks:
            parser.feed(chunk)
    finally:
        sys.settrace(before)
    assert parser.buffered_bytes == 0
    return executed


def test_a_command_in_a_thousand_chunks_costs_no_more_than_in_one() -> None:
    """What was read of an incomplete command is not read again at the next chunk."""
    data = encode_command([b"DEL"] + [b"k%d" % number for number in range(100_000)])
    step = len(data) // 1000 + 1
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    assert lines_executed(chunks) < 1.1 * lines_executed([data]) + 100 * len(chunks)


def test_a_line_that_comes_byte_by_byte_is_searched_once() -> None:
    """The parser remembers how far it has looked for a line's end."""
    chunks = [b"x"] * request.INLINE_BYTES_MAX
    parser = RequestParser()
    for chunk in chunks:
        parser.feed(chunk)
    assert parser._searched == parser.buffered_bytes == request.INLINE_BYTES_MAX
    assert Parsed([b"\n"], parser).commands == [[b"x" * request.INLINE_BYTES_MAX]]


def test_a_pipeline_cut_by_full_reads_stays_on_the_fast_path() -> None:
    """A chunk that begins with the tail of a command costs about as much as one that does not."""
    pipeline = [[b"SET", b"key:%04d" % number, b"v" * (number % 50)] for number in range(2000)]
    data = encode_pipeline(pipeline)
    step = 16384
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    assert Parsed(chunks).commands == pipeline
    assert lines_executed(chunks) <= 1.1 * lines_executed([data])  # 0 in the compiled build
