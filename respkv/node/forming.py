"""Forms the cluster: asks the peers' client ports until all keep one genesis (see cluster/genesis).

The questions are RESPKV.FORM commands, signed with the cluster's secret. A node answers them in any
state, so a crash on the way only means asking again. A node without a genesis whose peers have
formed their cluster before is a *newcomer*: it asks to join until somebody runs `respkv cluster
replace`, since it knows nothing of what the node in whose place it is has promised.
"""

import asyncio
import hmac
import json
import logging
import secrets
import time
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from respkv.cluster.genesis import Genesis, Member, peers_digest
from respkv.cluster.ring import partitions_for
from respkv.cluster.roster import Roster, decode_replacements, encode_replacements
from respkv.cluster.view import announced_node
from respkv.commands.table import CONNECTION, INTERNAL, LOADING, NO_AUTH, STALE, Argv, command
from respkv.errors import CommandError
from respkv.node.connection import Connection
from respkv.node.membership import Membership
from respkv.wire.reply import OK, Reply
from respkv.wire.request import encode_command

if TYPE_CHECKING:
    from respkv.node.server import Node

logger = logging.getLogger("respkv")

RETRY_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 2.0
REPLY_BYTES_MAX: Final = 1 << 20
NEWCOMERS_MAX: Final = 64
NEWCOMER_SECONDS: Final = 10.0  # not heard of for so long, it is gone
NEWCOMER_RETRY_SECONDS: Final = 0.5
NOT_A_MEMBER: Final = (
    "a node with an empty directory is not the one in whose place it is, whose votes and entries "
    "it does not remember; it joins with respkv cluster replace"
)


@runtime_checkable
class Asked(Protocol):
    """The running cluster side of a node, as far as its peers ask."""

    forming: "Forming"


class Disagreement(Exception):
    """A peer answers in a way that waiting will not mend."""


