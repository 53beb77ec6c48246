"""How long others wait at worst while one client SETs a value of many MB in a cluster of three nodes.

python bench/micro/large_values.py [path of respkv] [MB] [times]

A client a node PINGs it each millisecond: a node that copies, checks or writes the value answers
nobody meanwhile. Elections are counted as well: none should be called.
"""

import contextlib
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.client import Client
from bench.processes import Build
from bench.trios import RespkvNodes, running_nodes
from respkv.keyspace.slots import slot_of

SETTLING_SECONDS = 0.7
KEY = b"large"


class Pinging(threading.Thread):
    """PINGs a node until it is told to stop."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.worst_seconds = 0.0
        self.stopping = False
        self._port = port

    def run(self) -> None:
        with Client(self._port) as client:
            while not self.stopping:
                started = time.perf_counter()
                client.call(b"PING")
                self.worst_seconds = max(self.worst_seconds, time.perf_counter() - started)
                time.sleep(0.001)


def main(respkv: str, megabytes: int, times: int) -> None:
    """Print a line for each SET."""
    value = b"x" * (megabytes << 20)
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        nodes = RespkvNodes(Build("respkv", respkv, False), home)
        stack.enter_context(running_nodes(nodes))
        print("SET of   took ms   worst PING ms at its leader, elsewhere   elections")
        for _ in range(times):
            leader = nodes.leaders_seen()[slot_of(KEY)]
            before = nodes.elections()
            pinging = {node.port: Pinging(node.port) for node in nodes.nodes}
            for each in pinging.values():
                each.start()
            started = time.perf_counter()
            with Client(leader) as client:
                client.call(b"SET", KEY, value)
            took = time.perf_counter() - started
            time.sleep(SETTLING_SECONDS)
            for each in pinging.values():
                each.stopping = True
                each.join()
            worst = {port: round(each.worst_seconds * 1000) for port, each in pinging.items()}
            at_leader = worst.pop(leader)
            print(
                f"{megabytes} MB {took * 1000:10.0f} {at_leader:26} {max(worst.values()):11} "
                f"{nodes.elections() - before:11}",
                flush=True,
            )


if __name__ == "__main__":
    defaults = [shutil.which("respkv") or "respkv", "10", "5"]
    path, megabytes, times = sys.argv[1:] + defaults[len(sys.argv) - 1 :]
    main(path, int(megabytes), int(times))
