"""Lists and other lists: items moved from one to the next, or popped from the first that has some."""

from respkv.commands.blocking import NOT_SERVED, first_served
from respkv.commands.key_specs import KeySpec
from respkv.commands.lists import lookup_list, push
from respkv.commands.many_pops import ManyPop
from respkv.commands.table import DENYOOM, WRITE, Argv, command
from respkv.errors import BadSyntax
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import NULL_ARRAY, Reply


@command(arity=5, flags=WRITE | DENYOOM, specs=(KeySpec("RW access delete", (1, 1, 1)),
         KeySpec("RW insert", (2, 2, 1)),), group="list", since="6.2.0", syntax="source:key "
         "destination:key#1 wherefrom(LEFT | RIGHT) whereto(LEFT | RIGHT)", summary="Pop an "
         "element from a list, push it to another list and return it")  # fmt: skip
def lmove(keyspace: Keyspace, argv: Argv) -> bytes | None:
    from_left, to_left = is_left(argv[3]), is_left(argv[4])
    return move(keyspace, argv[1], argv[2], from_left, to_left)


@command(arity=3, flags=WRITE | DENYOOM, specs=(KeySpec("RW access delete", (1, 1, 1)),
         KeySpec("RW insert", (2, 2, 1)),), group="list", since="1.2.0", deprecated=("6.2.0",
         "`LMOVE` with the `RIGHT` and `LEFT` arguments"), syntax="source:key destination:key#1",
         summary="Remove the last element in a list, prepend it to another list and return it"
         )  # fmt: skip
def rpoplpush(keyspace: Keyspace, argv: Argv) -> bytes | None:
    return move(keyspace, argv[1], argv[2], False, True)


@command(arity=-4, flags=WRITE, specs=(KeySpec("RW access delete", (1, 0, 1), counted=True),),
         group="list", since="7.0.0", complexity="O(N+M) where N is the number of provided keys "
         "and M is the number of elements returned.", syntax="numkeys:integer key... where(LEFT | "
         "RIGHT) [COUNT count:integer]", summary="Pop elements from a list")  # fmt: skip
def lmpop(keyspace: Keyspace, argv: Argv) -> Reply:
    wanted = ManyPop(argv, 1, b"LEFT", b"RIGHT")
    reply = first_served(wanted.keys, lambda key: pop_many(keyspace, wanted, key))
    return NULL_ARRAY if reply is NOT_SERVED else reply


def pop_many(keyspace: Keyspace, wanted: ManyPop, key: bytes) -> Reply:
    """Return the key and what was popped from it, NOT_SERVED where there is no list.

    Raises:
        WrongType: the key holds another type.
    """
    list_ = lookup_list(keyspace, key)
    if list_ is None:
        return NOT_SERVED
    popped = list_.pop_some(wanted.count, wanted.from_first)
    keyspace.shrunk(key, list_)
    return [key, popped]


def is_left(text: bytes) -> bool:
    """Return whether the word is LEFT.

    Raises:
        BadSyntax: nor is it RIGHT.
    """
    word = text.upper()
    if word not in (b"LEFT", b"RIGHT"):
        raise BadSyntax
    return word == b"LEFT"


def move(
    keyspace: Keyspace, source_key: bytes, key: bytes, from_left: bool, to_left: bool
) -> bytes | None:
    """Move an item between lists, which may be the same, and return it; None without a source.

    Raises:
        WrongType: one of the keys holds another type.
    """
    source = lookup_list(keyspace, source_key)
    if source is None:
        return None
    lookup_list(keyspace, key)  # nothing below this line can fail
    item = source.pop(from_left)
    push(keyspace, key, [item], to_left)
    keyspace.shrunk(source_key, source)
    return item
