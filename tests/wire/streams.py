"""Streams of requests, cut into chunks; and what a parser makes of them."""

from collections.abc import Callable
from itertools import pairwise

from hypothesis import strategies as st

from respkv.wire.request import RequestParser
from respkv.wire.run import Argv, encode_command

# Short arguments like those that clients send, and some that look like the protocol itself.
arguments = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"", b"\r\n", b"$3\r\nfoo\r\n", b"*1\r\n", b"*", b"x" * 1024, b"y" * 1025]),
    st.integers(0, 99).map(lambda number: b"key:%012d" % number),
)
commands = st.lists(arguments, min_size=1, max_size=6)
alike = st.lists(
    st.tuples(
        st.just(b"SET"), st.binary(min_size=5, max_size=5), st.binary(min_size=9, max_size=9)
    ),
    min_size=1,
    max_size=30,
).map(lambda pipeline: [list(argv) for argv in pipeline])
pipelines = st.one_of(
    st.lists(commands, min_size=1, max_size=12),
    alike,
    st.tuples(alike, st.lists(commands, max_size=3), alike).map(
        lambda mixed: [argv for part in mixed for argv in part]
    ),
)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return the chunks between `places`, taken modulo the length."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


cuts = st.lists(st.integers(0, 1 << 16), max_size=12)


class Parsed:
    """All that a parser has said about a stream."""

    def __init__(
        self,
        chunks: list[bytes],
        parser: RequestParser | None = None,
        check: Callable[[RequestParser, int], None] | None = None,
    ) -> None:
        self.parser = parser or RequestParser()
        self.commands: list[Argv] = []
        self.raw = b""
        fed = 0
        for chunk in chunks:
            fed += len(chunk)
            runs = self.parser.feed(chunk)
            while runs:
                for argvs, raw in runs:
                    assert len({(argv[0], len(argv)) for argv in argvs}) == 1
                    self.commands += argvs
                    self.raw += raw
                runs = self.parser.feed(b"") if self.parser.held else []
            if check is not None:
                check(self.parser, fed)
        self.error = None if self.parser.error is None else self.parser.error.text

    def outcome(self) -> tuple[list[Argv], bytes, bytes | None, int]:
        """What must not depend on how the stream was cut."""
        return self.commands, self.raw, self.error, self.parser.buffered_bytes


def encode_pipeline(pipeline: list[Argv]) -> bytes:
    """Return the bytes a client sends."""
    return b"".join(encode_command(argv) for argv in pipeline)
