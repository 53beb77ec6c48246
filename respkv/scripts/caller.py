"""redis.call: runs a command of the keyspace for a script, or says why not."""

from collections.abc import Callable
from typing import Any, Final

from respkv.commands.arguments import INT32_MAX, INT32_MIN, parse_int64
from respkv.commands.blocking import may_wait
from respkv.commands.routing import slot_of_command
from respkv.commands.sort import is_logged
from respkv.commands.table import (
    BLOCKING,
    CONNECTION,
    DENYOOM,
    INTERNAL,
    MAY_REPLICATE,
    MOVABLE_KEYS,
    NOSCRIPT,
    TABLE,
    WRITE,
    Argv,
    Command,
)
from respkv.errors import CommandError, CrossSlot, InvalidDatabase
from respkv.keyspace.keyspace import Keyspace
from respkv.wire.reply import OK, Reply, SteppedReply, frozen

NOT_ALLOWED: Final = b"ERR This Redis command is not allowed from script"
NOT_LOCAL: Final = b"ERR Script attempted to access a non local key in a cluster node"
READ_ONLY: Final = b"ERR Write commands are not allowed from read-only scripts."
OUT_OF_MEMORY: Final = b"OOM command not allowed when used memory > 'maxmemory'."
_WORDS_OF_READS: Final = {b"COUNT": 2, b"GROUP": 3, b"NOACK": 1}  # and how many go with each


def find(argv: Argv) -> Command:
    """Return the command that a script asks for.

    Raises:
        CommandError: there is none, or it is called with the wrong number of arguments.
    """
    command = TABLE.get(argv[0]) or TABLE.get(argv[0].upper())
    if command is None or command.flags & (INTERNAL | CONNECTION) == INTERNAL:
        raise CommandError(b"ERR Unknown Redis command called from script")
    if command.subcommands and len(argv) > 1:
        subcommand = command.subcommands.get(argv[1].upper())
        if subcommand is None:
            raise CommandError(b"ERR Unknown Redis command called from script")
        command = subcommand
    if not command.accepts(len(argv)):
        raise CommandError(b"ERR Wrong number of args calling Redis command from script")
    return command


def has_block_option(_: Command, argv: Argv) -> bool:
    """Return whether XREAD or XREADGROUP is to wait; other commands find nothing and go on."""
    at = 1
    while at < len(argv) - 1:
        word = argv[at].upper()
        if word == b"BLOCK":
            return True
        if word not in _WORDS_OF_READS:
            return False
        at += _WORDS_OF_READS[word]
    return False


class Caller:
    """One script's way to the keyspace.

    In a cluster all keys have to be in `slot`, that of the keys that the script was called with;
    -1: it was called with none, so it belongs to no partition and sees no keys.
    """

    def __init__(
        self, keyspace: Keyspace, read_only: bool, refuses_growth: bool, slot: int | None
    ) -> None:
        self._keyspace = keyspace
        self._slot = slot
        self._read_only = read_only
        self._refuses_growth = refuses_growth
        self.wrote = False
        self.semantics = keyspace.semantics

    def call(self, argv: Argv) -> Reply:
        """Run one command.

        Raises:
            CommandError: what the script is told.
        """
        command = find(argv)
        flags = command.flags
        if flags & NOSCRIPT:
            raise CommandError(NOT_ALLOWED)
        keyspace = self._keyspace
        if flags & MAY_REPLICATE and self._read_only:
            raise CommandError(READ_ONLY)
        local = _LOCAL.get(command.name)
        if local is not None and (local is not _spublish or keyspace.semantics >= 3):
            if command.keys[0] and self._slot is not None:
                self._check_slot(command, argv)
            return local(keyspace, argv)
        if flags & CONNECTION:
            raise CommandError(NOT_ALLOWED)
        if command.name in _OF_ONE_NODE and not self._read_only:
            raise CommandError(NOT_ALLOWED)
        waits = may_wait if keyspace.semantics < 3 else has_block_option
        if flags & BLOCKING and waits(command, argv):
            text = b"ERR %b command is not allowed with BLOCK option from scripts" % argv[0]
            raise CommandError(text)
        if self._slot is not None:
            self._check_slot(command, argv)
        writes = is_logged(command, argv)
        if flags & WRITE and self._read_only:
            raise CommandError(READ_ONLY)
        if self._refuses_growth and flags & DENYOOM and not self.wrote:
            raise CommandError(OUT_OF_MEMORY)
        self.wrote = self.wrote or writes
        reply = command.handler(keyspace, argv)
        reply = reply.finish() if isinstance(reply, SteppedReply) else frozen(reply)
        if isinstance(reply, CommandError):  # which it found on the way
            raise reply
        if keyspace.applying:  # each has its own chance, as in a transaction
            keyspace.position += 1
        return reply

    def _check_slot(self, command: Command, argv: Argv) -> None:
        try:
            slot = slot_of_command(command, argv)
        except CrossSlot:
            slot = -1
        if slot < 0 and not command.keys[0] and not command.flags & MOVABLE_KEYS:
            raise CommandError(NOT_ALLOWED)  # it would see this partition only
        if slot != self._slot or slot < 0:
            raise CommandError(NOT_LOCAL)


def _ping(_: Keyspace, argv: Argv) -> Reply:
    return argv[1] if len(argv) > 1 else "PONG"


def _echo(_: Keyspace, argv: Argv) -> Reply:
    return argv[1]


def _time(keyspace: Keyspace, _: Argv) -> Reply:
    return [b"%d" % (keyspace.leader_ms // 1000), b"%d" % (keyspace.leader_ms % 1000 * 1000)]


def _select(keyspace: Keyspace, argv: Argv) -> Reply:
    number = parse_int64(argv[1])
    if not INT32_MIN <= number <= INT32_MAX or not 0 <= number < len(keyspace.databases):
        raise InvalidDatabase()
    keyspace.select(number)
    return OK


def _publish(keyspace: Keyspace, argv: Argv) -> Reply:
    """Publish where the script is run for a client; that it reaches nobody is the same everywhere."""
    if keyspace.publish is not None:
        keyspace.publish(argv[1], argv[2], False)
    return 0


def _spublish(keyspace: Keyspace, argv: Argv) -> Reply:
    if keyspace.publish is not None:
        keyspace.publish(argv[1], argv[2], True)
    return 0


# Commands of the connection that a script may call.
_LOCAL: Final[dict[bytes, Callable[[Keyspace, Argv], Any]]] = {
    b"PING": _ping,
    b"ECHO": _echo,
    b"PUBLISH": _publish,
    b"SPUBLISH": _spublish,
    b"TIME": _time,
    b"SELECT": _select,
}

# What they answer is no part of the state, so what a script writes must not follow from it.
_OF_ONE_NODE: Final = frozenset((b"MEMORY|USAGE", b"OBJECT|FREQ", b"OBJECT|IDLETIME"))
