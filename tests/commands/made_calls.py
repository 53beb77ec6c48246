"""Calls of every command of the data, made up from its declared syntax: mostly right ones.

The same chance makes up the same calls.
"""

from typing import Final

import respkv.node.server  # noqa: F401  (declares all commands)
from respkv.clock import Chance
from respkv.commands.syntax import Argument, parse_syntax
from respkv.commands.table import CONNECTION, INTERNAL, SCRIPT, TABLE, Command
from tests.commands.reference import Argv, split

# What differs by design or by time, and has tests of its own.
LEFT_OUT: Final = frozenset(
    """SPOP SRANDMEMBER HRANDFIELD ZRANDMEMBER RANDOMKEY DUMP RESTORE RESTORE-ASKING MIGRATE WAIT
    TTL PTTL TIME INFO LASTSAVE SAVE BGSAVE SHUTDOWN DEBUG COMMAND MEMORY|USAGE MEMORY|STATS
    MEMORY|DOCTOR MEMORY|MALLOC-STATS MEMORY|PURGE OBJECT|FREQ OBJECT|IDLETIME OBJECT|REFCOUNT
    XINFO|CONSUMERS XINFO|STREAM XPENDING PFDEBUG PFSELFTEST PUBLISH SPUBLISH SWAPDB MOVE
    EXPIRETIME PEXPIRETIME DBSIZE""".split()
)


# The keys that calls are about, by the group of their command, and what they hold at first.
KEYS: Final = {
    "string": "s n f gone-never", "bitmap": "bits s n", "hyperloglog": "hll s", "list": "l",
    "hash": "h", "set": "m ints", "sorted-set": "z lex", "geo": "geo z", "stream": "x",
    "generic": "l m ints z n gone-never", "server": "s",
}  # fmt: skip
ALL_KEYS: Final = "s n f bits hll l h m ints z lex geo x gone-never other"
SETUP: Final = """
    SET KEY:s value
    SET KEY:n 12
    SET KEY:f 1.5
    SETBIT KEY:bits 77 1
    PFADD KEY:hll a b c
    RPUSH KEY:l a b 3 b
    HSET KEY:h a 1 b two c 1.5
    SADD KEY:m a b 3
    SADD KEY:ints 1 2 3
    ZADD KEY:z 1 a 2 b 2 c -inf d
    ZADD KEY:lex 0 a 0 b 0 c
    GEOADD KEY:geo 13.36 38.11 a 15.08 37.5 b
    XADD KEY:x 1-1 a 1 b 2
    XADD KEY:x 2-0 a 3
    XGROUP CREATE KEY:x g 0
    XREADGROUP GROUP g c COUNT 1 STREAMS KEY:x >
    SET KEY:gone-never v PXAT 9999999999999
"""
JUNK: Final = "LIMIT COUNT GET NX XX WITHSCORES x 0 -1 a STORE 9223372036854775807".split()


class Words:
    """Usual arguments, and now and then a rare one."""

    def __init__(self, usual: str, rare: str = "") -> None:
        self._usual = usual.encode().split()
        self._rare = rare.encode().split()

    def pick(self, chance: Chance) -> bytes:
        """Return one."""
        words = self._rare if self._rare and chance.below(10) == 0 else self._usual
        return words[chance.below(len(words))]


