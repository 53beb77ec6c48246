"""Where clients are sent: a node's endpoint, and the error that names it."""

from respkv.cluster.view import ClusterView, NodeInfo
from respkv.errors import CommandError, Moved, SlotNotServed


def host_of(node: NodeInfo, local_host: str) -> str:
    """Return a host that the asking client can use.

    A node that announces nothing is reached where the client has reached this one: `local_host`
    is the local address of its connection.
    """
    return node.host or local_host


def endpoint_of(node: NodeInfo, local_host: str, preferred: str) -> str:
    """Return the host by cluster-preferred-endpoint-type, empty for unknown-endpoint.

    Redis names a node without a hostname "?"; no client can use that, so the address stands in.
    """
    if preferred == "unknown-endpoint":
        return ""
    if preferred == "hostname" and node.hostname:
        return node.hostname
    return host_of(node, local_host)


def redirect(view: ClusterView, slot: int, local_host: str, preferred: str = "ip") -> CommandError:
    """Return what a client is told whose command this node cannot serve.

    `Moved` to the leader, or `SlotNotServed` while none is known (or it is this node itself, which
    has lost its leadership and does not know to whom). The caller may hold the command before.
    """
    leader = view.leader_of_slot(slot)
    if leader in (0, view.own_number):
        return SlotNotServed()
    node = view.nodes[leader]
    return Moved(slot, endpoint_of(node, local_host, preferred).encode(), node.port)
