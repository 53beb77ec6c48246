"""Who takes part in a Raft group: its voters, its learners (thesis, chapter 4)."""

import json


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
