"""Cluster mode of a node: forms, opens its partitions, talks to peers, keeps the view up to date."""

import asyncio
import contextlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final

from respkv.cluster.forming import FormingNode
from respkv.cluster.genesis import Genesis, Member
from respkv.cluster.roster import Replacement, Roster, decode_replacements
from respkv.cluster.view import PORT_MAX, ClusterView, NodeInfo, announced_node, bus_port
from respkv.consensus.messages import HEARTBEAT, Message
from respkv.consensus.pair_heartbeat import PairHeartbeats, PairMessage
from respkv.consensus.raft import LEADER
from respkv.errors import InvariantViolation
from respkv.keyspace.keyspace import Keyspace
from respkv.log.filesystem import FileSystem
from respkv.node.cluster_service import Follower, Link, Publications
from respkv.node.forming import form
from respkv.node.handing_over import HandingOver
from respkv.node.membership import Membership
from respkv.node.partition_runtime import PartitionRuntime
from respkv.node.peer_auth import CopiedNode, Malformed
from respkv.node.peer_network import PeerNetwork
from respkv.node.replacing import Replacing
from respkv.node.router import ClusterRouter
from respkv.replica.peer_codec import PeerMessage
from respkv.replica.recover import recovering_replica
from respkv.replica.replica import Replica
from respkv.replica.snapshot_keeper import SnapshotKeeper
from respkv.replica.snapshot_transfer import SnapshotAck, SnapshotChunk
from respkv.steps import Steps

if TYPE_CHECKING:
    from respkv.node.server import Node

logger = logging.getLogger("respkv")

BALANCE_TICKS: Final = 5  # between two partitions that change their leader for balance alone
ANNOUNCE_TICKS: Final = 10


