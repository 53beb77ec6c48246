"""A run of neighbouring entries of a stream, packed: what Redis keeps as one listpack.

Approximate trimming drops whole nodes, so where one ends is visible: `listpack_bytes` follows what
the entries would take in Redis, with the default stream-node-max-entries and -bytes, which here are
no option since all replicas must agree.
"""

from array import array
from bisect import bisect_left, bisect_right
from struct import Struct
from typing import Final

from respkv.keyspace.packed import pack_items, unpack_items

NODE_ENTRIES_MAX: Final = 100
NODE_BYTES_MAX: Final = 4_096
NODE_BYTES: Final = 650  # of our own objects, whatever they hold: measured
ENTRY_BYTES: Final = 21  # an id, an offset and their share of what is allocated ahead: measured
SEQUENCE_MASK: Final = (1 << 64) - 1

SAME_FIELDS: Final = b"\0"
OWN_FIELDS: Final = b"\1"
_LONG: Final = 255  # a length of four bytes follows
_LENGTHS: Final = [bytes([length]) for length in range(_LONG)]
_HEADER: Final = Struct("<16s16sIIIQ")


class Node:
    """Entries in ascending order; deleted ones stay in their place until all are.

    Those with the fields of the first one hold only their values. `last` is the last id that was
    appended, deleted or not.
    """

    def __init__(self, first: int, fields: list[bytes]) -> None:
        self.first = first
        self.last = first
        self.fields = fields
        self.ms: array[int] = array("Q")
        self.sequence: array[int] = array("Q")
        self.ends: array[int] = array("I")  # where each entry ends in `text`
        self.text: bytearray = bytearray()
        self.deleted: int = 0  # a bit for each position
        self.live: int = 0
        # The counts of entries, of deleted ones and of fields, and the zero that ends the header.
        self.listpack_bytes: int = 7 + 2 + 2 + integer_bytes(len(fields)) + 2
        self.listpack_bytes += sum([string_bytes(field) for field in fields])

    def append(self, entry_id: int, items: list[bytes]) -> None:
        """Add an entry with an id above all others; `items` are its fields and values in turn."""
        ms, sequence = entry_id >> 64, entry_id & SEQUENCE_MASK
        size = 2 + _difference_bytes(ms, self.first >> 64)
        size += _difference_bytes(sequence, self.first & SEQUENCE_MASK)
        count = len(items) // 2
        if items[::2] == self.fields:
            parts = [SAME_FIELDS]
            items = items[1::2]
            size += integer_bytes(count + 3)
        else:
            parts = [OWN_FIELDS]
            size += integer_bytes(count) + integer_bytes(2 * count + 4)
        for item in items:
            length = len(item)
            parts.append(_LENGTHS[length] if length < _LONG else _long_length(length))
            parts.append(item)
            size += string_bytes(item)
        self.text += b"".join(parts)
        self.listpack_bytes += size
        self.ms.append(ms)
        self.sequence.append(sequence)
        self.ends.append(len(self.text))
        self.last = entry_id
        self.live += 1

    def has_room(self, item_bytes: int) -> bool:
        """Return whether Redis would put an entry with so much text into this node."""
        return (
            self.listpack_bytes + item_bytes < NODE_BYTES_MAX and len(self.ends) < NODE_ENTRIES_MAX
        )

    def seal(self) -> None:
        """Give back what was allocated ahead: the next entry is another node's."""
        self.text = bytearray(bytes(self.text))
        self.ms = array("Q", self.ms)
        self.sequence = array("Q", self.sequence)
        self.ends = array("I", self.ends)

    def position(self, entry_id: int) -> int:
        """Return the position of the first entry not below `entry_id`, deleted or not."""
        ms = entry_id >> 64
        low = bisect_left(self.ms, ms)
        high = bisect_right(self.ms, ms, low)
        if low == high:
            return low
        return bisect_left(self.sequence, entry_id & SEQUENCE_MASK, low, high)

    def id_at(self, position: int) -> int:
        """Return the id at a position."""
        return (self.ms[position] << 64) | self.sequence[position]

    def is_live(self, position: int) -> bool:
        """Return whether the entry at a position has not been deleted."""
        return not self.deleted or not (self.deleted >> position) & 1

    def delete(self, position: int) -> None:
        """Mark a live entry as deleted."""
        self.deleted |= 1 << position
        self.live -= 1

    def items_at(self, position: int) -> list[bytes]:
        """Return the fields and values of an entry in turn."""
        start = self.ends[position - 1] if position else 0
        text = bytes(self.text[start : self.ends[position]])
        items: list[bytes] = []
        fields = None if text[0] else self.fields
        at, end = 1, len(text)
        while at < end:
            length = text[at]
            at += 1
            if length == _LONG:
                length = int.from_bytes(text[at : at + 4], "little")
                at += 4
            if fields is not None:
                items.append(fields[len(items) // 2])
            items.append(text[at : at + length])
            at += length
        return items

    def memory_bytes(self) -> int:
        """Return about how much memory it takes."""
        return NODE_BYTES + len(self.text) + ENTRY_BYTES * len(self.ends)

    def dump(self) -> bytes:
        """Return the content in the form `load_node` reads."""
        header = _HEADER.pack(
            self.first.to_bytes(16, "big"),
            self.deleted.to_bytes(16, "big"),
            len(self.ends),
            len(self.fields),
            len(self.text),
            self.listpack_bytes,
        )
        arrays = (self.ms.tobytes(), self.sequence.tobytes(), self.ends.tobytes())
        return b"".join((header, pack_items(self.fields), *arrays, self.text))


def load_node(dumped: bytes, at: int) -> tuple[Node, int]:
    """Return the node that `Node.dump` wrote at offset `at`, and where it ends."""
    first, deleted, entries, fields, text_bytes, listpack_bytes = _HEADER.unpack_from(dumped, at)
    at += _HEADER.size
    node = Node(int.from_bytes(first, "big"), unpack_items(dumped, at, fields))
    at += 4 * fields + sum(map(len, node.fields))
    node.deleted = int.from_bytes(deleted, "big")
    node.ms.frombytes(dumped[at : at + 8 * entries])
    at += 8 * entries
    node.sequence.frombytes(dumped[at : at + 8 * entries])
    at += 8 * entries
    node.ends.frombytes(dumped[at : at + 4 * entries])
    at += 4 * entries
    node.text += dumped[at : at + text_bytes]
    node.last = node.id_at(entries - 1)
    node.live = entries - node.deleted.bit_count()
    node.listpack_bytes = listpack_bytes
    return node, at + text_bytes


def integer_bytes(number: int) -> int:
    """Return what an integer takes in a listpack, the length behind it included."""
    if 0 <= number <= 127:
        return 2
    if -4_096 <= number <= 4_095:
        return 3
    if -(1 << 15) <= number < 1 << 15:
        return 4
    if -(1 << 23) <= number < 1 << 23:
        return 5
    return 6 if -(1 << 31) <= number < 1 << 31 else 10


def string_bytes(item: bytes) -> int:
    """Return what a string takes in a listpack, where those that look like integers become such."""
    length = len(item)
    if length <= 20 and length and (item[0] <= 57 and (item[0] >= 48 or item[0] == 45)):
        try:
            number = int(item)
        except ValueError:
            number = 1 << 63
        if -(1 << 63) <= number < 1 << 63 and b"%d" % number == item:
            return integer_bytes(number)
    if length < 64:
        length += 1
    elif length < 4_096:
        length += 2
    else:
        length += 5
    if length <= 127:
        return length + 1
    if length < 16_383:
        return length + 2
    if length < 2_097_151:
        return length + 3
    return length + (4 if length < 268_435_455 else 5)


def _difference_bytes(number: int, base: int) -> int:
    """Return what the difference of two u64 takes; in C it wraps into the signed range."""
    difference = number - base
    if difference >= 1 << 63:
        difference -= 1 << 64
    elif difference < -(1 << 63):
        difference += 1 << 64
    return integer_bytes(difference)


def _long_length(length: int) -> bytes:
    return b"\xff" + length.to_bytes(4, "little")
