"""One numbered database: values by key, and keys by position for random picks and scans."""

from respkv.keyspace.deadlines import Deadlines
from respkv.keyspace.values import Value


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
