"""`respkv dev-cluster`: a cluster of real processes on this machine, and orders from other terminals."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from respkv.cli.client import Refused, RespClient, Unreachable
from respkv.cli.cluster import SLOTS, nodes_seen, owner_seen, status_seen, table
from respkv.cli.dev_state import DevError, control_path, order, read_state
from respkv.cluster.view import BUS_PORT_OFFSET, PORT_MAX

PORT = 6379
NODES = 3
NODES_MAX = 16
_PORT_MAX = PORT_MAX - BUS_PORT_OFFSET
_WAIT_SECONDS = 10.0
_HOST = "127.0.0.1"


def dev_cluster(arguments: list[str]) -> int:
    """Run the cluster until it is stopped, or pass on one order; 1 when that cannot be done."""
    options = _parser().parse_args(arguments)
    try:
        if options.verb is None:
            return _run(options)
        return _Orders(options).obey()
    except DevError as error:
        print(f"respkv dev-cluster: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--port", type=int, default=argparse.SUPPRESS, help="of the first node")
    where.add_argument("--dir", default=argparse.SUPPRESS, help="the cluster's directory")
    parser = argparse.ArgumentParser(
        prog="respkv dev-cluster",
        description="Without a verb: run a cluster on this machine until Ctrl-C. "
        "With one: give an order to the cluster of that --port or --dir.",
    )
    parser.add_argument("--nodes", type=int, help=f"1 to {NODES_MAX} (default: {NODES})")
    parser.add_argument("--port", type=int, help=f"of the first node (default: {PORT})")
    parser.add_argument("--dir", help="keeps data, logs and state (default: respkv-dev-PORT)")
    parser.add_argument("--ephemeral", action="store_true", help="keep nothing after it stops")
    verbs = parser.add_subparsers(dest="verb")
    status = verbs.add_parser("status", parents=[where], help="a row for each node")
    status.add_argument("--json", action="store_true", help="the same facts as JSON")
    for name, text in (
        ("kill", "kill -9"),
        ("pause", "SIGSTOP: it hangs, its connections stay"),
        ("resume", "SIGCONT"),
        ("start", "start it again on its data"),
    ):
        verb = verbs.add_parser(name, parents=[where], help=text)
        verb.add_argument("node", metavar="NODE", help="its number from 1, or its port")
    leader = verbs.add_parser("kill-leader", parents=[where], help="kill -9 who leads a key")
    leader.add_argument("key", metavar="KEY")
    verbs.add_parser("stop", parents=[where], help="stop all nodes")
    return parser


# --- running -------------------------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    if options.ephemeral and options.dir is not None:
        raise DevError("--ephemeral keeps nothing and --dir keeps all: choose one")
    import tempfile

    from respkv.cli.dev_supervisor import Supervisor

    port = PORT if options.port is None else options.port
    if options.ephemeral:
        with tempfile.TemporaryDirectory(prefix="respkv-dev-") as directory:
            return Supervisor(
                directory, *_checked(port, NODES if options.nodes is None else options.nodes)
            ).run()
    directory = options.dir or f"respkv-dev-{port}"
    state = read_state(directory)
    nodes = options.nodes
    if state is not None:  # a cluster keeps its members for ever
        formed = [node["port"] for node in state["nodes"]]
        port = formed[0] if options.port is None else options.port
        nodes = len(formed) if nodes is None else nodes
        if (port, nodes) != (formed[0], len(formed)):
            raise DevError(
                f"{directory} holds a cluster of --nodes {len(formed)} --port {formed[0]}: "
                "start it so, or choose another --dir"
            )
    port, nodes = _checked(port, NODES if nodes is None else nodes)
    try:
        os.makedirs(directory, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise DevError(f"{directory}: {error.strerror}; choose another --dir") from None
    return Supervisor(directory, port, nodes).run()


def _checked(port: int, nodes: int) -> tuple[int, int]:
    if not 1 <= nodes <= NODES_MAX:
        raise DevError(f"--nodes {nodes}: 1 to {NODES_MAX} can run on one machine")
    if not 1 <= port <= _PORT_MAX - nodes + 1:
        raise DevError(
            f"--port {port}: choose one from 1 to {_PORT_MAX - nodes + 1}; "
            "nodes talk to each other on port + 10000"
        )
    return port, nodes


# --- orders --------------------------------------------------------------------------------------


class _Orders:
    """One order to a running cluster, and what the terminal is told."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        port = PORT if options.port is None else options.port
        self._where = f"--port {port}"
        self._control = ""
        if options.dir is None:
            self._control = control_path(port)
            return
        self._where = f"--dir {options.dir}"
        state = read_state(options.dir)
        if state is not None:
            self._control = state["control"]
            if options.port not in (None, state["nodes"][0]["port"]):
                raise DevError(
                    f"{options.dir} holds a cluster on port {state['nodes'][0]['port']}, "
                    f"not {options.port}: name one of the two"
                )

    def obey(self) -> int:
        """Do it; return the exit status."""
        verb = self._options.verb
        if verb == "status":
            return self._status()
        if verb == "kill-leader":
            return self._kill_leader(self._options.key)
        if verb == "stop":
            self._order("stop")
            print("stopped")
            return 0
        node = self._order(verb, self._options.node)["node"]
        name = f"node {node['node']} ({_HOST}:{node['port']})"
        if verb == "start":
            self._wait_back(node)
            print(f"{name} is back, pid {node['pid']}")
        elif verb == "resume":
            print(f"{name} goes on")
        elif verb == "pause":
            print(f"{name} is paused; respkv dev-cluster resume {node['node']} lets it go on")
        else:
            print(f"{name} is killed; respkv dev-cluster start {node['node']} brings it back")
        return 0

    def _order(self, verb: str, node: str = "") -> dict[str, Any]:
        try:
            if not self._control:
                raise FileNotFoundError
            return order(self._control, verb, node)
        except TimeoutError:
            raise DevError(
                f"the dev-cluster of {self._where} does not answer: is its terminal stopped?"
            ) from None
        except OSError:
            raise DevError(
                f"no dev-cluster runs with {self._where}: start one with "
                f"respkv dev-cluster {self._where}, or name its --port or --dir"
            ) from None

    def _nodes(self) -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = self._order("status")["nodes"]
        return nodes

    def _status(self) -> int:
        answer = self._order("status")
        nodes = answer["nodes"]
        seen = _ask_any(nodes, nodes_seen) or []
        led = {node["port"]: node["slots"] for node in seen if node["up"]}
        for node in nodes:
            node["slots"] = led.get(node["port"], 0)
        whole = sum(node["slots"] for node in nodes) == SLOTS
        if self._options.json:
            print(json.dumps({"state": "ok" if whole else "fail", **answer}))
            return 0 if whole else 1
        rows = [["node", "address", "pid", "state", "slots led"]]
        for node in nodes:
            address = f"{_HOST}:{node['port']}"
            pid = str(node["pid"] or "-")
            rows.append([str(node["node"]), address, pid, node["state"], str(node["slots"])])
        print(table(rows))
        print("every slot is served" if whole else "not every slot is served")
        return 0 if whole else 1

    def _kill_leader(self, key: str) -> int:
        found = self._wait_leader(key, 0)
        leader = next(n for n in self._nodes() if n["port"] == found["owner"]["port"])
        name = f"node {leader['node']} ({_HOST}:{leader['port']})"
        self._order("kill", str(leader["node"]))
        killed = time.monotonic()
        print(f"killed {name}, the leader of {key} (slot {found['slot']})", flush=True)
        port = self._wait_leader(key, leader["port"])["owner"]["port"]
        waited_ms = (time.monotonic() - killed) * 1000
        print(f"{_HOST}:{port} leads it now, after {waited_ms:.0f} ms")
        if leader["node"] == 1:  # a client that names no other port starts there
            print(
                f"node 1 is down: reach the others by redis-cli -c -p {port}, "
                f"or bring it back by respkv dev-cluster start 1 {self._where}"
            )
        return 0

    def _wait_leader(self, key: str, dead_port: int) -> dict[str, Any]:
        """Return who leads a key, once a running node knows one that is not the dead one."""
        ends = time.monotonic() + _WAIT_SECONDS
        while True:
            nodes = self._nodes()
            running = {node["port"] for node in nodes if node["state"] == "running"}
            found: dict[str, Any] | None = _ask_any(nodes, lambda client: owner_seen(client, key))
            if found and found["owner"] and found["owner"]["port"] in running - {dead_port}:
                return found
            if time.monotonic() > ends:
                raise DevError(
                    f"nobody leads {key}: most nodes must be running, "
                    f"see respkv dev-cluster status {self._where}"
                )
            time.sleep(0.01)

    def _wait_back(self, started: dict[str, Any]) -> None:
        """Wait until a node serves again, and sees every slot served."""
        ends = time.monotonic() + _WAIT_SECONDS
        while True:
            node = next(node for node in self._nodes() if node["node"] == started["node"])
            if node["state"] != "running":
                raise DevError(f"node {node['node']} {node['state']}: its log says why")
            status = _ask_any([node], status_seen)
            if status and status["state"] == "ok":
                return
            if time.monotonic() > ends:
                print(f"node {node['node']} runs, but not every slot is served", file=sys.stderr)
                return
            time.sleep(0.02)


def _ask_any(
    nodes: list[dict[str, Any]], ask: Callable[[RespClient], Any], timeout: float = 1.0
) -> Any:
    """Return what the first running node that answers says; None when none does."""
    for node in nodes:
        if node["state"] != "running":
            continue
        password = os.environ.get("RESPKV_REQUIREPASS", "")
        try:
            with RespClient(_HOST, node["port"], password, timeout) as client:
                return ask(client)
        except (Refused, Unreachable):
            continue
    return None
