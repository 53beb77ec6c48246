"""Commands of the group *generic* that look at keys, whatever their type, as in Redis 7.0."""

from typing import Final

from respkv.commands.arguments import glob, is_int64, parse_int64
from respkv.commands.table import (
    CONTAINER,
    FAST,
    READONLY,
    TOUCHES_ARBITRARY_KEYS,
    WRITE,
    command,
)
from respkv.errors import BadSyntax, CommandError, NoSuchKey
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK, Reply

Argv = list[bytes]

_EMBSTR_BYTES_MAX: Final = 44


@command(arity=-2, flags=WRITE, group="generic", since="1.0.0", keys=(1, -1, 1),
         complexity="O(N) where N is the number of keys that will be removed.",
         syntax="key [key ...]", name="del")  # fmt: skip
def del_(keyspace: Keyspace, argv: Argv) -> Reply:
    """Delete a key."""
    return sum(keyspace.lookup(key) is not None and keyspace.delete(key) for key in argv[1:])


@command(arity=-2, flags=WRITE | FAST, group="generic", since="4.0.0", keys=(1, -1, 1),
         complexity="O(1) for each key removed regardless of its size.",
         syntax="key [key ...]")  # fmt: skip
def unlink(keyspace: Keyspace, argv: Argv) -> Reply:
    """Delete a key asynchronously in another thread."""
    return del_(keyspace, argv)


@command(arity=-2, flags=READONLY | FAST, group="generic", since="1.0.0", keys=(1, -1, 1),
         complexity="O(N) where N is the number of keys to check.",
         syntax="key [key ...]")  # fmt: skip
def exists(keyspace: Keyspace, argv: Argv) -> Reply:
    """Determine if a key exists."""
    return sum(keyspace.lookup(key) is not None for key in argv[1:])


@command(arity=-2, flags=READONLY | FAST, group="generic", since="3.2.1", keys=(1, -1, 1),
         complexity="O(N) where N is the number of keys that will be touched.",
         syntax="key [key ...]")  # fmt: skip
def touch(keyspace: Keyspace, argv: Argv) -> Reply:
    """Alters the last access time of a key(s). Returns the number of existing keys specified."""
    return exists(keyspace, argv)


@command(arity=2, flags=READONLY | FAST, group="generic", since="1.0.0", keys=(1, 1, 1),
         syntax="key", name="type")  # fmt: skip
def type_(keyspace: Keyspace, argv: Argv) -> Reply:
    """Determine the type stored at key."""
    return "none" if keyspace.lookup(argv[1]) is None else "string"


@command(arity=2, flags=READONLY, group="generic", since="1.0.0",
         complexity="O(N) with N being the number of keys in the database.",
         syntax="pattern", categories=("dangerous",))  # fmt: skip
def keys(keyspace: Keyspace, argv: Argv) -> Reply:
    """Find all keys matching the given pattern."""
    matches = glob(argv[1]).fullmatch
    return [
        key for key in keyspace.db.keys[::-1] if matches(key) and keyspace.lookup(key) is not None
    ]


@command(arity=-2, flags=READONLY | TOUCHES_ARBITRARY_KEYS, group="generic", since="2.8.0",
         complexity="O(1) for every call.",
         syntax="cursor [MATCH pattern] [COUNT count] [TYPE type]")  # fmt: skip
def scan(keyspace: Keyspace, argv: Argv) -> Reply:
    """Incrementally iterate the keys space."""
    if not argv[1].isdigit() or int(argv[1]) > 0xFFFFFFFFFFFFFFFF:
        raise CommandError(b"ERR invalid cursor")
    pattern = None
    count = 10
    type_name = b"string"
    at = 2
    while at < len(argv):
        option = argv[at].upper()
        if at + 1 >= len(argv):
            raise BadSyntax()
        if option == b"COUNT":
            count = parse_int64(argv[at + 1])
            if count < 1:
                raise BadSyntax()
        elif option == b"MATCH":
            pattern = glob(argv[at + 1])
        elif option == b"TYPE":
            type_name = argv[at + 1].lower()
        else:
            raise BadSyntax()
        at += 2
    cursor, found = keyspace.scan(int(argv[1]), count)
    if pattern is not None:
        found = [key for key in found if pattern.fullmatch(key)]
    return [b"%d" % cursor, found if type_name == b"string" else []]


@command(arity=1, flags=READONLY | TOUCHES_ARBITRARY_KEYS, group="generic",
         since="1.0.0")  # fmt: skip
def randomkey(keyspace: Keyspace, argv: Argv) -> Reply:
    """Return a random key from the keyspace."""
    return keyspace.random_key(keyspace.chance())


def _rename(keyspace: Keyspace, argv: Argv, overwrite: bool) -> bool:
    source, destination = argv[1], argv[2]
    value = keyspace.lookup(source)
    if value is None:
        raise NoSuchKey()
    if source == destination:
        return overwrite
    if not overwrite and keyspace.lookup(destination) is not None:
        return False
    deadline_ms = keyspace.deadline_ms(source)
    keyspace.delete(source)
    keyspace.set(destination, value, deadline_ms)
    return True


@command(arity=3, flags=WRITE, group="generic", since="1.0.0", keys=(1, 2, 1),
         syntax="key newkey")  # fmt: skip
def rename(keyspace: Keyspace, argv: Argv) -> Reply:
    """Rename a key."""
    _rename(keyspace, argv, True)
    return OK


@command(arity=3, flags=WRITE | FAST, group="generic", since="1.0.0", keys=(1, 2, 1),
         syntax="key newkey")  # fmt: skip
