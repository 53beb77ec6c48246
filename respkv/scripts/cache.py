"""The scripts a node knows by name, for EVALSHA; each node has its own, as in Redis."""

from contextlib import suppress
from sys import getsizeof

from respkv.commands.table import READONLY, Argv, Command, lookup
from respkv.errors import CommandError, InvariantViolation
from respkv.scripts.engine import engine
from respkv.scripts.program import sha_of


class ScriptCache:
    """Texts by their SHA1, in lower case."""

    def __init__(self) -> None:
        self._texts: dict[bytes, bytes] = {}
        self.bytes = 0
        self._read = _declared(b"RESPKV.EVAL_RO"), _declared(b"EVAL_RO")
        self._write = _declared(b"RESPKV.EVAL"), _declared(b"EVAL")

    def __len__(self) -> int:
        return len(self._texts)

    def load(self, text: bytes) -> bytes:
        """Keep a script and return its name.

        Raises:
            CommandError: it does not compile.
        """
        sha = sha_of(text)
        if sha not in self._texts:
            engine().script(text)
            self._texts[sha] = text
            self.bytes += getsizeof(sha) + getsizeof(text)
        return sha

    def knows(self, sha: bytes) -> bool:
        """Return whether a script of that name is there."""
        return sha.lower() in self._texts

    def flush(self) -> None:
        """Forget all scripts."""
        self._texts.clear()
        self.bytes = 0

    def text_of(self, sha: bytes) -> bytes | None:
        """Return the script of that name."""
        return self._texts.get(sha.lower())

    def with_text(self, command: Command, argv: Argv, mode: int) -> tuple[Command, Argv]:
        """Return what is run and logged for EVAL or EVALSHA: the one with the script itself.

        A name that is not known stays, and is answered in its turn. `mode` is what the script's
        outcome depends on beside the keyspace; see `RESPKV.EVAL`.
        """
        if not is_by_name(command):
            self.load_if_correct(argv[1])
            return self.in_mode(command, argv, mode)
        text = self.text_of(argv[1])
        return (command, argv) if text is None else self.in_mode(command, argv, mode, text)

    def load_if_correct(self, text: bytes) -> None:
        """Keep a script that EVAL has brought; of one that does not compile its client is told."""
        with suppress(CommandError):
            self.load(text)

    def in_mode(
        self, command: Command, argv: Argv, mode: int, text: bytes | None = None
    ) -> tuple[Command, Argv]:
        """Return EVAL of a text, its own if that is None, with what the outcome depends on."""
        with_mode, plain = self._read if command.flags & READONLY else self._write
        arguments = [argv[1] if text is None else text, *argv[2:]]
        if mode:
            return with_mode, [with_mode.name, b"%d" % mode, *arguments]
        return plain, [plain.name, *arguments]


def is_by_name(command: Command) -> bool:
    """Return whether it is EVALSHA or EVALSHA_RO."""
    return command.name.startswith(b"EVALSHA")


def as_sent(argv: Argv) -> Argv:
    """Return a command as a client may send it, which is to come by again."""
    if argv[0].startswith(b"RESPKV.EVAL"):
        return [argv[0].removeprefix(b"RESPKV."), *argv[2:]]
    return argv


def _declared(name: bytes) -> Command:
    command = lookup(name)
    if command is None:
        raise InvariantViolation(f"{name!r} is not declared")
    return command
