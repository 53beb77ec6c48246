"""Transactions that append unique tokens to values of one slot and read them, as commands."""

from collections.abc import Iterator
from dataclasses import dataclass

UNKNOWN = 1 << 62  # completion of a transaction that may have run, at any time or never

APPEND = "append"
READ = "read"

KEYS_PER_SLOT = 3
END_OF_TOKEN = b";"

Token = bytes


@dataclass(slots=True)
class Step:
    """One command of a transaction; `value` is what a read saw, None when nobody knows."""

    kind: str
    key: bytes
    token: Token = b""
    value: list[Token] | None = None


@dataclass(slots=True)
class Transaction:
    """Steps that take effect at once; `refused` ones have certainly not run."""

    steps: list[Step]
    invoked: int = 0
    completed: int = UNKNOWN
    refused: bool = False

    @property
    def known(self) -> bool:
        """Whether the client saw results."""
        return self.completed != UNKNOWN

    def appended(self, key: bytes) -> list[Token]:
        """Return its tokens for a key."""
        return [step.token for step in self.steps if step.kind == APPEND and step.key == key]

    def reads(self) -> Iterator[tuple[Step, list[Token]]]:
        """Yield its reads, each with the tokens it had appended to that key before."""
        own: dict[bytes, list[Token]] = {}
        for step in self.steps:
            if step.kind == APPEND:
                own.setdefault(step.key, []).append(step.token)
            else:
                yield step, own.get(step.key, [])[:]


def key_of(slot: bytes, number: int) -> bytes:
    """Return one of a slot's keys; `slot` is its hash tag."""
    return b"{%b}%d" % (slot, number)


def command_of(step: Step) -> list[bytes]:
    """Return the command that does it."""
    if step.kind == APPEND:
        return [b"APPEND", step.key, step.token + END_OF_TOKEN]
    return [b"GET", step.key]


def tokens_of(value: bytes | bytearray | None) -> list[Token]:
    """Return the tokens that a value is made of."""
    return bytes(value or b"").split(END_OF_TOKEN)[:-1]


def reads_of(slot: bytes) -> list[Step]:
    """Return a read of each of the slot's keys."""
    return [Step(READ, key_of(slot, number)) for number in range(KEYS_PER_SLOT)]


def take_replies(transaction: Transaction, replies: list[bytes | None], completed: int) -> None:
    """Note what a client saw."""
    transaction.completed = completed
    for step, reply in zip(transaction.steps, replies, strict=False):
        if step.kind == READ:
            step.value = tokens_of(reply)