class Cluster:
    """What `node.cluster` is in cluster mode; see `ClusterService` for what commands ask of it."""

    view: ClusterView
    network: PeerNetwork
    pairs: PairHeartbeats
    roster: Roster

    def __init__(self, node: "Node", fs: FileSystem, directory: str) -> None:
        self.node = node
        self.membership = Membership(fs, directory)
        cluster_id = f"{fs.random_salt():016x}{fs.random_salt():016x}"  # should it propose one
        self.forming = FormingNode(self.membership, node.config, cluster_id)
        self.replicas: dict[int, Replica] = {}
        self.keepers: dict[int, SnapshotKeeper] = {}
        self._fs = fs
        self._directory = directory
        self.replacing: Replacing | None = None  # until this node takes part
        self.handing_over = HandingOver(self)
        self._first_voters: list[tuple[int, ...]] = []  # of each partition, as it began
        self._preferred: list[int] = []
        self.router: ClusterRouter
        self._forgetting: set[asyncio.Task[None]] = set()
        self._has_network = False
        self._ticks = 0
        self.view = ClusterView(1, 1, 1)  # until the genesis is known
        self.view.nodes[1] = NodeInfo(self.membership.node_id, "", node.config["port"])

    # --- starting ----------------------------------------------------------------------------

    async def form(self) -> None:
        """Wait until every member keeps the genesis, then learn from it."""
        await form(self.forming)
        genesis = self.take_roster()
        logger.info(
            "cluster %s: node %s of %d, %d partitions, %d copies of each",
            genesis.cluster_id,
            self.membership.node_id,
            len(genesis.members),
            genesis.partitions,
            genesis.replication_factor,
        )

    def take_roster(self) -> Genesis:
        """Learn who the members are, and who holds which partition."""
        genesis, node_id = self.membership.genesis, self.membership.node_id
        if genesis is None:
            raise InvariantViolation("a confirmed membership without a genesis")
        roster = Roster(genesis, self.membership.replacements)
        own_number = roster.number_of(node_id)
        if not own_number:
            raise InvariantViolation(f"node {node_id} was replaced: it starts anew, with no data")
        self.roster = roster
        view = ClusterView(own_number, genesis.partitions, genesis.replication_factor)
        for number, member in roster.members().items():
            view.nodes[number] = NodeInfo(
                member.node_id, member.host, member.port, member.bus_port, "", member.zone
            )
        self._first_voters, _ = genesis.placement()
        view.voters, self._preferred = roster.placement()
        for partition, voters in enumerate(view.voters):
            view.show(partition, self._preferred[partition])
            if own_number not in voters:
                view.set_leader(partition, self._preferred[partition], 0)  # it knows the leader
        self.view = view
        self.network = self._new_network(genesis, self._introduction())
        self.network.on_introduction = self._take_introduction
        self.network.on_announcement = self._take_announcement
        self.network.on_publication = self.node.pubsub.publish
        self.node.runtime.send_messages = self.network.flush
        self._has_network = True
        self.pairs = PairHeartbeats(own_number, self._step_replica)
        return genesis

    def _introduction(self) -> bytes:
        """Return what peers are told of this node, and show it so."""
        own = announced_node(self.membership.node_id, self.node.config)
        said = {
            "host": own.host,
            "port": own.port,
            "bus_port": own.bus_port,
            "hostname": own.hostname,
            "starts": self.membership.starts,
            "run_id": self.membership.run_id,
        }
        _describe(self.view.own, self.roster.members()[self.view.own_number], said)
        return json.dumps(said).encode()

    def announce_changes(self) -> None:
        """Tell clients and peers of announced options that CONFIG SET has changed."""
        if self._has_network:
            self.network.introduce(self._introduction())

    def _new_network(self, genesis: Genesis, introduction: bytes) -> PeerNetwork:
        return PeerNetwork(
            self.view.own_number,
            self.membership.node_id,
            genesis.cluster_id,
            self.node.config["cluster-secret"].encode(),
            self._take_message,
            self._peer_state,
            self.node.config["cluster-peer-queue-bytes"],
            introduction,
        )

    def join(self) -> None:
        """Listen for peers and dial them."""
        self.listen()
        self._follow_roster()

    def listen(self) -> None:
        """Take connections of peers where the options say, once they are known.

        Raises:
            OSError: it cannot listen there.
        """
        if self._has_network:
            config = self.node.config
            if not config["bind"]:
                raise OSError("other nodes need an address of this one: name one with --bind")
            port = bus_port(config)
            if port > PORT_MAX:
                raise OSError(f"there is no port {port} for other nodes: choose a lower one")
            self.network.listen(config["bind"].split()[0], port)

    def _follow_roster(self) -> None:
        """Know, dial and let in those that are members now, and nobody else."""
        members = self.roster.members()
        for number in [number for number in self.view.nodes if number not in members]:
            del self.view.nodes[number]
            self.pairs.forget(number)
            self._forget_peer(number)
        for number, member in members.items():
            if number not in self.view.nodes:
                self.view.nodes[number] = NodeInfo(
                    member.node_id, member.host, member.port, member.bus_port, "", member.zone
                )
                self.view.nodes[number].up = False
            if number != self.view.own_number:
                self._dial(number)
        self.network.replaced = {each.old_id for each in self.roster.replacements}
        voters, self._preferred = self.roster.placement()
        for partition, shown in enumerate(self.view.shown):
            self.view.show(partition, self.roster.successor(shown))
            if partition not in self.replicas:
                self.view.voters[partition] = voters[partition]
        if self.roster.replacements:
            self._tell_peers()

    def _tell_peers(self) -> None:
        """Pass on who the members are and where they are: two that move at once miss each other."""
        told = {"replacements": self.roster.encode(), "peers": self.membership.peers}
        self.network.announce(json.dumps(told).encode())

    def _forget_peer(self, number: int) -> None:
        task = asyncio.get_running_loop().create_task(self.network.forget_peer(number))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)

    def _dial(self, number: int) -> None:
        """Keep a link to a node, where it says that it is, and show it so."""
        member = self.roster.members()[number]
        said = self.membership.peers.get(member.node_id, {})
        _describe(self.view.nodes[number], member, said)
        # As cluster-peers names it: what it announces may be for clients alone.
        host = member.peer_host or member.host
        bus_port = said.get("bus_port") or member.bus_port
        self.network.set_peer(number, member.node_id, host, bus_port, said.get("host", ""))

    def learn_replacements(self, replacements: list[Replacement]) -> None:
        """Go by what has been decided, if it is news."""
        if self.roster.merge(replacements):
            self.membership.keep_replacements(self.roster.replacements)
            for each in self.roster.replacements:
                logger.info("node %s is in the place of %s", each.member.node_id, each.old_id)
            self._follow_roster()

    def recovering(self) -> Steps[None]:
        """Open the partitions that this node votes in, a snapshot's chunk each step."""
        node = self.node
        for partition, voters in enumerate(self.view.voters):
            if self.view.own_number not in voters:
                continue
            runtime = PartitionRuntime(self, partition)
            replica = yield from recovering_replica(
                self._fs, self._directory, node.wal, node.log_writer, runtime,
                partition=partition, node_id=self.view.own_number,
                voters=list(self._first_voters[partition]), databases=node.config["databases"],
            )  # fmt: skip
            node.adopt(replica)
            replica.raft.offers_lease = node.config["read-consistency"] == "lease"
            self.replicas[partition] = replica
            self.pairs.add(partition, replica.raft)
            self.keepers[partition] = SnapshotKeeper(
                replica, node.wal, node.log_writer, runtime, self._fs, self._directory
            )

    def start(self) -> ClusterRouter:
        """Begin with elections: the ring's choice of leader stands first where none has led yet."""
        restarts = any([replica.raft.term for replica in self.replicas.values()])
        for partition in range(self.view.partitions):
            if restarts and partition not in self.replicas:
                self.view.set_leader(partition, 0, 0)  # its leader will announce itself
        for partition, replica in self.replicas.items():
            if self._preferred[partition] == self.view.own_number:
                replica.raft.start_pre_vote()
            self.node.log_writer.touch(replica)
        self.replacing = Replacing(self)
        self.router = ClusterRouter(self.node, self.view, self.replicas)
        return self.router

    # --- running -----------------------------------------------------------------------------

    async def drain(self) -> None:
        """Take what peers have sent while this node stood still: their time counts behind it."""
        await self.network.drain()

    def tick(self) -> None:
        """One heartbeat interval has passed."""
        self._ticks += 1
        if self._ticks % ANNOUNCE_TICKS == 0:
            for partition in self.replicas:
                self._announce(partition)
        for beat in self.pairs.beats():
            self._send_pair(beat)
        for partition, replica in self.replicas.items():
            replica.tick()
            self.keepers[partition].tick()
        if self.replacing is not None:
            self.replacing.tick()
        self.handing_over.tick()
        if self._ticks % BALANCE_TICKS == 0:
            self._balance()
        self.router.retry_held()

    def _balance(self) -> None:
        """Ask for one partition that the ring wants this node to lead, once it has caught up."""
        own_number = self.view.own_number
        wanted = [
            partition
            for partition, replica in self.replicas.items()
            if self._preferred[partition] == own_number
            and own_number in replica.raft.voters
            and replica.raft.may_lead
            and replica.raft.takes_over
            and not replica.leads
            and replica.applied_index == replica.raft.commit_index
        ]
        if wanted:  # another each time: what hinders one of them keeps no other waiting
            replica = self.replicas[wanted[self._ticks // BALANCE_TICKS % len(wanted)]]
            replica.raft.ask_for_transfer()
            self.node.log_writer.touch(replica)

    def end_turn(self) -> None:
        """Clients in WAIT are answered who have what they wait for."""
        if self.node.waiting:
            self.node.waiting.look()

    def leader_changed(self, partition: int, leader: int, term: int) -> None:
        """A replica here has learnt who leads its partition."""
        self.view.set_leader(partition, leader, term)
        if leader == self.view.own_number:
            self._announce(partition)
            self.router.retry_held()
        elif leader:
            self.node.call_soon(self.router.retry_held)
        if leader != self.view.own_number:
            self.node.call_soon(self._end_shard_channels)

    def _end_shard_channels(self) -> None:
        """Who has subscribed to channels of slots that are not led here any more is told so."""
        self.node.pubsub.end_shard_channels(lambda channel: not self.router.leads(channel))

    def _announce(self, partition: int) -> None:
        """Tell the nodes without a copy of a partition that it is led here: a bare heartbeat."""
        replica = self.replicas[partition]
        if replica.raft.role == LEADER:  # `leads` may be of a term that has just ended
            for number in self.view.nodes:
                if not _holds(replica, number):
                    self._announce_to(number, replica)

    def _announce_to(self, number: int, replica: Replica) -> None:
        message = Message(HEARTBEAT, self.view.own_number, number, replica.raft.term)
        self.network.send(replica.partition, message)

    def knows_leaders(self) -> bool:
        """Return whether this node can send every client to where its keys are served."""
        return all(map(self.view.live_leader, range(self.view.partitions)))

    def _step_replica(self, partition: int, message: Message) -> None:
        self.replicas[partition].step(message)

    def _send_pair(self, message: PairMessage) -> None:
        self.network.send(0, message)
        self.node.runtime.request_end_of_turn()

    def _take_message(self, partition: int, message: PeerMessage) -> None:
        if isinstance(message, PairMessage):
            answer = self.pairs.step(message)
            if answer is not None:
                self._send_pair(answer)
            return
        replica = self.replicas.get(partition)
        if replica is None:
            if isinstance(message, Message) and message.kind == HEARTBEAT:
                self.view.set_leader(partition, message.sender, message.term)
                self.node.call_soon(self.router.retry_held)
            return
        if isinstance(message, SnapshotChunk):
            self.keepers[partition].take_chunk(message)
        elif isinstance(message, SnapshotAck):
            self.keepers[partition].take_ack(message)
        else:
            replica.step(message)

    def _peer_state(self, number: int, up: bool) -> None:
        node = self.view.nodes.get(number)
        if node is None:
            return  # no member any more
        node.up = up
        if up:
            for replica in self.replicas.values():
                if replica.raft.role == LEADER and not _holds(replica, number):
                    self._announce_to(number, replica)
            self.node.runtime.request_end_of_turn()
            self.node.call_soon(self.router.retry_held)
        else:
            for replica in self.replicas.values():
                if replica.raft.leader_id == number:
                    replica.raft.leader_lost()
        logger.info("node %s is %s", node.node_id, "connected" if up else "not reached")

    def _take_introduction(self, node_id: str, introduction: bytes, connected: bytes) -> None:
        """A peer says where it is; one that is not the only one with its node id is refused."""
        try:
            said = json.loads(introduction)
            starts, run_id = int(said["starts"]), str(said["run_id"])
            other = json.loads(connected)["run_id"] if connected else run_id
        except (ValueError, KeyError, TypeError):
            raise Malformed("it does not say who it is") from None
        if other != run_id:
            raise CopiedNode(f"another process with node id {node_id} is connected")
        known = self.membership.peers.get(node_id, {})
        if (starts, run_id) != (known.get("starts"), known.get("run_id")) and starts <= known.get(
            "starts", 0
        ):
            raise CopiedNode(
                f"node {node_id} has been started {known['starts']} times, this directory {starts}"
            )
        self._note_peer(node_id, said)

    def _note_peer(self, node_id: str, said: dict[str, Any]) -> None:
        """Dial a peer where it says that it is, and pass that on if it is news."""
        is_news = said != self.membership.peers.get(node_id)
        with contextlib.suppress(OSError):  # a full disk: it only guards against copies
            self.membership.keep_peer(node_id, said)
        self._dial(self.roster.number_of(node_id))
        if is_news:
            self._tell_peers()

    def _take_announcement(self, body: bytes) -> None:
        try:
            told = json.loads(body)
            self.learn_replacements(decode_replacements(told["replacements"]))
            for node_id, said in told.get("peers", {}).items():
                if self._is_later(node_id, said["starts"]):
                    self._note_peer(node_id, said)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.error("a peer's announcement is not taken: %s", error)

    def _is_later(self, node_id: str, starts: int) -> bool:
        """Return whether another member has started since this node was told where it is."""
        known = self.membership.peers.get(node_id, {}).get("starts", 0)
        is_member = self.roster.number_of(node_id) not in (0, self.view.own_number)
        return is_member and starts > known

    async def close(self) -> None:
        """End the connections with the peers."""
        if self._has_network:
            await self.network.close()

    # --- what commands ask -------------------------------------------------------------------

    @property
    def messages_sent(self) -> int:
        """Messages to other nodes since the start."""
        return self.network.counters.messages_sent if self._has_network else 0

    @property
    def messages_received(self) -> int:
        """Messages of other nodes since the start."""
        return self.network.counters.messages_received if self._has_network else 0

    @property
    def publications(self) -> Publications:
        """How many messages of PUBLISH went to and came from other nodes since the start."""
        if not self._has_network:
            return Publications(0, 0, 0)
        counters = self.network.counters
        return Publications(
            counters.publications_sent,
            counters.publications_received,
            counters.publications_dropped,
        )

    def transfer(self, partition: int, to: int, forced: bool) -> None:
        """Begin to make node `to` the leader; see `ClusterService`."""
        replica = self.replicas.get(partition)
        if replica is None:
            return
        if replica.leads:
            replica.raft.transfer(to)
        elif to == self.view.own_number:
            if forced:
                replica.raft.force_election()
            else:
                replica.raft.ask_for_transfer()
        self.node.log_writer.touch(replica)

    def publish(self, channel: bytes, message: bytes) -> None:
        """Send a message to the subscribers at all other nodes; see `ClusterService`."""
        if self._has_network:
            self.network.publish(channel, message)
            self.node.runtime.request_end_of_turn()

    def keyspace(self, partition: int) -> Keyspace | None:
        """Return this node's copy of a partition; None when it has none."""
        replica = self.replicas.get(partition)
        return None if replica is None else replica.keyspace

    def followers(self) -> list[Follower]:
        """Return the nodes that follow a partition led here, by their numbers."""
        partitions: dict[int, int] = {}
        entries: dict[int, int] = {}
        for replica in self.replicas.values():
            for number, lag in replica.raft.lags().items():
                if number not in self.view.nodes:
                    continue  # replaced, and about to leave
                partitions[number] = partitions.get(number, 0) + 1
                entries[number] = entries.get(number, 0) + lag
        now = time.monotonic()
        return [
            Follower(
                number,
                partitions[number],
                entries[number],
                int(now - self.network.heard.get(number, now)),
            )
            for number in sorted(partitions)
        ]

    def replication_offset(self, number: int) -> int:
        """Return how many entries there are, as far as known here, in what a node leads."""
        rafts = [replica.raft for replica in self.replicas.values()]
        return sum([raft.last_index for raft in rafts if raft.leader_id == number])

    def heard_ms(self, number: int) -> int:
        """Return when another node last sent anything, Unix milliseconds; 0: never."""
        heard = self.network.heard.get(number) if self._has_network else None
        if heard is None:
            return 0
        return self.node.runtime.now_ms() - int((time.monotonic() - heard) * 1000)

    def links(self) -> list[Link]:
        """Return the connections with other nodes that are open."""
        if not self._has_network:
            return []
        return [Link(*connection) for connection in self.network.connections()]


def _holds(replica: Replica, number: int) -> bool:
    """Return whether a node has, or is being sent, a copy of a partition."""
    return number in replica.raft.voters or number in replica.raft.learners


def _describe(node: NodeInfo, member: Member, said: dict[str, Any]) -> None:
    """Show a node as it has announced itself; what it leaves open is as when it became a member."""
    node.host = said.get("host") or member.host
    node.port = said.get("port") or member.port
    node.bus_port = said.get("bus_port") or member.bus_port
    node.hostname = said.get("hostname", "")
