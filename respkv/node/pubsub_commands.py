"""Pub/sub commands, as in Redis 7.0: PUBLISH reaches every node, SPUBLISH belongs to a slot."""

from typing import Final

from respkv.commands.glob import check_length
from respkv.commands.help import declare_help
from respkv.commands.table import (
    CONNECTION,
    FAST,
    LOADING,
    MAY_REPLICATE,
    NOSCRIPT,
    PUBSUB,
    STALE,
    command,
    container,
)
from respkv.errors import CommandError, SlotNotServed
from respkv.node.connection import IN_TRANSACTION, LATER, Connection
from respkv.node.patterns import channel_matcher
from respkv.node.pubsub import CHANNEL, PATTERN, SHARD, Kind
from respkv.node.router import ClusterRouter
from respkv.wire.reply import Reply, Several
from respkv.wire.run import Argv

_ALWAYS: Final = CONNECTION | PUBSUB | LOADING | STALE
_SHARD_CHANNEL: Final = "not_key"  # it has a slot as a key has, and is none


def _subscribe(session: Connection, kind: Kind, names: list[bytes]) -> Reply:
    pubsub = session.node.pubsub
    if session.id not in session.node.clients:
        return Several([])  # it left before EXEC ran
    return Several([pubsub.subscribe(session, kind, name) for name in names])


def _unsubscribe(session: Connection, kind: Kind, names: list[bytes]) -> Reply:
    pubsub = session.node.pubsub
    if not names:
        return Several(pubsub.unsubscribe_all(session, kind))
    return Several(pubsub.unsubscribe(session, kind, names))


@command(arity=-2, flags=_ALWAYS | NOSCRIPT, group="pubsub", since="2.0.0", syntax="channel...",
         complexity="O(N) where N is the number of channels to subscribe to.",
         summary="Listen for messages published to the given channels")  # fmt: skip
def subscribe(session: Connection, argv: Argv) -> Reply:
    """Get the messages of these channels from now on."""
    return _subscribe(session, CHANNEL, argv[1:])


@command(arity=-1, flags=_ALWAYS | NOSCRIPT, group="pubsub", since="2.0.0", syntax="[channel...]",
         complexity="O(N) where N is the number of clients already subscribed to a channel.",
         summary="Stop listening for messages posted to the given channels")  # fmt: skip
def unsubscribe(session: Connection, argv: Argv) -> Reply:
    """Get no more messages of these channels, or of any."""
    return _unsubscribe(session, CHANNEL, argv[1:])


@command(arity=-2, flags=_ALWAYS | NOSCRIPT, group="pubsub", since="2.0.0",
         syntax="pattern(pattern)...",
         complexity="O(N) where N is the number of patterns the client is already subscribed to.",
         summary="Listen for messages published to channels matching the given patterns")  # fmt: skip
def psubscribe(session: Connection, argv: Argv) -> Reply:
    """Get the messages of channels that match from now on."""
    for pattern in argv[1:]:
        check_length(pattern)
    return _subscribe(session, PATTERN, argv[1:])


@command(arity=-1, flags=_ALWAYS | NOSCRIPT, group="pubsub", since="2.0.0", syntax="[pattern...]",
         complexity="O(N+M) where N is the number of patterns the client is already subscribed "
         "and M is the number of total patterns subscribed in the system (by any client).",
         summary="Stop listening for messages posted to channels matching the given patterns")  # fmt: skip
def punsubscribe(session: Connection, argv: Argv) -> Reply:
    """Get no more messages by these patterns, or by any."""
    return _unsubscribe(session, PATTERN, argv[1:])


@command(arity=3, flags=_ALWAYS | FAST | MAY_REPLICATE, group="pubsub", since="2.0.0",
         syntax="channel message",
         complexity="O(N+M) where N is the number of clients subscribed to the receiving channel "
         "and M is the total number of subscribed patterns (by any client).",
         summary="Post a message to a channel")  # fmt: skip
def publish(session: Connection, argv: Argv) -> Reply:
    """Send a message, and return how many clients of this node it was sent to."""
    return session.node.publish(argv[1], argv[2])


# --- shard channels ------------------------------------------------------------------------------


def _is_served(session: Connection, argv: Argv) -> bool:
    """Return whether the channels' slot is led here; if not, the command waits for a leader.

    Raises:
        CommandError: another node leads it, or there are several slots.
    """
    router = session.node.router
    if isinstance(router, ClusterRouter):
        return router.replica_for(session, argv) is not None
    if session.node.cluster is not None:
        raise SlotNotServed()  # still loading
    return True


@command(arity=-2, flags=_ALWAYS | NOSCRIPT, group="pubsub", since="7.0.0", keys=(1, -1, 1),
         access=_SHARD_CHANNEL, syntax="shardchannel...",
         complexity="O(N) where N is the number of shard channels to subscribe to.",
         summary="Listen for messages published to the given shard channels")  # fmt: skip
def ssubscribe(session: Connection, argv: Argv) -> Reply:
    """Get the messages of these shard channels from now on, as long as their slot is led here."""
    return _subscribe(session, SHARD, argv[1:]) if _is_served(session, argv) else LATER


@command(arity=-1, flags=_ALWAYS | NOSCRIPT, group="pubsub", since="7.0.0", keys=(1, -1, 1),
         access=_SHARD_CHANNEL, syntax="[shardchannel...]",
         complexity="O(N) where N is the number of clients already subscribed to a shard channel.",
         summary="Stop listening for messages posted to the given shard channels")  # fmt: skip
