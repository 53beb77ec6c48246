"""Up to what size Redis keeps a value in its compact encoding; OBJECT ENCODING tells.

Our own layout does not depend on it: these are options of a node and no part of the state.
"""

from collections.abc import Callable
from typing import Final


class Limits:
    """Redis' options of the same names; a negative or zero one as Redis reads it."""

    def __init__(self) -> None:
        self.hash_max_listpack_entries: int = 512
        self.hash_max_listpack_value: int = 64
        self.set_max_intset_entries: int = 512
        self.zset_max_listpack_entries: int = 128
        self.zset_max_listpack_value: int = 64

    def take(self, option: Callable[[str], int]) -> None:
        """Take over what the options say now; `option` returns one by its name."""
        self.hash_max_listpack_entries = option("hash-max-listpack-entries")
        self.hash_max_listpack_value = option("hash-max-listpack-value")
        self.set_max_intset_entries = option("set-max-intset-entries")
        self.zset_max_listpack_entries = option("zset-max-listpack-entries")
        self.zset_max_listpack_value = option("zset-max-listpack-value")


# For what is stored, which must not follow from the options of one node.
DEFAULT_LIMITS: Final = Limits()
