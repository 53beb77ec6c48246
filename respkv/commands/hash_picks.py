"""Fields of a hash that nobody named: HRANDFIELD and HSCAN."""

from respkv.commands.hashes import lookup_hash
from respkv.commands.random_picks import parse_picks, picks
from respkv.commands.scan_options import scan_options
from respkv.commands.table import READONLY, Argv, command
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import Reply


@command(arity=-2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="hash", since="6.2.0", complexity="O(N) where N is the number of fields "
         "returned", tips=("nondeterministic_output",), syntax="key [options(count:integer "
         "[WITHVALUES])]", summary="Get one or multiple random fields from a hash")  # fmt: skip
def hrandfield(keyspace: Keyspace, argv: Argv) -> Reply:
    key = argv[1]
    if len(argv) == 2:
        hash_ = lookup_hash(keyspace, key)
        if hash_ is None:
            return None
        return hash_.fields.items[keyspace.chance().below(len(hash_))]
    count, with_values = parse_picks(argv[2:], b"WITHVALUES")
    hash_ = lookup_hash(keyspace, key)
    if hash_ is None or count == 0:
        return []
    values = hash_.values if with_values else None
    return picks(keyspace.chance(), count, hash_.fields.items, values)


@command(arity=-3, flags=READONLY, keys=(1, 1, 1), access="RO access", group="hash", since="2.8.0", complexity="O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the "
         "collection..", tips=("nondeterministic_output",), syntax="key cursor:integer [MATCH "
         "pattern] [COUNT count:integer]", summary="Incrementally iterate hash fields and "
         "associated values")  # fmt: skip
def hscan(keyspace: Keyspace, argv: Argv) -> Reply:
    options = scan_options(argv)
    hash_ = lookup_hash(keyspace, argv[1])
    if hash_ is None:
        return [b"0", []]
    options.parse(argv, 3)
    compact = hash_.encoding(keyspace.limits) == b"listpack"
    return options.reply_with_values(hash_.fields, hash_.values, compact, bytes)
