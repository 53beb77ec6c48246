"""One node's part in forming the cluster: what it asks the others, and what it answers (sans-io).

The questions are RESPKV.FORM commands, signed with the cluster's secret. A node answers them in any
state, so a crash on the way only means asking again. See `genesis` for the rule they follow.

A node without a genesis whose peers have formed their cluster before is a *newcomer*: it asks to join
until somebody runs `respkv cluster replace`, since it knows nothing of what the node in whose place it
is has promised.
"""

import hmac
import json
from collections.abc import Generator
from typing import Final, Protocol

from respkv.cluster.genesis import Genesis, Member, peers_digest
from respkv.cluster.ring import partitions_for
from respkv.cluster.roster import Replacement, Roster, decode_replacements, encode_replacements
from respkv.cluster.view import announced_node
from respkv.config import Config
from respkv.errors import CommandError

STATUS: Final = b"STATUS"
GENESIS: Final = b"GENESIS"
CONFIRM: Final = b"CONFIRM"
JOIN: Final = b"JOIN"
JOINED: Final = b"JOINED"  # signed by who answers a newcomer
FIELDS: Final = {STATUS: 7, JOIN: 3}  # of the replies that are more than OK

NEWCOMERS_MAX: Final = 64
NEWCOMER_MS: Final = 10_000  # not heard of for so long, it is gone
NOT_NAMED: Final = "cluster-peers names others, but not this node"
NOT_A_MEMBER: Final = (
    "a node with an empty directory is not the one in whose place it is, whose votes and entries "
    "it does not remember; it joins with respkv cluster replace"
)

# What one peer said: the fields of its reply, an error line, or nothing (None) in time.
Answer = list[bytes] | bytes | None
Question = tuple[bytes, bytes]  # and the genesis it is about


class Kept(Protocol):
    """What a node remembers for ever; each change is durable once its method returns."""

    node_id: str
    genesis: Genesis | None
    is_confirmed: bool
    replacements: list[Replacement]

    def accept(self, genesis: Genesis) -> bool:
        """Keep a genesis, if it is the first; return whether it is the one that is kept."""

    def confirm(self) -> None:
        """All members keep the genesis: elections may begin."""

    def join(self, genesis: Genesis, replacements: list[Replacement]) -> None:
        """Become a member of a cluster that has formed before."""


