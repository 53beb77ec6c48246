"""One numbered database: keys and values by position, so that a random pick or a scan is O(1)."""

from respkv.keyspace.deadlines import Deadlines
from respkv.keyspace.values import Value


class Database:
    """`index` maps a key to its position in the dense lists `keys` and `values`.

    A removed key's position is taken by the last one. The order is part of the state: it follows
    from the log alone, and SCAN cursors are positions, so a scan survives a change of leader.
    """

    def __init__(self) -> None:
        self.index: dict[bytes, int] = {}
        self.keys: list[bytes] = []
        self.values: list[Value] = []
        self.deadlines = Deadlines()
