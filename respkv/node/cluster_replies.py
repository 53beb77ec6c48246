"""The replies of CLUSTER SLOTS, SHARDS, NODES, INFO and LINKS, in redis-server 7.0.15's shapes.

Each node is shown once, as a master of the ranges that it leads and without replicas: every node
leads some partitions and follows others, and clients keep only one role per address. CLUSTER SLOTS
names one that leads nothing as a replica, so that clients know it when a leader is lost, and with
cluster-announce-replicas all followers, for clients that can read there.
"""

from respkv.cluster.redirect import endpoint_of, host_of
from respkv.cluster.view import ClusterView, NodeInfo
from respkv.node.cluster_service import ClusterService, Link
from respkv.wire.reply import Reply


def slots_reply(
    view: ClusterView, local_host: str, preferred: str, followers: bool = False
) -> Reply:
    """Return a row per range: first and last slot, and the node that leads it.

    With `followers` they come behind it, as replicas do in Redis. A node that leads nothing always
    does: a client that did not know it would be lost with the others.
    """
    rows = {number: _slots_node(node, local_host, preferred) for number, node in view.nodes.items()}
    ranges = view.ranges_with_followers(all_=followers)
    return [[first, last, *[rows[number] for number in by]] for first, last, by in ranges]


def _slots_node(node: NodeInfo, local_host: str, preferred: str) -> Reply:
    endpoint = endpoint_of(node, local_host, preferred)
    more: dict[bytes, Reply] = {}  # what is known beside the endpoint
    if preferred != "ip":
        more[b"ip"] = host_of(node, local_host).encode()
    if preferred != "hostname" and node.hostname:
        more[b"hostname"] = node.hostname.encode()
    name = None if preferred == "unknown-endpoint" else endpoint.encode()
    return [name, node.port, node.node_id.encode(), more]


def shards_reply(cluster: ClusterService, local_host: str, preferred: str) -> Reply:
    """Return a shard per node: its ranges, and itself as their only node."""
    return [
        {
            b"slots": [slot for slots in cluster.view.ranges_of(number) for slot in slots],
            b"nodes": [_shards_node(cluster, number, local_host, preferred)],
        }
        for number in sorted(cluster.view.nodes)
    ]


def _shards_node(cluster: ClusterService, number: int, local_host: str, preferred: str) -> Reply:
    node = cluster.view.nodes[number]
    fields: dict[bytes, Reply] = {
        b"id": node.node_id.encode(),
        b"port": node.port,
        b"ip": host_of(node, local_host).encode(),
        b"endpoint": endpoint_of(node, local_host, preferred).encode(),
    }
    if node.hostname:
        fields[b"hostname"] = node.hostname.encode()
    fields[b"role"] = b"master"
    fields[b"replication-offset"] = cluster.replication_offset(number)
    fields[b"health"] = b"online" if node.up else b"fail"
    return fields


def nodes_text(cluster: ClusterService, local_host: str) -> str:
    """Return a line per node."""
    numbers = sorted(cluster.view.nodes)
    return "".join([_node_line(cluster, number, local_host) + "\n" for number in numbers])


def _node_line(cluster: ClusterService, number: int, local_host: str) -> str:
    view = cluster.view
    node = view.nodes[number]
    flags = "myself,master" if number == view.own_number else "master"
    words = [
        node.node_id,
        f"{host_of(node, local_host)}:{node.port}@{node.bus_port}"
        + (f",{node.hostname}" if node.hostname else ""),
        flags if node.up else flags + ",fail",
        "-",  # whose replica it is
        "0",  # the ping that is under way
        str(cluster.heard_ms(number)),
        str(view.epoch_of(number)),
        "connected" if node.up else "disconnected",
    ]
    for first, last in view.ranges_of(number):
        words.append(str(first) if first == last else f"{first}-{last}")
    return " ".join(words)


def info_text(cluster: ClusterService) -> str:
    """Return the counters of CLUSTER INFO."""
    view = cluster.view
    led, down = view.slots_led(), view.slots_down()
    fields = {
        "cluster_state": "ok" if view.is_ok() else "fail",
        "cluster_slots_assigned": led,
        "cluster_slots_ok": led - down,
        "cluster_slots_pfail": 0,
        "cluster_slots_fail": down,
        "cluster_known_nodes": len(view.nodes),
        "cluster_size": view.leading_nodes(),
        "cluster_current_epoch": view.epoch(),
        "cluster_my_epoch": view.epoch_of(view.own_number),
        "cluster_stats_messages_sent": cluster.messages_sent,
        "cluster_stats_messages_received": cluster.messages_received,
        "total_cluster_links_buffer_limit_exceeded": 0,
    }
    return "".join([f"{name}:{value}\r\n" for name, value in fields.items()])


def links_reply(view: ClusterView, links: list[Link]) -> Reply:
    """Return a map per link."""
    return [
        {
            b"direction": b"to" if link.to else b"from",
            b"node": view.nodes[link.node].node_id.encode(),
            b"create-time": link.created_ms,
            b"events": b"rw" if link.buffered_bytes else b"r",
            b"send-buffer-allocated": link.buffered_bytes,
            b"send-buffer-used": link.buffered_bytes,
        }
        for link in links
        if link.node in view.nodes
    ]
