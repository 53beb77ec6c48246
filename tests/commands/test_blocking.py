"""Calls that wait, with several connections, against redis-server: who gets what, and when not.

A line is `connection: command`; one that waits has its reply read by a later `connection?`.
"""

import pytest

from tests.commands.reference import RawConnection, Reference, Served, split
from tests.patience import wait_until

CASES = {
    "served by a push": """
        a: BLPOP k 0
        b: RPUSH k one two
        a?
        b: LRANGE k 0 -1
        """,
    "the oldest is served first": """
        a: BLPOP k 0
        c: BRPOP k 0
        b: RPUSH k one two three
        a?
        c?
        b: LRANGE k 0 -1
        """,
    "one element for two who wait": """
        a: BLPOP k 0
        c: BLPOP k 0
        b: LPUSH k one
        a?
        b: EXISTS k
        b: LPUSH k two
        c?
        """,
    "several keys": """
        a: BLPOP k1 k2 k3 0
        b: RPUSH k2 x
        a?
        b: RPUSH k1 y
        a: BLPOP k1 k2 k3 0
        """,
    "a key named twice": """
        a: BLPOP k k 0
        b: RPUSH k x y
        a?
        b: LLEN k
        """,
    "by a transaction, after all of it": """
        a: BLPOP k 0
        b: MULTI
        b: RPUSH k one
        b: LPUSH k two
        b: DEL none
        b: EXEC
        a?
        b: LRANGE k 0 -1
        """,
    "a transaction that takes back what it gave": """
        a: BLPOP k 0
        b: MULTI
        b: RPUSH k one
        b: DEL k
        b: EXEC
        b: RPUSH k two
        a?
        """,
    "inside a transaction nothing waits": """
        a: MULTI
        a: BLPOP k 0
        a: RPUSH k x
        a: BLPOP k 0
        a: EXEC
        """,
    "another type is no element": """
        a: BLPOP k 0
        b: SET k v
        b: DEL k
        b: HSET k f v
        b: DEL k
        b: RPUSH k x
        a?
        """,
    "rename brings an element": """
        a: BLPOP k 0
        b: RPUSH other x
        b: RENAME other k
        a?
        b: EXISTS k
        """,
    "copy brings an element": """
        a: BLPOP k 0
        b: RPUSH other x
        b: COPY other k
        a?
        """,
    "swapdb brings an element": """
        a: BLPOP k 0
        b: SELECT 1
        b: RPUSH k x
        b: SWAPDB 0 1
        a?
        """,
    "another database": """
        a: SELECT 1
        a: BLPOP k 0
        b: RPUSH k zero
        b: SELECT 1
        b: RPUSH k one
        a?
        b: SELECT 0
        b: LRANGE k 0 -1
        """,
    "times": """
        a: BLPOP k x
        a: BLPOP k -1
        a: BLPOP k nan
        a: BLPOP k inf
        a: BLPOP k 1e300
        a: BLPOP k 0.01
        a: BRPOP k 0.001
        a: BLPOP k
        a: SET s v
        a: BLPOP s 0
        a: BLPOP k s 0
        """,
    "what follows waits": """
        a: BLPOP k 0
        a+ SET after 1
        a+ GET after
        b: GET after
        b: RPUSH k x
        a?
        a?
        a?
        """,
    "unblocked by another client": """
        a: CLIENT SETNAME waits
        a: BLPOP k 0
        b: CLIENT UNBLOCK #a
        a?
        a: BLPOP k 0
        b: CLIENT UNBLOCK #a ERROR
        a?
        b: CLIENT UNBLOCK #a
        b: CLIENT UNBLOCK x
        b: CLIENT UNBLOCK #a FOO
        a: BLPOP k 0
        b: CLIENT UNBLOCK #a TIMEOUT
        a?
        """,
    "a WAIT unblocked": """
        a: WAIT 1 0
        b: CLIENT UNBLOCK #a
        a?
        a: WAIT 1 0
        b: CLIENT UNBLOCK #a ERROR
        a?
        """,
    "one who is gone gets nothing": """
        a: BLPOP k 0
        c: BLPOP k 0
        a!
        b: RPUSH k x
        c?
        b: EXISTS k
        """,
    "a move gives to its target, whose waiter is served too": """
        a: BLMOVE k1 k2 LEFT RIGHT 0
        c: BLPOP k2 0
        b: RPUSH k1 x
        a?
        c?
        b: EXISTS k1 k2
        """,
    "a chain of moves, the last waiter first in line": """
        c: BLPOP k4 0
        a: BRPOPLPUSH k2 k3 0
        d: BLMOVE k3 k4 RIGHT LEFT 0
        b: RPUSH k2 x y
        a?
        d?
        c?
        b: LRANGE k2 0 -1
        b: EXISTS k3 k4
        """,
    "a circle of moves ends": """
        a: BLMOVE k1 k2 LEFT RIGHT 0
        c: BLMOVE k2 k1 LEFT RIGHT 0
        b: RPUSH k1 x
        a?
        c?
        b: LRANGE k1 0 -1
        b: EXISTS k2
        """,
    "a move onto itself leaves the element for the next": """
        a: BLMOVE k k LEFT LEFT 0
        c: BRPOPLPUSH k k 0
        d: BLPOP k 0
        b: RPUSH k x
        a?
        c?
        d?
        b: EXISTS k
        """,
    "a move to another type is answered, and the element stays": """
        b: SET s v
        a: BLMOVE k s LEFT LEFT 0
        b: RPUSH k x y
        a?
        b: LRANGE k 0 -1
        b: GET s
        """,
    "what a move could not take goes to the next waiter": """
        b: SET s v
        a: BRPOPLPUSH k s 0
        c: BLPOP k 0
        b: RPUSH k x
        a?
        c?
        b: EXISTS k
        """,
    "a target that changed its type while its source was waited for": """
        a: BLMOVE k t LEFT LEFT 0
        b: HSET t f v
        b: DEL t
        b: LPUSH t old
        b: LPUSH k new
        a?
        b: LRANGE t 0 -1
        """,
    "times of moves": """
        a: BLMOVE k t LEFT LEFT 0.01
        a: BRPOPLPUSH k t 0.01
        a: BLMPOP 0.01 2 k t LEFT
        a: BLMPOP 0.01 1 k RIGHT COUNT 5
        a: BLMOVE k k LEFT LEFT 0.01
        """,
    "several at once, and what is left": """
        a: BLMPOP 0 2 k1 k2 LEFT COUNT 2
        c: BLMPOP 0 1 k2 RIGHT COUNT 10
        b: RPUSH k2 x y z
        a?
        c?
        b: EXISTS k2
        """,
    "many at once of a key with many": """
        a: BLMPOP 0 3 k1 k2 k2 RIGHT COUNT 3
        d: BLMPOP 0 1 k1 LEFT
        c: BLPOP k2 k1 0
        b: RPUSH k1 1 2 3 4 5 6
        a?
        d?
        c?
        b: LRANGE k1 0 -1
        """,
    "a transaction that fills several keys serves in their order": """
        a: BLPOP k1 k2 k3 0
        c: BRPOP k1 k2 k3 0
        d: BLMPOP 0 2 k1 k3 LEFT COUNT 2
        b: MULTI
        b: RPUSH k3 z1 z2
        b: RPUSH k1 x
        b: RPUSH k2 y
        b: EXEC
        a?
        c?
        d?
        b: LRANGE k1 0 -1
        b: LRANGE k2 0 -1
        b: LRANGE k3 0 -1
        """,
    "a transaction that fills, empties and fills again": """
        a: BLPOP k1 k2 0
        b: MULTI
        b: RPUSH k1 x
        b: RPUSH k2 y
        b: DEL k1
        b: RPUSH k1 z
        b: EXEC
        a?
        b: LRANGE k1 0 -1
        b: LRANGE k2 0 -1
        """,
    "a transaction that moves": """
        a: BLPOP k2 0
        c: BLMOVE k1 k3 LEFT LEFT 0
        b: MULTI
        b: RPUSH k1 x y
        b: LMOVE k1 k2 LEFT LEFT
        b: BLMOVE none k2 LEFT LEFT 0
        b: LLEN k2
        b: EXEC
        a?
        c?
        b: LRANGE k3 0 -1
        b: EXISTS k1 k2
        """,
    "a transaction that does not run": """
        a: BLPOP k 0
        b: WATCH k w
        c: SET w 1
        b: MULTI
        b: RPUSH k x
        b: EXEC
        b: MULTI
        b: RPUSH k y
        b: NOSUCH
        b: EXEC
        b: RPUSH k z
        a?
        """,
    "a watched key that a waiter empties has changed": """
        a: BLPOP k 0
        b: WATCH k
        c: RPUSH k x
        a?
        b: MULTI
        b: SET w 1
        b: EXEC
        """,
    "a list of another type's name is served once it is a list": """
        b: SET k v
        b: RPUSH other x y
        b: DEL k
        a: BLMPOP 0 1 k LEFT COUNT 9
        b: SET k v
        b: RENAME other k
        a?
        b: EXISTS k
        """,
    "moves to another database bring an element": """
        a: SELECT 1
        a: BLMOVE k t LEFT LEFT 0
        b: RPUSH k x
        b: MOVE k 1
        a?
        b: SELECT 1
        b: LRANGE t 0 -1
        """,
    "restored by an insert of nobody": """
        a: BLPOP k 0
        b: LINSERT k BEFORE a b
        b: LPUSHX k x
        b: RPUSHX k x
        b: LMOVE k k LEFT LEFT
        b: RPOPLPUSH none k
        b: LPUSH k z
        a?
        """,
    "lmove and rpoplpush serve": """
        a: BLPOP k 0
        c: BRPOP k 0
        b: RPUSH source x y
        b: LMOVE source k LEFT LEFT
        b: RPOPLPUSH source k
        a?
        c?
        b: EXISTS source k
        """,
    "unblocked in a move": """
        a: BLMOVE k t LEFT LEFT 0
        c: BLPOP t 0
        b: CLIENT UNBLOCK #a
        a?
        a: BLMPOP 0 1 k LEFT
        b: CLIENT UNBLOCK #a ERROR
        a?
        a: BRPOPLPUSH k t 0
        b: CLIENT UNBLOCK #a TIMEOUT
        a?
        b: RPUSH k x
        b: LLEN k
        b: RPUSH t y
        c?
        """,
    "one who is gone moves nothing": """
        a: BLMOVE k t LEFT LEFT 0
        c: BLMPOP 0 2 k t LEFT COUNT 2
        a!
        b: RPUSH k x y z
        c?
        b: LRANGE k 0 -1
        b: EXISTS t
        """,
    "an element that expired is none": """
        b: RPUSH k x
        b: PEXPIREAT k 1
        a: BLPOP k 0
        b: RPUSH k y
        a?
        """,
    "pipelined waits of one client": """
        a: BLPOP k 0
        a+ BLMOVE k t LEFT LEFT 0
        a+ LRANGE t 0 -1
        b: RPUSH k x y
        a?
        a?
        a?
        """,
}


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_who_gets_what(name: str, resp: int, reference: Reference, served: Served) -> None:
    assert play(CASES[name], resp, served) == play(CASES[name], resp, reference)


