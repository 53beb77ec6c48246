"""One numbered database: values by key, and keys by position for random picks and scans."""

from respkv.keyspace.deadlines import Deadlines
from respkv.keyspace.values import Container, Value


class Database:
    """`positions` maps a key to its place in the dense list `keys`.

    A removed key's position is taken by the last one. The order is part of the state: it follows
    from the log alone, and SCAN cursors are positions, so a scan survives a change of leader.
    Only inserting and removing look at positions: with 100,000 keys in random order a GET is bound
    by cache misses, and a value found by way of its position costs two more of them.
    """

    def __init__(self) -> None:
        self.values: dict[bytes, Value] = {}
        self.keys: list[bytes] = []
        self.positions: dict[bytes, int] = {}
        self.deadlines = Deadlines()
        # Estimates of this node, and no part of the state: see `memory.py` and `accesses.py`.
        self.used_bytes: int = 0
        self.grown_bytes: dict[bytes, int] = {}  # of strings that are changed in place
        self.uncounted: dict[bytes, None] = {}  # keys whose value has changed since it was counted
        self.accesses: dict[bytes, int] = {}

    def count(self, key: bytes, value: Value) -> None:
        """Count a value that is not `bytes` and has come to `key`, or was changed there."""
        if isinstance(value, Container):
            size = value.memory_bytes()
            self.used_bytes += size - value.counted_bytes
            value.counted_bytes = size
        elif not isinstance(value, bytes):
            size = len(value) if isinstance(value, bytearray) else value.memory_bytes()
            self.used_bytes += size - self.grown_bytes.get(key, 0)
            self.grown_bytes[key] = size

    def count_changed(self) -> None:
        """Count what `uncounted` names."""
        for key in self.uncounted:
            value = self.values.get(key)
            if value is not None:
                self.count(key, value)
        self.uncounted.clear()

    def discount(self, key: bytes, value: Value) -> None:
        """Forget a value that is not `bytes` and is leaving `key`."""
        if isinstance(value, Container):
            self.used_bytes -= value.counted_bytes
            value.counted_bytes = 0
        else:
            self.used_bytes -= self.grown_bytes.pop(key, 0)
