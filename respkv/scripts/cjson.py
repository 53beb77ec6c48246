"""cjson of scripts: JSON as Redis' Lua library writes and reads it."""

import re
from math import isfinite, isnan
from typing import Any, Final

from respkv.scripts.cjson_settings import DEPTH_MAX, Settings

_ESCAPED: Final = re.compile(rb'["\\/\x00-\x1f\x7f]')
_ESCAPES: Final = {
    b'"': b'\\"', b"\\": b"\\\\", b"/": b"\\/", b"\b": b"\\b", b"\f": b"\\f", b"\n": b"\\n",
    b"\r": b"\\r", b"\t": b"\\t",
}  # fmt: skip
_UNESCAPES: Final = {
    0x22: b'"', 0x5C: b"\\", 0x2F: b"/", 0x62: b"\b", 0x66: b"\f", 0x6E: b"\n", 0x72: b"\r", 0x74: b"\t",
}  # fmt: skip
_BLANK: Final = re.compile(rb"[ \t\r\n]*")
_NUMBER: Final = re.compile(
    rb"[+-]?(?:0x[0-9a-f]+|[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)", re.IGNORECASE
)
_INVALID_NUMBER: Final = re.compile(rb"\+|-?(?:0[x0-9]|inf|nan)", re.IGNORECASE)
_PLAIN: Final = re.compile(rb'[^"\\\x00]*')
_MARKS: Final = {
    0x7B: b"T_OBJ_BEGIN", 0x7D: b"T_OBJ_END", 0x5B: b"T_ARR_BEGIN", 0x5D: b"T_ARR_END",
    0x2C: b"T_COMMA", 0x3A: b"T_COLON",
}  # fmt: skip


class JsonError(Exception):
    """What the script is told."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.text = text


def _quoted(text: bytes) -> bytes:
    def escape(found: re.Match[bytes]) -> bytes:
        return _ESCAPES.get(found[0]) or b"\\u%04x" % found[0][0]

    return b'"%b"' % _ESCAPED.sub(escape, text)


class Encoder:
    """Writes Lua values; `kind` is lupa's `lua_type`."""

    def __init__(self, kind: Any, settings: Settings) -> None:
        self._kind = kind
        self._settings = settings

    def encode(self, value: Any) -> bytes:
        """Return the value's JSON; nested tables are done with a stack, not by recursion.

        Raises:
            JsonError: there is none.
        """
        out: list[bytes] = []
        stack: list[Any] = []  # (what closes it, what is left of it, whether it has keys)
        self._begin(value, out, stack)
        while stack:
            end, items, has_keys, first = stack[-1]
            item = next(items, None)
            if item is None:
                out.append(end)
                stack.pop()
                continue
            if not first:
                out.append(b",")
            stack[-1] = (end, items, has_keys, False)
            if has_keys:
                out.append(self._key(item[0]))
            self._begin(item[1], out, stack)
        return b"".join(out)

    def _begin(self, value: Any, out: list[bytes], stack: list[Any]) -> None:
        if value is None:
            out.append(b"null")
        elif isinstance(value, bytes):
            out.append(_quoted(value))
        elif isinstance(value, bool):
            out.append(b"true" if value else b"false")
        elif isinstance(value, (int, float)):
            out.append(self._number(value))
        else:
            kind = self._kind(value)
            if kind == "userdata":  # cjson.null
                out.append(b"null")
            elif kind == "table":
                if len(stack) >= min(self._settings.encode_depth, DEPTH_MAX):
                    raise JsonError(b"Cannot serialise, excessive nesting (%d)" % (len(stack) + 1))
                self._begin_table(list(value.items()), out, stack)
            else:
                raise JsonError(b"Cannot serialise %b: type not supported" % str(kind).encode())

    def _begin_table(self, items: list[Any], out: list[bytes], stack: list[Any]) -> None:
        length = 0
        for key, _ in items:
            if isinstance(key, int) and not isinstance(key, bool) and key > 0:
                length = max(length, key)
            else:
                length = 0
                break
        settings = self._settings
        if settings.sparse_ratio and length > max(
            len(items) * settings.sparse_ratio, settings.sparse_safe
        ):
            if not settings.sparse_is_object:
                raise JsonError(b"Cannot serialise table: excessively sparse array")
            length = 0
        if not length:
            out.append(b"{")
            stack.append((b"}", iter(items), True, True))
            return
        values = dict(items)
        out.append(b"[")
        array = iter([(position, values.get(position)) for position in range(1, length + 1)])
        stack.append((b"]", array, False, True))

    def _number(self, number: float) -> bytes:
        if isfinite(number):
            return b"%.*g" % (self._settings.precision, number)
        if self._settings.writes_invalid == 0:
            raise JsonError(b"Cannot serialise number: must not be NaN or Inf")
        if self._settings.writes_invalid == 2:
            return b"null"
        return b"nan" if isnan(number) else b"%g" % number

    def _key(self, key: Any) -> bytes:
        if isinstance(key, bytes):
            return _quoted(key) + b":"
        if isinstance(key, (int, float)) and not isinstance(key, bool):
            return b'"%b":' % self._number(key)
        kind = "boolean" if isinstance(key, bool) else str(self._kind(key))
        raise JsonError(
            b"Cannot serialise %b: table key must be a number or string" % kind.encode()
        )


