"""The sorted set type: members with a score each, at dense positions and in the order of scores."""

from struct import pack, unpack_from
from typing import ClassVar, Final

from respkv.keyspace.limits import Limits
from respkv.keyspace.members import Members, close_gap
from respkv.keyspace.order import Entry, Order
from respkv.keyspace.packed import pack_items, unpack_items
from respkv.keyspace.values import LOADERS, Container

# A bytes object, a slot in a dict, an int, a float, four slots: measured.
ENTRY_BYTES: Final = 195
ZSET_BYTES: Final = 800  # an empty one


class ZSet(Container):
    """Members in log order, `scores[i]` of `members.items[i]`; `order` holds them by score.

    A score of -0 is kept as 0, as Redis' compact encoding does (its other one keeps the sign): what
    is stored must not depend on an encoding.
    """

    type_code: ClassVar[int] = 4
    type_name: ClassVar[str] = "zset"

    def __init__(self) -> None:
        self.members: Members = Members()
        self.scores: list[float] = []
        self.order: Order = Order()
        self.payload_bytes: int = 0
        # High-water marks: once Redis has left its compact encoding it never goes back.
        self.peak_entries: int = 0
        self.peak_member_bytes: int = 0

    def __len__(self) -> int:
        return len(self.scores)

    def score(self, member: bytes) -> float | None:
        """Return the score of `member`, None when it is not there."""
        position = self.members.positions.get(member, -1)
        return None if position < 0 else self.scores[position]

    def set(self, member: bytes, score: float) -> bool:
        """Give `member` this score; return whether the member is new."""
        score += 0.0  # -0 becomes 0
        position = self.members.positions.get(member, -1)
        if position >= 0:
            self.order.remove(self.scores[position], member)
            self.scores[position] = score
        else:
            self.members.add(member)
            self.scores.append(score)
            size = len(member)
            self.payload_bytes += size
            if size > self.peak_member_bytes:
                self.peak_member_bytes = size
            if len(self.scores) > self.peak_entries:
                self.peak_entries = len(self.scores)
        self.order.add(score, member)
        return position < 0

    def extend(self, members: list[bytes], scores: list[float]) -> None:
        """Add members, all distinct and none of them there."""
        self.members.extend(members)
        self._added(members, scores)

    def _added(self, members: list[bytes], scores: list[float]) -> None:
        scores = [score + 0.0 for score in scores]
        self.scores += scores
        self.order.update(scores, members)
        sizes = list(map(len, members))
        self.payload_bytes += sum(sizes)
        self.peak_entries = max(self.peak_entries, len(self.scores))
        self.peak_member_bytes = max(self.peak_member_bytes, max(sizes, default=0))

    def add_new(self, members: list[bytes], scores: list[float]) -> bool:
        """Add members unless one of them is there, or comes twice; return whether it has."""
        if not self.members.add_new(members):
            return False
        self._added(members, scores)
        return True

    def remove(self, member: bytes) -> bool:
        """Remove `member`; return whether it was there."""
        position = self.members.positions.get(member, -1)
        if position < 0:
            return False
        self.order.remove(self.scores[position], member)
        self._forget(member)
        return True

    def pop_some(self, count: int, lowest: bool) -> list[Entry]:
        """Remove and return at most `count` entries of one end, the outermost first."""
        rank = 0 if lowest else -1
        popped: list[Entry] = []
        for _ in range(min(count, len(self.scores))):
            entry = self.order.pop(rank)
            self._forget(entry[1])
            popped.append(entry)
        return popped

    def remove_slice(self, start: int, stop: int) -> None:
        """Remove the members of ranks start <= rank < stop."""
        for entry in self.order.remove_slice(start, stop):
            self._forget(entry[1])

    def without(self, start: int, stop: int) -> "ZSet":
        """Return what `remove_slice` would leave, in log order, as a sorted set of its own."""
        size = len(self.scores)
        kept = self.order.members(0, start) + self.order.members(stop, size)
        positions = sorted([self.members.positions[member] for member in kept])
        left = ZSet()
        left.members.extend([self.members.items[position] for position in positions])
        left.scores = [self.scores[position] for position in positions]
        left.order.update([*self.order.scores(0, start), *self.order.scores(stop, size)], kept)
        left.payload_bytes = sum(map(len, left.members.items))
        left.peak_entries = self.peak_entries
        left.peak_member_bytes = self.peak_member_bytes
        return left

    def rank(self, member: bytes) -> int:
        """Return how many members come before `member`, -1 when it is not there."""
        position = self.members.positions.get(member, -1)
        return -1 if position < 0 else self.order.rank(self.scores[position], member)

    def encoding(self, limits: Limits) -> bytes:
        if (
            self.peak_entries > limits.zset_max_listpack_entries
            or self.peak_member_bytes > limits.zset_max_listpack_value
        ):
            return b"skiplist"
        return b"listpack"

    def memory_bytes(self) -> int:
        return ZSET_BYTES + self.payload_bytes + ENTRY_BYTES * len(self.scores)

    def copy(self) -> "ZSet":
        other = ZSet()
        other.members = self.members.copy()
        other.scores = self.scores.copy()
        other.order = self.order.copy()
        other.payload_bytes = self.payload_bytes
        other.peak_entries = self.peak_entries
        other.peak_member_bytes = self.peak_member_bytes
        return other

    def dump(self) -> bytes:
        count = len(self.scores)
        return pack("<I", count) + pack(f"<{count}d", *self.scores) + pack_items(self.members.items)

    def free_some(self, items: int) -> int:
        freed = self.order.free_some(items)
        if freed:
            return freed
        if self.scores:
            freed = min(items, len(self.scores))
            del self.scores[-freed:]
            return freed
        return self.members.free_some(items)

    def _forget(self, member: bytes) -> None:
        """Remove a member that is not in `order` any more."""
        close_gap(self.scores, self.members.remove(member))
        self.payload_bytes -= len(member)


def zset_of(members: list[bytes], scores: list[float]) -> ZSet:
    """Return a sorted set of these members, all distinct and in this log order."""
    zset = ZSet()
    zset.extend(members, scores)
    return zset


def load(dumped: bytes) -> ZSet:
    """Return the sorted set that `ZSet.dump` described."""
    (count,) = unpack_from("<I", dumped)
    scores = list(unpack_from(f"<{count}d", dumped, 4))
    return zset_of(unpack_items(dumped, 4 + 8 * count, count), scores)


LOADERS[ZSet.type_code] = load
