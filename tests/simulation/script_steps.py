"""What users do with scripts, and with the keys that those change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from respkv.wire.run import Argv
from tests.simulation import script_texts as texts
from tests.simulation.checker import Operation
from tests.simulation.script_checker import EFFECTS, Failure
from tests.simulation.world import World

LIMITS = 15  # per mille: counters' scripts that never end, or need a state of Lua of their own


@dataclass(slots=True)
class Step:
    """One command: what it does, with which argument; a script with its text or by its name."""

    name: str
    argument: Any
    argv: Argv
    by_name: bool = False

    @property
    def is_script(self) -> bool:
        """Whether a script does it."""
        return self.argv[0].startswith(b"EVAL")

    @property
    def fails_with(self) -> bytes:
        """What the error begins with that is its result; empty if it should not fail."""
        _, expected = EFFECTS[self.name](None, self.argument)
        return expected.text if isinstance(expected, Failure) else b""


@dataclass(slots=True)
class Thing:
    """Keys of one slot, and what happened to them."""

    kind: str
    tag: bytes
    db: int
    history: list[Operation] = field(default_factory=list)
    weight: int = 0
    tokens: int = 0
    written: dict[bytes, bytes] = field(default_factory=dict)  # what a script has made of tokens

    def key(self, name: bytes = b"") -> bytes:
        """Return one of its keys."""
        return b"{%b}%b" % (self.tag, name)

    @property
    def accounts(self) -> list[bytes]:
        """Its keys, if it is a pair of accounts."""
        return [self.key(b"from"), self.key(b"to")]

    def token(self) -> bytes:
        """Return a text that nobody else has."""
        self.tokens += 1
        return b"v%d" % self.tokens


def reading(thing: Thing) -> Step:
    """Return what reads all that counts of it."""
    key = thing.key()
    if thing.kind == "accounts":
        argv = texts.eval_of(texts.READ_ACCOUNTS, thing.accounts, command=b"EVAL_RO")
        return Step("read accounts", None, argv)
    if thing.kind == "list":
        return Step("read elements", None, [b"LRANGE", key, b"0", b"-1"])
    return Step("read count" if thing.kind == "counter" else "read", None, [b"GET", key])


def acquiring(lock: Thing, token: bytes) -> Step:
    """Return what takes a lock if nobody has it."""
    return Step("acquire", token, [b"SET", lock.key(), token, b"NX"])


def releasing(lock: Thing, token: bytes) -> Step:
    """Return what lets a lock go if it was taken with this token."""
    return Step("release", token, texts.eval_of(texts.RELEASE, [lock.key()], token))


def _on_counter(counter: Thing, world: World) -> Step:
    key = counter.key()
    dice = world.chance.below(100)
    if world.happens(LIMITS):
        if dice < 50:
            keys = [key, counter.key(b"other")]
            return Step("run away", None, texts.eval_of(texts.RUN_AWAY, keys))
        return Step("count many", None, texts.eval_of(texts.COUNT_MANY, [key]))
    if dice < 60:
        amount = 1 + dice % 3
        return Step("count up", amount, texts.eval_of(texts.COUNT_UP, [key], b"%d" % amount))
    if dice < 75:
        return Step("increment", None, [b"INCR", key])
    if dice < 85:
        return Step("forget", None, [b"DEL", key])
    return reading(counter)


def _on_accounts(accounts: Thing, world: World) -> Step:
    dice = world.chance.below(100)
    if dice < 25:
        amount = 1 + dice % 2
        return Step("deposit", amount, [b"INCRBY", accounts.accounts[0], b"%d" % amount])
    if dice < 75:
        amount = 1 + dice % 3
        argv = texts.eval_of(texts.MOVE, accounts.accounts, b"%d" % amount)
        return Step("move", amount, argv)
    return reading(accounts)


def _on_value(value: Thing, world: World) -> Step:
    dice = world.chance.below(100)
    if dice >= 65:
        return reading(value)
    token = value.token()
    if dice < 40:
        return Step("write", token, texts.eval_of(texts.WRITE, [value.key()], token))
    argv = texts.eval_of(texts.WRITE_AND_FAIL, [value.key()], token)
    return Step("write and fail", token, argv)


def _on_list(elements: Thing, world: World) -> Step:
    dice = world.chance.below(100)
    if dice < 45:
        token = elements.token()
        return Step("push", token, [b"RPUSH", elements.key(), token])
    if dice < 90:
        return Step("take", None, texts.eval_of(texts.TAKE, [elements.key()]))
    return reading(elements)


STEPS: dict[str, Callable[[Thing, World], Step]] = {
    "counter": _on_counter,
    "accounts": _on_accounts,
    "value": _on_value,
    "list": _on_list,
}
