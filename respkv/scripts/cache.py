"""The scripts a node knows by name, for EVALSHA; each node has its own, as in Redis."""

from contextlib import suppress

from respkv.commands.table import Argv, Command, lookup
from respkv.errors import CommandError, InvariantViolation
from respkv.scripts.engine import engine
from respkv.scripts.program import sha_of


class ScriptCache:
    """Texts by their SHA1, in lower case."""

    def __init__(self) -> None:
        self._texts: dict[bytes, bytes] = {}
        self.bytes = 0
        self._by_text = {b"EVALSHA": _declared(b"EVAL"), b"EVALSHA_RO": _declared(b"EVAL_RO")}

    def __len__(self) -> int:
        return len(self._texts)

    def load(self, text: bytes) -> bytes:
        """Keep a script and return its name.

        Raises:
            CommandError: it does not compile.
        """
        sha = sha_of(text)
        if sha not in self._texts:
            engine().compile(text)
            self._texts[sha] = text
            self.bytes += len(text)
        return sha

    def knows(self, sha: bytes) -> bool:
        """Return whether a script of that name is there."""
        return sha.lower() in self._texts

    def flush(self) -> None:
        """Forget all scripts."""
        self._texts.clear()
        self.bytes = 0

    def with_text(self, command: Command, argv: Argv) -> tuple[Command, Argv]:
        """Return what is run and logged for EVAL or EVALSHA: the one with the script itself.

        A name that is not known stays, and is answered in its turn.
        """
        by_text = self._by_text.get(command.name)
        if by_text is None:
            with suppress(CommandError):  # that the client is told in its turn
                self.load(argv[1])
            return command, argv
        text = self._texts.get(argv[1].lower())
        if text is None:
            return command, argv
        return by_text, [by_text.name, text, *argv[2:]]


def _declared(name: bytes) -> Command:
    command = lookup(name)
    if command is None:
        raise InvariantViolation(f"{name!r} is not declared")
    return command
