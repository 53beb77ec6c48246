"""DUMP and RESTORE: a value as bytes that every Redis understands, and back."""

from typing import Final

from respkv.commands.arguments import INT64_MAX, parse_int64
from respkv.commands.table import ASKING, DENYOOM, READONLY, WRITE, Argv, command
from respkv.errors import BadSyntax, BusyKey, CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.rdb.containers import neutral_of, value_of
from respkv.keyspace.rdb.payload import body_bytes, seal
from respkv.keyspace.rdb.values import dump_value, load_value
from respkv.wire.reply import OK

FREQUENCY_MAX: Final = 255


@command(arity=2, flags=READONLY, keys=(1, 1, 1), access="RO access", group="generic",
         since="2.6.0", complexity="O(1) to access the key and additional O(N*M) to serialize it, "
         "where N is the number of Redis objects composing the value and M their average size. For "
         "small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply "
         "O(1).", tips=("nondeterministic_output",), syntax="key", summary="Return a serialized "
         "version of the value stored at the specified key.")  # fmt: skip
def dump(keyspace: Keyspace, argv: Argv) -> bytes | None:
    value = keyspace.lookup(argv[1])
    return None if value is None else seal(dump_value(neutral_of(value)))


@command(arity=-4, flags=WRITE | DENYOOM, keys=(1, 1, 1), access="OW update", group="generic",
         since="2.6.0", complexity="O(1) to create the new key and additional O(N*M) to "
         "reconstruct the serialized value, where N is the number of Redis objects composing the "
         "value and M their average size. For small string values the time complexity is thus "
         "O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the "
         "complexity is O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).",
         categories=("dangerous",), syntax="key ttl:integer serialized-value [REPLACE@3.0.0] "
         "[ABSTTL@5.0.0] [IDLETIME seconds:integer@5.0.0] [FREQ frequency:integer@5.0.0]",
         summary="Create a key using the provided serialized value, previously obtained using "
         "DUMP.", history=(("3.0.0", "Added the `REPLACE` modifier."), ("5.0.0", "Added the "
         "`ABSTTL` modifier."), ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),)
         )  # fmt: skip
def restore(keyspace: Keyspace, argv: Argv) -> str:
    options = Options(argv)
    key = argv[1]
    if not options.replace and keyspace.contains(key):
        raise BusyKey
    ttl_ms = parse_int64(argv[2])
    if ttl_ms < 0:
        raise CommandError(b"ERR Invalid TTL value, must be >= 0")
    value = value_of(load_value(argv[3], body_bytes(argv[3])))
    deadline_ms = ttl_ms if options.absolute else keyspace.now_ms + ttl_ms
    if ttl_ms and not keyspace.now_ms < deadline_ms <= INT64_MAX:  # Redis' clock wraps around
        keyspace.delete(key)
        return OK
    keyspace.store(keyspace.db_index, key, value, deadline_ms if ttl_ms else None)
    if options.idle_seconds >= 0:
        keyspace.set_idle(key, options.idle_seconds * 1000)
    elif options.frequency >= 0:
        keyspace.set_frequency(key, options.frequency)
    return OK


@command(name="RESTORE-ASKING", arity=-4, flags=WRITE | DENYOOM | ASKING, keys=(1, 1, 1), access="OW update",
         group="server", since="3.0.0", complexity="O(1) to create the new key and additional "
         "O(N*M) to reconstruct the serialized value, where N is the number of Redis objects "
         "composing the value and M their average size. For small string values the time "
         "complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set "
         "values the complexity is O(N*M*log(N)) because inserting values into sorted sets is "
         "O(log(N)).", categories=("keyspace", "dangerous",), syntax="key ttl:integer "
         "serialized-value [REPLACE@3.0.0] [ABSTTL@5.0.0] [IDLETIME seconds:integer@5.0.0] [FREQ "
         "frequency:integer@5.0.0]", summary="An internal command for migrating keys in a "
         "cluster", history=(("3.0.0", "Added the `REPLACE` modifier."), ("5.0.0", "Added the "
         "`ABSTTL` modifier."), ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),),
         system=True)  # fmt: skip
def restore_asking(keyspace: Keyspace, argv: Argv) -> str:
    return restore(keyspace, argv)


class Options:
    """What follows the payload; -1 where IDLETIME or FREQ is not given."""

    def __init__(self, argv: Argv) -> None:
        self.replace = False
        self.absolute = False
        self.idle_seconds: int = -1
        self.frequency: int = -1
        position = 4
        while position < len(argv):
            option = argv[position].upper()
            position += 1
            if option == b"REPLACE":
                self.replace = True
            elif option == b"ABSTTL":
                self.absolute = True
            elif option == b"IDLETIME" and position < len(argv) and self.frequency == -1:
                self.idle_seconds = parse_int64(argv[position])
                if self.idle_seconds < 0:
                    raise CommandError(b"ERR Invalid IDLETIME value, must be >= 0")
                position += 1
            elif option == b"FREQ" and position < len(argv) and self.idle_seconds == -1:
                self.frequency = parse_int64(argv[position])
                if not 0 <= self.frequency <= FREQUENCY_MAX:
                    raise CommandError(b"ERR Invalid FREQ value, must be >= 0 and <= 255")
                position += 1
            else:
                raise BadSyntax
