"""Which writes are refused before they are logged, and in which words."""

from typing import Final

from respkv.commands.table import DENYOOM, WRITE

PENDING_BYTES_MAX: Final = 64 << 20  # proposed and not yet applied; beyond it writes are refused

OUT_OF_MEMORY: Final = b"OOM command not allowed when used memory > 'maxmemory'."
TOO_LARGE: Final = b"ERR a cluster does not replicate more than 64 MiB in one command"
QUEUE_FULL: Final = b"TRYAGAIN too many writes are waiting to be replicated; retry later"


class Refusals:
    """`flags`: a command with any of them is refused; `all_writes`: the error line, if all are."""

    def __init__(self) -> None:
        self.flags = 0
        self.all_writes = b""
        self.growth = False  # commands that may need memory

    def refuse_writes(self, error_line: bytes) -> None:
        """Answer writes with this error line until it is empty."""
        self.all_writes = error_line
        self._note_flags()

    def refuse_growth(self, refuses: bool) -> None:
        """Refuse commands that may need memory, or take them again."""
        self.growth = refuses
        self._note_flags()

    def text(self, flags: int, otherwise: bytes) -> bytes:
        """Return the error line for a command with these flags; `otherwise` for no flag of it."""
        if self.growth and flags & DENYOOM:
            return OUT_OF_MEMORY
        return self.all_writes or otherwise

    def _note_flags(self) -> None:
        self.flags = (WRITE if self.all_writes else 0) | (DENYOOM if self.growth else 0)
