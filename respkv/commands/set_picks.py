"""Members of a set that nobody named: SPOP, SRANDMEMBER and SSCAN."""

from itertools import compress

from respkv.commands.arguments import parse_natural
from respkv.commands.random_picks import parse_picks, pick, picks
from respkv.commands.scan_options import scan_options
from respkv.commands.sets import lookup_set
from respkv.commands.table import FAST, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import Reply, SetReply


@command(arity=-2, flags=WRITE | FAST, keys=(1, 1, 1), access="RW access delete", group="set",
         since="1.0.0", complexity="Without the count argument O(1), otherwise O(N) where N is the "
         "value of the passed count.", tips=("nondeterministic_output",), syntax="key "
         "[count:integer@3.2.0]", summary="Remove and return one or multiple random members from a "
         "set", history=(("3.2.0", "Added the `count` argument."),))  # fmt: skip
def spop(keyspace: Keyspace, argv: Argv) -> Reply:
    if len(argv) > 3:
        raise BadSyntax
    key = argv[1]
    count = parse_natural(argv[2]) if len(argv) == 3 else -1
    set_ = lookup_set(keyspace, key)
    if set_ is None:
        return None if count < 0 else SetReply([])
    if count < 0:
        member = set_.pop(keyspace.chance().below(len(set_)))
        keyspace.shrunk(key, set_)
        return member
    left = len(set_) - count
    if left <= 0:
        popped = set_.members.items.copy()
        keyspace.delete(key)
    elif left < count and keyspace.semantics >= 2:  # the larger part is freed later, in slices
        kept = sorted(pick(keyspace.chance(), len(set_), left))
        is_popped = bytearray(b"\1") * len(set_)
        for position in kept:
            is_popped[position] = 0
        popped = list(compress(set_.members.items, is_popped))
        keyspace.set(key, set_.of_positions(kept), keeps_deadline=True)
    else:
        chance = keyspace.chance()
        popped = [set_.pop(chance.below(len(set_))) for _ in range(count)]
        if popped:
            keyspace.modified(key)
    return SetReply(popped)


@command(arity=-2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="set", since="1.0.0",
         complexity="Without the count argument O(1), otherwise O(N) where N is the absolute value "
         "of the passed count.", tips=("nondeterministic_output",), syntax="key "
         "[count:integer@2.6.0]", summary="Get one or multiple random members from a set",
         history=(("2.6.0", "Added the optional `count` argument."),))  # fmt: skip
def srandmember(keyspace: Keyspace, argv: Argv) -> Reply:
    if len(argv) > 3:
        raise BadSyntax
    count = parse_picks(argv[2:], b"")[0] if len(argv) == 3 else 1
    set_ = lookup_set(keyspace, argv[1])
    if set_ is None:
        return None if len(argv) == 2 else []
    members = set_.members.items
    if len(argv) == 2:
        return members[keyspace.chance().below(len(members))]
    return picks(keyspace.chance(), count, members)


@command(arity=-3, flags=READONLY, keys=(1, 1, 1), access="RO access", group="set", since="2.8.0",
         complexity="O(1) for every call. O(N) for a complete iteration, including enough command "
         "calls for the cursor to return back to 0. N is the number of elements inside the "
         "collection..", tips=("nondeterministic_output",), syntax="key cursor:integer [MATCH "
         "pattern] [COUNT count:integer]", summary="Incrementally iterate Set elements"
         )  # fmt: skip
def sscan(keyspace: Keyspace, argv: Argv) -> Reply:
    options = scan_options(argv)
    set_ = lookup_set(keyspace, argv[1])
    if set_ is None:
        return [b"0", []]
    options.parse(argv, 3)
    compact = set_.encoding(keyspace.limits) == b"intset"
    return options.reply(set_.members, compact)
