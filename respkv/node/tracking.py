"""CLIENT TRACKING: tells clients which of the keys they have read or asked about were changed.

A key is remembered when the read is *served*, and forgotten once its invalidation is sent, so a
client that caches replies in the order they come never keeps a value that changed unseen.
"""

from typing import TYPE_CHECKING, Any, Final

from respkv.commands.table import READONLY, Command, keys_of
from respkv.node.pubsub import CHANNEL
from respkv.wire.reply import Push, Reply, encode
from respkv.wire.run import Argv

if TYPE_CHECKING:
    from respkv.node.connection import Connection
    from respkv.node.server import Node

INVALIDATE: Final = b"invalidate"
INVALIDATION_CHANNEL: Final = b"__redis__:invalidate"


class ClientTracking:
    """One client's choices."""

    def __init__(self, *, redirect: int, bcast: bool, optin: bool, optout: bool) -> None:
        self.redirect = redirect  # the client that gets the messages; 0: the same
        self.broken_redirect = False
        self.bcast = bcast
        self.optin = optin
        self.optout = optout
        self.noloop = False
        self.caching = False  # CLIENT CACHING was said of the next command
        self.prefixes: set[bytes] = set()
        self.commands: dict[bytes, Command] = {}  # reads that also remember their keys

    def remembers(self) -> bool:
        """Return whether the keys of the next read are to be remembered."""
        if self.bcast or (self.optin and not self.caching):
            return False
        return not (self.optout and self.caching)


class Tracking:
    """The table of one node; `Node.clients` are its clients."""

    def __init__(self, node: "Node") -> None:
        self.readers: dict[bytes, set[int]] = {}
        self.prefixes: dict[bytes, set[int]] = {}
        self.tracking_clients = 0
        self._node = node
        self._broadcasts: dict[bytes, dict[bytes, int]] = {}  # prefix → key → who changed it

    def update_watching(self) -> None:
        """Have the keyspaces of this node tell what changes, exactly while a client tracks."""
        for replica in self._node.replicas():
            keyspace = replica.keyspace
            if not self.tracking_clients:
                keyspace.changed = None
            elif keyspace.changed is None:
                keyspace.changed = []

    # --- who tracks --------------------------------------------------------------------------

    def enable(self, client: "Connection", state: ClientTracking, prefixes: list[bytes]) -> None:
        """Turn tracking on, or change it."""
        before = client.tracking
        if before is None:
            self.tracking_clients += 1
        else:
            state.prefixes = before.prefixes
        client.track(state)
        if state.bcast:
            for prefix in prefixes or ([] if state.prefixes else [b""]):
                state.prefixes.add(prefix)
                self.prefixes.setdefault(prefix, set()).add(client.id)
        self.update_watching()

    def disable(self, client: "Connection") -> None:
        """Turn tracking off; what it has read is forgotten when it changes."""
        state = client.tracking
        if state is None:
            return
        for prefix in state.prefixes:
            self.prefixes[prefix].discard(client.id)
            if not self.prefixes[prefix]:
                del self.prefixes[prefix]
        client.track(None)
        self.tracking_clients -= 1
        if not self.tracking_clients:
            self.readers.clear()
            self.update_watching()

    # --- what they read ----------------------------------------------------------------------

    def remembering(self, client: "Connection", command: Command) -> Command:
        """Return the command, or for a read whose keys are wanted one that remembers them."""
        state = client.tracking
        if state is None or not command.flags & READONLY or not state.remembers():
            return command
        known = state.commands.get(command.name)
        if known is None:

            def run(keyspace: Any, argv: Argv) -> Reply:
                self._remember(client, keys_of(command, argv))
                return command.handler(keyspace, argv)

            known = state.commands[command.name] = command.with_handler(run)
        return known

    def _remember(self, client: "Connection", keys: list[bytes]) -> None:
        if client.tracking is None:
            return
        for key in keys:
            readers = self.readers.get(key)
            if readers is None:
                self.readers[key] = {client.id}
            else:
                readers.add(client.id)
        keys_max = self._node.config["tracking-table-max-keys"]
        while keys_max and len(self.readers) > keys_max:
            self._invalidate(0, next(iter(self.readers)))

    # --- what has changed --------------------------------------------------------------------

    def changed(self, writer: int, keys: list[bytes | None]) -> None:
        """Take what one command (of client `writer`; 0: nobody's) changed."""
        if None in keys:
            self._flushed()
        for key in keys:
            if key is None:
                continue
            if key in self.readers:
                self._invalidate(writer, key)
            for prefix in self.prefixes:
                if key.startswith(prefix):
                    if not self._broadcasts:
                        self._node.runtime.before_replies = self._broadcast
                    self._broadcasts.setdefault(prefix, {})[key] = writer

    def _flushed(self) -> None:
        self.readers.clear()
        for client in list(self._node.clients.values()):
            if client.tracking is not None:
                self._send(client, None)

    def _invalidate(self, writer: int, key: bytes) -> None:
        for reader in sorted(self.readers.pop(key)):
            client = self._node.clients.get(reader)
            state = None if client is None else client.tracking
            if client is None or state is None or state.bcast:
                continue
            if not (state.noloop and reader == writer):
                self._send(client, [key])

    def _broadcast(self) -> None:
        broadcasts, self._broadcasts = self._broadcasts, {}
        for prefix, keys in broadcasts.items():
            for reader in sorted(self.prefixes.get(prefix, ())):
                client = self._node.clients.get(reader)
                if client is None or client.tracking is None:
                    continue
                spared = reader if client.tracking.noloop else -1
                wanted = [key for key, writer in keys.items() if writer != spared]
                if wanted:
                    self._send(client, wanted)

    def _send(self, client: "Connection", keys: list[bytes] | None) -> None:
        state = client.tracking
        target: Connection | None = client
        if state is not None and state.redirect:
            target = self._node.clients.get(state.redirect)
            if target is None:
                state.broken_redirect = True
                if client.resp == 3:
                    broken = [b"tracking-redir-broken", state.redirect]
                    client.push(encode(Push(broken), 3))
                return
        if target is None:
            return
        if target.resp == 3:
            target.push(encode(Push([INVALIDATE, keys]), 3))
        elif target.subscriptions is not None and target is not client:
            # With RESP2 it is a message, to a client that has subscribed to anything at all.
            target.push(encode(Push([CHANNEL.message, INVALIDATION_CHANNEL, keys]), 2))
