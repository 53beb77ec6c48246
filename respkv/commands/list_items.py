"""Items inside a list: read, found and changed by position or by value."""

from respkv.commands.arguments import INT64_MIN, parse_int64, parse_natural
from respkv.commands.lists import lookup_list
from respkv.commands.table import DENYOOM, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, CommandError, NoSuchKey
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.list import List
from respkv.wire.reply import LARGE_BYTES, OK, Reply, stepped_if_large


@command(arity=4, flags=READONLY, keys=(1, 1, 1), access="RO access", group="list", since="1.0.0",
         complexity="O(S+N) where S is the distance of start offset from HEAD for small lists, "
         "from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the "
         "specified range.", syntax="key start:integer stop:integer", summary="Get a range of "
         "elements from a list")  # fmt: skip
def lrange(keyspace: Keyspace, argv: Argv) -> Reply:
    first, last = parse_int64(argv[2]), parse_int64(argv[3])
    list_ = lookup_list(keyspace, argv[1])
    if list_ is None:
        return []
    items = list_.range(first, last)
    if list_.payload_bytes < LARGE_BYTES:
        return items
    return stepped_if_large(items, sum(map(len, items)))


@command(arity=3, flags=READONLY, keys=(1, 1, 1), access="RO access", group="list", since="1.0.0",
         complexity="O(N) where N is the number of elements to traverse to get to the element at "
         "index. This makes asking for the first or the last element of the list O(1).",
         syntax="key index:integer", summary="Get an element from a list by its index")  # fmt: skip
def lindex(keyspace: Keyspace, argv: Argv) -> bytes | None:
    list_ = lookup_list(keyspace, argv[1])
    if list_ is None:
        return None
    index = parse_int64(argv[2])
    return list_.items[index] if -len(list_) <= index < len(list_) else None


@command(arity=4, flags=WRITE | DENYOOM, keys=(1, 1, 1), access="RW update", group="list",
         since="1.0.0", complexity="O(N) where N is the length of the list. Setting either the "
         "first or the last element of the list is O(1).", syntax="key index:integer element",
         summary="Set the value of an element in a list by its index")  # fmt: skip
def lset(keyspace: Keyspace, argv: Argv) -> str:
    list_ = lookup_list(keyspace, argv[1])
    if list_ is None:
        raise NoSuchKey
    index = parse_int64(argv[2])
    if not -len(list_) <= index < len(list_):
        raise CommandError(b"ERR index out of range")
    list_.set(index, argv[3])
    keyspace.modified(argv[1])
    return OK


@command(arity=5, flags=WRITE | DENYOOM, keys=(1, 1, 1), access="RW insert", group="list",
         since="2.2.0", complexity="O(N) where N is the number of elements to traverse before "
         "seeing the value pivot. This means that inserting somewhere on the left end on the list "
         "(head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).",
         syntax="key where(BEFORE | AFTER) pivot element", summary="Insert an element before or "
         "after another element in a list")  # fmt: skip
def linsert(keyspace: Keyspace, argv: Argv) -> int:
    where = argv[2].lower()
    if where not in (b"before", b"after"):
        raise BadSyntax
    list_ = lookup_list(keyspace, argv[1])
    if list_ is None:
        return 0
    found = list_.find(argv[3], True, 0, 1, len(list_))
    if not found:
        return -1
    list_.insert(found[0] + (where == b"after"), argv[4])
    keyspace.modified(argv[1])
    return len(list_)


@command(arity=4, flags=WRITE, keys=(1, 1, 1), access="RW delete", group="list", since="1.0.0",
         complexity="O(N+M) where N is the length of the list and M is the number of elements "
         "removed.", syntax="key count:integer element", summary="Remove elements from a list"
         )  # fmt: skip
def lrem(keyspace: Keyspace, argv: Argv) -> int:
    count = parse_int64(argv[2])
    list_ = lookup_list(keyspace, argv[1])
    if list_ is None:
        return 0
    removed = list_.remove(argv[3], count >= 0, abs(count))
    if removed:
        keyspace.shrunk(argv[1], list_)
    return removed


@command(arity=4, flags=WRITE, keys=(1, 1, 1), access="RW delete", group="list", since="1.0.0",
         complexity="O(N) where N is the number of elements to be removed by the operation.",
         syntax="key start:integer stop:integer", summary="Trim a list to the specified range"
         )  # fmt: skip
def ltrim(keyspace: Keyspace, argv: Argv) -> str:
    first, last = parse_int64(argv[2]), parse_int64(argv[3])
    key = argv[1]
    list_ = lookup_list(keyspace, key)
    if list_ is None:
        return OK
    start, end = list_.bounds(first, last)
    kept = end - start
    if kept == 0:
        keyspace.delete(key)
    elif kept < len(list_) - kept:  # the larger part is freed later, in slices
        keyspace.set(key, List(list_.range(first, last)), keeps_deadline=True)
    else:
        list_.pop_some(len(list_) - end, left=False)
        list_.pop_some(start, left=True)
        keyspace.modified(key)
    return OK


@command(arity=-3, flags=READONLY, keys=(1, 1, 1), access="RO access", group="list",
         since="6.0.6", complexity="O(N) where N is the number of elements in the list, for the "
         "average case. When searching for elements near the head or the tail of the list, or when "
         "the MAXLEN option is provided, the command may run in constant time.", syntax="key "
         "element [RANK rank:integer] [COUNT num-matches:integer] [MAXLEN len:integer]",
         summary="Return the index of matching elements on a list")  # fmt: skip
def lpos(keyspace: Keyspace, argv: Argv) -> Reply:
    rank, count, within = 1, -1, 0
    for at in range(3, len(argv), 2):
        option = argv[at].upper()
        if option not in (b"RANK", b"COUNT", b"MAXLEN") or at + 1 == len(argv):
            raise BadSyntax
        if option == b"RANK":
            rank = parse_int64(argv[at + 1])
            if rank == 0:
                raise CommandError(
                    b"ERR RANK can't be zero: use 1 to start from the first match, 2 from the "
                    b"second ... or use negative to start from the end of the list"
                )
            continue
        number = parse_natural(argv[at + 1], b"ERR %b can't be negative" % option)
        if option == b"COUNT":
            count = number
        else:
            within = number
    list_ = lookup_list(keyspace, argv[1])
    if list_ is None:
        return None if count < 0 else []
    skip, limit = abs(rank) - 1, abs(count)
    if rank == INT64_MIN:  # in C its absolute value is negative, so that no count is reached
        skip, limit = 0, int(count < 0)
    found = list_.find(argv[2], rank > 0, skip, limit, within or len(list_))
    if count >= 0:
        return found
    return found[0] if found else None
