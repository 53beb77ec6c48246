"""Who takes part in a Raft group: its voters, its learners (thesis, chapter 4)."""

import json

from respkv.entry import CONFIGURATION, Entry


class Configuration:
    """Never changed once made; `replacements` is for the owner: what each member has to know."""

    def __init__(self, voters: list[int], learners: list[int], replacements: str = "") -> None:
        self.voters = voters
        self.learners = learners
        self.replacements = replacements

    def encode(self) -> bytes:
        """Return it as the payload of an entry."""
        fields = {
            "voters": self.voters,
            "learners": self.learners,
            "replacements": self.replacements,
        }
        return json.dumps(fields, separators=(",", ":")).encode()

    def may_become(self, other: "Configuration") -> bool:
        """Return whether one entry may lead from this one to the other.

        With one voter more or less any two majorities have a member in common (thesis 4.1).
        """
        changed = set(self.voters) ^ set(other.voters)
        return len(changed) <= 1 and not set(other.voters) & set(other.learners)

    def __repr__(self) -> str:
        return f"voters {self.voters} learners {self.learners}"


def decode_configuration(payload: bytes) -> Configuration:
    """Return what `encode` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        fields = json.loads(payload)
        voters = [int(number) for number in fields["voters"]]
        learners = [int(number) for number in fields["learners"]]
        return Configuration(voters, learners, str(fields["replacements"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a configuration: {error!r}") from None


class ConfigurationHistory:
    """The configuration as of the log's base, or earlier, and all that the log holds behind it."""

    def __init__(self, base_index: int, base: Configuration, entries: list[Entry]) -> None:
        self._known: list[tuple[int, Configuration]] = [(base_index, base)]
        for entry in entries:
            if entry.kind == CONFIGURATION:
                self.append(entry)

    @property
    def latest(self) -> Configuration:
        """The last in the log; it counts from when it is appended."""
        return self._known[-1][1]

    @property
    def latest_index(self) -> int:
        """Index of the entry that the latest came with."""
        return self._known[-1][0]

    def at(self, index: int) -> Configuration:
        """Return the configuration as of an entry that is not behind the log's base."""
        for first, configuration in reversed(self._known):
            if first <= index:
                return configuration
        return self._known[0][1]

    def append(self, entry: Entry) -> None:
        """Take the configuration of an entry at the log's end."""
        self._known.append((entry.index, decode_configuration(entry.payload)))

    def truncate(self, index: int) -> bool:
        """Drop those of entries from `index` on; return whether the latest is another now."""
        count = len(self._known)
        while self._known[-1][0] >= index:
            self._known.pop()
        return len(self._known) < count

    def compact(self, index: int) -> None:
        """Forget what no entry behind `index` needs."""
        while len(self._known) > 1 and self._known[1][0] <= index:
            del self._known[0]

    def restart(self, index: int, configuration: Configuration, last_index: int) -> None:
        """Begin anew behind a snapshot with this one; the log goes on from it to `last_index`."""
        later = [known for known in self._known if index < known[0] <= last_index]
        self._known = [(index, configuration), *later]
