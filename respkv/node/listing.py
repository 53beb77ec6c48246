"""KEYS over all partitions that a node leads, in slices: a million keys keep no other client waiting.

Each partition's keys are copied at one moment, which is quick; matching and encoding them is not,
so the node serves others after every few thousand.
"""

from collections.abc import Callable
from typing import Final

from respkv.commands.glob import matcher
from respkv.errors import CommandError
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.replica import Replica
from respkv.wire.reply import Reply, bulk
from respkv.wire.run import Argv

KEYS_PER_SLICE: Final = 2_000  # about 1 ms


def copy_keys(keyspace: Keyspace, argv: Argv) -> Reply:
    """Run in place of KEYS; see `Keyspace.copy_keys`."""
    matcher(argv[1])  # its errors belong here
    return keyspace.copy_keys()


def all_or_error(replies: list[tuple[int, Reply]]) -> Reply:
    """Return the pairs as they are, or the first error."""
    for _, reply in replies:
        if isinstance(reply, CommandError):
            return reply
    return replies


class Listing:
    """One KEYS under way; `done` gets its encoded reply."""

    def __init__(
        self,
        replicas: dict[int, Replica],
        pattern: bytes,
        call_soon: Callable[[Callable[[], None]], None],
        is_wanted: Callable[[], bool],
        done: Callable[[bytes], None],
    ) -> None:
        self._replicas = replicas
        self._matches = None if pattern == b"*" else matcher(pattern)
        self._call_soon = call_soon
        self._is_wanted = is_wanted
        self._done = done
        self._slices: list[tuple[Keyspace, list[bytes]]] = []
        self._encoded: list[bytes] = []
        self._found = 0

    def start(self, copies: list[tuple[int, list[bytes]]]) -> None:
        """Go through what `copy_keys` has returned for each partition."""
        for partition, keys in copies:
            keyspace = self._replicas[partition].keyspace
            for start in range(0, len(keys), KEYS_PER_SLICE):
                self._slices.append((keyspace, keys[start : start + KEYS_PER_SLICE]))
        self._slices.reverse()
        self._go_on()

    def _go_on(self) -> None:
        if not self._is_wanted():
            return
        if self._slices:
            keyspace, keys = self._slices.pop()
            found = keyspace.live(keys)
            matches = self._matches
            if matches is not None:
                found = [key for key in found if matches(key)]
            self._encoded.append(b"".join([bulk(key) for key in found]))
            self._found += len(found)
        if self._slices:
            self._call_soon(self._go_on)
        else:
            self._done(b"".join([b"*%d\r\n" % self._found, *self._encoded]))
