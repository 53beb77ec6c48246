"""The set type: distinct byte strings at dense positions."""

from struct import Struct
from typing import ClassVar, Final

from respkv.keyspace.limits import Limits
from respkv.keyspace.members import BULK, Members
from respkv.keyspace.packed import pack_items, unpack_items
from respkv.keyspace.values import LOADERS, Container

MEMBER_BYTES: Final = 125  # a bytes object, a slot in a dict, an int, a list slot: measured
DIGITS_MAX: Final = 19  # of a 64-bit integer
INT64_END: Final = 1 << 63
_HEADER: Final = Struct("<II?")


class Set(Container):
    """Members in log order."""

    type_code: ClassVar[int] = 3
    type_name: ClassVar[str] = "set"

    def __init__(self) -> None:
        self.members: Members = Members()
        self.payload_bytes: int = 0
        # High-water marks: once Redis has left its compact encoding it never goes back.
        self.peak_entries: int = 0
        self.only_integers: bool = True

    def __len__(self) -> int:
        return len(self.members.items)

    def add(self, member: bytes) -> bool:
        """Add `member`; return whether it is new."""
        items, positions = self.members.items, self.members.positions
        if member in positions:
            return False
        positions[member] = len(items)
        items.append(member)
        self.payload_bytes += len(member)
        if len(items) > self.peak_entries:
            self.peak_entries = len(items)
        if self.only_integers and not is_integer(member):
            self.only_integers = False
        return True

    def extend(self, members: list[bytes]) -> None:
        """Add members, all distinct and none of them there."""
        self.members.extend(members)
        self._added(members)

    def add_all(self, members: list[bytes]) -> int:
        """Add members; return how many are new."""
        if len(members) < BULK:
            return sum([self.add(member) for member in members])
        new = self.members.add_all(members)
        self._added(new)
        return len(new)

    def _added(self, members: list[bytes]) -> None:
        self.payload_bytes += sum(map(len, members))
        self.peak_entries = max(self.peak_entries, len(self.members.items))
        if self.only_integers:
            self.only_integers = all_integers(members)

    def remove(self, member: bytes) -> bool:
        """Remove `member`; return whether it was there."""
        if self.members.remove(member) < 0:
            return False
        self.payload_bytes -= len(member)
        return True

    def pop(self, position: int) -> bytes:
        """Remove and return the member at a position."""
        member = self.members.pop(position)
        self.payload_bytes -= len(member)
        return member

    def of_positions(self, positions: list[int]) -> "Set":
        """Return the members at these positions as a set of its own."""
        other = Set()
        other.members.extend([self.members.items[position] for position in positions])
        other.payload_bytes = sum(map(len, other.members.items))
        other.peak_entries = self.peak_entries
        other.only_integers = self.only_integers
        return other

    def of_union(self, others: list["Set"]) -> "Set":
        """Return all members, those of this set first, then what is new in each other one."""
        union = self.copy()
        union.peak_entries = len(union)
        union.only_integers = self.only_integers or all_integers(self.members.items)
        for other in others:
            known = union.members.positions
            union.extend([member for member in other.members.items if member not in known])
        return union

    def in_order(self, limits: Limits) -> list[bytes]:
        """Return all members, those that Redis would keep in an intset sorted as there."""
        if self.encoding(limits) == b"intset":
            return sorted(self.members.items, key=int)
        return self.members.items.copy()

    def encoding(self, limits: Limits) -> bytes:
        if self.only_integers and self.peak_entries <= limits.set_max_intset_entries:
            return b"intset"
        return b"hashtable"

    def memory_bytes(self) -> int:
        return self.payload_bytes + MEMBER_BYTES * len(self)

    def copy(self) -> "Set":
        other = Set()
        other.members = self.members.copy()
        other.payload_bytes = self.payload_bytes
        other.peak_entries = self.peak_entries
        other.only_integers = self.only_integers
        return other

    def dump(self) -> bytes:
        """The marks are written as well: to find them again, each member would have to be read."""
        header = _HEADER.pack(len(self), self.peak_entries, self.only_integers)
        return header + pack_items(self.members.items)

    def free_some(self, items: int) -> int:
        return self.members.free_some(items)


def is_integer(member: bytes) -> bool:
    """Return whether Redis can store `member` as a 64-bit integer and print it unchanged."""
    digits = member[1:] if member[:1] == b"-" else member
    if not digits.isdigit() or len(digits) > DIGITS_MAX:
        return False
    if digits[:1] == b"0":
        return member == b"0"
    return len(digits) < DIGITS_MAX or -INT64_END <= int(member) < INT64_END


def all_integers(members: list[bytes]) -> bool:
    """Return whether `is_integer` is true of each; most often they are positive, or the first is not."""
    lines = b"\n%b\n" % b"\n".join(members)
    if (
        not lines.translate(None, b"\n").isdigit()
        or b"\n\n" in lines  # an empty one
        or max(map(len, members)) >= DIGITS_MAX
        or lines.count(b"\n0") > lines.count(b"\n0\n")
        or lines.count(b"\n") > len(members) + 1
    ):
        return all(map(is_integer, members))
    return True


def load(dumped: bytes) -> Set:
    """Return the set that `Set.dump` described."""
    set_ = Set()
    count, set_.peak_entries, set_.only_integers = _HEADER.unpack_from(dumped)
    members = unpack_items(dumped, _HEADER.size, count)
    set_.members.extend(members)
    set_.payload_bytes = sum(map(len, members))
    return set_


LOADERS[Set.type_code] = load
