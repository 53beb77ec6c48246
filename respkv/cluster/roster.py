"""Who is a member now: those of the genesis, and who has come in another's place (sans-io).

A member that has lost its data comes back under a new node id, in the place of its old one: the
ring does not move, and the old id is no member any more. Numbers are never used twice: a newcomer's
is made of its node id, so that all nodes find it without asking.
"""

import json
from typing import Final

from respkv.cluster.genesis import Genesis, Member

_NEWCOMERS_FROM: Final = 1 << 48
_NEWCOMER_DIGITS: Final = 12  # of the node id


def newcomer_number(node_id: str) -> int:
    """Return the number of a node that is not of the genesis."""
    return _NEWCOMERS_FROM + int(node_id[:_NEWCOMER_DIGITS], 16)


class Replacement:
    """A member that stands in for good for the one with `old_id`."""

    def __init__(self, old_id: str, member: Member) -> None:
        self.old_id = old_id
        self.member = member


def encode_replacements(replacements: list[Replacement]) -> str:
    """Return them as JSON, in the order in which they were decided."""
    return json.dumps(
        [{"old_id": each.old_id, "member": each.member.fields()} for each in replacements],
        sort_keys=True,
        separators=(",", ":"),
    )


def decode_replacements(text: str) -> list[Replacement]:
    """Return what `encode_replacements` wrote; nothing for an empty text.

    Raises:
        ValueError: it is something else.
    """
    try:
        return [
            Replacement(fields["old_id"], Member(**fields["member"]))
            for fields in json.loads(text or "[]")
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a list of replacements: {error!r}") from None


class Roster:
    """The genesis and the replacements since, in the order in which they were decided."""

    def __init__(self, genesis: Genesis, replacements: list[Replacement]) -> None:
        self.genesis = genesis
        self.replacements: list[Replacement] = []
        self._ever: dict[int, Member] = dict(enumerate(genesis.members, 1))
        self._successor: dict[int, int] = {}
        self.merge(replacements)

    def merge(self, replacements: list[Replacement]) -> bool:
        """Learn of replacements; return whether any was new.

        Raises:
            ValueError: one contradicts what is known, or replaces nobody.
        """
        news = False
        for each in replacements:
            old = self.number_ever(each.old_id)
            new = newcomer_number(each.member.node_id)
            if not old or self._successor.get(old, new) != new:
                raise ValueError(f"node {each.member.node_id} cannot stand in for {each.old_id}")
            if old not in self._successor:
                self._successor[old] = new
                self._ever[new] = each.member
                self.replacements.append(each)
                news = True
        return news

    def encode(self) -> str:
        """Return the replacements as JSON."""
        return encode_replacements(self.replacements)

    def members(self) -> dict[int, Member]:
        """Return the members of now by their numbers."""
        return {
            number: member for number, member in self._ever.items() if number not in self._successor
        }

    def number_ever(self, node_id: str) -> int:
        """Return the number of who is or was a member, 0 when it never was one."""
        for number, member in self._ever.items():
            if member.node_id == node_id:
                return number
        return 0

    def number_of(self, node_id: str) -> int:
        """Return a member's number, 0 when it is none, or none any more."""
        number = self.number_ever(node_id)
        return 0 if number in self._successor else number

    def successor(self, number: int) -> int:
        """Return who has this place now: the same number, unless it was replaced."""
        while number in self._successor:
            number = self._successor[number]
        return number

    def successor_of(self, node_id: str) -> Member | None:
        """Return who directly replaced a node, None when nobody did."""
        new = self._successor.get(self.number_ever(node_id))
        return None if new is None else self._ever[new]

    def member_at(self, peer_host: str, port: int, bus_port: int) -> Member | None:
        """Return the member of now that is reached there, None when there is none."""
        for member in self.members().values():
            if (member.peer_host or member.host) == peer_host and (
                member.port == port or member.bus_port == bus_port
            ):
                return member
        return None

    def placement(self) -> tuple[list[tuple[int, ...]], list[int]]:
        """Return each partition's voters and who should lead it, as of now."""
        voters, leaders = self.genesis.placement()
        return (
            [tuple(map(self.successor, numbers)) for numbers in voters],
            list(map(self.successor, leaders)),
        )
