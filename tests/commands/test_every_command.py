"""Calls of every command of the data, right ones and wrong ones.

Replies are those of redis-server, an error leaves the digest as it was (`Ours.call` compares), and in
the end three replicas and redis-server hold the same.
"""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.clock import SeededChance
from respkv.commands.table import BLOCKING, TABLE, Command
from respkv.keyspace.redis_digest import dataset_digest, shown
from respkv.keyspace.values import Value
from tests.commands.comparing import EXAMPLES, comparable, shared
from tests.commands.made_calls import COMMANDS, Calls
from tests.commands.reference import Argv, Ours, Reference
from tests.long_threshold import made_long

SOON: Final = frozenset(b"1 2 3 5 100 17 GT LT".split())  # no deadlines to compare by


def _is_promised(argv: Argv) -> bool:
    """Return whether Redis promises one outcome: none depends on time, or on how it hashes."""
    name, words = argv[0], {word.upper() for word in argv}
    if name.endswith((b"EXPIRE", b"SETEX")) or {b"EX", b"PX", b"BLOCK", b"IDLE"} & words:
        return not SOON & words
    if name.startswith(b"SORT"):
        return not {b"m", b"ints"} & {*argv} and not {b"BY", b"ALPHA"} <= words
    if b"LEX" in name or b"BYLEX" in words or argv[1:2] == [b"lex"]:  # whose scores are equal
        return not {b"z", b"geo"} & {*argv}
    return name not in (b"SCAN", b"SSCAN") and (name != b"XADD" or b"*" not in words)


def _is_odd(argv: Argv) -> bool:
    """Return whether what earlier calls did makes its outcome nobody's promise.

    Ranges by text want equal scores. Encodings have a test of their own: test_encodings.py.
    """
    return b"ENCODING" in argv or b"LEX" in b"".join(argv)


def replied(server: Reference, argv: Argv, resp: int, command: Command | None) -> bytes:
    """Return what Redis says; a call that would wait is made in a transaction."""
    if command is None or not command.flags & BLOCKING:
        return server.call(argv, resp)
    server.call([b"MULTI"], resp)
    queued = server.call(argv, resp)
    reply = server.call([b"EXEC"], resp)
    return reply.removeprefix(b"*1\r\n") if queued.startswith(b"+") else queued


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name.decode())
@settings(parent=shared, max_examples=max(10, EXAMPLES // 4))
@given(st.integers(0, 1 << 62), st.sampled_from([2, 3]))
def test_calls_of_a_command(reference: Reference, command: Command, seed: int, resp: int) -> None:
    made = Calls(SeededChance(seed))
    calls = [made.of(command) for _ in range(12)]
    with made_long(seed % 2 == 1):
        check(reference, made.setup(), [argv for argv in calls if _is_promised(argv)], resp)


@shared
@given(st.integers(0, 1 << 62), st.sampled_from([2, 3]), st.booleans())
def test_calls_of_any_command(reference: Reference, seed: int, resp: int, in_steps: bool) -> None:
    made = Calls(SeededChance(seed))
    calls = [made.of_any() for _ in range(40)]
    promised = [argv for argv in calls if _is_promised(argv) and not _is_odd(argv)]
    with made_long(in_steps):
        check(reference, made.setup(), promised, resp)


def check(reference: Reference, setup: list[Argv], calls: list[Argv], resp: int) -> None:
    """Run the calls on the keys of `setup`, and compare replies and states."""
    reference.clear()
    ours = Ours()
    for argv in setup:
        assert ours.call(argv) == reference.call(argv)
    for argv in calls:
        command = TABLE.get(argv[0])
        expected, reply = replied(reference, argv, resp, command), ours.call(argv, resp)
        assert comparable(argv, reply, resp) == comparable(argv, expected, resp), argv
    reference.call([b"SCAN", b"0", b"COUNT", b"1000"])  # removes what has expired
    assert redis_digest(ours) == reference.call([b"DEBUG", b"DIGEST"])
    ours.check_replicas()


def redis_digest(ours: Ours) -> bytes:
    """Return the reply to DEBUG DIGEST of a server that holds the same."""

    def keys_of(db: int) -> list[tuple[bytes, Value, bool]]:
        database = ours.keyspace.databases[db]
        deadlines = database.deadlines.by_key
        return [
            (key, value, key in deadlines)
            for key, value in database.values.items()
            if deadlines.get(key, ours.keyspace.now_ms) >= ours.keyspace.now_ms
        ]

    return b"+%b\r\n" % shown(dataset_digest(16, keys_of)).encode()
