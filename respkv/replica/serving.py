"""After a command, or a whole transaction: give what it brought to those who wait for it."""

from typing import Final

from respkv.commands.blocking import NOT_SERVED, SERVERS
from respkv.errors import Unblocked
from respkv.keyspace.keyspace import Keyspace
from respkv.keyspace.values import type_name
from respkv.replica.transaction import answer_to
from respkv.wire.reply import Reply

LOOKED_AT: Final = 32  # waiters of a key at once: most pushes serve the first


def serve_ready(keyspace: Keyspace) -> None:
    """Answer, in log order, all parked calls that can be served; that may make more keys ready."""
    ready = keyspace.waiters.ready
    selected_db = keyspace.db_index
    while ready:
        place = next(iter(ready))
        del ready[place]
        keyspace.select(place[0])
        _serve_key(keyspace, place)
    keyspace.select(selected_db)


def _serve_key(keyspace: Keyspace, place: tuple[int, bytes]) -> None:
    waiters = keyspace.waiters
    _end_bound(keyspace, place)
    skip = 0
    while True:
        oldest = waiters.next_of(place, skip, LOOKED_AT)
        if not oldest:
            return
        for waiter in oldest:
            value = keyspace.lookup(place[1])
            if value is None:
                return
            wanted_type, server = SERVERS[waiter.argv[0].upper()]
            reply: Reply = NOT_SERVED
            if type_name(value) == wanted_type:
                try:
                    reply = server(keyspace, waiter.argv, place[1])
                except Exception as error:
                    reply = answer_to(error, waiter.argv)
            if reply is NOT_SERVED:
                skip += 1
            else:
                waiters.answer(waiter, reply)


def _end_bound(keyspace: Keyspace, place: tuple[int, bytes]) -> None:
    """End the calls that depend on a key which is gone, or holds another type."""
    for waiter in keyspace.waiters.bound_to(place):
        value = keyspace.lookup(place[1])
        if value is None or type_name(value) != SERVERS[waiter.argv[0].upper()][0]:
            gone = Unblocked(b"UNBLOCKED the stream key no longer exists")
            keyspace.waiters.answer(waiter, gone)
