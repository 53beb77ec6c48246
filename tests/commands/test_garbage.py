"""Any words after any command: a reply or an error, and an error leaves the keyspace as it was."""

import re

from hypothesis import given
from hypothesis import strategies as st

from respkv.commands.table import CONNECTION, INTERNAL, TABLE, Command
from tests.commands.reference import Argv, Ours
from tests.commands.test_random_commands import shared

FILLING = [
    b"SET string 12",
    b"RPUSH list 3 1 2",
    b"HSET hash f 1 g text",
    b"SADD set 1 2 3",
    b"ZADD zset 1 a 2 b",
    b"GEOADD geo 13.4 52.5 berlin 2.35 48.9 paris",
    b"XADD stream 1-1 f v",
    b"XGROUP CREATE stream group 0",
    b"XREADGROUP GROUP group me STREAMS stream >",
    b"PFADD hll a b",
]
KEYS = [b"string", b"list", b"hash", b"set", b"zset", b"geo", b"stream", b"hll", b"none"]
# No large offsets in strings: they are allowed, and take half a gigabyte.
NUMBERS = [b"-1", b"0", b"1", b"2", b"3", b"7.5", b"(1", b"-", b"+", b"inf", b"nan", b"1-1", b"$"]
NUMBERS += [b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"u8", b"#1"]
WORDS = [b"", b"a", b"f", b"group", b"me", b"*", b"\xff\0"]


def declared() -> list[Command]:
    """Return the commands that work on the keyspace, subcommands included."""
    commands = [part for one in TABLE.values() for part in (one, *one.subcommands.values())]
    unique = {one.name: one for one in commands if not one.flags & (CONNECTION | INTERNAL)}
    return [one for one in unique.values() if not one.subcommands]


def calls_of(command: Command) -> st.SearchStrategy[Argv]:
    """Return calls with keys, numbers, and the words that the command's syntax has."""
    syntax = [word.encode() for word in re.findall(r"[A-Z]{2,}", command.syntax)]
    words = st.one_of(*[st.sampled_from(pool) for pool in (KEYS, NUMBERS, WORDS, syntax) if pool])
    return st.lists(words, max_size=8).map(lambda rest: [*command.name.split(b"|"), *rest])


@shared
@given(st.lists(st.sampled_from(declared()).flatmap(calls_of), max_size=30))
def test_an_error_changes_nothing_and_replicas_agree(calls: list[Argv]) -> None:
    ours = Ours()
    for line in FILLING:
        ours.call(line.split())
    for argv in calls:
        ours.call(argv)
    ours.check_replicas()
