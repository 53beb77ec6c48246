"""The stream type: entries under ascending ids, in packed nodes, and the groups that read them.

An id is one number, ms << 64 | sequence. Whatever is looked up by id is found by bisection, first
among the nodes, then within one, so no access grows with the stream.
"""

from bisect import bisect_right
from struct import Struct
from typing import ClassVar, Final

from respkv.keyspace.limits import Limits
from respkv.keyspace.stream_groups import UNKNOWN, Group, load_group
from respkv.keyspace.stream_node import NODE_ENTRIES_MAX, Node, load_node
from respkv.keyspace.values import LOADERS, Container

STREAM_BYTES: Final = 450  # an empty one
MAX_ID: Final = (1 << 128) - 1
COUNTER_MAX: Final = (1 << 63) - 1

Entry = tuple[int, list[bytes]]  # the id; fields and values in turn

_HEADER: Final = Struct("<16s16s16sqII")


class Stream(Container):
    """Entries and groups. A node always holds an entry; all of a node's may be deleted by trimming.

    `first_id` is the first entry's that was not deleted, 0 without one; `last_id` the largest that
    was ever given, `max_deleted_id` the largest that XDEL removed (or XSETID named).
    """

    type_code: ClassVar[int] = 5
    type_name: ClassVar[str] = "stream"

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.firsts: list[int] = []  # of the nodes
        self.length: int = 0
        self.first_id: int = 0
        self.last_id: int = 0
        self.max_deleted_id: int = 0
        self.entries_added: int = 0
        self.groups: dict[bytes, Group] = {}
        self._nodes_bytes: int = 0  # of all nodes but the last

    def __len__(self) -> int:
        return self.length

    def append(self, entry_id: int, items: list[bytes]) -> None:
        """Add an entry with an id above `last_id`."""
        node: Node | None = self.nodes[-1] if self.nodes else None
        if node is None or not node.has_room(sum(map(len, items))):
            if node is not None:
                node.seal()
                self._nodes_bytes += node.memory_bytes()
            node = Node(entry_id, items[::2])
            self.nodes.append(node)
            self.firsts.append(entry_id)
        node.append(entry_id, items)
        self.length += 1
        self.last_id = entry_id
        if self.entries_added < COUNTER_MAX:
            self.entries_added += 1
        if self.length == 1:
            self.first_id = entry_id

    def entry(self, entry_id: int) -> list[bytes] | None:
        """Return the fields and values of an entry in turn, None when it is not there."""
        found = self._find(entry_id)
        return None if found is None else found[0].items_at(found[1])

    def take_group(self, name: bytes) -> "Stream":
        """Take a group out, and return it as all that another stream holds."""
        taken = Stream()
        taken.groups[name] = self.groups.pop(name)
        return taken

    def range(self, start: int, end: int, count: int) -> list[Entry]:
        """Return at most `count` entries with ids from `start` to `end`, in ascending order."""
        found: list[Entry] = []
        at = max(bisect_right(self.firsts, start) - 1, 0)
        while at < len(self.nodes):
            node = self.nodes[at]
            ms, sequence, deleted = node.ms, node.sequence, node.deleted
            for position in range(node.position(start), len(ms)):
                if len(found) >= count:
                    return found
                entry_id = (ms[position] << 64) | sequence[position]
                if entry_id > end:
                    return found
                if not deleted or node.is_live(position):
                    found.append((entry_id, node.items_at(position)))
            at += 1
        return found

    def reverse_range(self, start: int, end: int, count: int) -> list[Entry]:
        """Return at most `count` entries with ids from `start` to `end`, in descending order."""
        found: list[Entry] = []
        at = bisect_right(self.firsts, end) - 1
        while at >= 0:
            node = self.nodes[at]
            above = node.position(end + 1) if node.last > end else len(node.ends)
            for position in range(above - 1, -1, -1):
                entry_id = node.id_at(position)
                if entry_id < start or len(found) >= count:
                    return found
                if node.is_live(position):
                    found.append((entry_id, node.items_at(position)))
            at -= 1
        return found

    def last_entry_id(self) -> int:
        """Return the id of the last entry that is there, 0 without one."""
        for node in reversed(self.nodes):
            if node.live:
                position = len(node.ends) - 1
                while not node.is_live(position):
                    position -= 1
                return node.id_at(position)
        return 0

    def delete(self, entry_id: int) -> bool:
        """Remove an entry (XDEL); return whether it was there."""
        found = self._find(entry_id)
        if found is None:
            return False
        node, position = found
        node.delete(position)
        self.length -= 1
        if not node.live:
            self._drop_node(bisect_right(self.firsts, entry_id) - 1)
        if entry_id > self.max_deleted_id:
            self.max_deleted_id = entry_id
        if entry_id == self.first_id or not self.length:
            self._find_first()
        return True

    def trim(self, maxlen: int, minid: int, approximate: bool, limit: int) -> int:
        """Remove the oldest entries and return how many.

        Those beyond `maxlen`, or, when that is negative, those with ids below `minid`. Whole nodes
        go first; when `approximate`, nothing else does. At most `limit` go unless it is 0.
        """
        removed, nodes = 0, 0
        for node in self.nodes:
            if maxlen >= 0 and self.length <= maxlen:
                break
            if limit and removed + node.live > limit:
                break
            if not (self.length - node.live >= maxlen if maxlen >= 0 else node.last < minid):
                if not approximate:
                    removed += self._trim_node(node, maxlen, minid)
                break
            self.length -= node.live
            removed += node.live
            nodes += 1
        if nodes:
            last = len(self.nodes) - 1
            self._nodes_bytes -= sum([n.memory_bytes() for n in self.nodes[: min(nodes, last)]])
            del self.nodes[:nodes]
            del self.firsts[:nodes]
            if not self.nodes:
                self._nodes_bytes = 0
        if removed:
            self._find_first()
        return removed

    def _trim_node(self, node: Node, maxlen: int, minid: int) -> int:
        removed = 0
        for position in range(len(node.ends)):
            if self.length <= maxlen if maxlen >= 0 else node.id_at(position) >= minid:
                break
            if node.is_live(position):
                node.delete(position)
                self.length -= 1
                removed += 1
        return removed

    def _drop_node(self, at: int) -> None:
        del self.firsts[at]
        node = self.nodes.pop(at)
        if at < len(self.nodes):
            self._nodes_bytes -= node.memory_bytes()
        elif self.nodes:
            self._nodes_bytes -= self.nodes[-1].memory_bytes()

    def _find(self, entry_id: int) -> tuple[Node, int] | None:
        at = bisect_right(self.firsts, entry_id) - 1
        if at < 0:
            return None
        node = self.nodes[at]
        position = node.position(entry_id)
        if position == len(node.ends) or node.id_at(position) != entry_id:
            return None
        return (node, position) if node.is_live(position) else None

    def _find_first(self) -> None:
        self.first_id = 0
        for node in self.nodes:
            if node.live:
                position = 0
                while not node.is_live(position):
                    position += 1
                self.first_id = node.id_at(position)
                return

    # --- how far readers are -----------------------------------------------------------------

    def has_deleted_from(self, entry_id: int) -> bool:
        """Return whether XDEL may have made a gap at this id or after it, and behind the first entry."""
        return self.length > 0 and self.max_deleted_id >= max(entry_id, self.first_id)

    def entries_up_to(self, entry_id: int) -> int:
        """Return how many entries were ever added up to this id, UNKNOWN where that is not known."""
        if not self.entries_added:
            return 0
        if (not self.length and entry_id <= self.last_id) or entry_id == self.last_id:
            return self.entries_added
        if entry_id > self.last_id:
            return UNKNOWN
        if self.max_deleted_id == 0 or self.max_deleted_id < self.first_id:
            if entry_id < self.first_id:
                return self.entries_added - self.length
            if entry_id == self.first_id:
                return self.entries_added - self.length + 1
        return UNKNOWN

    def lag(self, group: Group) -> int | None:
        """Return how many entries the group has still to read, None where that is not known."""
        if not self.entries_added:
            return 0
        entries_read = group.entries_read
        if entries_read == UNKNOWN or self.has_deleted_from(group.last_id):
            entries_read = self.entries_up_to(group.last_id)
        return None if entries_read == UNKNOWN else self.entries_added - entries_read

    def advance(self, group: Group, entry_ids: list[int]) -> None:
        """Have the group go on over ascending entries that it is about to read."""
        for position, entry_id in enumerate(entry_ids):
            if group.entries_read != UNKNOWN and not self.has_deleted_from(entry_id):
                read = group.entries_read + len(entry_ids) - position
                group.entries_read = min(read, COUNTER_MAX)
                break  # nor has anything been deleted behind it
            if self.entries_added:
                group.entries_read = self.entries_up_to(entry_id)
        if entry_ids:
            group.last_id = entry_ids[-1]

    # --- as a container ----------------------------------------------------------------------

    def references(self) -> int:
        return self.length + sum([2 * len(group.deliveries) for group in self.groups.values()])

    def encoding(self, limits: Limits) -> bytes:
        return b"stream"

    def memory_bytes(self) -> int:
        nodes_bytes = STREAM_BYTES + self._nodes_bytes
        nodes_bytes += self.nodes[-1].memory_bytes() if self.nodes else 0
        return nodes_bytes + sum([group.memory_bytes() for group in self.groups.values()])

    def copy(self) -> "Stream":
        return load(self.dump())

    def dump(self) -> bytes:
        parts = [
            _HEADER.pack(
                self.first_id.to_bytes(16, "big"),
                self.last_id.to_bytes(16, "big"),
                self.max_deleted_id.to_bytes(16, "big"),
                self.entries_added,
                len(self.nodes),
                len(self.groups),
            )
        ]
        parts += [node.dump() for node in self.nodes]
        parts += [group.dump() for group in self.groups.values()]
        return b"".join(parts)

    def free_some(self, items: int) -> int:
        if self.nodes:
            nodes = max(items // NODE_ENTRIES_MAX, 1)
            del self.nodes[-nodes:]
            return items
        for name, group in self.groups.items():
            freed = group.free_some(items)
            if freed == 0:
                del self.groups[name]
                return 1
            return freed
        return 0


def load(dumped: bytes) -> Stream:
    """Return the stream that `Stream.dump` described."""
    stream = Stream()
    first, last, deleted, stream.entries_added, nodes, groups = _HEADER.unpack_from(dumped)
    stream.first_id = int.from_bytes(first, "big")
    stream.last_id = int.from_bytes(last, "big")
    stream.max_deleted_id = int.from_bytes(deleted, "big")
    at = _HEADER.size
    for _ in range(nodes):
        if stream.nodes:
            stream._nodes_bytes += stream.nodes[-1].memory_bytes()
        node, at = load_node(dumped, at)
        stream.nodes.append(node)
        stream.firsts.append(node.first)
        stream.length += node.live
    for _ in range(groups):
        group, at = load_group(dumped, at)
        stream.groups[group.name] = group
    return stream


LOADERS[Stream.type_code] = load
