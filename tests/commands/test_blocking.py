"""Calls that wait, with several connections, against redis-server: who gets what, and when not.

A line is `connection: command`; one that waits has its reply read by a later `connection?`.
"""

import pytest

from tests.commands.reference import RawConnection, Reference, Served, split

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
}
WAITING = {"a?": "a", "c?": "c"}


@pytest.mark.parametrize("resp", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_who_gets_what(name: str, resp: int, reference: Reference, served: Served) -> None:
    assert play(CASES[name], resp, served) == play(CASES[name], resp, reference)


def play(script: str, resp: int, server: Reference | Served) -> list[tuple[str, bytes]]:
    """Return each line that has a reply, with it."""
    lines = [line.strip() for line in script.strip().splitlines()]
    connections = {name: server.connect(resp) for name in "abc"}
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
    while needle not in server.call([b"INFO", b"clients"]):
        pass


def test_a_waiter_is_dropped_when_its_connection_ends(served: Served) -> None:
    waits: RawConnection = served.connect()
    waits.send([b"BLPOP", b"k", b"0"])
    wait_until_blocked(served, 1)
    waits.close()
    wait_until_blocked(served, 0)
    served.call([b"RPUSH", b"k", b"x"])
    assert served.call([b"LLEN", b"k"]) == b":1\r\n"
