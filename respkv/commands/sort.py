"""SORT and SORT_RO: the elements of a list, set or sorted set in an order of their own.

ALPHA compares bytes, as Redis does in the C locale.
"""

from typing import Any, Final

from respkv.commands.arguments import INT64_MAX, INT64_MIN, parse_range
from respkv.commands.key_specs import KeySpec
from respkv.commands.keys import in_cluster
from respkv.commands.long_sort import long_sort, sort_at_once
from respkv.commands.sort_keys import Options, as_c, elements_of
from respkv.commands.table import DENYOOM, MAY_STORE, READONLY, WRITE, Argv, Command, command
from respkv.errors import BadSyntax, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.list import List
from respkv.keyspace.set import Set
from respkv.wire.long_reply import LONG_ITEMS
from respkv.wire.reply import Reply, SteppedReply

_SKIPPED: Final = {b"LIMIT": 2, b"GET": 1, b"BY": 1}


def store_position(argv: Argv) -> list[int]:
    """Return where the key after STORE is; the last one counts, as in Redis."""
    found: list[int] = []
    position = 2
    while position < len(argv):
        option = argv[position].upper()
        if option == b"STORE" and position + 1 < len(argv):
            found = [position + 1]
        position += 1 + _SKIPPED.get(option, 0)
    return found


def is_logged(command: Command, argv: Argv) -> bool:
    """Return whether a command may change the keyspace, and so travels in the log."""
    if command.flags & MAY_STORE:
        return bool(store_position(argv))
    return command.flags & WRITE != 0


@command(arity=-2, flags=WRITE | DENYOOM | MAY_STORE, specs=(KeySpec("RO access", (1, 1, 1)), KeySpec("RO "
         "access", (0, 0, 0), unknown=True, notes="For the optional BY/GET keyword. It is marked "
         "'unknown' because the key names derive from the content of the key we sort"),
         KeySpec("OW update", (0, 0, 0), unknown=True, notes="For the optional STORE keyword. It "
         "is marked 'unknown' because the keyword can appear anywhere in the argument array", finder=store_position),),
         group="generic", since="1.0.0", complexity="O(N+M*log(M)) where N is the number of "
         "elements in the list or set to sort, and M the number of returned elements. When the "
         "elements are not sorted, complexity is O(N).", categories=("-keyspace", "set", "sortedset", "list",
         "dangerous",), syntax="key [BY pattern#1] [LIMIT offset_count(offset:integer "
         "count:integer)] [GET pattern#1...!] [order(ASC | DESC)] [ALPHA=sorting] [STORE "
         "destination:key#2]", summary="Sort the elements in a list, set or sorted set"
         )  # fmt: skip
def sort(keyspace: Keyspace, argv: Argv) -> Reply:
    options = _parse_options(keyspace, argv, may_store=True)
    result = _sort(keyspace, argv[1], options)
    if options.store is None:
        return result
    items = [b"" if item is None else item for item in result]
    if items:
        keyspace.set(options.store, List(items))
    else:
        keyspace.delete(options.store)
    return len(items)


@command(arity=-2, flags=READONLY, specs=(KeySpec("RO access", (1, 1, 1)), KeySpec("RO access",
         (0, 0, 0), unknown=True, notes="For the optional BY/GET keyword. It is marked 'unknown' "
         "because the key names derive from the content of the key we sort"),), group="generic",
         since="7.0.0", complexity="O(N+M*log(M)) where N is the number of elements in the list or "
         "set to sort, and M the number of returned elements. When the elements are not sorted, "
         "complexity is O(N).", categories=("-keyspace", "set", "sortedset", "list", "dangerous",), syntax="key "
         "[BY pattern#1] [LIMIT offset_count(offset:integer count:integer)] [GET pattern#1...!] "
         "[order(ASC | DESC)] [ALPHA=sorting]", summary="Sort the elements in a list, set or "
         "sorted set. Read-only variant of SORT.")  # fmt: skip
def sort_ro(keyspace: Keyspace, argv: Argv) -> Reply:
    return _sort(keyspace, argv[1], _parse_options(keyspace, argv, may_store=False))


def _parse_options(keyspace: Keyspace, argv: Argv, may_store: bool) -> Options:
    options = Options()
    position = 2
    while position < len(argv):
        option = argv[position].upper()
        left = len(argv) - position - 1
        position += 1
        if option in (b"ASC", b"DESC"):
            options.descending = option == b"DESC"
        elif option == b"ALPHA":
            options.alpha = True
        elif option == b"LIMIT" and left >= 2:
            options.offset = parse_range(argv[position], INT64_MIN, INT64_MAX)
            options.count = parse_range(argv[position + 1], INT64_MIN, INT64_MAX)
            position += 2
        elif option == b"STORE" and left >= 1 and may_store:
            options.store = argv[position]
            position += 1
        elif option == b"BY" and left >= 1:
            options.by = argv[position]
            if b"*" not in as_c(options.by):
                options.sorts = False
            elif in_cluster(keyspace):
                raise CommandError(b"ERR BY option of SORT denied in Cluster mode.")
            position += 1
        elif option == b"GET" and left >= 1:
            if in_cluster(keyspace):
                raise CommandError(b"ERR GET option of SORT denied in Cluster mode.")
            options.gets.append(argv[position])
            position += 1
        else:
            raise BadSyntax
    return options


def _sort(keyspace: Keyspace, key: bytes, options: Options) -> Reply:
    value = keyspace.lookup(key)
    if isinstance(value, Set) and not options.sorts and options.store is not None:
        options.sorts = options.alpha = True  # what is stored must not follow from its own order
        options.by = None
    elements = elements_of(keyspace, value, options)
    if len(elements) >= LONG_ITEMS and options.store is None:
        held: list[list[Any]] = []
        looks_up = bool(options.gets) or (options.sorts and options.by is not None)
        return SteppedReply(long_sort(keyspace, key, elements, options, held), held, looks_up)
    return sort_at_once(keyspace, elements, options)
