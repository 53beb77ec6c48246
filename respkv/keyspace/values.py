"""What a key can hold.

A string is `bytes`, or once APPEND or SETRANGE grew it in place a `bytearray`, above 1 MiB a
`LongString`. Every other type is a `Container`: a class of its own in a module of its own, which this
module does not know.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from respkv.keyspace.limits import Limits
from respkv.keyspace.long_string import LongString


class Container:
    """Base of the values that are no strings.

    Type codes are part of the dump format: 1 hash, 2 list, 3 set, 4 zset, 5 stream. A container
    that has become empty is deleted by the command that emptied it (streams excepted).
    """

    type_code: ClassVar[int] = -1
    type_name: ClassVar[str] = ""
    counted_bytes: int = 0  # of `memory_bytes()`: what the database counts for it

    def __len__(self) -> int:
        """Return the number of elements."""
        raise NotImplementedError

    def references(self) -> int:
        """Return about how many elements `free_some` has to drop."""
        return len(self)

    def encoding(self, limits: Limits) -> bytes:
        """Return what OBJECT ENCODING reports."""
        raise NotImplementedError

    def memory_bytes(self) -> int:
        """Return about how much memory it takes, without walking through it."""
        raise NotImplementedError

    def copy(self) -> "Container":
        """Return an independent copy (COPY)."""
        raise NotImplementedError

    def dump(self) -> bytes:
        """Return the content, order included, in a form `LOADERS[type_code]` reads back."""
        raise NotImplementedError

    def free_some(self, items: int) -> int:
        """Drop at most `items` elements and return how many were dropped; 0 when none is left."""
        raise NotImplementedError


Text = bytes | bytearray | LongString
Value = Text | Container

# How to read each type's dump back; a container's module adds its own entry.
LOADERS: Final[dict[int, Callable[[bytes], Container]]] = {}


def type_name(value: Value) -> str:
    """Return the word TYPE replies."""
    return value.type_name if isinstance(value, Container) else "string"


def copy_value(value: Value) -> Value:
    """Return a value that shares nothing mutable with `value`."""
    if isinstance(value, bytes):
        return value
    return value.copy()
