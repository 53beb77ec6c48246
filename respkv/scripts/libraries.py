"""The libraries that scripts have beside Lua's own: cjson, cmsgpack, struct, bit."""

from typing import Any


def libraries(runtime: Any) -> dict[bytes, dict[bytes, object]]:
    """Return their functions for one Lua state, by library and name."""
    return {}