def sunsubscribe(session: Connection, argv: Argv) -> Reply:
    """Get no more messages of these shard channels, or of any."""
    if len(argv) > 1 and not _is_served(session, argv):
        return LATER
    return _unsubscribe(session, SHARD, argv[1:])


@command(arity=3, flags=_ALWAYS | FAST | MAY_REPLICATE, group="pubsub", since="7.0.0",
         keys=(1, 1, 1), access=_SHARD_CHANNEL, syntax="shardchannel message",
         complexity="O(N) where N is the number of clients subscribed to the receiving shard "
         "channel.", summary="Post a message to a shard channel")  # fmt: skip
def spublish(session: Connection, argv: Argv) -> Reply:
    """Send a message to a shard channel, and return how many clients got it."""
    return _spublish_here(session, argv) if _is_served(session, argv) else LATER


def _spublish_here(session: Connection, argv: Argv) -> Reply:
    return session.node.pubsub.publish_to_shard(argv[1], argv[2])


def _ssubscribe_in_transaction(session: Connection, argv: Argv) -> Reply:
    raise CommandError(b"ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")


def _sunsubscribe_here(session: Connection, argv: Argv) -> Reply:
    return _unsubscribe(session, SHARD, argv[1:])


# EXEC runs where the slot is led.
IN_TRANSACTION[b"SSUBSCRIBE"] = _ssubscribe_in_transaction
IN_TRANSACTION[b"SUNSUBSCRIBE"] = _sunsubscribe_here
IN_TRANSACTION[b"SPUBLISH"] = _spublish_here


# --- PUBSUB --------------------------------------------------------------------------------------

container("PUBSUB", group="pubsub", since="2.8.0", flags=CONNECTION,
          summary="A container for Pub/Sub commands")  # fmt: skip


def _active(session: Connection, kind: Kind, argv: Argv) -> Reply:
    if len(argv) > 3:
        raise CommandError(
            b"ERR unknown subcommand or wrong number of arguments for '%b'. Try PUBSUB HELP."
            % argv[1]
        )
    names = session.node.pubsub.subscribers[kind]
    if len(argv) == 2:
        return list(names)
    matches = channel_matcher(argv[2])
    return [name for name in names if matches(name)]


def _counts(session: Connection, kind: Kind, argv: Argv) -> Reply:
    subscribers = session.node.pubsub.subscribers[kind]
    reply: list[bytes | int] = []
    for name in argv[2:]:
        reply += (name, len(subscribers.get(name, ())))
    return reply


@command(name="PUBSUB|CHANNELS", arity=-2, flags=_ALWAYS, group="pubsub", since="2.8.0",
         syntax="[pattern]",
         complexity="O(N) where N is the number of active channels, and assuming constant time "
         "pattern matching (relatively short channels and patterns)",
         summary="List active channels")  # fmt: skip
def pubsub_channels(session: Connection, argv: Argv) -> Reply:
    """The channels that clients of this node have subscribed to."""
    return _active(session, CHANNEL, argv)


@command(name="PUBSUB|NUMSUB", arity=-2, flags=_ALWAYS, group="pubsub", since="2.8.0",
         syntax="[channel...]",
         complexity="O(N) for the NUMSUB subcommand, where N is the number of requested channels",
         summary="Get the count of subscribers for channels")  # fmt: skip
def pubsub_numsub(session: Connection, argv: Argv) -> Reply:
    """How many clients of this node have subscribed to each."""
    return _counts(session, CHANNEL, argv)


@command(name="PUBSUB|NUMPAT", arity=2, flags=_ALWAYS, group="pubsub", since="2.8.0",
         summary="Get the count of unique patterns pattern subscriptions")  # fmt: skip
def pubsub_numpat(session: Connection, argv: Argv) -> Reply:
    """How many patterns clients of this node have subscribed to."""
    return len(session.node.pubsub.subscribers[PATTERN])


@command(name="PUBSUB|SHARDCHANNELS", arity=-2, flags=_ALWAYS, group="pubsub", since="7.0.0",
         syntax="[pattern]",
         complexity="O(N) where N is the number of active shard channels, and assuming constant "
         "time pattern matching (relatively short shard channels).",
         summary="List active shard channels")  # fmt: skip
def pubsub_shardchannels(session: Connection, argv: Argv) -> Reply:
    """The shard channels that clients of this node have subscribed to."""
    return _active(session, SHARD, argv)


@command(name="PUBSUB|SHARDNUMSUB", arity=-2, flags=_ALWAYS, group="pubsub", since="7.0.0",
         syntax="[shardchannel...]",
         complexity="O(N) for the SHARDNUMSUB subcommand, where N is the number of requested "
         "shard channels", summary="Get the count of subscribers for shard channels")  # fmt: skip
def pubsub_shardnumsub(session: Connection, argv: Argv) -> Reply:
    """How many clients of this node have subscribed to each shard channel."""
    return _counts(session, SHARD, argv)


declare_help("PUBSUB", since="6.2.0", group="pubsub", flags=CONNECTION, categories=("-pubsub",), text="""
CHANNELS [<pattern>]
    Return the currently active channels matching a <pattern> (default: '*').
NUMPAT
    Return number of subscriptions to patterns.
NUMSUB [<channel> ...]
    Return the number of subscribers for the specified channels, excluding
    pattern subscriptions(default: no channels).
SHARDCHANNELS [<pattern>]
    Return the currently active shard level channels matching a <pattern> (default: '*').
SHARDNUMSUB [<shardchannel> ...]
    Return the number of subscribers for the specified shard level channel(s)
""")  # fmt: skip
