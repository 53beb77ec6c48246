"""`respkv cluster replace`: has the leader of partition 0 decide, then watches until all is done."""

import json
import time
from collections.abc import Callable
from typing import Any

from respkv.cli.client import Refused, RespClient, Unreachable

POLL_SECONDS = 0.1
RETRIED = ("MOVED ", "TRYAGAIN ", "CLUSTERDOWN ")


class NotDone(Exception):
    """Time is over before the newcomer votes everywhere."""


class Target:
    """A node to ask."""

    def __init__(self, host: str, port: int, password: str) -> None:
        self.host = host
        self.port = port
        self.password = password

    def ask(self, *argv: str) -> dict[str, Any]:
        """Return the JSON that a command answers with.

        Raises:
            Refused, Unreachable: the server does not say.
        """
        with RespClient(self.host, self.port, self.password) as client:
            answer: dict[str, Any] = json.loads(client.text(*argv))
            return answer

    def all_nodes(self) -> list["Target"]:
        """Return every node of the cluster that is up, as this one sees it."""
        with RespClient(self.host, self.port, self.password) as client:
            nodes = client.text("CLUSTER", "NODES")
        targets = []
        for line in nodes.splitlines():
            _, address, flags, *_ = line.split(" ")
            host, _, ports = address.partition(",")[0].rpartition(":")
            if "fail" not in flags:
                targets.append(Target(host, int(ports.partition("@")[0]), self.password))
        return targets


def replace_node(
    target: Target, old_id: str, new_id: str, timeout_seconds: float, show: Callable[[str], None]
) -> dict[str, Any]:
    """Return what was done, once the newcomer votes in all partitions of the old node.

    Raises:
        Refused: the cluster says why not.
        NotDone: it is not over in time; once decided, it goes on by itself.
    """
    deadline = time.monotonic() + timeout_seconds
    newcomer = _decide(target, old_id, new_id, deadline)
    show(f"node {newcomer} takes the place of node {old_id}")
    shown = ""
    while True:
        phases, partitions = _progress(target, old_id)
        done = sum(phase == "done" for phase in phases.values())
        line = f"partitions: {done} of {partitions} done"
        learning = sum(phase == "learning" for phase in phases.values())
        if learning:
            line += f", {learning} being copied"
        if line != shown:
            shown = line
            show(line)
        if partitions and done == partitions:
            return {"old": old_id, "new": newcomer, "partitions": partitions, "done": done}
        _wait(deadline, f"{line}; it goes on by itself")


def _decide(target: Target, old_id: str, new_id: str, deadline: float) -> str:
    asked = target
    while True:
        try:
            found = asked.ask("RESPKV.REPLACE", old_id, new_id)
            if found["state"] == "decided":
                return str(found["new"])
            new_id = str(found["new"])
            why = "it is not decided yet"
        except Refused as error:
            why = str(error)
            if not why.startswith(RETRIED):
                raise
            asked = target
            if why.startswith("MOVED "):
                host, _, port = why.split(" ")[2].rpartition(":")
                asked = Target(host or target.host, int(port), target.password)
        except Unreachable as error:
            if asked is target:
                raise
            asked, why = target, str(error)
        _wait(deadline, f"nothing was decided: {why}")


def _progress(target: Target, old_id: str) -> tuple[dict[str, str], int]:
    """Return the phase of each partition whose leader answers, and how many there are."""
    phases: dict[str, str] = {}
    partitions = 0
    for node in target.all_nodes():
        try:
            found = node.ask("RESPKV.REPLACEMENT", old_id)
        except (Refused, Unreachable):
            continue  # it may be loading, or gone; whoever leads will answer
        phases.update(found["led"])
        partitions = max(partitions, int(found["partitions"]))
    return phases, partitions


def _wait(deadline: float, why: str) -> None:
    if time.monotonic() > deadline:
        raise NotDone(f"not over in time: {why}")
    time.sleep(POLL_SECONDS)
