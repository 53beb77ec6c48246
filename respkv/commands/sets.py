"""Sets: members added, removed, moved and looked up by name."""

from respkv.commands.key_specs import KeySpec
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import WrongType
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.set import Set
from respkv.wire.reply import Reply, SetReply, stepped_if_large


@command(arity=-3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW insert", group="set",
         since="1.0.0", complexity="O(1) for each element added, so O(N) to add N elements when "
         "the command is called with multiple arguments.", syntax="key member...", summary="Add "
         "one or more members to a set", history=(("2.4.0", "Accepts multiple `member` "
         "arguments."),))  # fmt: skip
def sadd(keyspace: Keyspace, argv: Argv) -> int:
    key = argv[1]
    set_ = lookup_set(keyspace, key)
    if set_ is None:
        set_ = Set()
        set_.add_all(argv[2:])
        keyspace.set(key, set_)
        return len(set_)
    added = set_.add_all(argv[2:])
    if added:
        keyspace.modified(key)
    return added


@command(arity=-3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW delete", group="set",
         since="1.0.0", complexity="O(N) where N is the number of members to be removed.",
         syntax="key member...", summary="Remove one or more members from a set",
         history=(("2.4.0", "Accepts multiple `member` arguments."),))  # fmt: skip
def srem(keyspace: Keyspace, argv: Argv) -> int:
    set_ = lookup_set(keyspace, argv[1])
    if set_ is None:
        return 0
    removed = 0
    for member in argv[2:]:
        if set_.remove(member):
            removed += 1
    if removed:
        keyspace.shrunk(argv[1], set_)
    return removed


@command(arity=4, flags=WRITE | FAST, specs=(KeySpec("RW access delete", (1, 1, 1)), KeySpec("RW "
         "insert", (2, 2, 1)),), group="set", since="1.0.0", syntax="source:key destination:key#1 "
         "member", summary="Move a member from one set to another")  # fmt: skip
def smove(keyspace: Keyspace, argv: Argv) -> int:
    key, new_key, member = argv[1], argv[2], argv[3]
    source = lookup_set(keyspace, key)
    if source is None:
        return 0
    destination = lookup_set(keyspace, new_key)
    if source is destination:
        return int(member in source.members.positions)
    if not source.remove(member):
        return 0
    keyspace.shrunk(key, source)
    sadd(keyspace, [argv[0], new_key, member])
    return 1


@command(arity=3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="set", since="1.0.0",
         syntax="key member", summary="Determine if a given value is a member of a set"
         )  # fmt: skip
def sismember(keyspace: Keyspace, argv: Argv) -> int:
    set_ = lookup_set(keyspace, argv[1])
    return int(set_ is not None and argv[2] in set_.members.positions)


@command(arity=-3, flags=READONLY | FAST, keys=(1, 1, 1), access="RO access", group="set",
         since="6.2.0", complexity="O(N) where N is the number of elements being checked for "
         "membership", syntax="key member...", summary="Returns the membership associated with the "
         "given elements for a set")  # fmt: skip
def smismember(keyspace: Keyspace, argv: Argv) -> list[int]:
    set_ = lookup_set(keyspace, argv[1])
    if set_ is None:
        return [0] * (len(argv) - 2)
    positions = set_.members.positions
    return [int(member in positions) for member in argv[2:]]


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="set", since="1.0.0",
         syntax="key", summary="Get the number of members in a set")  # fmt: skip
def scard(keyspace: Keyspace, argv: Argv) -> int:
    set_ = lookup_set(keyspace, argv[1])
    return 0 if set_ is None else len(set_)


@command(arity=2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="set", since="1.0.0",
         complexity="O(N) where N is the set cardinality.",
         tips=("nondeterministic_output_order",), syntax="key", summary="Get all the members in a "
         "set")  # fmt: skip
def smembers(keyspace: Keyspace, argv: Argv) -> Reply:
    set_ = lookup_set(keyspace, argv[1])
    if set_ is None:
        return SetReply([])
    return stepped_if_large(SetReply(set_.in_order(keyspace.limits)), set_.payload_bytes)


def lookup_set(keyspace: Keyspace, key: bytes) -> Set | None:
    """Return the set at `key`, None when there is none.

    Raises:
        WrongType: the key holds another type.
    """
    value = keyspace.lookup(key)
    if value is None or isinstance(value, Set):
        return value
    raise WrongType
