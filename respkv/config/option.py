"""One directive of the configuration."""

from collections.abc import Callable
from typing import Any


class Option:
    """What `parse` refuses with a ValueError is answered in its words.

    `mutable`: CONFIG SET may change it. `is_kept`: it means nothing here, and is only kept.
    """

    def __init__(
        self,
        name: str,
        default: str,
        parse: Callable[[str], Any],
        mutable: bool,
        text: str,
        is_kept: bool = False,
    ) -> None:
        self.name = name
        self.default = default
        self.parse = parse
        self.mutable = mutable
        self.text = text
        self.is_kept = is_kept


class InvalidArgument(Exception):
    """An option does not take this text; says why in Redis' words."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name
