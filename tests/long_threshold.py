"""From how many items on replies are made in steps: two in tests, so that small ones are, too."""

import contextlib
import sys
from collections.abc import Iterator

from respkv.commands import geo_query
from respkv.wire import long_reply

_NAMES = {"LONG_ITEMS": long_reply.LONG_ITEMS, "LONG_CANDIDATES": geo_query.LONG_CANDIDATES}


def make_long(lowered: bool) -> None:
    """Have what takes steps begin at two items, or again where it does for users."""
    for path, module in list(sys.modules.items()):
        if path.startswith("respkv."):
            for name, items in _NAMES.items():
                if hasattr(module, name):
                    setattr(module, name, 2 if lowered else items)


@contextlib.contextmanager
def made_long(lowered: bool) -> Iterator[None]:
    """Do so within a block."""
    make_long(lowered)
    try:
        yield
    finally:
        make_long(False)
