"""Members of a sorted set that nobody named: ZRANDMEMBER and ZSCAN."""

from respkv.commands.random_picks import parse_picks, picks
from respkv.commands.scan_options import scan_options
from respkv.commands.table import READONLY, Argv, command
from respkv.commands.zsets import lookup_zset
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import Pairs, Reply, format_double


@command(arity=-2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="6.2.0", complexity="O(N) where N is the number of elements returned",
         tips=("nondeterministic_output",), syntax="key [options(count:integer [WITHSCORES])]",
         summary="Get one or multiple random elements from a sorted set")  # fmt: skip
def zrandmember(keyspace: Keyspace, argv: Argv) -> Reply:
    key = argv[1]
    if len(argv) == 2:
        zset = lookup_zset(keyspace, key)
        if zset is None:
            return None
        return zset.members.items[keyspace.chance().below(len(zset))]
    count, with_scores = parse_picks(argv[2:], b"WITHSCORES")
    zset = lookup_zset(keyspace, key)
    if zset is None or count == 0:
        return []
    if count >= len(zset):  # all of them, from the highest score down
        picked = zset.order.members(0, len(zset), reverse=True)
        if not with_scores:
            return picked
        return Pairs(picked, zset.order.scores(0, len(zset), reverse=True))
    return picks(keyspace.chance(), count, zset.members.items, zset.scores if with_scores else None)


@command(arity=-3, flags=READONLY, keys=(1, 1, 1), access="RO access", group="sorted-set",
         since="2.8.0", complexity="O(1) for every call. O(N) for a complete iteration, including "
         "enough command calls for the cursor to return back to 0. N is the number of elements "
         "inside the collection..", tips=("nondeterministic_output",), syntax="key cursor:integer "
         "[MATCH pattern] [COUNT count:integer]", summary="Incrementally iterate sorted sets "
         "elements and associated scores")  # fmt: skip
def zscan(keyspace: Keyspace, argv: Argv) -> Reply:
    options = scan_options(argv)
    zset = lookup_zset(keyspace, argv[1])
    if zset is None:
        return [b"0", []]
    options.parse(argv, 3)
    compact = zset.encoding(keyspace.limits) == b"listpack"
    text = _listpack_score if compact else format_double
    return options.reply_with_values(zset.members, zset.scores, compact, text)


def _listpack_score(score: float) -> bytes:
    """Return a score as ZSCAN prints that of a listpack: whole numbers in all their digits."""
    if abs(score) < 1 << 62 and score.is_integer():
        return b"%d" % int(score)
    return format_double(score)
