"""CLUSTER's subcommands that decide by hand what is decided by consensus here: all are refused.

Administrators of Redis Cluster make nodes known, assign slots and raise epochs with them. Each
refusal says what there is instead.
"""

from typing import Final

from respkv.commands.table import ADMIN, CONNECTION, NO_ASYNC_LOADING, NOSCRIPT, STALE, command
from respkv.errors import CommandError
from respkv.node import cluster_commands as _container  # noqa: F401 - declares CLUSTER
from respkv.node.cluster_service import cluster_of
from respkv.node.connection import Connection
from respkv.wire.reply import Reply
from respkv.wire.run import Argv

_ADMIN: Final = CONNECTION | STALE | ADMIN
_CHANGES: Final = _ADMIN | NO_ASYNC_LOADING
_SLOTS_GIVEN = "O(N) where N is the total number of hash slot arguments"
_RANGES_GIVEN = ("O(N) where N is the total number of the slots between the start slot and end "
                 "slot arguments.")  # fmt: skip
_MEMBERS = "nodes are members by consensus, not by command: "
_PLACEMENT = "slots are placed on the nodes by the cluster itself: see 'respkv cluster status'"
_TERMS = "terms rise with each election: use CLUSTER FAILOVER to move leadership to a node"


def _refused(name: str, arity: int, complexity: str, syntax: str, summary: str, instead: str,
             *, since: str = "3.0.0", flags: int = _CHANGES, tips: tuple[str, ...] = (),
             history: tuple[tuple[str, str], ...] = ()) -> None:  # fmt: skip
    text = f"ERR CLUSTER {name} is not taken here: {instead}".encode()

    def handler(session: Connection, argv: Argv) -> Reply:
        cluster_of(session)
        raise CommandError(text)

    command(name=f"CLUSTER|{name}", arity=arity, flags=flags, group="cluster", since=since,
            complexity=complexity, syntax=syntax, summary=summary, tips=tips,
            history=history)(handler)  # fmt: skip


_refused("MEET", -4, "O(1)", "ip port:integer [cluster_bus_port:integer@4.0.0]",
         "Force a node cluster to handshake with another node",
         _MEMBERS + "name all of them in cluster-peers before the cluster forms",
         history=(("4.0.0", "Added the optional `cluster_bus_port` argument."),))  # fmt: skip
_refused("FORGET", 3, "O(1)", "node-id", "Remove a node from the nodes table",
         _MEMBERS + "a lost one is replaced by 'respkv cluster replace'")  # fmt: skip
_refused("RESET", -2, "O(N) where N is the number of known nodes. The command may execute a "
         "FLUSHALL as a side effect.", "[hard_soft(HARD | SOFT)]", "Reset a Redis Cluster node",
         _MEMBERS + "use FLUSHALL to remove all keys, and 'respkv cluster replace' for a new node "
         "in place of this one", flags=_ADMIN | NOSCRIPT)  # fmt: skip
_refused("REPLICATE", 3, "O(1)", "node-id",
         "Reconfigure a node as a replica of the specified master node",
         "every node follows the partitions placed on it: see cluster-replication-factor")  # fmt: skip
_refused("ADDSLOTS", -3, _SLOTS_GIVEN, "slot:integer...",
         "Assign new hash slots to receiving node", _PLACEMENT)  # fmt: skip
_refused("ADDSLOTSRANGE", -4, _RANGES_GIVEN,
         "start-slot_end-slot(start-slot:integer end-slot:integer)...",
         "Assign new hash slots to receiving node", _PLACEMENT, since="7.0.0")  # fmt: skip
_refused("DELSLOTS", -3, _SLOTS_GIVEN, "slot:integer...",
         "Set hash slots as unbound in receiving node", _PLACEMENT)  # fmt: skip
_refused("DELSLOTSRANGE", -4, _RANGES_GIVEN,
         "start-slot_end-slot(start-slot:integer end-slot:integer)...",
         "Set hash slots as unbound in receiving node", _PLACEMENT, since="7.0.0")  # fmt: skip
_refused("FLUSHSLOTS", 2, "O(1)", "", "Delete a node's own slots information", _PLACEMENT)
_refused("SETSLOT", -4, "O(1)", "slot:integer subcommand(IMPORTING node-id | MIGRATING node-id | "
         "NODE node-id | STABLE)", "Bind a hash slot to a specific node", _PLACEMENT)  # fmt: skip
_refused(
    "BUMPEPOCH",
    2,
    "O(1)",
    "",
    "Advance the cluster config epoch",
    _TERMS,
    tips=("nondeterministic_output",),
)
_refused("SET-CONFIG-EPOCH", 3, "O(1)", "config-epoch:integer",
         "Set the configuration epoch in a new node", _TERMS)  # fmt: skip
_refused("SAVECONFIG", 2, "O(1)", "", "Forces the node to save cluster state on disk",
         "nothing waits to be saved: what the cluster agrees on is on disk before it holds")  # fmt: skip
