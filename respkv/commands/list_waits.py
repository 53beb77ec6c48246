"""List commands that wait for an element: BLPOP and its relatives."""

from respkv.commands.blocking import NOT_SERVED, park, parse_timeout, serve_or_park, serves
from respkv.commands.key_specs import KeySpec
from respkv.commands.list_moves import is_left, move, pop_many
from respkv.commands.lists import lookup_list
from respkv.commands.many_pops import ManyPop
from respkv.commands.table import BLOCKING, DENYOOM, NOSCRIPT, WRITE, Argv, command
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import Reply


@command(arity=-3, flags=WRITE | NOSCRIPT | BLOCKING, keys=(1, -2, 1), access="RW access delete",
         group="list", since="2.0.0", complexity="O(N) where N is the number of provided keys.",
         syntax="key... timeout:double", summary="Remove and get the first element in a list, or "
         "block until one is available", history=(("6.0.0", "`timeout` is interpreted as a double "
         "instead of an integer."),))  # fmt: skip
def blpop(keyspace: Keyspace, argv: Argv) -> Reply:
    return _pop_or_wait(keyspace, argv)


@command(arity=-3, flags=WRITE | NOSCRIPT | BLOCKING, keys=(1, -2, 1), access="RW access delete",
         group="list", since="2.0.0", complexity="O(N) where N is the number of provided keys.",
         syntax="key... timeout:double", summary="Remove and get the last element in a list, or "
         "block until one is available", history=(("6.0.0", "`timeout` is interpreted as a double "
         "instead of an integer."),))  # fmt: skip
def brpop(keyspace: Keyspace, argv: Argv) -> Reply:
    return _pop_or_wait(keyspace, argv)


@command(arity=-5, flags=WRITE | BLOCKING, specs=(KeySpec("RW access delete", (2, 0, 1),
         counted=True),), group="list", since="7.0.0", complexity="O(N+M) where N is the number of "
         "provided keys and M is the number of elements returned.", syntax="timeout:double "
         "numkeys:integer key... where(LEFT | RIGHT) [COUNT count:integer]", summary="Pop elements "
         "from a list, or block until one is available")  # fmt: skip
def blmpop(keyspace: Keyspace, argv: Argv) -> Reply:
    wanted = ManyPop(argv, 2, b"LEFT", b"RIGHT")
    timeout_ms = parse_timeout(argv[1])
    return serve_or_park(
        keyspace, argv, wanted.keys, timeout_ms, lambda key: pop_many(keyspace, wanted, key)
    )


@command(arity=6, flags=WRITE | DENYOOM | NOSCRIPT | BLOCKING, specs=(KeySpec("RW access delete",
         (1, 1, 1)), KeySpec("RW insert", (2, 2, 1)),), group="list", since="6.2.0",
         syntax="source:key destination:key#1 wherefrom(LEFT | RIGHT) whereto(LEFT | RIGHT) "
         "timeout:double", summary="Pop an element from a list, push it to another list and return "
         "it; or block until one is available")  # fmt: skip
def blmove(keyspace: Keyspace, argv: Argv) -> Reply:
    from_left, to_left = is_left(argv[3]), is_left(argv[4])
    timeout_ms = parse_timeout(argv[5])
    item = move(keyspace, argv[1], argv[2], from_left, to_left)
    return park(keyspace, argv, argv[1:2], timeout_ms, None) if item is None else item


@command(arity=4, flags=WRITE | DENYOOM | NOSCRIPT | BLOCKING, specs=(KeySpec("RW access delete",
         (1, 1, 1)), KeySpec("RW insert", (2, 2, 1)),), group="list", since="2.2.0",
         deprecated=("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments"),
         syntax="source:key destination:key#1 timeout:double", summary="Pop an element from a "
         "list, push it to another list and return it; or block until one is available",
         history=(("6.0.0", "`timeout` is interpreted as a double instead of an integer."),)
         )  # fmt: skip
def brpoplpush(keyspace: Keyspace, argv: Argv) -> Reply:
    timeout_ms = parse_timeout(argv[3])
    item = move(keyspace, argv[1], argv[2], False, True)
    return park(keyspace, argv, argv[1:2], timeout_ms, None) if item is None else item


@serves("BLPOP", "BRPOP", type_name="list")
def _serve_pop(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    list_ = lookup_list(keyspace, key)
    if list_ is None:
        return NOT_SERVED
    item = list_.pop(left=argv[0].upper() == b"BLPOP")
    keyspace.shrunk(key, list_)
    return [key, item]


@serves("BLMPOP", type_name="list")
def _serve_many_pop(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    return pop_many(keyspace, ManyPop(argv, 2, b"LEFT", b"RIGHT"), key)


@serves("BLMOVE", type_name="list")
def _serve_move(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    return move(keyspace, key, argv[2], is_left(argv[3]), is_left(argv[4]))


@serves("BRPOPLPUSH", type_name="list")
def _serve_rotation(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    return move(keyspace, key, argv[2], False, True)


def _pop_or_wait(keyspace: Keyspace, argv: Argv) -> Reply:
    timeout_ms = parse_timeout(argv[-1])
    return serve_or_park(
        keyspace, argv, argv[1:-1], timeout_ms, lambda key: _serve_pop(keyspace, argv, key)
    )
