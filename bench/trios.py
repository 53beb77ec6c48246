"""Three nodes on this machine, each syncing every write: of respkv, of etcd, of redis-server."""

import base64
import contextlib
import json
import re
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.client import Client
from bench.processes import Build, Process
from respkv.keyspace.slots import slot_of
from tests.processes.ports import listening_port

NODES = 3
READY_SECONDS = 60
SETTLED_SECONDS = 1.2  # without a change: leaders move back one by one, half a second apart
TAGS = 96  # spread evenly over the slots
SLOTS = 16_384


def even_tags() -> list[str]:
    """Return hash tags whose slots lie evenly over all."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < TAGS:
        found.setdefault(slot_of(b"%d" % number) * TAGS // SLOTS, str(number))
        number += 1
    return [found[place] for place in range(TAGS)]


class Node(Process):
    """One node: its process and where clients find it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.port, self.peer_port = listening_port(), listening_port()
        self.words: list[str] = []

    def start(self) -> None:
        """Start it, for the first time or again."""
        self.launch(self.words)


class Nodes:
    """What the three kinds share; `running_nodes` starts and stops them."""

    def __init__(self, home: Path, count: int = NODES) -> None:
        self.nodes = [Node(home / f"node{number}") for number in range(count)]

    def start(self) -> None:
        """Start all and wait until they serve.

        Raises:
            RuntimeError: they do not, within a minute.
        """
        for node in self.nodes:
            node.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until writes are taken."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            ended = [node for node in self.nodes if node.process.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = "\n".join(node.log_end() for node in ended or self.nodes)
                raise RuntimeError(f"{self.shown()} did not start:\n{logs}")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether a write would be taken now."""
        raise NotImplementedError

    def shown(self) -> str:
        """Return the command line of one node as printed in reports."""
        raise NotImplementedError

    def cpu_seconds(self) -> float:
        """CPU that all nodes have used."""
        return sum(node.cpu_seconds() for node in self.nodes)


class RespkvNodes(Nodes):
    """A cluster of one build, with default settings beside what `more` says."""

    def __init__(self, build: Build, home: Path, *more: str, count: int = NODES) -> None:
        super().__init__(home, count)
        self._build = build
        self._more = more
        peers = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        for node in self.nodes:
            node.words = [
                *build.command(str(node.port), str(node.directory), "always"),
                *("--cluster-enabled", "yes", "--cluster-peers", peers),
                *("--cluster-port", str(node.peer_port), "--cluster-announce-ip", "127.0.0.1"),
                *more,
            ]

    def shown(self) -> str:
        """Return the command line of one node as printed in reports."""
        return self._build.shown(
            "always", "--cluster-enabled", "yes", "--cluster-peers", "PEERS", *self._more
        )

    def is_ready(self) -> bool:
        """Whether all nodes name the same leaders, and have done so for a while."""
        seen = self.leaders_seen()
        if not seen:
            return False
        time.sleep(SETTLED_SECONDS)
        return self.leaders_seen() == seen

    def leaders_seen(self) -> list[int]:
        """Return the port of each slot's leader, empty while nodes differ or do not know."""
        views = []
        for node in self.nodes:
            if node.process.poll() is None:
                with contextlib.suppress(OSError, RuntimeError), Client(node.port) as client:
                    views.append(_leaders(client.call(b"CLUSTER", b"NODES").decode()))
        running = [node for node in self.nodes if node.process.poll() is None]
        if not views or len(views) != len(running) or any(view != views[0] for view in views):
            return []
        ports = set(views[0])
        complete = 0 not in ports and ports == {node.port for node in running}
        return views[0] if complete else []

    def elections(self) -> int:
        """Return how many the nodes have started."""
        started = 0
        for node in self.nodes:
            with Client(node.port) as client:
                started += int(client.info("elections_started"))
        return started

    def ids(self) -> list[bytes]:
        """Return the nodes' ids."""
        found = []
        for node in self.nodes:
            with Client(node.port) as client:
                found.append(client.call(b"CLUSTER", b"MYID"))
        return found

    def endpoints(self) -> list[str]:
        """Return PORT:TAG,... for each node, as `load` wants them."""
        leaders = self.leaders_seen()
        tags: dict[int, list[str]] = {node.port: [] for node in self.nodes}
        for tag in even_tags():
            tags[leaders[slot_of(tag.encode())]].append(tag)
        return [f"{port}:{','.join(led)}" for port, led in tags.items()]