def play(script: str, resp: int, server: Reference | Served) -> list[tuple[str, bytes]]:
    """Return each line that has a reply, with it."""
    lines = [line.strip() for line in script.strip().splitlines()]
    connections = {name: server.connect(resp) for name in "abcd"}
    ids = {name: int(each.call([b"CLIENT", b"ID"])[1:]) for name, each in connections.items()}
    seen = []
    try:
        for number, line in enumerate(lines):
            connection = connections[line[0]]
            if line[1:] == "?":
                seen.append((line, connection.reply()))
            elif line[1:] == "!":
                connection.close()
                wait_until_blocked(server, waiting_at(lines, number + 1))
            else:
                argv = split(line[3:])
                argv = [b"%d" % ids["a"] if word == b"#a" else word for word in argv]
                connection.send(argv)
                if line[1] != "+" and not is_answered_later(lines, number):
                    seen.append((line, connection.reply()))
                else:
                    wait_until_blocked(server, waiting_at(lines, number + 1))
    finally:
        for connection in connections.values():
            connection.close()
        wait_until_blocked(server, 0)
    return seen


def is_answered_later(lines: list[str], number: int) -> bool:
    """Return whether the next line of the same connection reads this one's reply, or ends it."""
    later = [line for line in lines[number + 1 :] if line[0] == lines[number][0]]
    return bool(later) and later[0][1] in "?!+" and lines[number][1] != "+"