class Decoder:
    """Reads one JSON text; `table` makes Lua tables, `null` stands for null."""

    def __init__(self, text: bytes, table: Any, null: Any, settings: Settings) -> None:
        self._text = text
        self._settings = settings
        self._table = table
        self._null = null
        self._at = 0

    def decode(self) -> Any:
        """Return the Lua value; nested ones are done with a stack, not by recursion.

        Raises:
            JsonError: it is no JSON.
        """
        if len(self._text) > 1 and 0 in self._text[:2]:
            raise JsonError(b"JSON parser does not support UTF-16 or UTF-32")
        stack: list[tuple[list[Any] | dict[Any, Any], Any]] = []  # containers, the key to come
        while True:
            value, opened = self._value()
            if opened is not None:
                if len(stack) >= min(self._settings.decode_depth, DEPTH_MAX):
                    text = b"Found too many nested data structures (%d) at character %d"
                    raise JsonError(text % (len(stack) + 1, self._at))
                container: list[Any] | dict[Any, Any] = [] if opened == b"[" else {}
                closed = self._mark() == (0x5D if opened == b"[" else 0x7D)
                if not closed:
                    stack.append((container, self._object_key() if opened == b"{" else None))
                    continue
                self._at += 1
                value = self._table(container)
            while True:
                if not stack:
                    if self._mark() != -1:
                        raise self._expected(b"the end")
                    return value
                container, key = stack.pop()
                if isinstance(container, list):
                    container.append(value)
                    more = self._goes_on(0x5D, b"comma or array end")
                else:
                    container[key] = value
                    more = self._goes_on(0x7D, b"comma or object end")
                if more:
                    key = self._object_key() if isinstance(container, dict) else None
                    stack.append((container, key))
                    break
                value = self._table(container)

    def _mark(self) -> int:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        if self._at >= len(self._text) or self._text[self._at] == 0:
            return -1
        return self._text[self._at]

    def _goes_on(self, end: int, wanted: bytes) -> bool:
        mark = self._mark()
        if mark not in (0x2C, end):
            raise self._expected(wanted)
        self._at += 1
        return mark == 0x2C

    def _object_key(self) -> bytes:
        if self._mark() != 0x22:
            raise self._expected(b"object key string")
        key = self._string(b"object key string")
        if self._mark() != 0x3A:
            raise self._expected(b"colon")
        self._at += 1
        return key

    def _value(self) -> tuple[Any, bytes | None]:
        mark = self._mark()
        if mark in (0x7B, 0x5B):
            self._at += 1
            return None, b"{" if mark == 0x7B else b"["
        if mark == 0x22:
            return self._string(b"value"), None
        for word, value in ((b"true", True), (b"false", False), (b"null", self._null)):
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value, None
        found = self._number_at(self._at)
        if found is None:
            raise self._expected(b"value")
        self._at = found.end()
        return _number(found[0]), None

    def _number_at(self, at: int) -> re.Match[bytes] | None:
        if not self._settings.reads_invalid and _INVALID_NUMBER.match(self._text, at):
            return None
        return _NUMBER.match(self._text, at)

    def _string(self, wanted: bytes) -> bytes:
        text, begin = self._text, self._at
        at = begin + 1
        parts: list[bytes] = []
        while True:
            plain = _PLAIN.match(text, at)
            parts.append(plain[0] if plain else b"")
            at += len(parts[-1])
            if at >= len(text) or text[at] == 0:
                raise self._wrong(wanted, b"unexpected end of string", at)
            if text[at] == 0x22:
                self._at = at + 1
                return b"".join(parts)
            escape = text[at + 1] if at + 1 < len(text) else 0
            if escape == 0x75:
                character, at = self._unicode(at, wanted)
                parts.append(character)
            elif escape in _UNESCAPES:
                parts.append(_UNESCAPES[escape])
                at += 2
            else:
                raise self._wrong(wanted, b"invalid escape code", at)

    def _unicode(self, at: int, wanted: bytes) -> tuple[bytes, int]:
        code, end = self._hex(at), at + 6
        if 0xD800 <= code < 0xDC00 and self._text.startswith(b"\\u", end):
            low = self._hex(end)
            if 0xDC00 <= low < 0xE000:
                code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)
                end += 6
        if code < 0 or 0xD800 <= code < 0xE000:
            raise self._wrong(wanted, b"invalid unicode escape code", at)
        return chr(code).encode(), end

    def _hex(self, at: int) -> int:
        digits = self._text[at + 2 : at + 6]
        return int(digits, 16) if re.fullmatch(rb"[0-9a-fA-F]{4}", digits) else -1

    def _expected(self, wanted: bytes) -> JsonError:
        at = self._at
        if at >= len(self._text) or self._text[at] == 0:
            return self._wrong(wanted, b"T_END", at)
        mark = self._text[at]
        found = _MARKS.get(mark)
        if found is None and mark == 0x22:
            self._string(wanted)
            found = b"T_STRING"
        if found is None:
            for word, name in (
                (b"true", b"T_BOOLEAN"),
                (b"false", b"T_BOOLEAN"),
                (b"null", b"T_NULL"),
            ):
                if self._text.startswith(word, at):
                    found = name
        if found is None and self._number_at(at):
            found = b"T_NUMBER"
        if found is None:
            marks = b"+-" if self._settings.reads_invalid else b"-0123456789"
            found = b"invalid number" if mark in marks else b"invalid token"
        return self._wrong(wanted, found, at)

    def _wrong(self, wanted: bytes, found: bytes, at: int) -> JsonError:
        return JsonError(b"Expected %b but found %b at character %d" % (wanted, found, at + 1))


def _number(text: bytes) -> float:
    if b"x" in text.lower():
        return float(int(text, 16))
    number = float(text)
    is_whole = isfinite(number) and number == int(number) and abs(number) < 1 << 53
    return int(number) if is_whole and (number or text[:1] != b"-") else number
