"""Two connections take turns at random, with transactions and WATCH: redis-server's replies.

More of it: `RESPKV_EXAMPLES=5000 pytest tests/commands/test_two_connections.py`.
"""

import contextlib

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.commands.comparing import EXAMPLES
from tests.commands.reference import Argv, RawConnection, Reference, Served
from tests.commands.test_random_commands import commands, keys

# Replies that depend on when they are asked for; PEXPIRETIME tells the same.
TIMED = (b"TTL", b"PTTL")
# These count as a change of every watched key here, in Redis only of those that are there.
EVERY_KEY = (b"FLUSHDB", b"SWAPDB")

names = st.sampled_from(["a", "b"])
calls = commands.filter(lambda argv: argv[0] not in TIMED)
refused = st.sampled_from(
    [[b"GET"], [b"NOSUCH"], [b"MULTI"], [b"WATCH", b"a"], [b"EXEC", b"x"], [b"OBJECT", b"X"]]
)


class TwoConnections(RuleBasedStateMachine):
    """Each rule sends one command on one of two connections to both servers."""

    def __init__(self, reference: Reference, served: Served) -> None:
        super().__init__()
        reference.clear()
        served.clear()
        self._open = contextlib.ExitStack()
        self._pairs: dict[str, list[RawConnection]] = {}
        for name, resp in (("a", 2), ("b", 3)):
            self._pairs[name] = [server.connect(resp) for server in (reference, served)]
            for connection in self._pairs[name]:
                self._open.callback(connection.close)
        self._watching: set[str] = set()
        self._in_transaction: set[str] = set()

    def _send(self, name: str, argv: Argv) -> None:
        expected, reply = [connection.call(argv) for connection in self._pairs[name]]
        assert reply == expected, argv

    @rule(name=names, argv=calls)
    def command(self, name: str, argv: Argv) -> None:
        if argv[0] in EVERY_KEY and self._watching:
            return
        self._send(name, argv)

    @rule(name=names)
    def multi(self, name: str) -> None:
        self._send(name, [b"MULTI"])
        self._in_transaction.add(name)

    @rule(name=names, how=st.sampled_from([b"EXEC", b"EXEC", b"EXEC", b"DISCARD", b"RESET"]))
    def end(self, name: str, how: bytes) -> None:
        self._send(name, [how])
        if name in self._in_transaction or how == b"RESET":
            self._watching.discard(name)
        self._in_transaction.discard(name)
        if how == b"RESET" and name == "b":
            self._send(name, [b"HELLO", b"3", b"SETNAME", b"not valid"])

    @rule(name=names, watched=st.lists(keys, min_size=1, max_size=2))
    def watch(self, name: str, watched: list[bytes]) -> None:
        if name not in self._in_transaction:
            self._watching.add(name)
        self._send(name, [b"WATCH", *watched])

    @rule(name=names)
    def unwatch(self, name: str) -> None:
        self._send(name, [b"UNWATCH"])
        if name not in self._in_transaction:
            self._watching.discard(name)

    @rule(name=names, argv=refused)
    def refused_command(self, name: str, argv: Argv) -> None:
        self._send(name, argv)
        if argv[0] == b"MULTI":
            self._in_transaction.add(name)
        elif argv[0] == b"WATCH" and name not in self._in_transaction:
            self._watching.add(name)
        elif argv[0] == b"EXEC":
            self._in_transaction.discard(name)
            self._watching.discard(name)

    def teardown(self) -> None:
        self._open.close()


def test_two_connections_see_what_redis_shows(reference: Reference, served: Served) -> None:
    run_state_machine_as_test(
        lambda: TwoConnections(reference, served),
        settings=settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None),
    )
