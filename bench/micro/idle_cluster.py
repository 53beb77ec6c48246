"""What an idle cluster costs: five nodes, 64 partitions, nobody asks anything.

python bench/micro/idle_cluster.py [--nodes 5] [--partitions 64] [--seconds 30]

Prints each node's CPU (its sync helper included) in percent of a core, and messages per second.
"""

import argparse
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STARTING_SECONDS = 30.0
SETTLING_SECONDS = 8.0  # elections, and leadership going where the ring wants it
BUS_PORT_OFFSET = 10_000


def free_ports(count: int) -> list[int]:
    """Return ports whose bus ports are free as well."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(12_000, 22_000)
        with socket.socket() as one, socket.socket() as other, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + BUS_PORT_OFFSET))
            found.append(port)
    return found


def ask(port: int, command: bytes) -> str:
    """Return the first 64 KiB of a node's answer, empty when it gives none."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as client:
        client.sendall(command + b"\r\n")
        return client.recv(1 << 16).decode(errors="replace")
    return ""


def messages(port: int) -> int:
    """Return how many messages a node has sent and received."""
    info = ask(port, b"CLUSTER INFO")
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    return sum(int(fields[f"cluster_stats_messages_{way}"]) for way in ("sent", "received"))


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process and its children that run."""
    total = 0
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in [pid, *map(int, children)]:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def wait_ready(ports: list[int]) -> None:
    """Wait until each node is in a cluster whose slots are all served."""
    ends = time.monotonic() + STARTING_SECONDS
    while not all("cluster_state:ok" in ask(port, b"CLUSTER INFO") for port in ports):
        if time.monotonic() > ends:
            raise SystemExit("the cluster has not formed")
        time.sleep(0.1)


def main() -> None:
    """Start, wait, measure, stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=5)
    parser.add_argument("--partitions", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--hold", action="store_true", help="print pids, and measure until Ctrl-C")
    options = parser.parse_args()
    ports = free_ports(options.nodes)
    peers = ",".join(f"127.0.0.1:{port}" for port in ports)
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as running:
        pids = []
        for port in ports:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "respkv", "server", "--port", str(port),
                    "--dir", f"{scratch}/{port}", "--cluster-enabled", "yes", "--cluster-peers",
                    peers, "--cluster-partitions", str(options.partitions),
                ],
                cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            running.callback(process.wait)
            running.callback(process.kill)
            pids.append(process.pid)
        wait_ready(ports)
        time.sleep(SETTLING_SECONDS)
        while True:
            before = [
                (cpu_seconds(pid), messages(port)) for pid, port in zip(pids, ports, strict=True)
            ]
            began = time.monotonic()
            time.sleep(options.seconds)
            seconds = time.monotonic() - began
            for pid, port, (cpu, sent) in zip(pids, ports, before, strict=True):
                percent = 100 * (cpu_seconds(pid) - cpu) / seconds
                rate = (messages(port) - sent) / seconds
                name = f"process {pid}" if options.hold else f"port {port}"
                print(f"{name}: {percent:.2f} % of a core, {rate:.0f} messages/s", flush=True)
            if not options.hold:
                return


if __name__ == "__main__":
    main()