def _leaders(text: str) -> list[int]:
    """Return the port that each slot has in the reply of CLUSTER NODES; 0: none."""
    found = [0] * SLOTS
    for line in text.splitlines():
        words = line.split()
        port = int(words[1].partition("@")[0].rpartition(":")[2])
        for word in words[8:]:
            first, _, last = word.partition("-")
            for slot in range(int(first), int(last or first) + 1):
                found[slot] = port
    return found


class RedisNodes(Nodes):
    """A master and its replicas; all of them append with fsync `always`."""

    def __init__(self, build: Build, home: Path) -> None:
        super().__init__(home)
        self._build = build
        master, *replicas = self.nodes
        for node in self.nodes:
            node.words = build.command(str(node.port), str(node.directory), "always")
        for node in replicas:
            # Redis waits 5 s by default before it copies to a first replica.
            node.words += ["--replicaof", f"127.0.0.1 {master.port}"]
        master.words += ["--repl-diskless-sync-delay", "0"]

    def shown(self) -> str:
        """Return the command line of one node as printed in reports."""
        return self._build.shown("always", "[--replicaof 127.0.0.1 MASTER]")

    def is_ready(self) -> bool:
        """Whether both replicas follow."""
        with contextlib.suppress(OSError, RuntimeError), Client(self.nodes[0].port) as client:
            replicas = re.findall(rb"slave\d:.*state=online", client.call(b"INFO", b"replication"))
            return len(replicas) == NODES - 1
        return False

    def endpoints(self) -> list[str]:
        """Return PORT:TAG,... for `load`: all keys belong to the master."""
        return [f"{self.nodes[0].port}:{','.join(even_tags())}"]


class EtcdNodes(Nodes):
    """An etcd cluster with default settings."""

    def __init__(self, program: str, home: Path) -> None:
        super().__init__(home)
        self._program = program
        members = ",".join(f"{n.directory.name}={_url(n.peer_port)}" for n in self.nodes)
        for node in self.nodes:
            node.words = self._words(
                node.directory.name, str(node.directory), _url(node.port), _url(node.peer_port),
                members,
            )  # fmt: skip

    def _words(self, name: str, directory: str, url: str, peer: str, members: str) -> list[str]:
        return [
            self._program, "--name", name, "--data-dir", directory,
            "--listen-client-urls", url, "--advertise-client-urls", url,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", members, "--log-level", "error",
        ]  # fmt: skip

    def shown(self) -> str:
        """Return the command line of one node as printed in reports."""
        words = self._words("NAME", "DIR", "URL", "PEER-URL", "MEMBERS")
        return " ".join([Path(words[0]).name, *words[1:]])

    def is_ready(self) -> bool:
        """Whether a put is taken by each node."""
        body = {"key": _base64(b"started"), "value": _base64(b"1")}
        with contextlib.suppress(OSError):
            for node in self.nodes:
                self.ask(node, "kv/put", body)
            return True
        return False

    def ask(self, node: Node, method: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call a method by way of the node's HTTP gateway."""
        data = json.dumps(body).encode()
        with urllib.request.urlopen(f"{_url(node.port)}/v3/{method}", data, 5) as reply:
            answer: dict[str, Any] = json.loads(reply.read())
        return answer

    def revision(self) -> int:
        """Return the store's revision: every put moves it by one."""
        answer = self.ask(self.nodes[0], "kv/range", {"key": _base64(b"started")})
        return int(answer["header"]["revision"])

    def leader_first(self) -> list[Node]:
        """Return the nodes, the leader at the front."""
        status = [self.ask(node, "maintenance/status", {}) for node in self.nodes]
        leads = [answer["leader"] == answer["header"]["member_id"] for answer in status]
        first = leads.index(True)
        return self.nodes[first:] + self.nodes[:first]

    def handled(self, method: str) -> dict[str, int]:
        """Return how many calls of a gRPC method all nodes have answered, by status."""
        counts: dict[str, int] = {}
        for node in self.nodes:
            with urllib.request.urlopen(f"{_url(node.port)}/metrics", None, 5) as reply:
                text = reply.read().decode()
            pattern = (
                rf'^grpc_server_handled_total{{grpc_code="(\w+)",grpc_method="{method}",.*}} (\S+)'
            )
            for code, count in re.findall(pattern, text, re.MULTILINE):
                counts[code] = counts.get(code, 0) + int(float(count))
        return counts


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@contextlib.contextmanager
def home_of(scratch: Path) -> Iterator[Path]:
    """Make a directory for one cluster; it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="nodes-", dir=scratch))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def running_nodes(nodes: Nodes) -> Iterator[None]:
    """Run them until the end of the block."""
    try:
        nodes.start()
        yield
    finally:
        for node in nodes.nodes:
            if hasattr(node, "process"):
                node.stop()
