"""Every error a client can see, with its exact text, and those that stop a replica or a link.

Texts are those of redis-server 7.0.15. Raise a new instance each time: one kept in a module
constant would grow its traceback on every raise.
"""

from typing import ClassVar


class CommandError(Exception):
    """An answer to the client, alike on every replica; `text` is the error line without its '-'."""

    default_text: ClassVar[bytes] = b"ERR"

    def __init__(self, text: bytes = b"") -> None:
        super().__init__(text)
        self.text: bytes = text or self.default_text


class InvariantViolation(Exception):
    """The state is not what the code relies on: this replica stops rather than guess."""


class LogFailed(Exception):
    """The log could not be written or synced: this node stops, as its promises are void."""


class FrameError(Exception):
    """What a peer sent are no frames: nothing after them on this connection can be trusted."""


class WrongFrameVersion(FrameError):
    """A node whose frames have another layout."""


class WrongChecksum(FrameError):
    """A frame that was damaged on its way."""


class PeerCodecError(Exception):
    """Bytes that are no message of this version."""


class NotLeader(Exception):
    """This replica does not lead its partition; `leader_id` is 0 when the leader is unknown."""

    def __init__(self, leader_id: int = 0) -> None:
        super().__init__(f"not the leader (leader: {leader_id or 'unknown'})")
        self.leader_id = leader_id


class NotReady(Exception):
    """The leader has not yet committed an entry of its own term, so it cannot serve reads."""


class WrongType(CommandError):
    """The key holds another type."""

    default_text = b"WRONGTYPE Operation against a key holding the wrong kind of value"


class NotAnInteger(CommandError):
    """A malformed or out-of-range integer."""

    default_text = b"ERR value is not an integer or out of range"


class NotAFloat(CommandError):
    """A malformed or out-of-range number."""

    default_text = b"ERR value is not a valid float"


class BadSyntax(CommandError):
    """Options that do not exist or do not go together."""

    default_text = b"ERR syntax error"


class NoScript(CommandError):
    """EVALSHA of a script that this node does not know."""

    default_text = b"NOSCRIPT No matching script. Please use EVAL."


class InvalidStreamId(CommandError):
    """No id of a stream's entry, or one of a form that is not allowed here."""

    default_text = b"ERR Invalid stream ID specified as stream command argument"


class NoSuchGroup(CommandError):
    """A consumer group that is not there, or its key is not; `where` names the command."""

    def __init__(self, key: bytes, group: bytes, where: bytes = b"") -> None:
        super().__init__(
            b"NOGROUP No such key '%b' or consumer group '%b'%b"
            % (quoted(key), quoted(group), where)
        )


class NoSuchGroupOfKey(CommandError):
    """A consumer group that is not there, of a stream that is."""

    def __init__(self, key: bytes, group: bytes) -> None:
        super().__init__(
            b"NOGROUP No such consumer group '%b' for key name '%b'" % (quoted(group), quoted(key))
        )


class BadSubcommand(CommandError):
    """Arguments that no subcommand takes like that."""

    def __init__(self, container: bytes, subcommand: bytes) -> None:
        super().__init__(
            b"ERR unknown subcommand or wrong number of arguments for '%b'. Try %b HELP."
            % (quoted(subcommand[:128]), container)
        )


class NoSuchKey(CommandError):
    """A command that needs an existing key."""

    default_text = b"ERR no such key"


class StringTooLong(CommandError):
    """A string would grow beyond proto-max-bulk-len."""

    default_text = b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"


class WouldOverflow(CommandError):
    """An increment leaves 64 bits."""

    default_text = b"ERR increment or decrement would overflow"


class InvalidExpireTime(CommandError):
    """An expiry time that is not positive or beyond 64 bits."""

    def __init__(self, command: bytes) -> None:
        super().__init__(b"ERR invalid expire time in '%b' command" % command)


class WrongArity(CommandError):
    """A wrong number of arguments; `command` is the lower-case name, container|subcommand."""

    def __init__(self, command: bytes) -> None:
        super().__init__(b"ERR wrong number of arguments for '%b' command" % command)


