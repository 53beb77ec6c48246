"""Pub/sub of one node: who has subscribed to what, and messages on their way to them.

A message is encoded once for each version of the protocol, whoever many it goes to.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from respkv.node.patterns import PatternIndex
from respkv.wire.reply import Push, encode


class Kind:
    """What one can subscribe to."""

    def __init__(self, letter: bytes) -> None:
        self.subscribed = letter + b"subscribe"
        self.unsubscribed = letter + b"unsubscribe"
        self.message = letter + b"message"


CHANNEL: Final = Kind(b"")
PATTERN: Final = Kind(b"p")
SHARD: Final = Kind(b"s")  # a channel that belongs to a slot
KINDS: Final = (CHANNEL, PATTERN, SHARD)


class Subscriptions:
    """What one client has subscribed to, in that order."""

    def __init__(self) -> None:
        self.names: dict[Kind, dict[bytes, None]] = {kind: {} for kind in KINDS}

    def count(self, kind: Kind) -> int:
        """Return the number that confirmations tell: shard channels count apart."""
        if kind is SHARD:
            return len(self.names[SHARD])
        return len(self.names[CHANNEL]) + len(self.names[PATTERN])


class Subscriber(Protocol):
    """A client, as far as pub/sub is concerned."""

    resp: int
    subscriptions: Subscriptions | None

    def listen(self, subscriptions: Subscriptions | None) -> None:
        """Become, or stop being, one who has subscribed to something."""
        ...

    def push(self, message: bytes) -> None:
        """Send something that answers no command."""
        ...


class PubSub:
    """The registry; commands act on it once all that its client sent before has been answered."""

    def __init__(self) -> None:
        self.subscribers: dict[Kind, dict[bytes, dict[Subscriber, None]]] = {
            kind: {} for kind in KINDS
        }
        self._patterns = PatternIndex()

    def subscribe(self, client: Subscriber, kind: Kind, name: bytes) -> Push:
        """Subscribe, and return the confirmation.

        Raises:
            CommandError: the pattern is too long.
        """
        own = client.subscriptions or Subscriptions()
        if name not in own.names[kind]:
            subscribers = self.subscribers[kind].get(name)
            if subscribers is None:
                if kind is PATTERN:
                    self._patterns.add(name)
                subscribers = self.subscribers[kind][name] = {}
            subscribers[client] = None
            own.names[kind][name] = None
        if client.subscriptions is None:
            client.listen(own)
        return Push([kind.subscribed, name, own.count(kind)])

    def unsubscribe(self, client: Subscriber, kind: Kind, names: Iterable[bytes]) -> list[Push]:
        """Unsubscribe from these, whether subscribed to or not, and return the confirmations."""
        return [self._unsubscribe(client, kind, name) for name in names]

    def unsubscribe_all(self, client: Subscriber, kind: Kind) -> list[Push]:
        """Unsubscribe from all of a kind; there is a confirmation for none, too."""
        own = client.subscriptions
        if own is None or not own.names[kind]:
            return [Push([kind.unsubscribed, None, 0 if own is None else own.count(kind)])]
        return self.unsubscribe(client, kind, list(own.names[kind]))

    def forget(self, client: Subscriber) -> None:
        """The client is gone, or as new."""
        own = client.subscriptions
        if own is not None:
            for kind in KINDS:
                self.unsubscribe(client, kind, list(own.names[kind]))

    def end_shard_channels(self, is_gone: Callable[[bytes], bool]) -> None:
        """Tell the subscribers of shard channels that are not served here any more."""
        subscribers = self.subscribers[SHARD]
        for name in [name for name in subscribers if is_gone(name)]:
            for client in list(subscribers[name]):
                client.push(encode(self._unsubscribe(client, SHARD, name), client.resp))

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send a message to who is here; return how many times it was sent."""
        sent = 0
        subscribers = self.subscribers[CHANNEL].get(channel)
        if subscribers is not None:
            sent = _send(subscribers, Push([CHANNEL.message, channel, message]))
        for pattern in self._patterns.matching(channel):
            push = Push([PATTERN.message, pattern, channel, message])
            sent += _send(self.subscribers[PATTERN][pattern], push)
        return sent

    def publish_to_shard(self, channel: bytes, message: bytes) -> int:
        """Send a message to the shard channel's subscribers; return how many there are."""
        subscribers = self.subscribers[SHARD].get(channel)
        if subscribers is None:
            return 0
        return _send(subscribers, Push([SHARD.message, channel, message]))

    def _unsubscribe(self, client: Subscriber, kind: Kind, name: bytes) -> Push:
        own = client.subscriptions
        if own is None:
            return Push([kind.unsubscribed, name, 0])
        if name in own.names[kind]:
            del own.names[kind][name]
            subscribers = self.subscribers[kind][name]
            del subscribers[client]
            if not subscribers:
                del self.subscribers[kind][name]
                if kind is PATTERN:
                    self._patterns.remove(name)
            if not any(own.names.values()):
                client.listen(None)
        return Push([kind.unsubscribed, name, own.count(kind)])


def _send(subscribers: dict[Subscriber, None], push: Push) -> int:
    resp2 = resp3 = b""
    for client in subscribers:
        if client.resp == 2:
            resp2 = resp2 or encode(push, 2)
            client.push(resp2)
        else:
            resp3 = resp3 or encode(push, 3)
            client.push(resp3)
    return len(subscribers)