INTEGERS: Final = Words("0 1 2 3 -1 -2 5 100", "9223372036854775807 -9223372036854775808 1.5 x")
WORDS: Final = Words("a b c 3 17", "a* - + $ ( [a (b 0 1-1 g nan")
BY_NAME: Final = {
    "numkeys": Words("1 1 2 3", "0 -1 x"),
    "cursor": Words("0", "x -1 5"),
    "group": Words("g", "nogroup"),
    "consumer": Words("c other"),
    "groupname": Words("g", "nogroup"),
    "id": Words("0 1-1 2-0 5-* 7-7 $ >", "x - 1 18446744073709551615-18446744073709551615"),
    "last-id": Words("2-0 9-9", "1-1 x $"),
    "max-deleted-entry-id": Words("1-1 2-0", "9-9 x"),
    "entries-added": Words("5 100", "1 -1 x"),
    "entries-read": Words("0 1 2", "-1 -2 x"),
    "element": Words("a b c 3 x"),
    "start": Words("0 1 -1 -2 2", "- (1-1 x 9223372036854775807 1-1"),
    "stop": Words("2 -1 1 100", "+ (2 [b inf x"),
    "end": Words("2 -1 1 100 2-0", "+ (2-0 x"),
    "min": Words("0 1 (1 -inf", "- [a (a x nan"),
    "max": Words("2 (2 +inf 5", "+ [b (c x"),
    "lex-min": Words("- [a (a", "+ a x"),
    "lex-max": Words("+ [b (c", "- b x"),
    "min-idle-time": Words("0", "-1 x 99999999"),
    "encoding": Words("u8 i5 u63 i64", "u64 x i0 i65"),
    "offset": Words("0 1 7 2", "-1 #1 x 100 4294967296"),
    "bit": Words("0 1", "2 x"),
    "value": Words("1 5 a 20 -3", "x 9223372036854775807"),
    "increment": Words("1 5 -3 2", "x 9223372036854775807 1.5 nan inf"),
    "decrement": Words("1 5 -3 2", "x 9223372036854775807 -9223372036854775808"),
    "threshold": Words("1 2 100", "0 -1 x"),
    "longitude": Words("13.5 15", "0 181 x nan"),
    "latitude": Words("38 37.7", "0 86 x"),
    "radius": Words("200 1000 50000", "0 -1 x nan"),
    "width": Words("400 1000", "-1 x"),
    "height": Words("400 1000", "-1 x"),
    "operation": Words("AND OR XOR NOT", "x"),
    "timeout": Words("0.001", "-1 x"),
    "milliseconds": Words("99999999 9999999", "-5 0 x 9223372036854775807"),
    "seconds": Words("99999 9999999", "-5 0 x 9223372036854775807"),
}
BY_TYPE: Final = {
    "integer": INTEGERS,
    "double": Words("0 1 -1.5 2 3.0e2 inf", "-inf nan x 0x10 (1"),
    "unix-time": Words("9999999999 9999999999999", "0 -1 x"),
    "pattern": Words("* a? [a-m] h->a w_* #", "nosuch"),
}


def _commands() -> list[Command]:
    found = [command for command in TABLE.values() if not command.subcommands]
    for container in TABLE.values():
        found += container.subcommands.values()
    unique = {command.name: command for command in found}.values()
    return [
        command
        for command in unique
        if not command.flags & (CONNECTION | INTERNAL | SCRIPT)
        and command.group in KEYS
        and command.name.decode() not in LEFT_OUT
        and not command.name.endswith(b"HELP")
    ]


COMMANDS: Final = _commands()


class Calls:
    """Makes them; `tag` is in front of every key, which keeps them in one slot."""

    def __init__(self, chance: Chance, tag: bytes = b"") -> None:
        self._chance = chance
        self._tag = tag
        self._syntax: dict[bytes, list[Argument]] = {}
        self._keys = Words("x")
        self._is_lex = False

    def setup(self) -> list[Argv]:
        """Return calls that give every key a value of its type."""
        return [
            split(line.replace("KEY:", self._tag.decode())) for line in SETUP.strip().splitlines()
        ]

    def of(self, command: Command) -> Argv:
        """Return a call of a command."""
        self._keys = Words(KEYS[command.group], ALL_KEYS)
        self._is_lex = b"LEX" in command.name
        syntax = self._syntax.get(command.name)
        if syntax is None:
            syntax = self._syntax[command.name] = parse_syntax(command.syntax)
        argv = command.name.split(b"|")
        for argument in syntax:
            argv += self._argument(argument)
        return self._spoilt(argv) if self._chance.below(10) == 0 else argv

    def of_any(self) -> Argv:
        """Return a call of some command."""
        return self.of(COMMANDS[self._chance.below(len(COMMANDS))])

    def _argument(self, argument: Argument) -> Argv:
        chance = self._chance
        if "optional" in argument.flags and chance.below(2):
            return []
        words = self._once(argument)
        while "multiple" in argument.flags and chance.below(2):
            words += self._once(argument)
        return words

    def _once(self, argument: Argument) -> Argv:
        words = [] if argument.token is None else [argument.token.encode()]
        if argument.type == "pure-token":
            return words
        if argument.type == "oneof":
            parts = argument.arguments
            return words + self._argument(parts[self._chance.below(len(parts))])
        if argument.type == "block":
            return words + [word for part in argument.arguments for word in self._argument(part)]
        if argument.type == "key":
            return [*words, self._tag + self._keys.pick(self._chance)]
        name = argument.name.lower()
        pool = BY_NAME.get(f"lex-{name}" if self._is_lex else name) or BY_NAME.get(name)
        return [*words, (pool or BY_TYPE.get(argument.type, WORDS)).pick(self._chance)]

    def _spoilt(self, argv: Argv) -> Argv:
        """Return the call with a word taken out, put in, or replaced."""
        chance = self._chance
        at = 1 + chance.below(max(1, len(argv) - 1))
        word = JUNK[chance.below(len(JUNK))].encode()
        put_in, left_out = ((word,), 0), ((), 1)
        words, taken = (put_in, left_out, ((word,), 1))[chance.below(3)]
        return [*argv[:at], *words, *argv[at + taken :]]