class NotForSubscribers(CommandError):
    """A RESP2 client that has subscribed to something sends another command."""

    def __init__(self, command: bytes) -> None:
        super().__init__(
            b"ERR Can't execute '%b': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
            b"are allowed in this context" % command
        )


class InvalidDatabase(CommandError):
    """A database number that is not there."""

    default_text = b"ERR DB index is out of range"


class InvalidCursor(CommandError):
    """A SCAN cursor that is no unsigned 64-bit integer."""

    default_text = b"ERR invalid cursor"


class SameObject(CommandError):
    """COPY or MOVE of a key onto itself."""

    default_text = b"ERR source and destination objects are the same"


class IncrementNotFinite(CommandError):
    """INCRBYFLOAT whose result is no finite number."""

    default_text = b"ERR increment would produce NaN or Infinity"


class OffsetOutOfRange(CommandError):
    """A negative SETRANGE offset."""

    default_text = b"ERR offset is out of range"


class NotHyperLogLog(CommandError):
    """A string that is not in the form of a HyperLogLog."""

    default_text = b"WRONGTYPE Key is not a valid HyperLogLog string value."


class CorruptedHyperLogLog(CommandError):
    """A sparse HyperLogLog whose runs are not those of 16,384 registers."""

    default_text = b"INVALIDOBJ Corrupted HLL object detected"


class BadPayload(CommandError):
    """RESTORE of something that DUMP has not made, or that was damaged since."""

    default_text = b"ERR DUMP payload version or checksum are wrong"


class BadDataFormat(CommandError):
    """RESTORE of a payload whose checksum is right and whose content is not."""

    default_text = b"ERR Bad data format"


class BusyKey(CommandError):
    """RESTORE without REPLACE of a key that exists."""

    default_text = b"BUSYKEY Target key name already exists."


class Unblocked(CommandError):
    """A call that waited, ended by something else than what it waited for."""

    default_text = (
        b"UNBLOCKED force unblock from blocking operation, instance state changed "
        b"(master -> replica?)"
    )


class ProtocolError(CommandError):
    """The stream cannot be understood from here on: answer, then close."""


class LogTimeBehind(Exception):
    """A read met a deadline past by the leader's clock but not by log time: it joins the batch."""


class CrossSlot(CommandError):
    """Keys of one command, or of one transaction, that belong to several slots."""

    default_text = b"CROSSSLOT Keys in request don't hash to the same slot"


class Moved(CommandError):
    """Another node leads the key's partition: cluster clients go there, and remember it.

    An empty `host` means the one that the client is talking to, as in Redis.
    """

    def __init__(self, slot: int, host: bytes, port: int) -> None:
        super().__init__(b"MOVED %d %b:%d" % (slot, host, port))


class SlotNotServed(CommandError):
    """The key's partition had no leader for as long as the command could be held."""

    default_text = b"CLUSTERDOWN Hash slot not served"


class LeadersChanged(CommandError):
    """A command for all partitions that a node leads met one that it leads no more."""

    default_text = (
        b"TRYAGAIN The leader of a partition changed meanwhile; the command has run on the others"
    )


class KeylessInTransaction(CommandError):
    """A command for all partitions inside MULTI, which runs on one."""

    default_text = (
        b"ERR Commands for all slots are not allowed inside a transaction in cluster mode"
    )


class TryAgain(CommandError):
    """The command was dropped before it reached the log: it did not and will not run.

    Redis sends the prefix while a slot is being moved; clients wait a little and repeat.
    """

    default_text = b"TRYAGAIN The leader of this slot is changing; the command was not executed"


class ClusterDisabled(CommandError):
    """A cluster command without cluster mode."""

    default_text = b"ERR This instance has cluster support disabled"


class SelectInCluster(CommandError):
    """SELECT of another database than 0, which is all that a cluster has."""

    default_text = b"ERR SELECT is not allowed in cluster mode"


def quoted(text: bytes) -> bytes:
    """Return a client's text as an error line repeats it: up to the first zero byte, as C does."""
    return text.partition(b"\0")[0]
