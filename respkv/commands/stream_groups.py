"""Groups that read a stream together: XGROUP, and XACK for what they have done."""

from respkv.commands.arguments import parse_int64
from respkv.commands.help import declare_help
from respkv.commands.stream_ids import lookup_stream, parse_any_id, parse_id
from respkv.commands.table import DENYOOM, FAST, WRITE, Argv, command, container
from respkv.errors import BadSubcommand, CommandError, NoSuchGroupOfKey
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.stream import Stream
from respkv.keyspace.stream_groups import UNKNOWN, Group
from respkv.wire.reply import OK

container(
    "XGROUP", group="stream", since="5.0.0", summary="A container for consumer groups commands"
)


@command(name="XGROUP|CREATE", arity=-5, flags=WRITE | DENYOOM, keys=(2, 2, 1), access="RW "
         "insert", group="stream", since="5.0.0", syntax="key groupname id(id | $=new_id) "
         "[MKSTREAM] [ENTRIESREAD entries_read:integer]", summary="Create a consumer group.",
         history=(("7.0.0", "Added the `entries_read` named argument."),))  # fmt: skip
def xgroup_create(keyspace: Keyspace, argv: Argv) -> str:
    mkstream, entries_read = _options(argv)
    key, name = argv[2], argv[3]
    stream = lookup_stream(keyspace, key)
    if stream is None and not mkstream:
        raise _no_stream()
    if len(argv) > 8:
        raise BadSubcommand(b"XGROUP", argv[1])
    if argv[4] == b"$":
        last_id = 0 if stream is None else stream.last_id
    else:
        last_id = parse_id(argv[4])
    if stream is None:
        stream = Stream()
        keyspace.set(key, stream)
    elif name in stream.groups:
        raise CommandError(b"BUSYGROUP Consumer Group name already exists")
    stream.groups[name] = Group(name, last_id, entries_read)
    return OK


@command(name="XGROUP|SETID", arity=-5, flags=WRITE, keys=(2, 2, 1), access="RW update",
         group="stream", since="5.0.0", syntax="key groupname id(id | $=new_id) [ENTRIESREAD "
         "entries_read:integer]", summary="Set a consumer group to an arbitrary last delivered ID "
         "value.", history=(("7.0.0", "Added the optional `entries_read` argument."),))  # fmt: skip
def xgroup_setid(keyspace: Keyspace, argv: Argv) -> str:
    entries_read = _options(argv)[1]
    stream, group = _stream_and_group(keyspace, argv)
    if len(argv) > 7:
        raise BadSubcommand(b"XGROUP", argv[1])
    last_id = stream.last_id if argv[4] == b"$" else parse_any_id(argv[4])
    group.last_id = last_id
    group.entries_read = entries_read
    return OK


@command(name="XGROUP|DESTROY", arity=4, flags=WRITE, keys=(2, 2, 1), access="RW delete",
         group="stream", since="5.0.0", complexity="O(N) where N is the number of entries in the "
         "group's pending entries list (PEL).", syntax="key groupname", summary="Destroy a "
         "consumer group.")  # fmt: skip
def xgroup_destroy(keyspace: Keyspace, argv: Argv) -> int:
    stream = lookup_stream(keyspace, argv[2])
    if stream is None:
        raise _no_stream()
    if argv[3] not in stream.groups:
        return 0
    keyspace.drop(stream.take_group(argv[3]))
    keyspace.waiters.mark_ready(keyspace.db_index, argv[2])
    return 1


@command(name="XGROUP|CREATECONSUMER", arity=5, flags=WRITE | DENYOOM, keys=(2, 2, 1), access="RW "
         "insert", group="stream", since="6.2.0", syntax="key groupname consumername",
         summary="Create a consumer in a consumer group.")  # fmt: skip
def xgroup_createconsumer(keyspace: Keyspace, argv: Argv) -> int:
    group = _stream_and_group(keyspace, argv)[1]
    if argv[4] in group.consumers:
        return 0
    group.consumer(argv[4], keyspace.now_ms)
    return 1


@command(name="XGROUP|DELCONSUMER", arity=5, flags=WRITE, keys=(2, 2, 1), access="RW delete",
         group="stream", since="5.0.0", syntax="key groupname consumername", summary="Delete a "
         "consumer from a consumer group.")  # fmt: skip
def xgroup_delconsumer(keyspace: Keyspace, argv: Argv) -> int:
    return _stream_and_group(keyspace, argv)[1].remove_consumer(argv[4])


@command(arity=-4, flags=WRITE | FAST, keys=(1, 1, 1), access="RW update", group="stream",
         since="5.0.0", complexity="O(1) for each message ID processed.", syntax="key group "
         "id...", summary="Marks a pending message as correctly processed, effectively removing it "
         "from the pending entries list of the consumer group. Return value of the command is the "
         "number of messages successfully acknowledged, that is, the IDs we were actually able to "
         "resolve in the PEL.")  # fmt: skip
def xack(keyspace: Keyspace, argv: Argv) -> int:
    stream = lookup_stream(keyspace, argv[1])
    group = None if stream is None else stream.groups.get(argv[2])
    if group is None:
        return 0
    return sum([group.settle(entry_id) for entry_id in [parse_id(text) for text in argv[3:]]])


declare_help("XGROUP", since="5.0.0", group="stream", flags=0, text="""
CREATE <key> <groupname> <id|$> [option]
    Create a new consumer group. Options are:
    * MKSTREAM
      Create the empty stream if it does not exist.
    * ENTRIESREAD entries_read
      Set the group's entries_read counter (internal use).
CREATECONSUMER <key> <groupname> <consumer>
    Create a new consumer in the specified group.
DELCONSUMER <key> <groupname> <consumer>
    Remove the specified consumer.
DESTROY <key> <groupname>
    Remove the specified group.
SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]
    Set the current group ID and entries_read counter.
""")  # fmt: skip


def _options(argv: Argv) -> tuple[bool, int]:
    """Return whether there is MKSTREAM, which only CREATE takes, and the value of ENTRIESREAD."""
    mkstream, entries_read = False, UNKNOWN
    at = 5
    while at < len(argv):
        option = argv[at].upper()
        if option == b"MKSTREAM" and argv[1].upper() == b"CREATE":
            mkstream = True
            at += 1
        elif option == b"ENTRIESREAD" and at + 1 < len(argv):
            entries_read = parse_int64(argv[at + 1])
            if entries_read < 0 and entries_read != UNKNOWN:
                raise CommandError(b"ERR value for ENTRIESREAD must be positive or -1")
            at += 2
        else:
            raise BadSubcommand(b"XGROUP", argv[1])
    return mkstream, entries_read


def _stream_and_group(keyspace: Keyspace, argv: Argv) -> tuple[Stream, Group]:
    stream = lookup_stream(keyspace, argv[2])
    if stream is None:
        raise _no_stream()
    group = stream.groups.get(argv[3])
    if group is None:
        raise NoSuchGroupOfKey(argv[2], argv[3])
    return stream, group


def _no_stream() -> CommandError:
    return CommandError(
        b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want "
        b"to use the MKSTREAM option to create an empty stream automatically."
    )