class FormingNode:
    """Decides; who owns it carries questions and answers. `cluster_id` is for a new genesis."""

    def __init__(self, kept: Kept, config: Config, cluster_id: str) -> None:
        self.kept = kept
        self.is_newcomer = False  # to a cluster that has formed
        self.missing: list[str] = []  # addresses that did not answer in the last round
        self.peers: list[tuple[str, int]] = sorted(set(config["cluster-peers"]))
        self._config = config
        self._cluster_id = cluster_id
        self._secret: bytes = config["cluster-secret"].encode()
        self._digest = peers_digest(self.peers).encode()
        self._newcomers: dict[tuple[str, int], tuple[Member, int]] = {}  # and when it asked last

    # --- asking ------------------------------------------------------------------------------

    def command(self, question: Question) -> list[bytes]:
        """Return the command that asks it, with the proof that this node knows the secret."""
        what, data = question
        return [b"RESPKV.FORM", what, self._digest, data, self._sign(what, self._digest, data)]

    def form_alone(self) -> None:
        """Form a cluster of this node alone, which has no peers."""
        own = announced_node(self.kept.node_id, self._config)
        member = Member(own.node_id, own.host, own.port, own.bus_port, own.zone)
        self.kept.accept(self._genesis([member]))
        self.kept.confirm()

    def round(self) -> Generator[Question, list[Answer], list[str]]:
        """Ask each question of all `peers`, of oneself too, and be sent their answers in order.

        The end's value is what waiting will not mend; when `kept` is not confirmed by then,
        another round follows.
        """
        answers = yield STATUS, b""
        self.missing = [
            _shown(peer) for peer, answer in zip(self.peers, answers, strict=True) if answer is None
        ]
        if self.kept.genesis is None:
            own = self._own_description(answers)
            if own is not None:
                ways_in = self._take_joined(own, (yield JOIN, json.dumps(own.fields()).encode()))
                self.is_newcomer = bool(ways_in)
                if ways_in or self.kept.is_confirmed:
                    return ways_in
        complaints = self._complaints(STATUS, answers)
        if complaints:
            return complaints
        statuses = [answer for answer in answers if isinstance(answer, list)]
        kept = self.kept
        node_ids = [status[0].decode() for status in statuses]
        is_named = kept.node_id in node_ids
        for peer, answer in zip(self.peers, answers, strict=True):
            if not isinstance(answer, list) or answer[6] != b"1":
                continue
            if kept.genesis is None:
                # All members kept it before any of them was confirmed: this is a newcomer.
                return [] if is_named else [NOT_NAMED]
            if answer[5] != kept.genesis.encode():
                return [
                    f"{_shown(peer)} is in another cluster: this node's directory is of an "
                    f"earlier one"
                ]
            kept.confirm()
        if kept.is_confirmed or len(statuses) < len(self.peers):
            return []  # done, or somebody is missing
        if not is_named:
            return [NOT_NAMED]
        if node_ids[0] != kept.node_id:
            return []  # this is another node's work
        complaint = self._disagreement(statuses)
        if complaint:
            return [complaint]
        held = [status[5] for status in statuses if status[5]]
        data = held[0] if held else self._propose(statuses).encode()
        for what in (GENESIS, CONFIRM):
            answers = yield what, data
            complaints = self._complaints(what, answers)
            if complaints or None in answers:
                break
        return complaints

    def _complaints(self, what: bytes, answers: list[Answer]) -> list[str]:
        complaints = []
        for peer, answer in zip(self.peers, answers, strict=True):
            if isinstance(answer, bytes) and answer[:1] == b"-":
                refusal = answer[1:].decode(errors="replace")
                complaints.append(f"{_shown(peer)} refuses: {refusal}")
                continue
            if answer is not None and not _is_understood(what, answer):
                complaints.append(f"what answers at {_shown(peer)} is no respkv")
        return complaints

    # --- joining -----------------------------------------------------------------------------

    def _own_description(self, answers: list[Answer]) -> Member | None:
        """Return what a newcomer says of itself; None: nobody has formed a cluster yet."""
        config = self._config
        own = announced_node(self.kept.node_id, config)
        described = None
        has_formed = False
        for (host, port), answer in zip(self.peers, answers, strict=True):
            if isinstance(answer, list) and len(answer) == FIELDS[STATUS]:
                has_formed = has_formed or answer[6] == b"1"
                if answer[0].decode() == own.node_id:
                    port = config["cluster-announce-port"] or port
                    described = Member(
                        own.node_id, own.host or host, port, own.bus_port, own.zone, host
                    )
            elif isinstance(answer, bytes) and answer[:1] == b"-":
                has_formed = True  # with another list of peers, perhaps long ago
        return described if has_formed else None

    def _take_joined(self, own: Member, answers: list[Answer]) -> list[str]:
        """Be a member, if one of the peers knows this node for one; else return how to become one."""
        ways_in: list[str] = []
        for answer in answers:
            if not isinstance(answer, list) or len(answer) != FIELDS[JOIN]:
                continue
            data, replacements, signature = answer
            if not hmac.compare_digest(signature, self._sign(JOINED, data, replacements)):
                continue
            genesis = Genesis.decode(data)
            roster = Roster(genesis, decode_replacements(replacements.decode()))
            if roster.number_of(own.node_id):
                self.kept.join(genesis, roster.replacements)
                return []
            way_in = _way_in(roster, own)
            if way_in not in ways_in:
                ways_in.append(way_in)
        return ways_in

    # --- agreeing ----------------------------------------------------------------------------

    def _disagreement(self, statuses: list[list[bytes]]) -> str:
        """Return why there is no genesis that all may keep; empty when there is one."""
        held: dict[bytes, tuple[str, int]] = {}
        hosts: dict[bytes, str] = {}
        for (host, port), status in zip(self.peers, statuses, strict=True):
            twin = hosts.get(status[0])
            if twin is not None:
                return f"cluster-peers names one node twice: {twin} and {host}, port {port}"
            hosts[status[0]] = host
            if status[5]:
                held[status[5]] = (host, port)
        if len(held) > 1:
            shown = " and ".join([_shown(peer) for peer in held.values()])
            return f"{shown} keep different geneses: some directory is of an earlier cluster"
        for data in held:
            genesis = Genesis.decode(data)
            for peer, status in zip(self.peers, statuses, strict=True):
                if not genesis.number_of(status[0].decode()):
                    return f"at {_shown(peer)} is a new node: {NOT_A_MEMBER}"
        return ""

    def _propose(self, statuses: list[list[bytes]]) -> Genesis:
        members = []
        for (host, port), status in zip(self.peers, statuses, strict=True):
            node_id, announced, own_port, bus, zone = [field.decode() for field in status[:5]]
            members.append(
                Member(node_id, announced or host, int(own_port) or port, int(bus), zone, host)
            )
        return self._genesis(members)

    def _genesis(self, members: list[Member]) -> Genesis:
        return Genesis(
            self._cluster_id,
            self._config["cluster-partitions"] or partitions_for(len(members)),
            min(self._config["cluster-replication-factor"], len(members)),
            members,
        )

    def _sign(self, what: bytes, digest: bytes, data: bytes) -> bytes:
        text = b"\n".join((b"respkv forming", what, digest, data))
        return hmac.new(self._secret, text, "sha256").hexdigest().encode()

    # --- answering ---------------------------------------------------------------------------

    def answer(self, argv: list[bytes], now_ms: int) -> list[bytes]:
        """Answer one question of a peer; an empty list means OK. `now_ms` is monotonic.

        Raises:
            CommandError: the peer has another secret, list of peers or genesis.
        """
        _, what, digest, data, signature = argv
        if not hmac.compare_digest(signature, self._sign(what, digest, data)):
            raise CommandError(b"ERR its cluster-secret is another one")
        if what == JOIN:
            return self._answer_newcomer(data, now_ms)
        if digest != self._digest:
            shown = " ".join([_shown(peer) for peer in self.peers])
            raise CommandError(b"ERR its cluster-peers are %b" % shown.encode())
        kept = self.kept
        if what == STATUS:
            return self._status()
        try:
            genesis = Genesis.decode(data)
        except ValueError as error:
            raise CommandError(b"ERR %b" % str(error).encode()) from None
        if not genesis.number_of(kept.node_id):
            raise CommandError(b"ERR it is another node than before: " + NOT_A_MEMBER.encode())
        if not kept.accept(genesis):
            raise CommandError(b"ERR it keeps another genesis: its directory is of another cluster")
        if what == CONFIRM:
            kept.confirm()
        return []

    def _answer_newcomer(self, data: bytes, now_ms: int) -> list[bytes]:
        kept = self.kept
        if kept.genesis is None or not kept.is_confirmed:
            raise CommandError(b"ERR it has not formed its cluster yet")
        try:
            member = Member(**json.loads(data))
        except (ValueError, TypeError):
            raise CommandError(b"ERR this is no description of a node") from None
        address = (member.peer_host, member.port)  # where there is one node at a time
        if len(self._newcomers) < NEWCOMERS_MAX or address in self._newcomers:
            self._newcomers[address] = (member, now_ms)
        genesis = kept.genesis.encode()
        replacements = encode_replacements(kept.replacements).encode()
        return [genesis, replacements, self._sign(JOINED, genesis, replacements)]

    def newcomers(self, now_ms: int) -> list[Member]:
        """Return who has asked lately to join."""
        self._newcomers = {
            address: (member, asked_ms)
            for address, (member, asked_ms) in self._newcomers.items()
            if asked_ms > now_ms - NEWCOMER_MS
        }
        return [member for member, _ in self._newcomers.values()]

    def _status(self) -> list[bytes]:
        kept = self.kept
        own = announced_node(kept.node_id, self._config)
        return [
            kept.node_id.encode(),
            own.host.encode(),
            b"%d" % self._config["cluster-announce-port"],
            b"%d" % own.bus_port,
            own.zone.encode(),
            b"" if kept.genesis is None else kept.genesis.encode(),
            b"%d" % kept.is_confirmed,
        ]


def _is_understood(what: bytes, answer: Answer) -> bool:
    """Return whether an answer is of the kind that the question asks for."""
    if what not in FIELDS:
        return answer == b"+OK"
    return isinstance(answer, list) and len(answer) == FIELDS[what]


def _way_in(roster: Roster, own: Member) -> str:
    there = roster.member_at(own.peer_host, own.port, own.bus_port)
    old = "OLD_NODE_ID" if there is None else there.node_id
    text = (
        f"this node, {own.node_id}, is no member of cluster {roster.genesis.cluster_id}, and "
        "takes no part until it is. "
    )
    if there is not None:
        text += f"Its directory is not that of node {old}, whose place this is. "
    return text + (
        "If the data of the old node is lost for ever, run this against any running node: "
        f"respkv cluster replace {old} --with {own.node_id}"
    )


def _shown(peer: tuple[str, int]) -> str:
    return f"{peer[0]}:{peer[1]}"
