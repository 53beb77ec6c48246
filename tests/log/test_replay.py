"""What entries hold is applied as a whole and alike everywhere, or refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respkv.entry import Entry
from respkv.errors import InvariantViolation
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.replay import apply_entry
from respkv.wire.run import encode_command

# Bytes that look like the protocol are what a faster reader could fall for.
TRICKY = st.lists(
    st.sampled_from([b"\r\n", b"*1", b"$4", b"$0", b"PING", b"\r", b"\n", b"", b"x" * 1500]),
    max_size=6,
).map(b"".join)
ARGV = st.lists(st.one_of(TRICKY, st.binary(max_size=30)), min_size=1, max_size=18)


@settings(max_examples=60, deadline=None)
@given(st.lists(ARGV, min_size=1, max_size=4), st.data())
def test_a_payload_without_its_end_is_refused(
    commands: list[list[bytes]], data: st.DataObject
) -> None:
    payload = b"".join(map(encode_command, commands))
    last = len(encode_command(commands[-1]))
    missing = data.draw(st.integers(1, last - 1))
    with pytest.raises(InvariantViolation):
        apply_entry(Keyspace(1), Entry(1, 1, 1, payload[:-missing]))


def test_a_command_no_version_logs_stops_the_replica() -> None:
    for payload in (b"garbage", encode_command([b"PING"]), encode_command([b"MULTI"])):
        with pytest.raises(InvariantViolation):
            apply_entry(Keyspace(1), Entry(1, 1, 1, payload))


def test_an_error_of_one_command_leaves_the_others() -> None:
    """A logged command that fails, fails alike on every replica."""
    keyspace = Keyspace(2)
    commands = [
        [b"SET", b"a", b"text"],
        [b"incr", b"a"],
        [b"Set", b"b", b"2"],
        [b"SELECT", b"1"],
        [b"MULTI"],
        [b"SELECT", b"0"],
        [b"INCR", b"b"],
        [b"EXEC"],
        [b"SET", b"c", b"3"],
    ]
    payload = b"".join(map(encode_command, commands))
    apply_entry(keyspace, Entry(1, 1, 1, payload))
    assert keyspace.lookup(b"c") == b"3"  # in database 1: the transaction's SELECT ended with it
    keyspace.select(0)
    assert keyspace.lookup(b"a") == b"text"
    assert keyspace.lookup(b"b") == b"3"
