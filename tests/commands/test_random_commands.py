"""Random command sequences: same replies and same final state as redis-server.

More of them: `RESPKV_EXAMPLES=5000 pytest tests/commands/test_random_commands.py`; another seed:
`--hypothesis-seed=N`.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.commands import long_double
from respkv.commands.glob import matcher
from respkv.errors import CommandError
from tests.commands.comparing import call, shared
from tests.commands.reference import Argv, Ours, Reference, Served

keys = st.sampled_from([b"a", b"b", b"c", b""])
integers = st.one_of(
    st.integers(-12, 12),
    st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**62, 10**18, 2**31]),
).map(lambda number: b"%d" % number)
numbers = st.one_of(
    integers, st.sampled_from([b"1.5", b"-0.1", b"3.0e3", b"x", b"", b"007", b"1e40"])
)
values = st.one_of(numbers, st.binary(max_size=12))
# Points in time well before or after now, so that it does not matter when each side looks.
times = st.sampled_from(
    [b"9999999999999", b"9999999999", b"1", b"0", b"-5", b"99999999999999", b"x"]
)
words = [b"NX", b"XX", b"GT", b"LT", b"GET", b"KEEPTTL", b"PERSIST", b"REPLACE", b"LEN", b"IDX"]
options = st.lists(
    st.one_of(
        st.sampled_from(words).map(lambda word: [word]),
        st.tuples(st.sampled_from([b"EXAT", b"PXAT"]), times).map(list),
        st.tuples(st.sampled_from([b"DB"]), st.sampled_from([b"0", b"1", b"16"])).map(list),
    ),
    max_size=2,
).map(lambda parts: [word for part in parts for word in part])


def with_options(name: str, *arguments: st.SearchStrategy[bytes]) -> st.SearchStrategy[Argv]:
    """Return calls of a command with options, right and wrong ones."""
    return st.tuples(call(name, *arguments), options).map(lambda parts: parts[0] + parts[1])


databases = st.sampled_from([b"0", b"1", b"2"])
commands = st.one_of(
    with_options("SET", keys, values),
    with_options("GETEX", keys),
    with_options("COPY", keys, keys),
    with_options("PEXPIREAT", keys, times),
    with_options("EXPIREAT", keys, times),
    with_options("LCS", keys, keys),
    call("MSET", keys, values, keys, values),
    call("MSETNX", keys, values, keys, values),
    call("MGET", keys, keys),
    call("SETNX", keys, values),
    call("GETSET", keys, values),
    call("APPEND", keys, values),
    call("INCRBY", keys, numbers),
    call("DECRBY", keys, numbers),
    call("INCRBYFLOAT", keys, numbers),
    call("SETRANGE", keys, st.integers(-2, 30).map(lambda number: b"%d" % number), values),
    call("GETRANGE", keys, integers, integers),
    call("RENAME", keys, keys),
    call("RENAMENX", keys, keys),
    call("MOVE", keys, databases),
    call("SWAPDB", databases, databases),
    call("SELECT", databases),
    call("DEL", keys, keys),
    *[
        call(name, keys)
        for name in ("GET GETDEL INCR DECR STRLEN EXISTS TYPE TTL PTTL EXPIRETIME "
                     "PEXPIRETIME PERSIST UNLINK TOUCH").split()
    ],
    call("FLUSHDB"),
)  # fmt: skip


@pytest.mark.parametrize("through", ["handlers", "server"])
@shared
@given(st.lists(commands, max_size=40), st.sampled_from([2, 3]))
def test_sequences_of_commands(
    reference: Reference, served: Served, through: str, sequence: list[Argv], resp: int
) -> None:
    reference.clear()
    served.clear()
    ours = Ours() if through == "handlers" else served
    for argv in sequence:
        expected, reply = reference.call(argv, resp), ours.call(argv, resp)
        if argv[0] in (b"PTTL", b"TTL"):
            expected, reply = expected[:6], reply[:6]
        assert reply == expected, argv
    for db in (b"0", b"1", b"2"):
        assert ours.call([b"SELECT", db], resp) == reference.call([b"SELECT", db], resp)
        for key in (b"a", b"b", b"c", b""):
            for name in (b"GET", b"PEXPIRETIME"):
                assert ours.call([name, key], resp) == reference.call([name, key], resp)


glob_parts = st.sampled_from(
    [b"*", b"**", b"?", b"a", b"b", b"[ab]", b"[^a]", b"[a-c]", b"[c-a]", b"[", b"]", b"^", b"-"]
    + [b"\\", b"\\*", b"[\\]]", b"[a-]", b"[]", b"[^]", b"[\x80-a]", b"\xff", b"\n", b"[^", b"[\\"]
)
glob_texts = [b"a", b"b", b"ab", b"abc", b"aab", b"[", b"]", b"*", b"\\", b"a]", b"-", b"^", b"\n"]
glob_texts += [b"\xff", b"\x80b", b"a\nb", b"cba", b"aaaaab", b"a-]", b"?", b"b]c", b""]


@shared
@given(st.lists(glob_parts, max_size=7).map(b"".join))
def test_globs_match_what_redis_matches(reference: Reference, pattern: bytes) -> None:
    reference.call([b"MSET", *[part for text in glob_texts for part in (text, b"v")]])
    expected = sorted(_bulks(reference.call([b"KEYS", pattern])))
    if pattern != b"*":
        matches = matcher(pattern)
        assert sorted([text for text in glob_texts if matches(text)]) == expected


def _bulks(reply: bytes) -> list[bytes]:
    """Return the items of an array of bulk strings."""
    items: list[bytes] = []
    at = reply.index(b"\r\n") + 2
    while at < len(reply):
        end = reply.index(b"\r\n", at)
        size = int(reply[at + 1 : end])
        items.append(reply[end + 2 : end + 2 + size])
        at = end + 4 + size
    return items


floats = st.one_of(
    st.floats(allow_nan=False).map(lambda number: repr(number).encode()),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: str(number).encode()),
    st.from_regex(rb"[+-]?[0-9]{0,25}\.?[0-9]{0,25}(e[+-]?[0-9]{1,4})?", fullmatch=True),
    st.from_regex(rb"-?0x[0-9a-f]{0,20}\.?[0-9a-f]{0,5}(p[+-]?[0-9]{1,5})?", fullmatch=True),
)


@shared
@given(floats, floats)
def test_float_sums_are_those_of_a_long_double(
    reference: Reference, one: bytes, other: bytes
) -> None:
    reference.call([b"SET", b"k", one])
    ours = Ours()
    ours.call([b"SET", b"k", one])
    argv = [b"INCRBYFLOAT", b"k", other]
    assert ours.call(argv) == reference.call(argv)


def test_a_float_text_costs_no_more_than_its_length() -> None:
    for text in (b"1e" + b"9" * 5_000, b"0x1p" + b"9" * 5_000, b"0." + b"0" * 5_000 + b"1"):
        try:
            long_double.parse(text)
        except CommandError:
            continue
