"""Replies out: what hiredis, which every client may use, decodes is the value that was encoded."""

from typing import Any

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respkv.errors import CommandError
from respkv.wire.reply import NULL_ARRAY, OK, DoubleText, Push, SetReply, Verbatim, bulk, encode

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.floats(allow_nan=False),
    st.binary(max_size=2000),
    st.binary(max_size=50).map(bytearray),
    st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=20),
    st.just(OK),
    st.just(NULL_ARRAY),
    st.binary(max_size=50).map(Verbatim),
    st.decimals(-180, 180, places=17).map(lambda number: DoubleText(b"%.17f" % number)),
    st.text("abc \r\n", max_size=20).map(lambda text: CommandError(b"ERR " + text.encode())),
)
keys = st.one_of(st.binary(max_size=10), st.integers(-5, 2000))
replies = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.lists(keys, max_size=4, unique=True).map(SetReply),
    ),
    max_leaves=12,
)


def decode(data: bytes) -> Any:
    reader = hiredis.Reader()
    reader.feed(data)
    decoded = reader.gets()
    assert reader.gets() is False, "more than one reply"
    return decoded


def as_client_sees(reply: Any, resp: int) -> Any:
    """Return what hiredis makes of a value: the table at the top of `wire/reply.py`."""
    if reply is None or reply is NULL_ARRAY:
        return None
    if isinstance(reply, bool):
        return reply if resp == 3 else int(reply)
    if isinstance(reply, float):
        return reply if resp == 3 else b"%.17g" % reply
    if isinstance(reply, str):
        return reply.encode()
    if isinstance(reply, bytearray):
        return bytes(reply)
    if isinstance(reply, DoubleText):
        return float(reply.text) if resp == 3 else reply.text
    if isinstance(reply, Verbatim):
        return reply.text
    if isinstance(reply, CommandError):
        return reply.text.replace(b"\r", b" ").replace(b"\n", b" ").decode()
    if isinstance(reply, (list, tuple)):
        return [as_client_sees(item, resp) for item in reply]
    if isinstance(reply, SetReply):
        return [as_client_sees(item, resp) for item in reply.items]
    if isinstance(reply, dict):
        pairs = [
            (as_client_sees(key, resp), as_client_sees(value, resp)) for key, value in reply.items()
        ]
        return dict(pairs) if resp == 3 else [part for pair in pairs for part in pair]
    return reply


def comparable(decoded: Any) -> Any:
    """Errors compare by their text."""
    if isinstance(decoded, hiredis.ReplyError):
        return str(decoded)
    if isinstance(decoded, list):
        return [comparable(item) for item in decoded]
    if isinstance(decoded, dict):
        return {key: comparable(value) for key, value in decoded.items()}
    return decoded


@pytest.mark.parametrize("resp", [2, 3])
@given(reply=replies)
def test_a_reply_decodes_to_its_value(resp: int, reply: Any) -> None:
    assert comparable(decode(encode(reply, resp))) == as_client_sees(reply, resp)


@pytest.mark.parametrize("length", [0, 1, 1023, 1024, 1025, 70_000])
def test_bulk_strings_of_any_length(length: int) -> None:
    assert decode(bulk(b"v" * length)) == b"v" * length


@pytest.mark.parametrize("number", [-(1 << 63), -1, 0, 1, 1024, 1025, (1 << 63) - 1])
def test_integers_of_any_size(number: int) -> None:
    assert decode(encode(number, 2)) == decode(encode([number], 3))[0] == number


def test_out_of_band_data_is_a_push_in_resp3_only() -> None:
    assert encode(Push([b"message", b"channel", b"text"]), 3).startswith(b">3\r\n")
    assert encode(Push([b"message", b"channel", b"text"]), 2).startswith(b"*3\r\n")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (float("inf"), b"inf"),
        (float("-inf"), b"-inf"),
        (float("nan"), b"nan"),
        (0.1, b"0.10000000000000001"),
    ],
)
def test_doubles_are_spelled_as_redis_does(number: float, text: bytes) -> None:
    assert encode(number, 3) == b",%b\r\n" % text
    assert encode(number, 2) == bulk(text)


def test_an_error_stays_on_its_line() -> None:
    assert encode(CommandError(b"ERR a\r\nb"), 2) == b"-ERR a  b\r\n"
