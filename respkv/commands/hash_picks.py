"""Fields of a hash that nobody named: HRANDFIELD and HSCAN."""

from respkv.commands.hashes import lookup_hash
from respkv.commands.random_picks import parse_picks, pick
from respkv.commands.scan_options import scan_options
from respkv.commands.table import READONLY, Argv, command
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import Pairs, Reply


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
    fields, values = hash_.fields.items, hash_.values
    picked = pick(keyspace.chance(), len(hash_), count)
    picked_fields = [fields[position] for position in picked]
    if not with_values:
        return picked_fields
    return Pairs(picked_fields, [values[position] for position in picked])


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
    cursor, start, end = options.range_of(hash_.fields, compact)
    found: list[bytes] = []
    for position in range(end - 1, start - 1, -1):
        field = hash_.fields.items[position]
        if options.matches is None or options.matches(field):
            found += (field, hash_.values[position])
    return [b"%d" % cursor, found]
