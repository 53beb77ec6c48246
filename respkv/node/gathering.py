"""A command without keys, run on every partition that a node leads: one reply from all of theirs."""

from collections.abc import Callable
from typing import Any, Final

from respkv.clock import SeededChance
from respkv.commands.scan_options import parse_cursor
from respkv.commands.table import WRITE, Command
from respkv.errors import CommandError, LeadersChanged
from respkv.node.listing import all_or_error
from respkv.replica.client import Client
from respkv.replica.replica import Replica
from respkv.steps import Steps
from respkv.wire.reply import OK, Reply, SteppedReply
from respkv.wire.run import Argv, encode_command

# From (partition, reply) pairs in order of the partitions to the reply of the whole.
Combine = Callable[[list[tuple[int, Reply]]], Reply]


class Part(Client):
    """What one partition's replica takes for a client."""

    def __init__(self, gathering: "Gathering", partition: int) -> None:
        super().__init__()
        self.gathering = gathering
        self.partition = partition

    def reply(self, reply: Reply) -> None:
        """Take the partition's reply."""
        self.gathering.take(self.partition, reply)

    def send_replies(self) -> None:
        """Nothing leaves by itself."""

    def close_unknown(self) -> None:
        """Whether the partition ran the command is unknown; for a read that does not matter."""
        self.gathering.has_unknown = True
        self.gathering.take(self.partition, LeadersChanged())


class Gathering:
    """One command under way on several partitions."""

    def __init__(
        self,
        replicas: dict[int, Replica],
        command: Command,
        argv: Argv,
        combine: Combine,
        done: Callable[[Reply], None],
    ) -> None:
        self.has_unknown = False  # a partition may or may not have run a command that writes
        self._replicas = replicas
        self._command = command
        self._argv = argv
        self._combine = combine
        self._done = done
        self._replies: dict[int, Reply] = {}
        self.parts: dict[int, Part] = {}
        self._wanted: list[int] = sorted(replicas)

    def start(self, partitions: int) -> None:
        """Submit to all; SCAN goes through one partition at a time, named by its cursor."""
        if self._command.name == b"SCAN":
            self._scan(partitions)
            return
        if not self._wanted:
            self._done(self._combine([]))
        for partition in list(self._wanted):
            self._submit(partition, self._argv)

    def _submit(self, partition: int, argv: Argv) -> None:
        part = self.parts[partition] = Part(self, partition)
        replica = self._replicas[partition]
        if self._command.flags & WRITE:
            replica.submit_write(part, self._command, [argv], encode_command(argv))
        else:
            replica.begin_input()
            replica.submit_read(part, self._command, [argv])

    def take(self, partition: int, reply: Reply) -> None:
        """One partition has answered.

        One that is not led here any more sends the client to its leader, which helps with a key;
        here the client asks all leaders again.
        """
        if partition in self._replies:
            return
        if isinstance(reply, CommandError) and reply.text.startswith((b"MOVED ", b"CLUSTERDOWN ")):
            reply = LeadersChanged()
        self._replies[partition] = reply
        if len(self._replies) == len(self._wanted):
            self._done(self._combine([(number, self._replies[number]) for number in self._wanted]))

    def _scan(self, partitions: int) -> None:
        """A cursor is (cursor in the partition) * partitions + partition; 0 begins the first."""
        led = self._wanted
        try:
            cursor = parse_cursor(self._argv[1])
        except CommandError as error:
            self._done(error)
            return
        begins_with = cursor % partitions
        inside = cursor // partitions
        rest = [number for number in led if number >= begins_with]
        if rest and rest[0] != begins_with:
            inside = 0
        if not rest:
            self._done([b"0", []])
            return
        partition = rest[0]
        self._wanted = [partition]

        def combine(replies: list[tuple[int, Reply]]) -> Reply:
            reply = replies[0][1]
            if isinstance(reply, SteppedReply):
                return SteppedReply(in_steps(reply.steps), reply.held, reply.looks_up)
            return cursor_of_node(reply)

        def in_steps(steps: Steps[Reply]) -> Steps[Reply]:
            return cursor_of_node((yield from steps))

        def cursor_of_node(reply: Any) -> Reply:
            if not isinstance(reply, (list, tuple)):
                return reply
            then = int(reply[0])
            following = then * partitions + partition if then else (rest[1:] or [0])[0]
            return [b"%d" % following, reply[1]]

        self._combine = combine
        self._submit(partition, [self._argv[0], b"%d" % inside, *self._argv[2:]])


def _first_error(replies: list[tuple[int, Reply]]) -> CommandError | None:
    for _, reply in replies:
        if isinstance(reply, CommandError):
            return reply
    return None


def _sum(replies: list[tuple[int, Reply]]) -> Reply:
    return _first_error(replies) or sum([int(reply) for _, reply in replies])


def _all(replies: list[tuple[int, Reply]]) -> Reply:
    found: list[Reply] = []
    for _, reply in replies:
        if isinstance(reply, CommandError):
            return reply
        found += reply
    return found


def _ok(replies: list[tuple[int, Reply]]) -> Reply:
    return _first_error(replies) or OK


def _any(replies: list[tuple[int, Reply]]) -> Reply:
    error = _first_error(replies)
    if error is not None:
        return error
    found = [reply for _, reply in replies if reply is not None]
    return found[_chance.below(len(found))] if found else None


_chance: Final = SeededChance(1)  # which key RANDOMKEY picks is nobody's promise

COMBINED: Final[dict[bytes, Combine]] = {
    b"DBSIZE": _sum,
    b"KEYS": all_or_error,  # see `Listing`
    b"FLUSHALL": _ok,
    b"FLUSHDB": _ok,
    b"RANDOMKEY": _any,
    b"SCAN": _all,
    b"SWAPDB": _ok,
}
