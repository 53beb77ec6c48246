"""List commands that wait for an element: BLPOP and its relatives."""

from respkv.commands.blocking import NOT_SERVED, park, parse_timeout, serves
from respkv.commands.lists import lookup_list
from respkv.commands.table import BLOCKING, NOSCRIPT, WRITE, Argv, command
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


@serves("BLPOP", "BRPOP", type_name="list")
def _serve_pop(keyspace: Keyspace, argv: Argv, key: bytes) -> Reply:
    list_ = lookup_list(keyspace, key)
    if list_ is None:
        return NOT_SERVED
    popped = list_.pop_some(1, left=argv[0].upper() == b"BLPOP")
    keyspace.shrunk(key, list_)
    return [key, popped[0]]


def _pop_or_wait(keyspace: Keyspace, argv: Argv) -> Reply:
    timeout_ms = parse_timeout(argv[-1])
    keys = argv[1:-1]
    for key in keys:
        reply = _serve_pop(keyspace, argv, key)
        if reply is not NOT_SERVED:
            return reply
    return park(keyspace, argv, keys, timeout_ms)