def renamenx(keyspace: Keyspace, argv: Argv) -> Reply:
    """Rename a key, only if the new key does not exist."""
    return int(_rename(keyspace, argv, False))


def _database(keyspace: Keyspace, text: bytes) -> int:
    number = parse_int64(text)
    if not 0 <= number < len(keyspace.databases):
        raise CommandError(b"ERR value is out of range")
    return number


@command(arity=-3, flags=WRITE, group="generic", since="6.2.0", keys=(1, 2, 1),
         complexity="O(N) worst case for collections, where N is the number of nested items. "
                    "O(1) for string values.",
         syntax="source destination [DB destination-db] [REPLACE]")  # fmt: skip
def copy(keyspace: Keyspace, argv: Argv) -> Reply:
    """Copy a key."""
    home = target = keyspace.db_index
    replace = False
    at = 3
    while at < len(argv):
        option = argv[at].upper()
        if option == b"REPLACE":
            replace = True
        elif option == b"DB" and at + 1 < len(argv):
            number = parse_int64(argv[at + 1])
            if not 0 <= number < len(keyspace.databases):
                raise CommandError(b"ERR DB index is out of range")
            target = number
            at += 1
        else:
            raise BadSyntax()
        at += 1
    if target == home and argv[1] == argv[2]:
        raise CommandError(b"ERR source and destination objects are the same")
    value = keyspace.lookup(argv[1])
    if value is None:
        return 0
    deadline_ms = keyspace.deadline_ms(argv[1])
    keyspace.select(target)
    copied = replace or keyspace.lookup(argv[2]) is None
    if copied:
        keyspace.set(argv[2], value[:], deadline_ms)
    keyspace.select(home)
    return int(copied)


@command(arity=3, flags=WRITE | FAST, group="generic", since="1.0.0", keys=(1, 1, 1),
         syntax="key db")  # fmt: skip
def move(keyspace: Keyspace, argv: Argv) -> Reply:
    """Move a key to another database."""
    home = keyspace.db_index
    target = _database(keyspace, argv[2])
    if target == home:
        raise CommandError(b"ERR source and destination objects are the same")
    value = keyspace.lookup(argv[1])
    if value is None:
        return 0
    deadline_ms = keyspace.deadline_ms(argv[1])
    keyspace.select(target)
    free = keyspace.lookup(argv[1]) is None
    if free:
        keyspace.set(argv[1], value, deadline_ms)
    keyspace.select(home)
    if free:
        keyspace.delete(argv[1])
    return int(free)


def _encoding(value: bytes | bytearray) -> bytes:
    if isinstance(value, bytearray):
        return b"raw"
    if len(value) <= 20 and is_int64(value):
        return b"int"
    return b"embstr" if len(value) <= _EMBSTR_BYTES_MAX else b"raw"


@command(arity=-2, flags=CONTAINER | READONLY, group="generic", since="2.2.3",
         name="object")  # fmt: skip
def object_(keyspace: Keyspace, argv: Argv) -> Reply:
    """A container for object introspection commands."""
    raise BadSyntax()


@command(arity=3, flags=READONLY, group="generic", since="2.2.3", keys=(2, 2, 1), syntax="key",
         name="object|encoding")  # fmt: skip
def object_encoding(keyspace: Keyspace, argv: Argv) -> Reply:
    """Inspect the internal encoding of a Redis object."""
    value = keyspace.lookup(argv[2])
    return None if value is None else _encoding(value)


@command(arity=3, flags=READONLY, group="generic", since="2.2.3", keys=(2, 2, 1), syntax="key",
         name="object|refcount")  # fmt: skip
def object_refcount(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the number of references to the value of the key."""
    value = keyspace.lookup(argv[2])
    if value is None:
        return None
    shared = _encoding(value) == b"int" and 0 <= int(value) < 10_000
    return 2147483647 if shared else 1


@command(arity=3, flags=READONLY, group="generic", since="2.2.3", keys=(2, 2, 1), syntax="key",
         name="object|idletime")  # fmt: skip
def object_idletime(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the time since a Redis object was last accessed (accesses are not tracked: 0)."""
    return None if keyspace.lookup(argv[2]) is None else 0


@command(arity=3, flags=READONLY, group="generic", since="4.0.0", keys=(2, 2, 1), syntax="key",
         name="object|freq")  # fmt: skip
def object_freq(keyspace: Keyspace, argv: Argv) -> Reply:
    """Get the logarithmic access frequency counter of a Redis object."""
    if keyspace.lookup(argv[2]) is None:
        return None
    raise CommandError(
        b"ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
        b"that when switching between policies at runtime LRU and LFU data will take some time to "
        b"adjust."
    )


@command(arity=2, flags=READONLY, group="generic", since="6.2.0", name="object|help")
def object_help(keyspace: Keyspace, argv: Argv) -> Reply:
    """Show helpful text about the different subcommands."""
    return [
        "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "ENCODING <key>",
        "    Return the kind of internal representation used in order to store the value",
        "    associated with a <key>.",
        "FREQ <key>",
        "    Return the access frequency index of the <key>. The returned integer is",
        "    proportional to the logarithm of the recent access frequency of the key.",
        "IDLETIME <key>",
        "    Return the idle time of the <key>, that is the approximated number of",
        "    seconds elapsed since the last access to the key.",
        "REFCOUNT <key>",
        "    Return the number of references of the value associated with the specified",
        "    <key>.",
        "HELP",
        "    Print this help.",
    ]
