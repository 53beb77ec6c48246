"""The unit of replication: one log entry holds every command one turn proposed for a partition."""

from typing import Final

COMMANDS: Final = 0  # payload is RESP commands, starting in database 0
NOOP: Final = (
    1  # a new leader's first entry (Raft paper, section 8): no payload, commits older terms
)

CONFIGURATION: Final = 2  # who votes and who learns from this entry on (consensus/configuration.py)

# What a logged command does is fixed by this number; see "Semantics" in respkv/ARCHITECTURE.md.
SEMANTICS: Final = 3


class Entry:
    """One position of a partition's log; `time_ms` is log time in Unix milliseconds."""

    __slots__ = ("index", "kind", "payload", "semantics", "term", "time_ms")

    def __init__(
        self,
        term: int,
        index: int,
        time_ms: int,
        payload: bytes,
        kind: int = COMMANDS,
        semantics: int = SEMANTICS,
    ) -> None:
        self.term = term
        self.index = index
        self.time_ms = time_ms
        self.payload = payload
        self.kind = kind
        self.semantics = semantics

    def __repr__(self) -> str:
        kind = "noop" if self.kind == NOOP else f"{len(self.payload)} bytes"
        if self.kind == CONFIGURATION:
            kind = f"configuration {self.payload.decode(errors='replace')}"
        return f"Entry({self.term}.{self.index} at {self.time_ms}, {kind})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and (
            (self.term, self.index, self.time_ms, self.payload, self.kind, self.semantics)
            == (other.term, other.index, other.time_ms, other.payload, other.kind, other.semantics)
        )

    def __hash__(self) -> int:
        return hash((self.term, self.index))
