"""Commands run on a real redis-server and on ours, and their replies compared.

A case is a few lines of commands in shell quoting. Replies are compared byte for byte; of commands
whose order Redis does not promise, sorted.
"""

import os
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.commands.reference import Argv, Ours, Reference, Served, split

EXAMPLES: Final = int(os.environ.get("RESPKV_EXAMPLES", "40"))
shared: Final = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# How the reply's elements belong together where their order is nobody's promise: the number of
# neighbours that make one element, in RESP2 and in RESP3 (whose maps come as pairs already).
UNORDERED: Final = {
    b"HGETALL": (2, 1),
    b"HKEYS": (1, 1),
    b"HVALS": (1, 1),
    b"HSCAN": (2, 2),
    b"KEYS": (1, 1),
    b"SCAN": (1, 1),
    b"SMEMBERS": (1, 1),
    b"SINTER": (1, 1),
    b"SUNION": (1, 1),
    b"SDIFF": (1, 1),
    b"SPOP": (1, 1),
    b"SRANDMEMBER": (1, 1),
    b"SSCAN": (1, 1),
    b"ZSCAN": (2, 2),
}
SCANS: Final = frozenset((b"HSCAN", b"SCAN", b"SSCAN", b"ZSCAN"))  # [cursor, elements]
MODES: Final = ("handlers 2", "handlers 3", "server 2", "server 3", "transaction 2")

Parsed = bytes | list["Parsed"] | tuple[bytes, list["Parsed"]]  # of a set, map or push: its kind


def replies_test(cases: dict[str, str]) -> Callable[..., None]:
    """Return the test that each case gets the replies of Redis, in every mode."""

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("name", cases)
    def test(name: str, mode: str, reference: Reference, handlers: Ours, served: Served) -> None:
        run(cases[name], mode, reference, handlers, served)

    return test


def sequences_test(sequences: st.SearchStrategy[list[Argv]]) -> Callable[..., None]:
    """Return the test that sequences which hypothesis makes up get the replies of Redis."""

    @pytest.mark.parametrize("through", ["handlers", "server"])
    @shared
    @given(sequences, st.sampled_from([2, 3]))
    def test(
        reference: Reference, served: Served, through: str, sequence: list[Argv], resp: int
    ) -> None:
        reference.clear()
        served.clear()
        check(sequence, resp, reference, Ours() if through == "handlers" else served)

    return test


def run(lines: str, mode: str, reference: Reference, handlers: Ours, served: Served) -> None:
    """Run the lines on both sides in one of `MODES` and show every reply that differs."""
    way, _, resp = mode.partition(" ")
    sequence = [split(line) for line in lines.strip().splitlines()]
    if way == "transaction":
        _run_in_transaction(sequence, reference, served)
    else:
        check(sequence, int(resp), reference, handlers if way == "handlers" else served)


def check(sequence: list[Argv], resp: int, reference: Reference, ours: Ours | Served) -> None:
    """Run the commands one by one on both sides and show every reply that differs."""
    different = []
    for argv in sequence:
        expected, reply = reference.call(argv, resp), ours.call(argv, resp)
        if reply != expected and comparable(argv, reply, resp) != comparable(argv, expected, resp):
            different.append((argv, expected, reply))
    assert different == []
    if isinstance(ours, Ours):
        ours.check_replicas()


def _run_in_transaction(sequence: list[Argv], reference: Reference, served: Served) -> None:
    replies = []
    for server in (reference, served):
        server.call([b"MULTI"])
        for argv in sequence:
            server.call(argv)  # what is refused here breaks the transaction on both sides
        replies.append(server.call([b"EXEC"]))
    expected, reply = parse(replies[0]), parse(replies[1])
    if isinstance(expected, list) and isinstance(reply, list):
        assert len(reply) == len(expected) == len(sequence)
        for argv, one, other in zip(sequence, reply, expected, strict=True):
            assert sort_elements(argv, one, 2) == sort_elements(argv, other, 2), argv
    else:
        assert reply == expected


def comparable(argv: Argv, reply: bytes, resp: int) -> Parsed:
    """Return the reply in a form that is equal for equal meaning."""
    return sort_elements(argv, parse(reply), resp)


def sort_elements(argv: Argv, reply: Parsed, resp: int) -> Parsed:
    """Sort what is unordered in the reply to `argv`; the cursor of a finished scan stays."""
    name = argv[0].upper()
    if name not in UNORDERED:
        return reply
    width = UNORDERED[name][resp - 2]
    if name in SCANS and isinstance(reply, list):
        return [reply[0], _sorted(reply[1], width)]
    return _sorted(reply, width)


def _sorted(reply: Parsed, width: int) -> Parsed:
    if isinstance(reply, tuple):
        return (reply[0], _sorted_list(reply[1], width))
    return _sorted_list(reply, width) if isinstance(reply, list) else reply


def _sorted_list(items: list[Parsed], width: int) -> list[Parsed]:
    groups = [items[start : start + width] for start in range(0, len(items), width)]
    return [item for group in sorted(groups, key=repr) for item in group]


def parse(reply: bytes) -> Parsed:
    """Return a reply's nested form; a map's entries are lists of two."""
    parsed, rest = _parse(reply)
    assert rest == b"", f"{reply!r} is more than one reply"
    return parsed


def _parse(data: bytes) -> tuple[Parsed, bytes]:
    line, _, rest = data.partition(b"\r\n")
    kind = line[:1]
    if kind in b"$=" and line[1:2] != b"-":
        size = int(line[1:])
        return line[:1] + rest[:size], rest[size + 2 :]
    if kind not in b"*~>%" or line[1:2] == b"-":
        return line, rest
    items: list[Parsed] = []
    for _ in range(int(line[1:])):
        item, rest = _parse(rest)
        if kind == b"%":
            value, rest = _parse(rest)
            item = [item, value]
        items.append(item)
    return items if kind == b"*" else (kind, items), rest


def call(name: str, *arguments: st.SearchStrategy[bytes]) -> st.SearchStrategy[Argv]:
    """Return calls of a command, for sequences that hypothesis makes up."""
    return st.tuples(st.just(name.encode()), *arguments).map(list)


def call_with(
    name: str, *arguments: st.SearchStrategy[bytes], rest: st.SearchStrategy[list[bytes]]
) -> st.SearchStrategy[Argv]:
    """Return calls of a command that ends with a list of arguments."""
    return st.tuples(call(name, *arguments), rest).map(lambda parts: parts[0] + parts[1])
