"""Sets of sets: intersections, unions and differences, replied or stored."""

from itertools import chain

from respkv.commands.arguments import parse_natural, parse_positive
from respkv.commands.key_specs import KeySpec
from respkv.commands.long_algebra import long_count, long_difference, long_intersection, long_union
from respkv.commands.sets import lookup_set
from respkv.commands.table import DENYOOM, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.set import Set
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import Reply, SetReply


@command(arity=-2, flags=READONLY, keys=(1, -1, 1), access="RO access", group="set",
         since="1.0.0", complexity="O(N*M) worst case where N is the cardinality of the smallest "
         "set and M is the number of sets.", tips=("nondeterministic_output_order",),
         syntax="key...", summary="Intersect multiple sets")  # fmt: skip
def sinter(keyspace: Keyspace, argv: Argv) -> Reply:
    sets = _lookup_sets(keyspace, argv[1:])
    if min(_sizes(sets)) >= LONG_ITEMS:
        return long_intersection(_copies(sets))
    return SetReply(_intersection(sets, 0))


@command(arity=-3, flags=READONLY, specs=(KeySpec("RO access", (1, 0, 1), counted=True),),
         group="set", since="7.0.0", complexity="O(N*M) worst case where N is the cardinality of "
         "the smallest set and M is the number of sets.", syntax="numkeys:integer key... [LIMIT "
         "limit:integer]", summary="Intersect multiple sets and return the cardinality of the "
         "result")  # fmt: skip
def sintercard(keyspace: Keyspace, argv: Argv) -> Reply:
    count = parse_positive(argv[1], b"numkeys")
    if count > len(argv) - 2:
        raise CommandError(b"ERR Number of keys can't be greater than number of args")
    limit = 0
    for position in range(2 + count, len(argv), 2):
        if argv[position].upper() != b"LIMIT" or position + 1 == len(argv):
            raise BadSyntax
        limit = parse_natural(argv[position + 1], b"ERR LIMIT can't be negative")
    sets = _lookup_sets(keyspace, argv[2 : 2 + count])
    if min(*_sizes(sets), limit or LONG_ITEMS) >= LONG_ITEMS:
        return long_count(_copies(sets), limit)
    return len(_intersection(sets, limit))


@command(arity=-3, flags=WRITE | DENYOOM, specs=(KeySpec("RW update", (1, 1, 1)), KeySpec("RO "
         "access", (2, -1, 1)),), group="set", since="1.0.0", complexity="O(N*M) worst case where "
         "N is the cardinality of the smallest set and M is the number of sets.",
         syntax="destination:key key#1...", summary="Intersect multiple sets and store the "
         "resulting set in a key")  # fmt: skip
def sinterstore(keyspace: Keyspace, argv: Argv) -> int:
    return _store(keyspace, argv[1], _intersection(_lookup_sets(keyspace, argv[2:]), 0))


@command(arity=-2, flags=READONLY, keys=(1, -1, 1), access="RO access", group="set",
         since="1.0.0", complexity="O(N) where N is the total number of elements in all given "
         "sets.", tips=("nondeterministic_output_order",), syntax="key...", summary="Add multiple "
         "sets")  # fmt: skip
def sunion(keyspace: Keyspace, argv: Argv) -> Reply:
    sets = _lookup_sets(keyspace, argv[1:])
    if sum(_sizes(sets)) >= LONG_ITEMS:
        return long_union(_copies(sets))
    return SetReply(_union(sets))


@command(arity=-3, flags=WRITE | DENYOOM, specs=(KeySpec("OW update", (1, 1, 1)), KeySpec("RO "
         "access", (2, -1, 1)),), group="set", since="1.0.0", complexity="O(N) where N is the "
         "total number of elements in all given sets.", syntax="destination:key key#1...",
         summary="Add multiple sets and store the resulting set in a key")  # fmt: skip
def sunionstore(keyspace: Keyspace, argv: Argv) -> int:
    sets = [set_ for set_ in _lookup_sets(keyspace, argv[2:]) if set_ is not None]
    if not sets:
        return _store(keyspace, argv[1], [])
    union = sets[0].of_union(sets[1:])
    keyspace.set(argv[1], union)
    return len(union)


@command(arity=-2, flags=READONLY, keys=(1, -1, 1), access="RO access", group="set",
         since="1.0.0", complexity="O(N) where N is the total number of elements in all given "
         "sets.", tips=("nondeterministic_output_order",), syntax="key...", summary="Subtract "
         "multiple sets")  # fmt: skip
def sdiff(keyspace: Keyspace, argv: Argv) -> Reply:
    sets = _lookup_sets(keyspace, argv[1:])
    if _sizes(sets)[0] >= LONG_ITEMS:
        return long_difference(_copies(sets))
    return SetReply(_difference(sets))


@command(arity=-3, flags=WRITE | DENYOOM, specs=(KeySpec("OW update", (1, 1, 1)), KeySpec("RO "
         "access", (2, -1, 1)),), group="set", since="1.0.0", complexity="O(N) where N is the "
         "total number of elements in all given sets.", syntax="destination:key key#1...",
         summary="Subtract multiple sets and store the resulting set in a key")  # fmt: skip
def sdiffstore(keyspace: Keyspace, argv: Argv) -> int:
    return _store(keyspace, argv[1], _difference(_lookup_sets(keyspace, argv[2:])))


def _lookup_sets(keyspace: Keyspace, keys: list[bytes]) -> list[Set | None]:
    return [lookup_set(keyspace, key) for key in keys]


def _sizes(sets: list[Set | None]) -> list[int]:
    return [0 if set_ is None else len(set_) for set_ in sets]


def _copies(sets: list[Set | None]) -> list[list[bytes]]:
    return [[] if set_ is None else set_.members.items.copy() for set_ in sets]


def _intersection(sets: list[Set | None], limit: int) -> list[bytes]:
    """Return at most `limit` common members (0: all), in the order of the smallest set."""
    present = [set_ for set_ in sets if set_ is not None]
    if len(present) < len(sets):
        return []
    present.sort(key=len)  # a stable sort: equal logs give equal orders
    common = present[0].members.items
    if limit:
        return _first_common(common, present[1:], limit)
    for other in present[1:]:
        positions = other.members.positions
        common = [member for member in common if member in positions]
    return common if len(present) > 1 else common.copy()


def _first_common(candidates: list[bytes], others: list[Set], limit: int) -> list[bytes]:
    common: list[bytes] = []
    for member in candidates:
        for other in others:
            if member not in other.members.positions:
                break
        else:
            common.append(member)
            if len(common) == limit:
                break
    return common


def _union(sets: list[Set | None]) -> list[bytes]:
    items = [set_.members.items for set_ in sets if set_ is not None]
    return list(dict.fromkeys(chain.from_iterable(items)))


def _difference(sets: list[Set | None]) -> list[bytes]:
    """Return the members of the first set that no other has, in their order."""
    if sets[0] is None:
        return []
    left = sets[0].members.items.copy()
    for other in sets[1:]:
        if other is not None:
            positions = other.members.positions
            left = [member for member in left if member not in positions]
    return left


def _store(keyspace: Keyspace, key: bytes, members: list[bytes]) -> int:
    """Make `members` the set at `key`, whatever was there; none of them: no key."""
    if members:
        set_ = Set()
        set_.extend(members)
        keyspace.set(key, set_)
    elif keyspace.contains(key):
        keyspace.delete(key)
    return len(members)
