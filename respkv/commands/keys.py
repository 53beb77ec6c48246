"""Keys of any type: DEL, RENAME, COPY and their relatives."""

from typing import Final

from respkv.commands.arguments import INT32_MAX, INT32_MIN, parse_range
from respkv.commands.key_specs import KeySpec
from respkv.commands.table import DENYOOM, FAST, READONLY, WRITE, Argv, command
from respkv.errors import (
    BadSyntax,
    CommandError,
    InvalidDatabase,
    NoSuchKey,
    SameObject,
)
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.values import copy_value, type_name
from respkv.wire.reply import OK

CLUSTER_COPY_DATABASES: Final = 16  # Redis' `databases`: beyond it another error comes first


@command(arity=-2, flags=WRITE, keys=(1, -1, 1), access="RM delete", group="generic",
         since="1.0.0", tips=("request_policy:multi_shard", "response_policy:agg_sum"),
         complexity="O(N) where N is the number of keys that will be removed. When a key to "
         "remove holds a value other than a string, the individual complexity for this key is "
         "O(M) where M is the number of elements in the list, set, sorted set or hash. Removing "
         "a single key that holds a string value is O(1).", syntax="key...",
         summary="Delete a key")  # fmt: skip
def del_(keyspace: Keyspace, argv: Argv) -> int:
    removed = 0
    for key in argv[1:]:
        if keyspace.contains(key):
            keyspace.delete(key)
            removed += 1
    return removed


@command(arity=-2, flags=WRITE | FAST, keys=(1, -1, 1), access="RM delete", group="generic",
         since="4.0.0", tips=("request_policy:multi_shard", "response_policy:agg_sum"),
         complexity="O(1) for each key removed regardless of its size; memory is freed in slices.",
         syntax="key...", summary="Delete a key (the same as DEL)")  # fmt: skip
def unlink(keyspace: Keyspace, argv: Argv) -> int:
    return del_(keyspace, argv)


@command(arity=-2, flags=READONLY | FAST, keys=(1, -1, 1), access="RO", group="generic",
         since="1.0.0", tips=("request_policy:multi_shard", "response_policy:agg_sum"),
         complexity="O(N) where N is the number of keys to check.", syntax="key...",
         summary="Determine if a key exists",
         history=(("3.0.3", "Accepts multiple `key` arguments."),))  # fmt: skip
def exists(keyspace: Keyspace, argv: Argv) -> int:
    """Count each key as often as it is named."""
    found = 0
    for key in argv[1:]:
        if keyspace.contains(key):
            found += 1
    return found


@command(arity=-2, flags=READONLY | FAST, keys=(1, -1, 1), access="RO", group="generic",
         since="3.2.1", tips=("request_policy:multi_shard", "response_policy:agg_sum"),
         complexity="O(N) where N is the number of keys that will be touched.", syntax="key...",
         summary="Alters the last access time of a key(s). Returns the number of existing keys "
         "specified.")  # fmt: skip
def touch(keyspace: Keyspace, argv: Argv) -> int:
    """Alter it where it is kept, see `respkv.keyspace.accesses`."""
    found = 0
    for key in argv[1:]:
        if keyspace.lookup(key) is not None:
            found += 1
    return found


@command(arity=2, flags=READONLY | FAST, keys=(1, 1, 1), access="RO", group="generic",
         since="1.0.0", syntax="key", summary="Determine the type stored at key")  # fmt: skip
def type_(keyspace: Keyspace, argv: Argv) -> str:
    value = keyspace.peek(argv[1])
    return "none" if value is None else type_name(value)


@command(arity=3, flags=WRITE, specs=(KeySpec("RW access delete", (1, 1, 1)), KeySpec("OW "
         "update", (2, 2, 1))), group="generic", since="1.0.0", syntax="key newkey:key#1",
         summary="Rename a key")  # fmt: skip
def rename(keyspace: Keyspace, argv: Argv) -> str:
    _rename(keyspace, argv[1], argv[2], replace=True)
    return OK


@command(arity=3, flags=WRITE | FAST, specs=(KeySpec("RW access delete", (1, 1, 1)), KeySpec("OW "
         "insert", (2, 2, 1))), group="generic", since="1.0.0", syntax="key newkey:key#1",
         summary="Rename a key, only if the new key does not exist",
         history=(("3.2.0", "The command no longer returns an error when source and destination "
         "names are the same."),))  # fmt: skip
def renamenx(keyspace: Keyspace, argv: Argv) -> int:
    return int(_rename(keyspace, argv[1], argv[2], replace=False))


@command(arity=-3, flags=WRITE | DENYOOM,
         specs=(KeySpec("RO access", (1, 1, 1)), KeySpec("OW update", (2, 2, 1))),
         group="generic", since="6.2.0", complexity="O(N) worst case for collections, where N is "
         "the number of nested items. O(1) for string values.",
         syntax="source:key destination:key#1 [DB destination-db:integer] [REPLACE]",
         summary="Copy a key")  # fmt: skip
def copy(keyspace: Keyspace, argv: Argv) -> int:
    db, replace = _parse_copy_options(keyspace, argv)
    key, new_key = argv[1], argv[2]
    if db == keyspace.db_index and key == new_key:
        raise SameObject
    value = keyspace.lookup(key)
    if value is None or (keyspace.contains_in(db, new_key) and not replace):
        return 0
    keyspace.store(db, new_key, copy_value(value), keyspace.deadline(key))
    return 1


@command(arity=3, flags=WRITE | FAST, keys=(1, 1, 1), access="RW access update", group="generic",
         since="1.0.0", syntax="key db:integer", summary="Move a key to another database"
         )  # fmt: skip
def move(keyspace: Keyspace, argv: Argv) -> int:
    key = argv[1]
    if in_cluster(keyspace):
        raise CommandError(b"ERR MOVE is not allowed in cluster mode")
    db = parse_range(argv[2], INT32_MIN, INT32_MAX)
    if not 0 <= db < len(keyspace.databases):
        raise InvalidDatabase
    if db == keyspace.db_index:
        raise SameObject
    if keyspace.lookup(key) is None or keyspace.contains_in(db, key):
        return 0
    keyspace.move(key, db, key)
    return 1


def in_cluster(keyspace: Keyspace) -> bool:
    """A cluster has database 0 only (a standalone server has at least 2)."""
    return len(keyspace.databases) == 1


def _rename(keyspace: Keyspace, key: bytes, new_key: bytes, replace: bool) -> bool:
    if keyspace.lookup(key) is None:
        raise NoSuchKey
    if key == new_key:
        return replace
    if not replace and keyspace.contains(new_key):
        return False
    keyspace.move(key, keyspace.db_index, new_key)
    return True


def _parse_copy_options(keyspace: Keyspace, argv: Argv) -> tuple[int, bool]:
    db = keyspace.db_index
    databases = CLUSTER_COPY_DATABASES if in_cluster(keyspace) else len(keyspace.databases)
    replace = False
    position = 3
    while position < len(argv):
        option = argv[position].upper()
        position += 1
        if option == b"REPLACE":
            replace = True
        elif option == b"DB" and position < len(argv):
            db = parse_range(argv[position], INT32_MIN, INT32_MAX)
            if not 0 <= db < databases:
                raise InvalidDatabase
            position += 1
        else:
            raise BadSyntax
    if db >= len(keyspace.databases):
        raise CommandError(b"ERR Copying to another database is not allowed in cluster mode")
    return db, replace
