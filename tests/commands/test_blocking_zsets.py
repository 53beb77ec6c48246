"""Calls that wait for a sorted set, with several connections, against redis-server."""

import pytest

from tests.commands.reference import Reference, Served
from tests.commands.test_blocking import play

CASES = {
    "served by an addition": """
        a: BZPOPMIN k 0
        b: ZADD k 1 one 2 two
        a?
        b: ZRANGE k 0 -1 WITHSCORES
        """,
    "after all of the command": """
        a: BZPOPMAX k 0
        b: ZADD k 1 one 2.5 two -1 three
        a?
        b: ZRANGE k 0 -1 WITHSCORES
        """,
    "the oldest is served first": """
        a: BZPOPMIN k 0
        c: BZPOPMAX k 0
        b: ZADD k 1 one 2 two 3 three
        a?
        c?
        b: ZRANGE k 0 -1
        """,
    "one member for two who wait": """
        a: BZPOPMIN k 0
        c: BZMPOP 0 1 k MAX
        b: ZADD k 1 one
        a?
        b: EXISTS k
        b: ZINCRBY k 2 two
        c?
        b: EXISTS k
        """,
    "several at once": """
        a: BZMPOP 0 2 j k MIN COUNT 2
        b: ZADD k 1 one 2 two 3 three
        a?
        b: ZRANGE k 0 -1
        """,
    "more than there are": """
        a: BZMPOP 0 2 j k MAX COUNT 10
        b: ZADD k 1 one 2 two
        a?
        b: EXISTS k
        """,
    "several keys": """
        a: BZPOPMIN k1 k2 k3 0
        b: ZADD k2 inf x
        a?
        b: ZADD k3 -inf y
        b: ZADD k1 0.1 y
        a: BZPOPMIN k1 k2 k3 0
        a: BZMPOP 0 3 k1 k2 k3 MIN
        """,
    "a key named twice": """
        a: BZPOPMIN k k 0
        b: ZADD k 1 x 2 y
        a?
        b: ZCARD k
        """,
    "by a transaction, after all of it": """
        a: BZPOPMIN k 0
        b: MULTI
        b: ZADD k 5 five
        b: ZADD k 1 one
        b: EXEC
        a?
        b: ZRANGE k 0 -1
        """,
    "a transaction that takes back what it gave": """
        a: BZPOPMIN k 0
        b: MULTI
        b: ZADD k 1 one
        b: ZREM k one
        b: EXEC
        b: ZADD k 2 two
        a?
        """,
    "inside a transaction nothing waits": """
        a: MULTI
        a: BZPOPMIN k 0
        a: BZMPOP 0 1 k MIN
        a: ZADD k 1 x 2 y
        a: BZPOPMAX k 0
        a: BZMPOP 0 1 k MIN
        a: EXEC
        """,
    "another type is no member": """
        a: BZPOPMIN k 0
        b: SET k v
        b: DEL k
        b: RPUSH k x
        b: DEL k
        b: ZADD k 1 x
        a?
        """,
    "lists and sorted sets at one key": """
        a: BLPOP k 0
        c: BZPOPMIN k 0
        b: ZADD k 1 x
        c?
        b: RPUSH k y
        a?
        b: EXISTS k
        """,
    "stored results bring members": """
        a: BZPOPMIN k 0
        b: ZADD other 1 x 2 y
        b: ZUNIONSTORE k 1 other
        a?
        b: DEL k
        a: BZMPOP 0 1 k MAX
        b: ZRANGESTORE k other 0 -1
        a?
        b: ZRANGE k 0 -1
        """,
    "rename and copy bring members": """
        a: BZPOPMIN k 0
        b: ZADD other 1 x
        b: RENAME other k
        a?
        b: EXISTS k
        a: BZPOPMAX k 0
        b: ZADD other 1 x
        b: COPY other k
        a?
        """,
    "what was popped is gone for watchers": """
        a: BZPOPMIN k 0
        c: WATCH k
        b: ZADD k 1 x
        a?
        c: MULTI
        c: PING
        c: EXEC
        """,
    "times": """
        a: BZPOPMIN k x
        a: BZPOPMAX k -1
        a: BZPOPMIN k 0.01
        a: BZPOPMAX k 0.001
        a: BZMPOP 0.01 1 k MIN
        a: BZMPOP x 1 k MIN
        a: BZMPOP 1e300 1 k MIN
        a: BZPOPMIN k
        """,
    "unblocked by another client": """
        a: BZPOPMIN k 0
        b: CLIENT UNBLOCK #a
        a?
        a: BZMPOP 0 1 k MIN
        b: CLIENT UNBLOCK #a ERROR
        a?
        """,
    "one who is gone gets nothing": """
        a: BZPOPMIN k 0
        c: BZPOPMIN k 0
        a!
        b: ZADD k 1 x
        c?
        b: EXISTS k
        """,
}


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_who_gets_what(name: str, resp: int, reference: Reference, served: Served) -> None:
    assert play(CASES[name], resp, served) == play(CASES[name], resp, reference)
