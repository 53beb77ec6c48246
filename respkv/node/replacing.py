"""A node whose data is lost is replaced: decided once, by partition 0; carried out by each leader.

`RESPKV.REPLACE` has the leader of partition 0 commit a configuration that names who comes in whose
place. All nodes learn of it (`Cluster.learn_replacements`), refuse the old node id from then on, and
each leader replaces it among the voters of its partition, one change at a time: the newcomer learns,
the old voter leaves, the newcomer votes.
"""

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from respkv.cluster.genesis import Member
from respkv.cluster.redirect import redirect
from respkv.cluster.roster import Replacement, decode_replacements, encode_replacements
from respkv.commands.table import ADMIN, CONNECTION, INTERNAL, STALE, Argv, command
from respkv.consensus.configuration import Configuration
from respkv.errors import CommandError, NotLeader, NotReady
from respkv.node.cluster_service import local_host
from respkv.node.connection import Connection
from respkv.replica.next_configuration import next_configuration
from respkv.replica.replica import Replica
from respkv.wire.reply import Reply

if TYPE_CHECKING:
    from respkv.node.cluster import Cluster

logger = logging.getLogger("respkv")

DECIDED_BY: Final = 0  # the partition whose log holds who comes in whose place


class Replacing:
    """One node's part in it."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._seen: dict[int, Configuration] = {}  # by partition: committed, and learnt from

    def tick(self) -> None:
        """Learn what is committed, and go a step further where this node leads."""
        for partition, replica in self._cluster.replicas.items():
            self._learn(partition, replica)
            if self._cluster.roster.replacements and replica.serving:
                self._advance(partition, replica)

    def _learn(self, partition: int, replica: Replica) -> None:
        raft = replica.raft
        configuration = raft.configuration
        if self._seen.get(partition) is configuration or not raft.configuration_is_committed:
            return
        self._seen[partition] = configuration
        self._cluster.view.voters[partition] = tuple(configuration.voters)
        self._cluster.learn_replacements(decode_replacements(configuration.replacements))

    def _advance(self, partition: int, replica: Replica) -> None:
        raft, roster = replica.raft, self._cluster.roster
        if not raft.configuration_is_committed:
            return
        following = next_configuration(raft.configuration, roster.successor, raft.has_caught_up)
        if following is not None:
            self._propose(
                partition,
                replica,
                Configuration(following.voters, following.learners, roster.encode()),
            )

    def _propose(self, partition: int, replica: Replica, configuration: Configuration) -> bool:
        try:
            replica.raft.propose_configuration(configuration)
        except (NotReady, NotLeader):
            return False
        logger.info("partition %d: %r", partition, configuration)
        self._cluster.node.log_writer.touch(replica)
        return True

    # --- what the operator asks --------------------------------------------------------------

    def decide(self, old_id: str, new_id: str, asked_at: str) -> dict[str, str]:
        """Have a newcomer take a member's place; repeated, it tells how far that is.

        An empty `new_id` is the newcomer at the old node's address.

        Raises:
            CommandError: it cannot be, or not here, or not now.
        """
        cluster, roster = self._cluster, self._cluster.roster
        replica = cluster.replicas.get(DECIDED_BY)
        if replica is not None:
            self._learn(DECIDED_BY, replica)
        successor = roster.successor_of(old_id)
        if successor is not None:
            if new_id not in ("", successor.node_id):
                raise _error(f"node {old_id} was replaced by node {successor.node_id}")
            return {"state": "decided", "new": successor.node_id}
        number = roster.number_of(old_id)
        if not number:
            raise _error(f"no node of this cluster has the id {old_id}")
        if replica is None or not replica.serving:
            raise redirect(cluster.view, cluster.view.partition_of_slot.index(DECIDED_BY), asked_at)
        link = cluster.network.links.get(number)
        if link is None or link.up:
            raise _error(
                f"node {old_id} is connected; stop it first. This is for a node whose data is lost "
                "for ever: it is refused from then on"
            )
        member = self._newcomer(roster.members()[number], new_id)
        now = replica.raft.configuration
        decided = [*roster.replacements, Replacement(old_id, member)]
        configuration = Configuration(now.voters, now.learners, encode_replacements(decided))
        if not self._propose(DECIDED_BY, replica, configuration):
            raise CommandError(b"TRYAGAIN another change of the members is under way")
        return {"state": "proposed", "new": member.node_id}

    def _newcomer(self, old: Member, new_id: str) -> Member:
        roster = self._cluster.roster
        now_ms = self._cluster.node.runtime.monotonic_ms()
        waiting = [
            member
            for member in self._cluster.forming.newcomers(now_ms)
            if not roster.number_ever(member.node_id)
        ]
        chosen = [
            member
            for member in waiting
            if (new_id and member.node_id == new_id)
            or (
                not new_id
                and roster.member_at(member.peer_host, member.port, member.bus_port) is old
            )
        ]
        if len(chosen) == 1:
            return chosen[0]
        shown = ", ".join(f"{each.node_id} at {each.peer_host}:{each.port}" for each in waiting)
        wanted = f"the id {new_id}" if new_id else "the address of the old one"
        raise _error(
            f"no node with an empty directory and {wanted} waits to join (waiting: "
            f"{shown or 'none'}); start it first"
        )

    def progress(self, old_id: str) -> dict[str, object]:
        """Return how far the partitions are that this node leads, by their numbers."""
        cluster, roster = self._cluster, self._cluster.roster
        successor = roster.successor_of(old_id)
        if successor is None:
            return {"new": None, "partitions": 0, "led": {}}
        new = roster.successor(roster.number_ever(old_id))
        concerned = [
            partition for partition, voters in enumerate(roster.placement()[0]) if new in voters
        ]
        led = {
            partition: _phase(cluster.replicas[partition], new, roster.successor)
            for partition in concerned
            if partition in cluster.replicas and cluster.replicas[partition].serving
        }
        return {"new": successor.node_id, "partitions": len(concerned), "led": led}


def _phase(replica: Replica, new: int, successor: Callable[[int], int]) -> str:
    raft = replica.raft
    whole = all(successor(voter) == voter for voter in raft.voters)
    if new in raft.voters and whole and raft.configuration_is_committed:
        return "done"
    return "learning" if new in raft.learners else "waiting"


def _error(text: str) -> CommandError:
    return CommandError(b"ERR " + text.encode())


@runtime_checkable
class Asked(Protocol):
    """The running cluster side of a node, as far as these commands ask."""

    replacing: Replacing | None


def _replacing(session: Connection) -> Replacing:
    cluster = session.node.cluster
    if not isinstance(cluster, Asked) or cluster.replacing is None:
        raise CommandError(b"ERR this node is not part of a cluster that has formed")
    return cluster.replacing


@command(name="RESPKV.REPLACE", arity=3, group="cluster", since="7.0.0",
         flags=CONNECTION | INTERNAL | ADMIN | STALE,
         summary="Give a node's place to another one, for good")  # fmt: skip
def replace(session: Connection, argv: Argv) -> Reply:
    """What `respkv cluster replace` asks the leader of partition 0; JSON."""
    found = _replacing(session).decide(argv[1].decode(), argv[2].decode(), local_host(session))
    return json.dumps(found).encode()


@command(name="RESPKV.REPLACEMENT", arity=2, group="cluster", since="7.0.0",
         flags=CONNECTION | INTERNAL | ADMIN | STALE,
         summary="How far a replacement is in the partitions led here")  # fmt: skip
def replacement(session: Connection, argv: Argv) -> Reply:
    """What `respkv cluster replace` asks every node; JSON."""
    return json.dumps(_replacing(session).progress(argv[1].decode())).encode()
