"""MULTI ... EXEC as one item of a batch: it applies as a whole, at one position of the log."""

import logging
from collections.abc import Callable
from typing import Any

from respkv.errors import CommandError, InvariantViolation, LogTimeBehind
from respkv.keyspace.keyspace import Keyspace
from respkv.replica.client import Client
from respkv.wire.long_reply import joined
from respkv.wire.reply import NULL_ARRAY, Reply, frozen

logger = logging.getLogger(__name__)

internal_errors = 0  # handlers that failed in a way no client can cause; CI fails when not 0


def answer_to(error: Exception, argv: list[bytes]) -> CommandError:
    """Return the reply for what a handler raised: a client's mistake and a bug are both answers.

    Raises:
        MemoryError, RecursionError, OSError, InvariantViolation: may differ between replicas, so
            this one stops.
        LogTimeBehind: a read that only an entry can answer.
    """
    global internal_errors
    if isinstance(error, CommandError):
        error.__traceback__ = None  # it refers to the frame that keeps the replies: a cycle
        return error
    if isinstance(error, (MemoryError, RecursionError, OSError, InvariantViolation, LogTimeBehind)):
        raise error
    internal_errors += 1
    name = argv[0][:64].decode(errors="replace") if argv else "?"
    logger.error("internal error in %s", name, exc_info=error)
    return CommandError(b"ERR internal error")


def execute(
    handler: Callable[[Any, list[bytes]], Reply], subject: object, argv: list[bytes]
) -> Reply:
    """Run one handler; raises what `answer_to` raises."""
    try:
        return handler(subject, argv)
    except Exception as error:
        return answer_to(error, argv)


class Transaction:
    """Queued commands and the modification counters WATCH read for them.

    `commands` holds (handler, argv, whether it runs on the connection); `watches` holds
    (database, key, counter). *Apply* compares the counters, never the proposer: between proposal
    and apply other entries may commit.
    """

    def __init__(self, client: Client | None = None) -> None:
        self.client = client
        self.commands: list[tuple[Callable[[Any, list[bytes]], Reply], list[bytes], bool]] = []
        self.watches: list[tuple[int, bytes, int]] = []
        self.last_db = -1  # the database selected at its end; -1: it has not run
        self.writes = False  # whether any of the commands may change the keyspace
        self.may_grow = False  # whether any of them may need memory
        self.slots: set[int] | None = None  # of its keys and the watched ones; cluster mode
        self.ran = False  # neither stopped by WATCH nor refused

    def run(self, keyspace: Keyspace, argv: list[bytes]) -> Reply:
        """Run all commands, or none (a null array) when a watched key has changed."""
        if self._watch_broken(keyspace):
            return NULL_ARRAY
        self.ran = True
        keyspace.may_park = False
        replies: list[Reply] = []
        for handler, command_argv, local in self.commands:
            if local:
                reply = execute(handler, self.client, command_argv)
            else:
                reply = frozen(execute(handler, keyspace, command_argv))
                if keyspace.applying:  # one that only reads is not in the log: no replica counts it
                    keyspace.position += 1
            replies.append(reply)
            if isinstance(reply, CommandError) and self.client is not None:
                self.client.count_error(reply)
        keyspace.may_park = True
        self.last_db = keyspace.db_index
        return joined(replies)

    def _watch_broken(self, keyspace: Keyspace) -> bool:
        db = keyspace.db_index
        broken = False
        for watched_db, key, counter in self.watches:
            keyspace.select(watched_db)
            keyspace.peek(key)  # a deadline that has passed since WATCH is a change as well
            broken = broken or keyspace.counter(watched_db, key) != counter
        keyspace.select(db)
        return broken


class Watch:
    """WATCH: a linearizable read of modification counters into the client's own list."""

    def __init__(self, watches: list[tuple[int, bytes, int]], db: int) -> None:
        self._watches = watches
        self._db = db

    def run(self, keyspace: Keyspace, argv: list[bytes]) -> Reply:
        """Read the counters of the keys in argv[1:]."""
        for key in argv[1:]:
            keyspace.peek(key)  # LogTimeBehind when log time must move before this can be judged
        for key in argv[1:]:
            if not any(db == self._db and key == known for db, known, _ in self._watches):
                self._watches.append((self._db, key, keyspace.counter(self._db, key)))
        return "OK"
