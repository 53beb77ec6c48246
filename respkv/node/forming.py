"""Forms the cluster: asks the peers' client ports until all keep one genesis (see cluster/genesis).

The questions are RESPKV.FORM commands, signed with the cluster's secret. A node answers them in any
state, so a crash on the way only means asking again.
"""

import asyncio
import hmac
import logging
import secrets
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from respkv.cluster.genesis import Genesis, Member, peers_digest
from respkv.cluster.ring import partitions_for
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

Statuses = dict[tuple[str, int], list[bytes]]  # what each peer has answered

RETRY_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 2.0
REPLY_BYTES_MAX: Final = 1 << 20
STATUS_FIELDS: Final = 7
NOT_A_MEMBER: Final = (
    "a node with an empty directory is not the one it stands in for, whose votes and entries it "
    "does not remember; it joins with respkv cluster replace"
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
            await asyncio.sleep(RETRY_SECONDS)

    async def _try(self) -> bool:
        """One round; True when all is done for this node.

        A confirmed node goes on until every other one is confirmed as well, or is gone.
        """
        answers = await asyncio.gather(
            *(self._ask(peer, b"STATUS") for peer in self.peers), return_exceptions=True
        )
        disagreements = [answer for answer in answers if isinstance(answer, Disagreement)]
        for disagreement in disagreements:
            self._warn(str(disagreement))
        if disagreements:
            return False
        known = {
            peer: answer
            for peer, answer in zip(self.peers, answers, strict=True)
            if not isinstance(answer, BaseException)
        }
        mine = self.membership
        for peer, (_, _, _, _, _, genesis, confirmed) in known.items():
            if confirmed == b"1":
                if mine.genesis is None:
                    # All members kept the genesis before any of them was confirmed.
                    raise Disagreement(f"the peers have formed their cluster: {NOT_A_MEMBER}")
                if genesis != mine.genesis.encode():
                    raise Disagreement(
                        f"{_shown(peer)} is in another cluster: this node's directory is of an "
                        f"earlier one"
                    )
                mine.confirm()
        if mine.is_confirmed:
            return True
        if len(known) < len(self.peers):
            return False  # somebody is missing
        node_ids = [status[0].decode() for status in known.values()]
        if mine.node_id not in node_ids:
            raise Disagreement("cluster-peers names others, but not this node")
        if node_ids[0] == mine.node_id:  # otherwise this is another node's work
            await self._lead(known)
        return mine.is_confirmed

    async def _lead(self, statuses: Statuses) -> None:
        """The first of the list proposes, and tells all once all agree."""
        held = {status[5]: peer for peer, status in statuses.items() if status[5]}
        if len(held) > 1:
            shown = " and ".join(_shown(peer) for peer in held.values())
            raise Disagreement(
                f"{shown} keep different geneses: some directory is of an earlier cluster"
            )
        genesis = Genesis.decode(held.popitem()[0]) if held else self._propose(statuses)
        for peer, status in statuses.items():
            if not genesis.number_of(status[0].decode()):
                raise Disagreement(f"at {_shown(peer)} is a new node: {NOT_A_MEMBER}")
        data = genesis.encode()
        await asyncio.gather(*(self._ask(peer, b"GENESIS", data) for peer in self.peers))
        await asyncio.gather(*(self._ask(peer, b"CONFIRM", data) for peer in self.peers))

    def _propose(self, statuses: Statuses) -> Genesis:
        members: dict[str, Member] = {}
        for (host, port), (node_id, announced, own_port, bus, zone, _, _) in statuses.items():
            twin = members.get(node_id.decode())
            if twin is not None:
                raise Disagreement(
                    f"cluster-peers names one node twice: {twin.peer_host} and {host}, port {port}"
                )
            members[node_id.decode()] = Member(
                node_id.decode(), announced.decode() or host, int(own_port) or port,
                int(bus), zone.decode(), host,
            )  # fmt: skip
        return self._genesis(list(members.values()))

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
        except (ValueError, asyncio.LimitOverrunError):
            reply = b""
        finally:
            writer.close()
        if isinstance(reply, list) and len(reply) == STATUS_FIELDS:
            return reply
        if isinstance(reply, bytes) and reply.startswith(b"-"):
            raise Disagreement(f"{_shown(peer)} refuses: {reply[1:].decode(errors='replace')}")
        if reply != b"+OK":
            raise Disagreement(f"what answers at {_shown(peer)} is no respkv")
        return []

    def sign(self, what: bytes, digest: bytes, data: bytes) -> bytes:
        """Return the proof that the sender knows the secret."""
        text = b"\n".join((b"respkv forming", what, digest, data))
        return hmac.new(self._secret, text, "sha256").hexdigest().encode()

    def _warn(self, text: str) -> None:
        if text not in self._shown:
            self._shown.add(text)
            logger.warning("the cluster does not form: %s", text)

    # --- answering ---------------------------------------------------------------------------

    def answer(self, argv: Argv) -> Reply:
        """Answer one question of a peer.

        Raises:
            CommandError: the peer has another secret, list of peers or genesis.
        """
        _, what, digest, data, signature = argv
        if not hmac.compare_digest(signature, self.sign(what, digest, data)):
            raise CommandError(b"ERR its cluster-secret is another one")
        if digest != peers_digest(self.peers).encode():
            shown = " ".join(map(_shown, self.peers))
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
        try:
            genesis = Genesis.decode(data)
        except ValueError as error:
            raise CommandError(b"ERR %b" % str(error).encode()) from None
        if not genesis.number_of(membership.node_id):
            raise CommandError(b"ERR it is another node than before: " + NOT_A_MEMBER.encode())
        if not membership.accept(genesis):
            raise CommandError(b"ERR it keeps another genesis: its directory is of another cluster")
        if what == b"CONFIRM":
            membership.confirm()
        return OK


def _shown(peer: tuple[str, int]) -> str:
    return f"{peer[0]}:{peer[1]}"


async def _read_reply(reader: asyncio.StreamReader) -> list[bytes] | bytes:
    line = (await reader.readuntil(b"\r\n"))[:-2]
    if line[:1] == b"*":
        return [await _read_bulk(reader) for _ in range(int(line[1:]))]
    return line


async def _read_bulk(reader: asyncio.StreamReader) -> bytes:
    size = int((await reader.readuntil(b"\r\n"))[1:-2])
    if not 0 <= size <= REPLY_BYTES_MAX:
        raise ValueError(size)
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
