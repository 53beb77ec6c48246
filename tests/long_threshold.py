"""Replies in steps of small containers as well, so that calls made up at random meet them."""

import contextlib
import sys
from collections.abc import Iterator

from respkv.commands import geo_query
from respkv.wire import long_reply

_NAMES = {"LONG_ITEMS": long_reply.LONG_ITEMS, "LONG_CANDIDATES": geo_query.LONG_CANDIDATES}


@contextlib.contextmanager
def made_long(lowered: bool) -> Iterator[None]:
    """If `lowered`, have what takes steps begin at two items within a block."""
    _begin_at(2 if lowered else 0)
    try:
        yield
    finally:
        _begin_at(0)


def _begin_at(items: int) -> None:
    """Let it begin at so many items; 0: where it does for users."""
    for path, module in list(sys.modules.items()):
        if path.startswith("respkv."):
            for name, usual in _NAMES.items():
                if hasattr(module, name):
                    setattr(module, name, items or usual)
