"""The groups of a stream: who reads it together, and what was delivered and not yet acknowledged."""

from struct import Struct, pack, unpack_from
from typing import Final

from respkv.keyspace.packed import pack_items, unpack_items
from respkv.keyspace.sorted_ids import SortedIds

UNKNOWN: Final = -1  # a number of entries read that cannot be told
DELIVERIES_MAX: Final = (1 << 63) - 1
PENDING_BYTES: Final = 175  # an object, two numbers, slots in a dict and two lists: measured
CONSUMER_BYTES: Final = 600
REBUILT_AT: Final = 1_000  # removing so many one by one costs more than to look at all

_HEADER: Final = Struct("<16sqIII")


class Consumer:
    """A member of a group; `pending` are the ids of what was delivered to it."""

    def __init__(self, name: bytes, seen_ms: int) -> None:
        self.name = name
        self.seen_ms = seen_ms
        self.pending: SortedIds = SortedIds()


class Delivery:
    """A pending entry: whose it is, when it was delivered last, and how many times."""

    def __init__(self, consumer: Consumer, time_ms: int, count: int) -> None:
        self.consumer = consumer
        self.time_ms = time_ms
        self.count = count

    def count_one(self) -> None:
        """Count another delivery."""
        if self.count < DELIVERIES_MAX:
            self.count += 1


class Group:
    """A group: `last_id` is the last one delivered, `entries_read` its place in all ever added."""

    def __init__(self, name: bytes, last_id: int, entries_read: int) -> None:
        self.name = name
        self.last_id = last_id
        self.entries_read = entries_read
        self.consumers: dict[bytes, Consumer] = {}
        self.deliveries: dict[int, Delivery] = {}
        self.pending: SortedIds = SortedIds()

    def consumer(self, name: bytes, now_ms: int) -> Consumer:
        """Return the consumer of that name, created if need be: it is seen now."""
        consumer = self.consumers.get(name)
        if consumer is None:
            consumer = self.consumers[name] = Consumer(name, now_ms)
        consumer.seen_ms = now_ms
        return consumer

    def in_order(self) -> list[Consumer]:
        """Return the consumers in the order of their names."""
        return [self.consumers[name] for name in sorted(self.consumers)]

    def deliver(self, entry_ids: list[int], consumer: Consumer, now_ms: int) -> None:
        """Note that ascending entries were delivered for the first time, or again as if it were."""
        added: list[int] = []
        for entry_id in entry_ids:
            delivery = self.deliveries.get(entry_id)
            if delivery is None:
                self.deliveries[entry_id] = Delivery(consumer, now_ms, 1)
                added.append(entry_id)
            else:
                self.give(entry_id, delivery, consumer)
                delivery.time_ms = now_ms
                delivery.count = 1
        self.pending.add_some(added)
        consumer.pending.add_some(added)

    def add(self, entry_id: int, delivery: Delivery) -> None:
        """Add a delivery of an entry that is not pending."""
        self.deliveries[entry_id] = delivery
        self.pending.add(entry_id)
        delivery.consumer.pending.add(entry_id)

    def give(self, entry_id: int, delivery: Delivery, consumer: Consumer) -> None:
        """Make a pending entry the consumer's."""
        if delivery.consumer is not consumer:
            delivery.consumer.pending.remove(entry_id)
            consumer.pending.add(entry_id)
            delivery.consumer = consumer

    def settle(self, entry_id: int) -> bool:
        """Forget a pending entry; return whether it was one."""
        delivery = self.deliveries.pop(entry_id, None)
        if delivery is None:
            return False
        self.pending.remove(entry_id)
        delivery.consumer.pending.remove(entry_id)
        return True

    def remove_consumer(self, name: bytes) -> int:
        """Remove a consumer with all it has pending; return how much that was."""
        consumer = self.consumers.pop(name, None)
        if consumer is None:
            return 0
        pending = consumer.pending.all()
        for entry_id in pending:
            del self.deliveries[entry_id]
        if len(pending) < REBUILT_AT:
            for entry_id in pending:
                self.pending.remove(entry_id)
        else:
            others = [each for each in self.pending.all() if each in self.deliveries]
            self.pending = SortedIds()
            self.pending.extend(others)
        return len(pending)

    def memory_bytes(self) -> int:
        """Return about how much memory it takes."""
        return PENDING_BYTES * len(self.deliveries) + CONSUMER_BYTES * (len(self.consumers) + 1)

    def free_some(self, items: int) -> int:
        """Drop at most `items` pending entries; 0 when none is left."""
        taken = self.pending.take_last(items)
        for entry_id in taken:
            del self.deliveries[entry_id]
        if taken:
            return len(taken)
        for name, consumer in self.consumers.items():
            dropped = consumer.pending.take_last(items)
            if not dropped:
                del self.consumers[name]
                return 1
            return len(dropped)
        return 0

    def dump(self) -> bytes:
        """Return the content in the form `load_group` reads."""
        consumers = list(self.consumers.values())
        numbers = {consumer.name: number for number, consumer in enumerate(consumers)}
        pending = self.pending.all()
        deliveries = [self.deliveries[entry_id] for entry_id in pending]
        count = len(pending)
        names = pack_items([self.name, *self.consumers])
        return b"".join((
            _HEADER.pack(
                self.last_id.to_bytes(16, "big"), self.entries_read, len(consumers), count, len(names)
            ),
            names,
            pack(f"<{len(consumers)}q", *[consumer.seen_ms for consumer in consumers]),
            b"".join([entry_id.to_bytes(16, "big") for entry_id in pending]),
            pack(f"<{count}I", *[numbers[delivery.consumer.name] for delivery in deliveries]),
            pack(f"<{count}q", *[delivery.time_ms for delivery in deliveries]),
            pack(f"<{count}q", *[delivery.count for delivery in deliveries]),
        ))  # fmt: skip


def load_group(dumped: bytes, at: int) -> tuple[Group, int]:
    """Return the group that `Group.dump` wrote at offset `at`, and where it ends."""
    last_id, entries_read, consumers, count, name_bytes = _HEADER.unpack_from(dumped, at)
    at += _HEADER.size
    names = unpack_items(dumped, at, 1 + consumers)
    at += name_bytes
    group = Group(names[0], int.from_bytes(last_id, "big"), entries_read)
    seen = unpack_from(f"<{consumers}q", dumped, at)
    at += 8 * consumers
    members = [Consumer(name, ms) for name, ms in zip(names[1:], seen, strict=True)]
    group.consumers = {consumer.name: consumer for consumer in members}
    ids_at, at = at, at + 16 * count
    owners = unpack_from(f"<{count}I", dumped, at)
    times = unpack_from(f"<{count}q", dumped, at + 4 * count)
    counts = unpack_from(f"<{count}q", dumped, at + 12 * count)
    for number in range(count):
        start = ids_at + 16 * number
        entry_id = int.from_bytes(dumped[start : start + 16], "big")
        delivery = Delivery(members[owners[number]], times[number], counts[number])
        group.add(entry_id, delivery)
    return group, at + 20 * count
