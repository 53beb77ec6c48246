"""The hash type: fields and their values, side by side at dense positions."""

from struct import pack, unpack_from
from typing import ClassVar, Final

from respkv.keyspace.limits import Limits
from respkv.keyspace.members import BULK, Members, close_gap
from respkv.keyspace.packed import pack_items, unpack_items
from respkv.keyspace.values import LOADERS, Container

ENTRY_BYTES: Final = 180  # two bytes objects, a slot in a dict, an int, two list slots: measured


class Hash(Container):
    """Fields in log order; `values[i]` belongs to `fields.items[i]`."""

    type_code: ClassVar[int] = 1
    type_name: ClassVar[str] = "hash"

    def __init__(self) -> None:
        self.fields: Members = Members()
        self.values: list[bytes] = []
        self.payload_bytes: int = 0
        # High-water marks: once Redis has left its compact encoding it never goes back.
        self.peak_entries: int = 0
        self.peak_item_bytes: int = 0

    def __len__(self) -> int:
        return len(self.values)

    def get(self, field: bytes) -> bytes | None:
        """Return the value of `field`, None when it is not there."""
        position = self.fields.positions.get(field, -1)
        return None if position < 0 else self.values[position]

    def set(self, field: bytes, value: bytes) -> bool:
        """Store `value` at `field`; return whether the field is new."""
        position = self.fields.positions.get(field, -1)
        if position >= 0:
            self.payload_bytes += len(value) - len(self.values[position])
            self.values[position] = value
        else:
            self.fields.positions[field] = len(self.values)
            self.fields.items.append(field)
            self.values.append(value)
            self.payload_bytes += len(field) + len(value)
            if len(self.values) > self.peak_entries:
                self.peak_entries = len(self.values)
        if len(field) > self.peak_item_bytes:
            self.peak_item_bytes = len(field)
        if len(value) > self.peak_item_bytes:
            self.peak_item_bytes = len(value)
        return position < 0

    def set_all(self, items: list[bytes]) -> int:
        """Store values at fields, which alternate; return how many fields are new."""
        fields, values = items[::2], items[1::2]
        if len(fields) < BULK or not self.fields.add_new(fields):
            return sum(map(self.set, fields, values))
        self.values += values
        sizes = list(map(len, items))
        self.payload_bytes += sum(sizes)
        self.peak_entries = max(self.peak_entries, len(self.values))
        self.peak_item_bytes = max(self.peak_item_bytes, max(sizes))
        return len(fields)

    def remove(self, field: bytes) -> bool:
        """Remove `field`; return whether it was there."""
        position = self.fields.remove(field)
        if position < 0:
            return False
        self.payload_bytes -= len(field) + len(self.values[position])
        close_gap(self.values, position)
        return True

    def encoding(self, limits: Limits) -> bytes:
        if (
            self.peak_entries > limits.hash_max_listpack_entries
            or self.peak_item_bytes > limits.hash_max_listpack_value
        ):
            return b"hashtable"
        return b"listpack"

    def memory_bytes(self) -> int:
        return self.payload_bytes + ENTRY_BYTES * len(self.values)

    def copy(self) -> "Hash":
        other = Hash()
        other.fields = self.fields.copy()
        other.values = self.values.copy()
        other.payload_bytes = self.payload_bytes
        other.peak_entries = self.peak_entries
        other.peak_item_bytes = self.peak_item_bytes
        return other

    def dump(self) -> bytes:
        return pack("<I", len(self.values)) + pack_items(self.fields.items + self.values)

    def free_some(self, items: int) -> int:
        if self.values:
            freed = min(items, len(self.values))
            del self.values[-freed:]
            return freed
        return self.fields.free_some(items)


def load(dumped: bytes) -> Hash:
    """Return the hash that `Hash.dump` described."""
    (count,) = unpack_from("<I", dumped)
    items = unpack_items(dumped, 4, 2 * count)
    hash_ = Hash()
    hash_.fields.extend(items[:count])
    hash_.values = items[count:]
    hash_.payload_bytes = sum(map(len, items))
    hash_.peak_entries = count
    hash_.peak_item_bytes = max(map(len, items))
    return hash_


LOADERS[Hash.type_code] = load
