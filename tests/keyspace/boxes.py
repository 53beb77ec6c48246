"""A container type for tests of what the keyspace does with values that are no strings."""

from respkv.keyspace.limits import Limits
from respkv.keyspace.values import LOADERS, Container


class Box(Container):
    """A list of byte strings."""

    type_code = 250
    type_name = "box"

    def __init__(self, items: list[bytes]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def encoding(self, limits: Limits) -> bytes:
        return b"box"

    def memory_bytes(self) -> int:
        return sum(map(len, self.items))

    def copy(self) -> Container:
        return Box(list(self.items))

    def dump(self) -> bytes:
        return b",".join(self.items)

    def free_some(self, items: int) -> int:
        freed = min(items, len(self.items))
        del self.items[len(self.items) - freed :]
        return freed


LOADERS[Box.type_code] = lambda dumped: Box(dumped.split(b",") if dumped else [])