def waiting_at(lines: list[str], number: int) -> int:
    """Return how many connections wait before line `number`."""
    waiting = set()
    for at, line in enumerate(lines[:number]):
        if line[1] in "?!":
            waiting.discard(line[0])
        elif line[1] == ":" and is_answered_later(lines, at):
            waiting.add(line[0])
    return len(waiting)


def wait_until_blocked(server: Reference | Served, count: int) -> None:
    """Return once so many clients wait in a call."""
    needle = b"blocked_clients:%d\r\n" % count
    wait_until(lambda: needle in server.call([b"INFO", b"clients"]))


def test_a_waiter_is_dropped_when_its_connection_ends(served: Served) -> None:
    waits: RawConnection = served.connect()
    waits.send([b"BLPOP", b"k", b"0"])
    wait_until_blocked(served, 1)
    waits.close()
    wait_until_blocked(served, 0)
    served.call([b"RPUSH", b"k", b"x"])
    assert served.call([b"LLEN", b"k"]) == b":1\r\n"


def test_many_who_wait_for_many_keys(reference: Reference, served: Served) -> None:
    """One transaction serves them all: each key's oldest first, key by key as they were filled."""
    replies = []
    for server in (reference, served):
        server.clear()
        keys = [b"k%d" % number for number in range(20)]
        waiting = [server.connect() for _ in range(120)]
        for number, connection in enumerate(waiting):
            some = [keys[number % 20], keys[(number * 7) % 20], keys[(number + 1) % 20]]
            if number % 3 == 0:
                connection.send([b"BLPOP", *some, b"0"])
            elif number % 3 == 1:
                connection.send([b"BLMOVE", *some[:2], b"RIGHT", b"LEFT", b"0"])
            else:
                connection.send([b"BLMPOP", b"0", b"3", *some, b"RIGHT", b"COUNT", b"2"])
            wait_until_blocked(server, number + 1)
        server.call([b"MULTI"])
        for key in reversed(keys):
            server.call([b"RPUSH", key, *[b"%b:%d" % (key, item) for item in range(12)]])
        server.call([b"EXEC"])
        wait_until_blocked(server, 0)
        replies.append([connection.reply() for connection in waiting])
        replies[-1] += [server.call([b"LRANGE", key, b"0", b"-1"]) for key in keys]
        for connection in waiting:
            connection.close()
    assert replies[0] == replies[1]
