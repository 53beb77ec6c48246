"""The libraries that scripts have beside Lua's own: cjson, cmsgpack, struct and bit."""

from collections.abc import Callable
from typing import Any, Final

from respkv.scripts import bits, cmsgpack, structs
from respkv.scripts.cjson import Decoder, Encoder, JsonError
from respkv.scripts.cjson_settings import Settings, functions_of

RESULTS_MAX: Final = 5_000  # of one call; Lua's stack ends at 8,000
KIND_NAMES: Final = {
    type(None): "nil",
    bool: "boolean",
    int: "number",
    float: "number",
    bytes: "string",
}


def libraries(runtime: Any, null: Any, settings: Settings) -> dict[bytes, dict[bytes, object]]:
    """Return their functions for one Lua state, by library and name.

    A function returns (True, result) or (False, the error's text); `null` is cjson.null, and
    `settings` are those of cjson.
    """
    from lupa.lua51 import lua_type

    return {
        b"cjson": _cjson(runtime.table_from, null, settings, lua_type),
        b"cmsgpack": _cmsgpack(runtime.table_from, lua_type),
        b"struct": {
            b"pack": _struct(b"pack", lambda form, *values: (structs.pack(form, list(values)),)),
            b"unpack": _struct(b"unpack", _unpack_struct),
            b"size": _struct(b"size", lambda form, *_: (structs.size_of(form),)),
        },
        b"bit": {name: _bit(name, function) for name, function in bits.FUNCTIONS.items()},
    }


def new_cjson(runtime: Any, null: Any) -> dict[bytes, object]:
    """Return the functions of another cjson, with settings of its own."""
    from lupa.lua51 import lua_type

    return _cjson(runtime.table_from, null, Settings(), lua_type)


def _cjson(table: Any, null: Any, settings: Settings, kind: Any) -> dict[bytes, object]:
    encoder = Encoder(kind, settings)

    def encode(*values: Any) -> tuple[bool, bytes]:
        if len(values) != 1:
            return False, b"bad argument #1 to 'encode' (expected 1 argument)"
        try:
            return True, encoder.encode(values[0])
        except JsonError as error:
            return False, error.text

    def decode(*values: Any) -> tuple[bool, Any]:
        if len(values) != 1:
            return False, b"bad argument #1 to 'decode' (expected 1 argument)"
        text = values[0]
        if isinstance(text, (int, float)) and not isinstance(text, bool):
            text = b"%.14g" % text
        if not isinstance(text, bytes):
            got = KIND_NAMES.get(type(values[0])) or kind(values[0])
            return False, b"bad argument #1 to 'decode' (string expected, got %b)" % got.encode()
        try:
            return True, Decoder(text, table, null, settings).decode()
        except JsonError as error:
            return False, error.text

    return {
        b"encode": encode,
        b"decode": decode,
        b"null": null,
        b"_NAME": b"cjson",
        b"_VERSION": b"2.1.0",
        **functions_of(settings, kind),
    }


def _cmsgpack(table: Any, kind: Any) -> dict[bytes, object]:
    def pack(*values: Any) -> tuple[bool, bytes]:
        if not values:
            return False, b"bad argument #0 to 'pack' (MessagePack pack needs input.)"
        return True, b"".join([cmsgpack.encode(value, kind) for value in values])

    def unpack(text: Any, limit: float, at: float, name: bytes) -> tuple[Any, ...]:
        if isinstance(text, (int, float)) and not isinstance(text, bool):
            text = b"%.14g" % text
        if not isinstance(text, bytes):
            got = KIND_NAMES.get(type(text)) or kind(text)
            text = b"bad argument #1 to '%b' (string expected, got %b)" % (name, got.encode())
            return False, text
        if limit < 0 or at < 0 or at > len(text):
            wrong = b"Start offset %d greater than input length %d." % (at, len(text))
            return False, wrong if at > len(
                text
            ) else b"Invalid request to unpack with offset of %d and limit of %d." % (at, len(text))
        unpacker = cmsgpack.Unpacker(text, table, int(at))
        values: list[Any] = []
        try:
            while unpacker.at < len(text) and (not limit or len(values) < limit):
                values.append(unpacker.value())
        except cmsgpack.PackError as error:
            return False, error.text
        if len(values) > RESULTS_MAX:
            return False, b"too many results to unpack"
        if not name.endswith((b"one", b"limit")):
            return True, *values
        return True, -1 if unpacker.at >= len(text) else unpacker.at, *values

    def offset(value: Any) -> float:
        return value if isinstance(value, (int, float)) else 0

    return {
        b"pack": pack,
        b"unpack": lambda text=None, *_: unpack(text, 0, 0, b"unpack"),
        b"unpack_one": lambda text=None, at=0, *_: unpack(text, 1, offset(at), b"unpack_one"),
        b"unpack_limit": lambda text=None, limit=0, at=0, *_: unpack(
            text, offset(limit), offset(at), b"unpack_limit"
        ),
        b"_NAME": b"cmsgpack",
        b"_VERSION": b"lua-cmsgpack 0.4.0",
        b"_COPYRIGHT": b"",
        b"_DESCRIPTION": b"MessagePack C implementation for Lua",
    }


def _struct(
    name: bytes, function: Callable[..., tuple[object, ...]]
) -> Callable[..., tuple[object, ...]]:
    def call(*values: Any) -> tuple[object, ...]:
        if not values or not isinstance(values[0], bytes):
            got = KIND_NAMES[type(values[0])] if values else "no value"
            text = b"bad argument #1 to '%b' (string expected, got %b)" % (name, got.encode())
            return False, text
        try:
            return True, *function(values[0].decode("latin-1"), *values[1:])
        except structs.StructError as error:
            text = error.text.encode("latin-1")
            if error.argument:
                text = b"bad argument #%d to '%b' (%b)" % (error.argument, name, text)
            return False, text

    return call


def _unpack_struct(form: str, data: Any = None, start: Any = 1, *_: Any) -> tuple[object, ...]:
    if not isinstance(data, bytes):
        raise structs.StructError("string expected, got no value", 2)
    if not isinstance(start, (int, float)) or start < 1:
        raise structs.StructError("offset must be 1 or greater", 3)
    values = structs.unpack(form, data, int(start) - 1)
    if len(values) > RESULTS_MAX:
        raise structs.StructError("too many results to unpack")
    return tuple(values)


def _bit(name: bytes, function: Callable[..., Any]) -> Callable[..., tuple[bool, Any]]:
    def call(*values: Any) -> tuple[bool, Any]:
        try:
            return True, function(*values)
        except (TypeError, ValueError):
            return False, b"bad argument #1 to '%b' (number expected)" % name

    return call
