"""Replies of commands as Lua values, and what a script returns as a reply."""

from collections.abc import Iterator
from math import isfinite
from typing import Any, Final

from respkv.errors import CommandError
from respkv.wire.reply import (
    BigNumber,
    DoubleText,
    MapReply,
    NullArray,
    PairMap,
    Pairs,
    Reply,
    SetReply,
    Verbatim,
    format_double,
)

INTEGER_MIN: Final = -(1 << 63)
EXACT_MAX: Final = 1 << 53  # integers up to here are doubles of their own


class Lua:
    """Makes Lua values of replies; `tables` is `LuaRuntime.table_from`."""

    def __init__(self, tables: Any) -> None:
        self._table = tables

    def value(self, reply: Reply, resp: int) -> Any:
        """Return a command's reply as Redis shows it to scripts that speak RESP `resp`."""
        if isinstance(reply, bytes):
            return reply
        if reply is None or isinstance(reply, NullArray):
            return False if resp == 2 else None
        if isinstance(reply, bool):
            return reply if resp == 3 else int(reply)
        if isinstance(reply, int):
            return reply if -EXACT_MAX <= reply <= EXACT_MAX else float(reply)
        if isinstance(reply, str):
            return self._table({b"ok": reply.encode()})
        if isinstance(reply, (list, tuple)):
            return self._list(reply, resp)
        if isinstance(reply, bytearray):
            return bytes(reply)
        if isinstance(reply, float):
            return self._table({b"double": reply}) if resp == 3 else format_double(reply)
        if isinstance(reply, DoubleText):
            return self._table({b"double": float(reply.text)}) if resp == 3 else reply.text
        return self._collection(reply, resp)

    def _list(self, items: list[Any] | tuple[Any, ...], resp: int) -> Any:
        table = self._table([item if type(item) is bytes else False for item in items])
        for position, item in enumerate(items, 1):
            if type(item) is not bytes:
                table[position] = self.value(item, resp)
        return table

    def _collection(self, reply: Reply, resp: int) -> Any:
        if isinstance(reply, dict):
            pairs = list(reply.items())
            return self._list(_flat(pairs), resp) if resp == 2 else self._map(pairs, resp)
        if isinstance(reply, MapReply):
            pairs = list(zip(reply.keys, reply.values, strict=True))
            return self._list(_flat(pairs), resp) if resp == 2 else self._map(pairs, resp)
        if isinstance(reply, Pairs):
            pairs = list(zip(reply.items, reply.values, strict=True))
            return self._list(_flat(pairs) if resp == 2 else pairs, resp)
        if isinstance(reply, PairMap):
            return self._list(reply.items, resp) if resp == 2 else self._map(reply.items, resp)
        if isinstance(reply, SetReply):
            if resp == 2:
                return self._list(reply.items, resp)
            return self._map([(item, True) for item in reply.items], resp, b"set")
        if isinstance(reply, Verbatim):
            if resp == 2:
                return reply.text
            text = {b"format": reply.text_format, b"string": reply.text}
            return self._table({b"verbatim_string": self._table(text)})
        if isinstance(reply, CommandError):
            return self._table({b"err": reply.text})
        raise TypeError(f"no Lua value for {type(reply)}")

    def _map(self, pairs: list[Any], resp: int, name: bytes = b"map") -> Any:
        table = self._table({})
        for key, value in pairs:
            table[self.value(key, resp)] = self.value(value, resp)
        return self._table({name: table})


def _flat(pairs: list[Any]) -> list[Any]:
    return [part for pair in pairs for part in pair]


def argument(value: Any) -> bytes | None:
    """Return what a command gets for an argument of redis.call; None where it may not be one."""
    if type(value) is bytes:
        return value
    if type(value) is int:
        return b"%d" % value if abs(value) < EXACT_MAX else b"%.17g" % value
    if type(value) is float:
        if value != value:
            return b"-nan" if str(value).startswith("-") else b"nan"
        return b"%.17g" % value
    return None


def integer(number: float) -> int:
    """Return a Lua number as an integer reply: cut off, as a C cast does."""
    if isinstance(number, float) and not isfinite(number):
        return INTEGER_MIN
    whole = int(number)
    return whole if -(1 << 63) <= whole < 1 << 63 else INTEGER_MIN


class Words:
    """Reads the words in which the sandbox describes a script's result."""

    def __init__(self, words: list[Any], resp: int) -> None:
        self._words: Iterator[Any] = iter(words)
        self._resp = resp

    def reply(self) -> Reply:
        """Return the next reply."""
        return self._reply(next(self._words))

    def _items(self) -> list[Reply]:
        items = []
        for word in self._words:
            if word == b"]":
                break
            items.append(self._reply(word))
        return items

    def _reply(self, word: bytes) -> Reply:
        words = self._words
        if word == b"nil":
            return None
        if word == b"string":
            return next(words)
        if word == b"big_number":
            return BigNumber(next(words))
        if word == b"number":
            return integer(next(words))
        if word == b"boolean":
            value = next(words)
            return value if self._resp == 3 else 1 if value else None
        if word == b"[":
            return self._items()
        if word == b"err":
            return CommandError(next(words))
        if word == b"ok":
            return (
                next(words)
                .replace(b"\r", b" ")
                .replace(b"\n", b" ")
                .decode("utf-8", "surrogateescape")
            )
        if word == b"double":
            return float(next(words))
        if word == b"map":
            items = self._items()
            return {
                _hashable(key): value for key, value in zip(items[::2], items[1::2], strict=True)
            }
        if word == b"set":
            return SetReply(self._items())
        text_format = next(words)
        return Verbatim(next(words), text_format)


def _hashable(key: Reply) -> Reply:
    return tuple(map(_hashable, key)) if isinstance(key, list) else key
