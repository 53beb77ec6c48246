"""A short run of the fuzzer; `python -m tests.wire.fuzz --cases 1000000` is the long one."""

from tests.wire.fuzz import Fuzzer


def test_random_and_damaged_streams_do_no_harm() -> None:
    fuzzer = Fuzzer(seed=1)
    fuzzer.run(20_000)
    assert fuzzer.commands > 20_000
    texts = b"\n".join(fuzzer.errors)
    for part in (
        b"too big inline request", b"too big mbulk count", b"too big bulk count",
        b"invalid multibulk length", b"invalid bulk length", b"expected '$'", b"unbalanced quotes",
        b"unauthenticated multibulk length",
    ):  # fmt: skip
        assert part in texts, f"no stream was refused with {part!r}"
