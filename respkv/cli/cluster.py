"""`respkv cluster status | nodes | owner KEY`: the cluster as one of its nodes sees it; `replace`."""

import argparse
import json
import os
import sys
from typing import Any

from respkv.cli.client import Refused, RespClient, Unreachable
from respkv.cli.replace import NotDone, Target, replace_node

SLOTS = 16384


def nodes_seen(client: RespClient) -> list[dict[str, Any]]:
    """Return what CLUSTER NODES says of each node, by address.

    Raises:
        Refused, Unreachable: the server does not say.
    """
    nodes = []
    for line in client.text("CLUSTER", "NODES").splitlines():
        node_id, address, flags, _, _, _, term, link, *words = line.split(" ")
        host, _, ports = address.partition(",")[0].rpartition(":")
        port, _, bus_port = ports.partition("@")
        bounds = [word.split("-") for word in words]  # one slot, or the first and the last
        ranges = [[int(bound[0]), int(bound[-1])] for bound in bounds]
        nodes.append(
            {
                "id": node_id,
                "host": host,
                "port": int(port),
                "bus_port": int(bus_port),
                "asked": "myself" in flags,
                "up": link == "connected" and "fail" not in flags,
                "term": int(term),
                "slots": sum([last - first + 1 for first, last in ranges]),
                "ranges": ranges,
            }
        )
    return sorted(nodes, key=lambda node: (node["host"], node["port"]))


def owner_seen(client: RespClient, key: str) -> dict[str, Any]:
    """Return a key's slot and the node that leads it (None while nobody is known to).

    Raises:
        Refused, Unreachable: the server does not say.
    """
    slot = client.ask("CLUSTER", "KEYSLOT", key)
    if not isinstance(slot, int):
        raise Unreachable(
            f"{client.address} answers CLUSTER KEYSLOT in another way than Redis does"
        )
    for node in nodes_seen(client):
        if any(first <= slot <= last for first, last in node["ranges"]):
            owner = {name: node[name] for name in ("id", "host", "port", "up", "term")}
            return {"key": key, "slot": slot, "owner": owner}
    return {"key": key, "slot": slot, "owner": None}


def status_seen(client: RespClient) -> dict[str, Any]:
    """Return whether the cluster is whole.

    Raises:
        Refused, Unreachable: the server does not say.
    """
    lines = client.text("CLUSTER", "INFO").split("\r\n")
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    nodes = nodes_seen(client)
    up = sum(node["up"] for node in nodes)
    led = sum(node["slots"] for node in nodes if node["up"])
    state = "ok" if fields["cluster_state"] == "ok" and led == SLOTS else "fail"
    return {
        "state": state,
        "asked": client.address,
        "nodes": len(nodes),
        "nodes_up": up,
        "slots": SLOTS,
        "slots_led": led,
        "term": int(fields["cluster_current_epoch"]),
        "down": [f"{node['host']}:{node['port']}" for node in nodes if not node["up"]],
        "partitions": partitions_seen(client),
    }


def partitions_seen(client: RespClient) -> list[dict[str, Any]]:
    """Return what the node that is asked knows of each partition it votes in.

    Raises:
        Refused, Unreachable: the server does not say.
    """
    partitions = []
    for line in client.text("INFO", "partitions").splitlines():
        name, colon, text = line.partition(":")
        if not (colon and name.startswith("partition")):
            continue
        fields = dict(field.split("=", 1) for field in text.split(","))
        lags = [lag.split(":") for lag in fields.pop("lag").split("/") if lag]
        role = fields.pop("role")
        partition: dict[str, Any] = {"partition": int(name.removeprefix("partition")), "role": role}
        partition.update({field: int(value) for field, value in fields.items()})
        partition["lag"] = {peer: int(entries) for peer, entries in lags}
        partitions.append(partition)
    return partitions


def _show_status(status: dict[str, Any]) -> str:
    lines = [
        f"state  {status['state']}, as {status['asked']} sees it",
        f"nodes  {status['nodes_up']} of {status['nodes']} up",
        f"slots  {status['slots_led']} of {status['slots']} with a leader that is up",
        f"term   {status['term']}",
    ]
    lines += [f"down   {address}" for address in status["down"]]
    return "\n".join(lines)


def _show_nodes(nodes: list[dict[str, Any]]) -> str:
    rows = [["address", "state", "slots", "ranges", "term", "id"]]
    for node in nodes:
        rows.append(
            [
                f"{node['host']}:{node['port']}" + (" *" if node["asked"] else ""),
                "up" if node["up"] else "down",
                str(node["slots"]),
                str(len(node["ranges"])),
                str(node["term"]),
                node["id"],
            ]
        )
    return table(rows) + "\n* the node that was asked"


def table(rows: list[list[str]]) -> str:
    """Return rows under each other, each column as wide as its longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _show_owner(found: dict[str, Any]) -> str:
    owner = found["owner"]
    if owner is None:
        return f"slot {found['slot']}: no leader is known (an election is under way?)"
    address = f"{owner['host']}:{owner['port']}"
    down = "" if owner["up"] else ", which is down"
    return f"slot {found['slot']}: led by {address}{down}, term {owner['term']}, id {owner['id']}"


def cluster(arguments: list[str]) -> int:
    """Print what was asked for; 1 when the cluster, or the owner of the key, is not all there."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--host", default=os.environ.get("RESPKV_HOST", "127.0.0.1"))
    shared.add_argument("--port", type=int, default=int(os.environ.get("RESPKV_PORT", "6379")))
    shared.add_argument("--password", default=os.environ.get("RESPKV_REQUIREPASS", ""))
    shared.add_argument("--json", action="store_true", help="the same facts as one JSON value")
    parser = argparse.ArgumentParser(
        prog="respkv cluster", description="A cluster as one of its nodes sees it."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("status", parents=[shared], help="is every slot served?")
    verbs.add_parser("nodes", parents=[shared], help="a row for each node")
    verbs.add_parser("owner", parents=[shared], help="who leads a key").add_argument("key")
    replace = verbs.add_parser(
        "replace", parents=[shared], help="give the place of a node whose data is lost to a new one"
    )
    replace.add_argument("old", metavar="OLD_NODE_ID")
    replace.add_argument("--with", dest="new", default="", metavar="NEW_NODE_ID")
    replace.add_argument("--timeout", type=float, default=600.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    if options.verb == "replace":
        return _replace(options)
    facts: Any
    try:
        with RespClient(options.host, options.port, options.password) as client:
            if options.verb == "status":
                facts = status_seen(client)
                shown, fine = _show_status(facts), facts["state"] == "ok"
            elif options.verb == "nodes":
                facts = nodes_seen(client)
                shown, fine = _show_nodes(facts), True
            else:
                facts = owner_seen(client, options.key)
                shown, fine = _show_owner(facts), bool(facts["owner"] and facts["owner"]["up"])
    except (Refused, Unreachable) as error:
        print(f"respkv cluster: {error}", file=sys.stderr)
        if isinstance(error, Unreachable):
            print("Name a node that runs with --host and --port.", file=sys.stderr)
        return 1
    print(json.dumps(facts) if options.json else shown)
    return 0 if fine else 1


def _replace(options: argparse.Namespace) -> int:
    """Replace a node; 0 once the newcomer votes wherever the old one did."""
    target = Target(options.host, options.port, options.password)

    def show(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    try:
        facts = replace_node(target, options.old, options.new, options.timeout, show)
    except (Refused, Unreachable, NotDone) as error:
        print(f"respkv cluster replace: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(facts))
    return 0
