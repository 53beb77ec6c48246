"""Drivers of load for clusters: `load` for the Redis protocol, h2load for etcd's gRPC.

Both are compiled and take one thread a process; what they used of a core is measured.
"""

import json
import re
import shutil
import struct
import subprocess
import time
from pathlib import Path

from bench.driver import DriverProcess, Run
from bench.trios import EtcdNodes, RedisNodes, RespkvNodes

SOURCE = Path(__file__).with_name("load.c")
KEYS = 96_000
VALUE = b"x" * 64
TRIAL_REQUESTS = 500  # tell how many requests fill the time
_FINISHED = re.compile(r"finished in ([\d.]+)(us|ms|s),")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def compiled_load(scratch: Path) -> str:
    """Compile `load` and return its path."""
    program = scratch / "load"
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("install a C compiler first: it makes the driver of the load")
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCE)], check=True)
    return str(program)


class Load:
    """One way of asking: what, from how many clients, how many requests in a pipeline."""

    def __init__(self, mode: str, clients: int, pipeline: int = 1, keys: int = KEYS) -> None:
        self.mode = mode  # "set", "get" or "fill"
        self.clients = clients
        self.pipeline = pipeline
        self.keys = keys


def drive_resp(
    program: str, nodes: RespkvNodes | RedisNodes, load: Load, seconds: float, seed: int
) -> Run:
    """Load nodes that speak the Redis protocol; a redis-server's SET is followed by WAIT 1 0."""
    mode = load.mode
    if mode == "set" and isinstance(nodes, RedisNodes):
        mode = "wait"
    words = [mode, *map(str, (load.clients, load.pipeline, seconds, load.keys, seed))]
    cpu_before = nodes.cpu_seconds()
    text, driver_cpu = DriverProcess([program, *words, *nodes.endpoints()]).end()
    server_cpu = nodes.cpu_seconds() - cpu_before
    found = json.loads(text.splitlines()[-1])
    if found["refused"]:
        raise RuntimeError(f"{nodes.shown()}: {text}")
    requests, elapsed = found["requests"], found["seconds"]
    figures = {
        "rps": requests / elapsed,
        "p50_latency_ms": found["p50_ms"],
        "p99_latency_ms": found["p99_ms"],
        "max_latency_ms": found["max_ms"],
    }
    return Run(figures, elapsed, driver_cpu, server_cpu, requests)


def shown_resp(load: Load, waits: bool) -> str:
    """Return the driver's command line as printed in reports."""
    mode = "wait" if waits and load.mode == "set" else load.mode
    return (
        f"load {mode} {load.clients} {load.pipeline} SECONDS {load.keys} SEED PORT:TAG,TAG,... ..."
    )


def _body(mode: str, number: int) -> bytes:
    """Return a PutRequest or a RangeRequest (linearizable, as is the default) as gRPC frames it."""

    def field(place: int, data: bytes) -> bytes:
        return bytes([place << 3 | 2, len(data)]) + data

    message = field(1, b"key:%012d" % number)
    if mode == "set":
        message += field(2, VALUE)
    return b"\0" + struct.pack(">I", len(message)) + message


_METHODS = {"set": "Put", "get": "Range"}


def drive_etcd(nodes: EtcdNodes, load: Load, seconds: float, scratch: Path) -> Run:
    """Load etcd with one h2load a node, each with its share of the clients and one key.

    How many requests fill the time is told by a short run before. A single client asks the
    leader.

    Raises:
        RuntimeError: not every request was answered OK, or the puts did not move the revision.
    """
    targets = nodes.leader_first()[: load.clients]
    trial = _etcd(nodes, load, TRIAL_REQUESTS * len(targets), len(targets), scratch)
    return _etcd(nodes, load, int(trial.rps * seconds), len(targets), scratch)


def _etcd(nodes: EtcdNodes, load: Load, requests: int, targets: int, scratch: Path) -> Run:
    method = _METHODS[load.mode]
    revision = nodes.revision()  # itself a Range
    before = nodes.handled(method)
    cpu_before, started = nodes.cpu_seconds(), time.perf_counter()
    drivers, sent = [], 0
    for number, node in enumerate(nodes.leader_first()[:targets]):
        clients = load.clients // targets + (number < load.clients % targets)
        count = max(requests * clients // load.clients, clients)
        sent += count
        body = scratch / f"{method}{number}"
        body.write_bytes(_body(load.mode, number))
        command = etcd_command(str(body), clients, count, f"http://127.0.0.1:{node.port}", method)
        drivers.append(DriverProcess(command))
    texts, cpu = zip(*[driver.end() for driver in drivers], strict=True)
    elapsed = time.perf_counter() - started
    server_cpu = nodes.cpu_seconds() - cpu_before
    after = nodes.handled(method)
    answered = {code: after[code] - before.get(code, 0) for code in after}
    puts = nodes.revision() - revision
    if {code: count for code, count in answered.items() if count} != {"OK": sent} or (
        puts != (sent if load.mode == "set" else 0)
    ):
        raise RuntimeError(f"etcd answered {answered} of {sent}, {puts} puts: {texts[0]}")
    longest = 0.0
    for text in texts:
        match = _FINISHED.search(text)
        if match is None:
            raise RuntimeError(text)
        longest = max(longest, float(match[1]) * _UNITS[match[2]])
    latencies = {"p50_latency_ms": 0.0, "p99_latency_ms": 0.0, "max_latency_ms": 0.0}
    return Run({"rps": sent / longest, **latencies}, elapsed, sum(cpu), server_cpu, sent)


def etcd_command(body: str, clients: int, requests: int, url: str, method: str) -> list[str]:
    """Return an h2load command line: one stream a connection, a gRPC call each."""
    return [
        "h2load", "-n", str(requests), "-c", str(clients), "-m", "1", "-d", body,
        "-H", "content-type: application/grpc", "-H", "te: trailers",
        f"{url}/etcdserverpb.KV/{method}",
    ]  # fmt: skip
