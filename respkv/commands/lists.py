"""Lists at their ends: pushed, popped, counted."""

from respkv.commands.arguments import parse_natural
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import WrongArity, WrongType
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.list import List
from respkv.wire.reply import NULL_ARRAY, Reply


@command(arity=-3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW insert", group="list",
         since="1.0.0", complexity="O(1) for each element added, so O(N) to add N elements when "
         "the command is called with multiple arguments.", syntax="key element...",
         summary="Prepend one or multiple elements to a list", history=(("2.4.0", "Accepts "
         "multiple `element` arguments."),))  # fmt: skip
def lpush(keyspace: Keyspace, argv: Argv) -> int:
    return push(keyspace, argv[1], argv[2:], left=True)


@command(arity=-3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW insert", group="list",
         since="1.0.0", complexity="O(1) for each element added, so O(N) to add N elements when "
         "the command is called with multiple arguments.", syntax="key element...",
         summary="Append one or multiple elements to a list", history=(("2.4.0", "Accepts multiple "
         "`element` arguments."),))  # fmt: skip
def rpush(keyspace: Keyspace, argv: Argv) -> int:
    return push(keyspace, argv[1], argv[2:], left=False)


@command(arity=-3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW insert", group="list",
         since="2.2.0", complexity="O(1) for each element added, so O(N) to add N elements when "
         "the command is called with multiple arguments.", syntax="key element...",
         summary="Prepend an element to a list, only if the list exists", history=(("4.0.0",
         "Accepts multiple `element` arguments."),))  # fmt: skip
def lpushx(keyspace: Keyspace, argv: Argv) -> int:
    if lookup_list(keyspace, argv[1]) is None:
        return 0
    return push(keyspace, argv[1], argv[2:], left=True)


@command(arity=-3, flags=WRITE | DENYOOM | FAST, keys=(1, 1, 1), access="RW insert", group="list",
         since="2.2.0", complexity="O(1) for each element added, so O(N) to add N elements when "
         "the command is called with multiple arguments.", syntax="key element...",
         summary="Append an element to a list, only if the list exists", history=(("4.0.0",
         "Accepts multiple `element` arguments."),))  # fmt: skip
def rpushx(keyspace: Keyspace, argv: Argv) -> int:
    if lookup_list(keyspace, argv[1]) is None:
        return 0
    return push(keyspace, argv[1], argv[2:], left=False)


@command(arity=-2, flags=WRITE | FAST, keys=(1, 1, 1), access="RW access delete", group="list",
         since="1.0.0", complexity="O(N) where N is the number of elements returned", syntax="key "
         "[count:integer@6.2.0]", summary="Remove and get the first elements in a list",
         history=(("6.2.0", "Added the `count` argument."),))  # fmt: skip
def lpop(keyspace: Keyspace, argv: Argv) -> Reply:
    return _pop(keyspace, argv, left=True)


@command(arity=-2, flags=WRITE | FAST, keys=(1, 1, 1), access="RW access delete", group="list",
         since="1.0.0", complexity="O(N) where N is the number of elements returned", syntax="key "
         "[count:integer@6.2.0]", summary="Remove and get the last elements in a list",
         history=(("6.2.0", "Added the `count` argument."),))  # fmt: skip
def rpop(keyspace: Keyspace, argv: Argv) -> Reply:
    return _pop(keyspace, argv, left=False)


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="list", since="1.0.0",
         syntax="key", summary="Get the length of a list")  # fmt: skip
def llen(keyspace: Keyspace, argv: Argv) -> int:
    list_ = lookup_list(keyspace, argv[1])
    return 0 if list_ is None else len(list_)


def lookup_list(keyspace: Keyspace, key: bytes) -> List | None:
    """Return the list at `key`, None when there is none.

    Raises:
        WrongType: the key holds another type.
    """
    value = keyspace.lookup(key)
    if value is None or isinstance(value, List):
        return value
    raise WrongType


def push(keyspace: Keyspace, key: bytes, items: list[bytes], left: bool) -> int:
    """Push to the list at `key`, a new one if there is none, and return its length.

    Raises:
        WrongType: the key holds another type.
    """
    list_ = lookup_list(keyspace, key)
    if list_ is None:
        list_ = List()
        keyspace.set(key, list_)
    list_.push(items, left)
    keyspace.modified(key)
    return len(list_.items)


def _pop(keyspace: Keyspace, argv: Argv, left: bool) -> Reply:
    if len(argv) > 3:
        raise WrongArity(argv[0].lower())
    if len(argv) == 3:
        return _pop_many(keyspace, argv, left)
    list_ = lookup_list(keyspace, argv[1])
    if list_ is None:
        return None
    item = list_.pop(left)
    keyspace.shrunk(argv[1], list_)
    return item


def _pop_many(keyspace: Keyspace, argv: Argv, left: bool) -> Reply:
    count = parse_natural(argv[2])
    list_ = lookup_list(keyspace, argv[1])
    if list_ is None:
        return NULL_ARRAY
    if count == 0:
        return []
    popped = list_.pop_some(count, left)
    keyspace.shrunk(argv[1], list_)
    return popped