class Forming:
    """One node's part in forming; `run` returns once the membership is confirmed."""

    def __init__(self, node: "Node", membership: Membership) -> None:
        self.membership = membership
        self.peers = sorted(set(node.config["cluster-peers"]))
        self._node = node
        self._secret = node.config["cluster-secret"].encode()
        self._shown: set[str] = set()
        self._newcomers: dict[tuple[str, int], tuple[Member, float]] = {}  # and when it asked last
        self._retry_seconds = RETRY_SECONDS

    async def run(self) -> None:
        """Ask until all members keep the genesis, and know it; without peers, it is alone."""
        if not self.peers and not self.membership.is_confirmed:
            own = announced_node(self.membership.node_id, self._node.config)
            member = Member(own.node_id, own.host, own.port, own.bus_port, own.zone)
            self.membership.accept(self._genesis([member]))
            self.membership.confirm()
        while not self.membership.is_confirmed:
            try:
                if await self._try():
                    return
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                pass  # not there yet
            except Disagreement as error:
                self._warn(str(error))
            await asyncio.sleep(self._retry_seconds)

    async def _try(self) -> bool:
        """One round; True when all is done for this node.

        A confirmed node goes on until every other one is confirmed as well, or is gone.
        """
        statuses = await asyncio.gather(
            *(self._ask(peer, b"STATUS") for peer in self.peers), return_exceptions=True
        )
        known = [status for status in statuses if not isinstance(status, BaseException)]
        mine = self.membership
        if mine.genesis is None and await self._ask_to_join(statuses):
            return True
        for status in statuses:
            if isinstance(status, Disagreement):
                raise status
        for _, _, _, _, _, genesis, confirmed in known:
            if confirmed == b"1":
                if mine.genesis is None:
                    return False  # a newcomer
                if genesis != mine.genesis.encode():
                    raise Disagreement(
                        "a peer is in another cluster: this node's directory is of an earlier one"
                    )
                mine.confirm()
        if mine.is_confirmed:
            return True
        if len(known) < len(self.peers) or known[0][0].decode() != mine.node_id:
            return False  # somebody is missing, or forming is another node's work
        await self._lead(known)
        return mine.is_confirmed

    async def _ask_to_join(self, statuses: list[list[bytes] | BaseException]) -> bool:
        """Ask those that have formed a cluster; return whether this node is a member by now."""
        formed = [
            peer
            for peer, status in zip(self.peers, statuses, strict=True)
            # One with another list of peers may have formed its cluster long ago.
            if isinstance(status, Disagreement)
            or (not isinstance(status, BaseException) and status[6] == b"1")
        ]
        if not formed:
            return False
        mine = self.membership
        own = announced_node(mine.node_id, self._node.config)
        place = [
            peer
            for peer, status in zip(self.peers, statuses, strict=True)
            if not isinstance(status, BaseException) and status[0].decode() == mine.node_id
        ]
        if not place:
            return False
        host, port = place[0]
        port = self._node.config["cluster-announce-port"] or port
        me = Member(mine.node_id, own.host or host, port, own.bus_port, own.zone, host)
        data = json.dumps(me.fields()).encode()
        answers = await asyncio.gather(
            *(self._ask(peer, b"JOIN", data) for peer in formed), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException) or len(answer) != 3:
                continue
            genesis_data, replacements, signature = answer
            signed = self.sign(b"JOINED", genesis_data, replacements)
            if not hmac.compare_digest(signature, signed):
                continue
            genesis = Genesis.decode(genesis_data)
            roster = Roster(genesis, decode_replacements(replacements.decode()))
            if roster.number_of(mine.node_id):
                mine.join(genesis, roster.replacements)
                return True
            self._retry_seconds = NEWCOMER_RETRY_SECONDS
            self._tell_the_way_in(roster, me)
        return False

    def _tell_the_way_in(self, roster: Roster, me: Member) -> None:
        there = roster.member_at(me.peer_host, me.port, me.bus_port)
        old = "OLD_NODE_ID" if there is None else there.node_id
        text = (
            f"this node, {me.node_id}, is no member of cluster {roster.genesis.cluster_id}, and "
            "takes no part until it is. "
        )
        if there is not None:
            text += f"Its directory is not that of node {old}, whose place this is. "
        text += (
            "If the data of the old node is lost for ever, run this against any running node: "
            f"respkv cluster replace {old} --with {me.node_id}"
        )
        self._warn_once(text)

    async def _lead(self, statuses: list[list[bytes]]) -> None:
        """The first of the list proposes, and tells all once all agree."""
        held = {status[5] for status in statuses if status[5]}
        if len(held) > 1:
            raise Disagreement(
                "peers keep different geneses: some directory is of an earlier cluster"
            )
        genesis = Genesis.decode(held.pop()) if held else self._propose(statuses)
        for (host, port), status in zip(self.peers, statuses, strict=True):
            if not genesis.number_of(status[0].decode()):
                raise Disagreement(f"at {host}:{port} is a new node: {NOT_A_MEMBER}")
        data = genesis.encode()
        await asyncio.gather(*(self._ask(peer, b"GENESIS", data) for peer in self.peers))
        await asyncio.gather(*(self._ask(peer, b"CONFIRM", data) for peer in self.peers))

    def _propose(self, statuses: list[list[bytes]]) -> Genesis:
        members = []
        for (host, port), (node_id, announced, own_port, bus, zone, _, _) in zip(
            self.peers, statuses, strict=True
        ):
            members.append(
                Member(node_id.decode(), announced.decode() or host, int(own_port) or port,
                       int(bus), zone.decode(), host)
            )  # fmt: skip
        if len({member.node_id for member in members}) < len(members):
            raise Disagreement("cluster-peers names one node twice")
        return self._genesis(members)

    def _genesis(self, members: list[Member]) -> Genesis:
        config = self._node.config
        return Genesis(
            secrets.token_hex(16),
            config["cluster-partitions"] or partitions_for(len(members)),
            min(config["cluster-replication-factor"], len(members)),
            members,
        )

    # --- asking ------------------------------------------------------------------------------

    async def _ask(self, peer: tuple[str, int], what: bytes, data: bytes = b"") -> list[bytes]:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(*peer), ANSWER_SECONDS)
        try:
            digest = peers_digest(self.peers).encode()
            signature = self.sign(what, digest, data)
            writer.write(encode_command([b"RESPKV.FORM", what, digest, data, signature]))
            reply = await asyncio.wait_for(_read_reply(reader), ANSWER_SECONDS)
        finally:
            writer.close()
        if isinstance(reply, bytes):
            if reply.startswith(b"-"):
                raise Disagreement(f"{peer[0]}:{peer[1]} refuses: {reply[1:].decode()}")
            return []
        return reply

    def sign(self, what: bytes, digest: bytes, data: bytes) -> bytes:
        """Return the proof that the sender knows the secret."""
        text = b"\n".join((b"respkv forming", what, digest, data))
        return hmac.new(self._secret, text, "sha256").hexdigest().encode()

    def _warn(self, text: str) -> None:
        self._warn_once(f"the cluster does not form: {text}")

    def _warn_once(self, text: str) -> None:
        if text not in self._shown:
            self._shown.add(text)
            logger.warning("%s", text)

    # --- answering ---------------------------------------------------------------------------

    def answer(self, argv: Argv) -> Reply:
        """Answer one question of a peer.

        Raises:
            CommandError: the peer has another secret, list of peers or genesis.
        """
        _, what, digest, data, signature = argv
        if not hmac.compare_digest(signature, self.sign(what, digest, data)):
            raise CommandError(b"ERR its cluster-secret is another one")
        if what == b"JOIN":
            return self._answer_newcomer(data)
        if digest != peers_digest(self.peers).encode():
            shown = " ".join(f"{host}:{port}" for host, port in self.peers)
            raise CommandError(b"ERR its cluster-peers are %b" % shown.encode())
        membership = self.membership
        if what == b"STATUS":
            own = announced_node(membership.node_id, self._node.config)
            kept = b"" if membership.genesis is None else membership.genesis.encode()
            return [
                membership.node_id.encode(),
                own.host.encode(),
                b"%d" % self._node.config["cluster-announce-port"],
                b"%d" % own.bus_port,
                own.zone.encode(),
                kept,
                b"%d" % membership.is_confirmed,
            ]
        genesis = Genesis.decode(data)
        if not genesis.number_of(membership.node_id):
            raise CommandError(b"ERR it is another node than before: " + NOT_A_MEMBER.encode())
        if not membership.accept(genesis):
            raise CommandError(b"ERR it keeps another genesis: its directory is of another cluster")
        if what == b"CONFIRM":
            membership.confirm()
        return OK

    def _answer_newcomer(self, data: bytes) -> Reply:
        membership = self.membership
        if membership.genesis is None or not membership.is_confirmed:
            raise CommandError(b"ERR it has not formed its cluster yet")
        try:
            member = Member(**json.loads(data))
        except (ValueError, TypeError):
            raise CommandError(b"ERR this is no description of a node") from None
        address = (member.peer_host, member.port)  # where there is one node at a time
        if len(self._newcomers) < NEWCOMERS_MAX or address in self._newcomers:
            self._newcomers[address] = (member, time.monotonic())
        genesis = membership.genesis.encode()
        replacements = encode_replacements(membership.replacements).encode()
        return [genesis, replacements, self.sign(b"JOINED", genesis, replacements)]

    def newcomers(self) -> list[Member]:
        """Return who has asked lately to join."""
        lately = time.monotonic() - NEWCOMER_SECONDS
        self._newcomers = {
            address: (member, asked)
            for address, (member, asked) in self._newcomers.items()
            if asked > lately
        }
        return [member for member, _ in self._newcomers.values()]


async def _read_reply(reader: asyncio.StreamReader) -> list[bytes] | bytes:
    line = (await reader.readuntil(b"\r\n"))[:-2]
    if line[:1] == b"*":
        return [await _read_bulk(reader) for _ in range(int(line[1:]))]
    return line


async def _read_bulk(reader: asyncio.StreamReader) -> bytes:
    size = int((await reader.readuntil(b"\r\n"))[1:-2])
    if not 0 <= size <= REPLY_BYTES_MAX:
        raise Disagreement("what answers there is no respkv")
    return (await reader.readexactly(size + 2))[:-2]


@command(name="RESPKV.FORM", arity=5, group="cluster", since="7.0.0",
         flags=CONNECTION | INTERNAL | NO_AUTH | LOADING | STALE,
         summary="What nodes ask each other while a cluster forms")  # fmt: skip
def form(session: Connection, argv: Argv) -> Reply:
    """Only between nodes, and signed."""
    cluster = session.node.cluster
    if not isinstance(cluster, Asked):
        raise CommandError(b"ERR it has cluster-enabled no")
    return cluster.forming.answer(argv)
