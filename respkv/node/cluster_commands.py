"""CLUSTER's subcommands that tell and FAILOVER, READONLY, READWRITE and ASKING (as in Redis 7.0)."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from respkv.commands.arguments import parse_int64
from respkv.commands.help import declare_help
from respkv.commands.table import (
    ADMIN,
    CONNECTION,
    FAST,
    LOADING,
    NO_ASYNC_LOADING,
    STALE,
    command,
    container,
)
from respkv.errors import BadSyntax, CommandError, quoted
from respkv.keyspace.slots import SLOTS, slot_of
from respkv.node import cluster_replies as replies
from respkv.node.cluster_service import ClusterService, cluster_of, local_host
from respkv.node.connection import Connection
from respkv.wire.reply import OK, Reply, Verbatim
from respkv.wire.run import Argv

_ASKED: Final = CONNECTION | STALE
_ADMIN: Final = CONNECTION | STALE | ADMIN
_CHANGES: Final = _ADMIN | NO_ASYNC_LOADING
_UNORDERED: Final = ("nondeterministic_output",)
_PER_NODE: Final = "O(N) where N is the total number of Cluster nodes"

container("CLUSTER", group="cluster", since="3.0.0", flags=CONNECTION,
          summary="A container for cluster commands")  # fmt: skip


# --- what is seen of the cluster -----------------------------------------------------------------


@command(name="CLUSTER|SLOTS", arity=2, flags=_ASKED, group="cluster", since="3.0.0",
         tips=_UNORDERED, complexity=_PER_NODE, deprecated=("7.0.0", "`CLUSTER SHARDS`"),
         history=(("4.0.0", "Added node IDs."),
                  ("7.0.0", "Added additional networking metadata field.")),
         summary="Get array of Cluster slot to node mappings")  # fmt: skip
def cluster_slots(session: Connection, argv: Argv) -> Reply:
    """Who leads which range of slots."""
    view = cluster_of(session).view
    followers: bool = session.node.config["cluster-announce-replicas"]
    return replies.slots_reply(view, local_host(session), _preferred(session), followers)


@command(name="CLUSTER|SHARDS", arity=2, flags=_ASKED, group="cluster", since="7.0.0",
         tips=_UNORDERED, complexity="O(N) where N is the total number of cluster nodes",
         summary="Get array of cluster slots to node mappings")  # fmt: skip
def cluster_shards(session: Connection, argv: Argv) -> Reply:
    """What each node leads."""
    return replies.shards_reply(cluster_of(session), local_host(session), _preferred(session))


@command(name="CLUSTER|NODES", arity=2, flags=_ASKED, group="cluster", since="3.0.0",
         tips=_UNORDERED, complexity=_PER_NODE,
         summary="Get Cluster config for the node")  # fmt: skip
def cluster_nodes(session: Connection, argv: Argv) -> Reply:
    """A line per node."""
    return Verbatim(replies.nodes_text(cluster_of(session), local_host(session)).encode())


@command(name="CLUSTER|INFO", arity=2, flags=_ASKED, group="cluster", since="3.0.0",
         tips=_UNORDERED, summary="Provides info about Redis Cluster node state")  # fmt: skip
def cluster_info(session: Connection, argv: Argv) -> Reply:
    """Whether every slot has a leader, and some counters."""
    return Verbatim(replies.info_text(cluster_of(session)).encode())


@command(name="CLUSTER|LINKS", arity=2, flags=_ASKED, group="cluster", since="7.0.0",
         tips=_UNORDERED, complexity=_PER_NODE,
         summary="Returns a list of all TCP links to and from peer nodes in cluster")  # fmt: skip
def cluster_links(session: Connection, argv: Argv) -> Reply:
    """The open connections with other nodes."""
    cluster = cluster_of(session)
    return replies.links_reply(cluster.view, cluster.links())


@command(name="CLUSTER|MYID", arity=2, flags=_ASKED, group="cluster", since="3.0.0",
         summary="Return the node id")  # fmt: skip
def cluster_myid(session: Connection, argv: Argv) -> Reply:
    """40 hexadecimal digits that this node keeps for ever."""
    return cluster_of(session).view.own.node_id.encode()


def cluster_replicas(session: Connection, argv: Argv) -> Reply:
    """None: each node is shown as a master of what it leads."""
    _node_number(cluster_of(session), argv[2])
    return []


for _name, _since, _deprecated in (
    ("CLUSTER|REPLICAS", "5.0.0", None),
    ("CLUSTER|SLAVES", "3.0.0", ("5.0.0", "`CLUSTER REPLICAS`")),
):
    command(name=_name, arity=3, flags=_ADMIN, group="cluster", since=_since, tips=_UNORDERED,
            deprecated=_deprecated, syntax="node-id",
            summary="List replica nodes of the specified master node")(cluster_replicas)  # fmt: skip


@command(name="CLUSTER|COUNT-FAILURE-REPORTS", arity=3, flags=_ADMIN, group="cluster",
         since="3.0.0", tips=_UNORDERED, syntax="node-id",
         complexity="O(N) where N is the number of failure reports",
         summary="Return the number of failure reports active for a given node")  # fmt: skip
def cluster_count_failure_reports(session: Connection, argv: Argv) -> Reply:
    """1 for a node that this one does not reach: what others see of it is not collected."""
    cluster = cluster_of(session)
    return int(not cluster.view.nodes[_node_number(cluster, argv[2])].up)


def _node_number(cluster: ClusterService, node_id: bytes) -> int:
    number = cluster.view.number_of(node_id.decode(errors="replace"))
    if number == 0:
        raise CommandError(b"ERR Unknown node %b" % quoted(node_id))
    return number


def _preferred(session: Connection) -> str:
    preferred: str = session.node.config["cluster-preferred-endpoint-type"]
    return preferred


# --- keys and their slots ------------------------------------------------------------------------


@command(name="CLUSTER|KEYSLOT", arity=3, flags=_ASKED, group="cluster", since="3.0.0",
         syntax="key:string", complexity="O(N) where N is the number of bytes in the key",
         summary="Returns the hash slot of the specified key")  # fmt: skip
def cluster_keyslot(session: Connection, argv: Argv) -> Reply:
    """The slot of a key or of its hash tag."""
    cluster_of(session)
    return slot_of(argv[2])


@command(name="CLUSTER|COUNTKEYSINSLOT", arity=3, flags=_ASKED, group="cluster", since="3.0.0",
         syntax="slot:integer",
         summary="Return the number of local keys in the specified hash slot")  # fmt: skip
def cluster_countkeysinslot(session: Connection, argv: Argv) -> Reply:
    """Count in this node's copy, as far as it has applied; 0 where it has none.

    Slots have no lists of their keys, which every write would pay for: the partition is walked.
    """
    cluster = cluster_of(session)
    slot = parse_int64(argv[2])
    if not 0 <= slot < SLOTS:
        raise CommandError(b"ERR Invalid slot")
    return sum([1 for _ in _keys_in_slot(cluster, slot)])


@command(name="CLUSTER|GETKEYSINSLOT", arity=4, flags=_ASKED, group="cluster", since="3.0.0",
         tips=_UNORDERED, syntax="slot:integer count:integer",
         complexity="O(log(N)) where N is the number of requested keys",
         summary="Return local key names in the specified hash slot")  # fmt: skip
def cluster_getkeysinslot(session: Connection, argv: Argv) -> Reply:
    """Up to so many keys of a slot; as CLUSTER COUNTKEYSINSLOT."""
    cluster = cluster_of(session)
    slot, count = parse_int64(argv[2]), parse_int64(argv[3])
    if not 0 <= slot < SLOTS or count < 0:
        raise CommandError(b"ERR Invalid slot or number of keys")
    return list(islice(_keys_in_slot(cluster, slot), min(count, 1 << 40)))


def _keys_in_slot(cluster: ClusterService, slot: int) -> Iterator[bytes]:
    keyspace = cluster.keyspace(cluster.view.partition_of_slot[slot])
    if keyspace is None:
        return iter(())
    return (key for key in keyspace.databases[0].keys if slot_of(key) == slot)


# --- leadership ----------------------------------------------------------------------------------


@command(name="CLUSTER|FAILOVER", arity=-2, flags=_CHANGES, group="cluster", since="3.0.0",
         syntax="[options(FORCE | TAKEOVER)]",
         summary="Forces a replica to perform a manual failover of its master.")  # fmt: skip
def cluster_failover(session: Connection, argv: Argv) -> Reply:
    """Make this node the leader of every partition that it votes in and does not lead.

    Leaders hand over once this node has their log, without a lost write; with FORCE, for leaders
    that do not answer, an election is called at once. OK means that this has begun.
    """
    cluster = cluster_of(session)
    if len(argv) > 3:
        raise CommandError(
            b"ERR unknown subcommand or wrong number of arguments for '%b'. Try CLUSTER HELP."
            % quoted(argv[1])
        )
    option = argv[2].upper() if len(argv) == 3 else b""
    if option not in (b"", b"FORCE", b"TAKEOVER"):
        raise BadSyntax()
    view = cluster.view
    followed = view.followed()
    if not followed:
        raise CommandError(b"ERR You should send CLUSTER FAILOVER to a replica")
    if option == b"TAKEOVER":
        raise CommandError(
            b"ERR CLUSTER FAILOVER TAKEOVER would not ask the majority and could lose "
            b"acknowledged writes: use CLUSTER FAILOVER, or FORCE when a leader does not answer"
        )
    forced = option == b"FORCE"
    if not forced:
        followed = [partition for partition in followed if view.live_leader(partition)]
        if not followed:
            raise CommandError(b"ERR Master is down or failed, please use CLUSTER FAILOVER FORCE")
    for partition in followed:
        cluster.transfer(partition, view.own_number, forced)
    return OK


@command(arity=1, flags=CONNECTION | FAST | LOADING | STALE, group="cluster", since="3.0.0",
         categories=("connection",),
         summary="Enables read queries for a connection to a cluster replica node")  # fmt: skip
def readonly(session: Connection, argv: Argv) -> Reply:
    """Let this connection read what followers have applied, which may be old."""
    cluster_of(session)
    session.reads_followers = True
    return OK


@command(arity=1, flags=CONNECTION | FAST | LOADING | STALE, group="cluster", since="3.0.0",
         categories=("connection",),
         summary="Disables read queries for a connection to a cluster replica node")  # fmt: skip
def readwrite(session: Connection, argv: Argv) -> Reply:
    """Linearizable reads again."""
    cluster_of(session)
    session.reads_followers = False
    return OK


@command(arity=1, flags=CONNECTION | FAST, group="cluster", since="3.0.0",
         categories=("connection",),
         summary="Sent by cluster clients after an -ASK redirect")  # fmt: skip
def asking(session: Connection, argv: Argv) -> Reply:
    """Nothing: a slot never has two owners here, so -ASK is never sent."""
    cluster_of(session)
    return OK


declare_help("CLUSTER", since="5.0.0", group="cluster", flags=CONNECTION, check=cluster_of, text="""
ADDSLOTS <slot> [<slot> ...]
    Assign slots to current node.
ADDSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]
    Assign slots which are between <start-slot> and <end-slot> to current node.
BUMPEPOCH
    Advance the cluster config epoch.
COUNT-FAILURE-REPORTS <node-id>
    Return number of failure reports for <node-id>.
COUNTKEYSINSLOT <slot>
    Return the number of keys in <slot>.
DELSLOTS <slot> [<slot> ...]
    Delete slots information from current node.
DELSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]
    Delete slots information which are between <start-slot> and <end-slot> from current node.
FAILOVER [FORCE|TAKEOVER]
    Promote current replica node to being a master.
FORGET <node-id>
    Remove a node from the cluster.
GETKEYSINSLOT <slot> <count>
    Return key names stored by current node in a slot.
FLUSHSLOTS
    Delete current node own slots information.
INFO
    Return information about the cluster.
KEYSLOT <key>
    Return the hash slot for <key>.
MEET <ip> <port> [<bus-port>]
    Connect nodes into a working cluster.
MYID
    Return the node id.
NODES
    Return cluster configuration seen by node. Output format:
    <id> <ip:port> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...
REPLICATE <node-id>
    Configure current node as replica to <node-id>.
RESET [HARD|SOFT]
    Reset current node (default: soft).
SET-CONFIG-EPOCH <epoch>
    Set config epoch of current node.
SETSLOT <slot> (IMPORTING <node-id>|MIGRATING <node-id>|STABLE|NODE <node-id>)
    Set slot state.
REPLICAS <node-id>
    Return <node-id> replicas.
SAVECONFIG
    Force saving cluster configuration on disk.
SLOTS
    Return information about slots range mappings. Each range is made of:
    start, end, master and replicas IP addresses, ports and ids
SHARDS
    Return information about slot range mappings and the nodes associated with them.
LINKS
    Return information about all network links between this node and its peers.
    Output format is an array where each array element is a map containing attributes of a link
""")  # fmt: skip
