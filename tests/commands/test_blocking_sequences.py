"""Random calls of several connections, of which some wait, against redis-server.

After every step the replies of all connections are compared: whom it served, and with what.
"""

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tests.commands.comparing import call, call_with, shared
from tests.commands.reference import Argv, RawConnection, Reference, Served
from tests.patience import wait_until

KEYS: Final = [b"k1", b"k2", b"k3", b"k4"]
WAITING: Final = 6  # connections that may wait; one more never does
Step = tuple[int, list[Argv]]  # of several commands: MULTI ... EXEC of the one that never waits

keys = st.sampled_from(KEYS)
some_keys = st.lists(keys, min_size=1, max_size=3)
items = st.sampled_from([b"a", b"b", b"c", b"d"])
some_items = st.lists(items, min_size=1, max_size=4)
ends = st.sampled_from([b"LEFT", b"RIGHT"])
forever = st.just(b"0")
waits = st.one_of(
    *[
        call_with(name, rest=some_keys).map(lambda argv: [*argv, b"0"])
        for name in ("BLPOP", "BRPOP")
    ],
    call("BLMOVE", keys, keys, ends, ends, forever),
    call("BRPOPLPUSH", keys, keys, forever),
    call("BLMPOP", forever, st.just(b"2"), keys, keys, ends),
    call("BLMPOP", forever, st.just(b"1"), keys, ends, st.just(b"COUNT"), st.just(b"2")),
)
changes = st.one_of(
    *[call_with(name, keys, rest=some_items) for name in ("RPUSH", "LPUSH")],
    call("LMOVE", keys, keys, ends, ends),
    call("RENAME", keys, keys),
    call("COPY", keys, keys, st.just(b"REPLACE")),
    call("SET", keys, st.just(b"v")),
    call("DEL", keys),
    call("LPOP", keys),
    call("LTRIM", keys, st.just(b"1"), st.just(b"-1")),
)
steps = st.one_of(
    st.tuples(st.integers(0, WAITING - 1), waits.map(lambda argv: [argv])),
    st.tuples(st.just(WAITING), st.lists(changes, min_size=1, max_size=1)),
    st.tuples(st.just(WAITING), st.lists(st.one_of(changes, waits), min_size=2, max_size=5)),
)


@shared
@given(st.lists(steps, max_size=25))
def test_everyone_gets_what_redis_gives(
    reference: Reference, served: Served, sequence: list[Step]
) -> None:
    seen = [play(sequence, server) for server in (reference, served)]
    assert seen[0] == seen[1]


def play(sequence: list[Step], server: Reference | Served) -> list[list[tuple[int, bytes]]]:
    """Return, for each step, the connections that got a reply with it; then what is stored."""
    server.clear()
    connections = [server.connect() for _ in range(WAITING + 1)]
    outstanding: list[int] = []
    seen = []
    try:
        for number, commands in sequence:
            if number in outstanding:
                continue  # it waits still, on both sides: all was equal so far
            connection = connections[number]
            if len(commands) > 1:
                for argv in ([b"MULTI"], *commands):
                    connection.call(argv)
                commands = [[b"EXEC"]]
            connection.send(commands[0])
            outstanding.append(number)
            seen.append(settle(server, connections, outstanding))
        seen.append([(0, server.call([b"TYPE", key])) for key in KEYS])
        seen.append([(0, server.call([b"LRANGE", key, b"0", b"-1"])) for key in KEYS])
    finally:
        for connection in connections:
            connection.close()
        wait_until(lambda: not blocked(server))
    return seen


def settle(
    server: Reference | Served, connections: list[RawConnection], outstanding: list[int]
) -> list[tuple[int, bytes]]:
    """Read what comes until everyone else waits; those that were answered leave `outstanding`."""
    replies = []

    def have_all_come() -> bool:
        for number in list(outstanding):
            if connections[number].has_reply():
                replies.append((number, connections[number].reply()))
                outstanding.remove(number)
        return blocked(server) == len(outstanding)

    wait_until(have_all_come)
    return sorted(replies)


def blocked(server: Reference | Served) -> int:
    """Return how many clients wait in a call."""
    info = server.call([b"INFO", b"clients"])
    return int(info.partition(b"blocked_clients:")[2].partition(b"\r\n")[0])
