"""Random and damaged streams against the request parser.

`python -m tests.wire.fuzz --cases N [--seed S]`: each case is random bytes, or a valid pipeline with
some bytes changed, fed in random chunks. Nothing but the parser's own error may come of it, no more
is kept than the limits allow, and the outcome must be that of feeding it byte by byte or at once.
"""

import argparse
from collections import Counter
from random import Random

from respkv.wire.inline import INLINE_BYTES_MAX
from respkv.wire.request import RequestParser
from respkv.wire.run import Argv, encode_command
from tests.wire.streams import Parsed, cut

# What streams are made of, so that damage is often damage that matters.
PIECES = [
    b"*", b"$", b"\r\n", b"\r", b"\n", b"\0", b" ", b'"', b"'", b"\\x4", b"-", b"0", b"1", b"2",
    b"*3\r\n", b"$3\r\n", b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"$99999999999999999999\r\n",
    b"*2147483648\r\n", b"$536870913\r\n", b"PING\r\n", b"*1\r\n$4\r\nPING\r\n",
]  # fmt: skip
LONG_EVERY = 500  # cases: one whose line is longer than a line may be


class Fuzzer:
    """Makes streams from a seed, and counts what came of them."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.cases = 0
        self.bytes = 0
        self.commands = 0
        self.buffered_bytes_max = 0
        self.errors: Counter[bytes] = Counter()

    def run(self, cases: int) -> None:
        """Try that many streams; an exception names the one that failed."""
        for _ in range(cases):
            stream = self._stream()
            authenticated = self.chance.random() < 0.8
            try:
                self._try(stream, authenticated)
            except Exception as error:
                raise AssertionError(f"case {self.cases}: {stream[:2000]!r}") from error
            self.cases += 1
            self.bytes += len(stream)

    def _stream(self) -> bytes:
        chance = self.chance
        if self.cases % LONG_EVERY == LONG_EVERY - 1:
            return self._long_line()
        kind = chance.randrange(4)
        if kind == 0:
            return chance.randbytes(chance.randrange(200))
        if kind == 1:
            return b"".join(chance.choices(PIECES, k=chance.randrange(1, 20)))
        return self._damaged(b"".join(encode_command(argv) for argv in self._pipeline()))

    def _pipeline(self) -> list[Argv]:
        chance = self.chance
        alike = [
            b"SET",
            b"key:%04d" % chance.randrange(9999),
            chance.randbytes(chance.randrange(40)),
        ]
        if chance.random() < 0.4:
            return [alike] * chance.randrange(1, 16)
        return [
            alike
            if chance.random() < 0.5
            else [
                chance.randbytes(chance.randrange(20)) if chance.random() < 0.8 else b"x" * 1500
                for _ in range(chance.randrange(1, 14))
            ]
            for _ in range(chance.randrange(1, 8))
        ]

    def _damaged(self, stream: bytes) -> bytes:
        chance = self.chance
        for _ in range(chance.randrange(4)):
            at = chance.randrange(len(stream) + 1)
            skipped = chance.choice((0, 1, 1, 2, chance.randrange(len(stream) + 1)))
            stream = stream[:at] + chance.choice((b"", *PIECES)) + stream[at + skipped :]
        return stream

    def _long_line(self) -> bytes:
        chance = self.chance
        start = chance.choice((b"", b"*", b"*1\r\n$", b"*2\r\n$1\r\na\r\n$", b"SET a "))
        length = INLINE_BYTES_MAX + chance.randrange(-10, 10) - chance.choice((0, 0, len(start)))
        return start + b"1" * length + chance.choice((b"", b"\r\n", b"\n", b"\r\nPING\r\n"))

    def _try(self, stream: bytes, authenticated: bool) -> None:
        places = [self.chance.randrange(1 << 17) for _ in range(self.chance.randrange(8))]
        parsed = self._parse(cut(stream, places), authenticated)
        at_once = self._parse([stream], authenticated)
        if at_once.outcome() != parsed.outcome():
            raise AssertionError(f"cut at {places}: {parsed.outcome()}, else {at_once.outcome()}")
        if len(stream) <= 100:
            by_bytes = self._parse(
                [stream[at : at + 1] for at in range(len(stream))], authenticated
            )
            if by_bytes.outcome() != parsed.outcome():
                raise AssertionError(f"byte by byte: {by_bytes.outcome()}")
        self.commands += len(parsed.commands)
        if parsed.error is not None:
            self.errors[parsed.error.partition(b", got")[0]] += 1

    def _parse(self, chunks: list[bytes], authenticated: bool) -> Parsed:
        parser = RequestParser()
        parser.authenticated = authenticated
        return Parsed(chunks, parser, self._check_kept)

    def _check_kept(self, parser: RequestParser, fed: int) -> None:
        """No more is kept than is needed to go on."""
        kept = parser.buffered_bytes
        assert kept <= fed
        assert kept == 0 or parser.error is None
        unread = kept - parser._at  # behind the arguments that are complete
        if parser._length < 0:
            assert unread <= INLINE_BYTES_MAX, f"a line of {unread} bytes is kept"
        else:
            assert unread < parser._length + 2 <= parser.bulk_bytes_max + 2
        self.buffered_bytes_max = max(self.buffered_bytes_max, kept)


def main() -> None:
    """Run the cases and print what was seen."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    fuzzer = Fuzzer(options.seed)
    fuzzer.run(options.cases)
    print(f"{fuzzer.cases} cases, {fuzzer.bytes} bytes, {fuzzer.commands} commands parsed")
    print(
        f"at most {fuzzer.buffered_bytes_max} bytes kept, {fuzzer.errors.total()} streams refused:"
    )
    for text, count in fuzzer.errors.most_common():
        print(f"{count:>9}  {text.decode(errors='replace')}")


if __name__ == "__main__":
    main()
