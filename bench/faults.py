"""How long writers wait when a leader is killed, stopped or cut off, and when nodes restart."""

import contextlib
import functools
import signal
import time
from collections.abc import Callable, Iterator

from bench.bench import Bench
from bench.pauses import Writers, writing
from bench.processes import Build
from bench.report import Asked, Figure, of_both
from bench.trios import Node, RespkvNodes, even_tags, home_of, running_nodes
from respkv.keyspace.slots import slot_of
from tests.processes.fault_proxy import FaultProxy

WRITERS = 48  # each with a tag of its own
BEFORE_SECONDS = 1.0
PAUSE_MS_MAX = 100
RESUME = "writes of the leader's keys resume after"
OF_FIFTY = 49 / 50


class Loaded:
    """A cluster with writers; the faults are done to its nodes."""

    def __init__(self, nodes: RespkvNodes, writers: Writers, proxy: FaultProxy | None) -> None:
        self.nodes = nodes
        self.writers = writers
        self.proxy = proxy

    def tags_led(self) -> dict[int, set[str]]:
        """Return the writers' tags by their leader's port."""
        leaders = self.nodes.leaders_seen()
        led: dict[int, set[str]] = {node.port: set() for node in self.nodes.nodes}
        for tag in writers_tags():
            led[leaders[slot_of(tag.encode())]].add(tag)
        return led

    def cut(self, node: Node) -> None:
        """Let nothing pass between this node and the others."""
        assert self.proxy is not None
        one = self.nodes.nodes.index(node)
        others = [number for number in range(len(self.nodes.nodes)) if number != one]
        self.proxy.cut(*[pair for other in others for pair in ((one, other), (other, one))])

    def heal(self, node: Node) -> None:
        """Let all pass again."""
        assert self.proxy is not None
        self.proxy.cut()

    def kill(self, node: Node) -> None:
        """kill -9."""
        node.kill()

    def restart(self, node: Node) -> None:
        """Start a node that has ended."""
        node.start()

    def pause(self, node: Node) -> None:
        """SIGSTOP: its connections stay."""
        node.process.send_signal(signal.SIGSTOP)

    def resume(self, node: Node) -> None:
        """SIGCONT."""
        node.process.send_signal(signal.SIGCONT)

    def stop(self, node: Node) -> None:
        """SIGTERM: it hands leadership over and ends."""
        node.stop()


def writers_tags() -> list[str]:
    """Return the tags that are written, evenly over the slots."""
    tags = even_tags()
    return tags[:: len(tags) // WRITERS]


@contextlib.contextmanager
def loaded(bench: Bench, build: Build, with_proxy: bool = False) -> Iterator[Loaded]:
    """Run three nodes with default settings, and writers on them."""
    with contextlib.ExitStack() as stack:
        nodes = RespkvNodes(build, stack.enter_context(home_of(bench.scratch)))
        proxy = None
        if with_proxy:
            proxy = FaultProxy(len(nodes.nodes))
            stack.callback(proxy.close)
            for number, node in enumerate(nodes.nodes):
                node.words += ["--cluster-announce-bus-port", str(proxy.ports[number])]
                proxy.targets[number] = node.peer_port
        stack.enter_context(running_nodes(nodes))
        if proxy is not None:
            proxy.node_ids = nodes.ids()
            proxy.drop_connections()  # those of before are of no known sender
            nodes.wait_ready()
        ports = [node.port for node in nodes.nodes]
        writers = stack.enter_context(writing(ports, writers_tags()))
        yield Loaded(nodes, writers, proxy)


class _Kind:
    """A kind of fault: how it is done and healed, and how long it lasts."""

    def __init__(
        self,
        name: str,
        fault: Callable[[Loaded, Node], None],
        heal: Callable[[Loaded, Node], None],
        resume_ms: float,
        with_proxy: bool = False,
    ) -> None:
        self.name = name
        self.fault = fault
        self.heal = heal
        self.resume_ms = resume_ms
        self.with_proxy = with_proxy


KILL = _Kind("kill -9", Loaded.kill, Loaded.restart, 1_500)
STOP = _Kind("SIGSTOP", Loaded.pause, Loaded.resume, 3_000)
CUT = _Kind("silent link cut", Loaded.cut, Loaded.heal, 3_000, with_proxy=True)


def _measure(bench: Bench, kind: _Kind) -> list[Figure]:
    def figure(name: str, unit: str, asked: Asked | None = None) -> Figure:
        return Figure(f"{kind.name}: {name}", unit, of_both(asked) if asked else None, ())

    share = figure(f"writes back in {kind.resume_ms / 1e3:g} s", "of all", Asked("≥", OF_FIFTY))
    resumed = figure(RESUME, "ms")
    others = figure("pause of other leaders' keys", "ms")
    worst = figure("worst pause of other leaders' keys", "ms", Asked("≤", PAUSE_MS_MAX))
    noise = figure("longest pause in the second before", "ms")
    failed = figure("writes given up", "writes", Asked("≤", 0))
    for build in bench.respkv_builds():
        with loaded(bench, build, kind.with_proxy) as cluster:
            for number in range(bench.faults):
                found = _one_fault(bench, cluster, kind)
                for taken, value in zip((resumed, others, noise), found, strict=True):
                    taken.add(build.name, value)
                bench.say(
                    f"{kind.name} {number + 1} of {bench.faults}, {build.name}: resumed after "
                    f"{found[0]:.0f} ms, others paused {found[1]:.0f} ms, before {found[2]:.0f} ms"
                )
        in_time = [value <= kind.resume_ms for value in resumed.rounds[build.name]]
        share.add(build.name, sum(in_time) / len(in_time))
        worst.add(build.name, max(others.rounds[build.name]))
        errors = [write for write in cluster.writers.slow if write.error is not None]
        failed.add(build.name, len(errors))
        resumed.commands[build.name] = cluster.nodes.shown()
    return [share, resumed, others, worst, noise, failed]


def _one_fault(bench: Bench, cluster: Loaded, kind: _Kind) -> tuple[float, float, float]:
    """Return ms: until all of the leader's keys are written again; others' pause; the noise."""
    cluster.nodes.wait_ready()
    led = cluster.tags_led()
    time.sleep(BEFORE_SECONDS)
    node = bench.chance.choice([node for node in cluster.nodes.nodes if led[node.port]])
    struck = time.monotonic()
    kind.fault(cluster, node)
    time.sleep(kind.resume_ms / 1e3 + 0.5)
    others = set(writers_tags()) - led[node.port]
    ended = time.monotonic()
    kind.heal(cluster, node)
    cluster.nodes.wait_ready()  # so that every write that hung has ended and is known
    back = [cluster.writers.longest(struck, ended, {tag}) for tag in led[node.port]]
    resumed = max([(write.ended - struck) * 1e3 for write in back if write is not None], default=0)
    return (
        resumed,
        cluster.writers.longest_ms(struck, ended, others),
        cluster.writers.longest_ended_ms(struck - BEFORE_SECONDS, struck),
    )


def restarts(bench: Bench) -> list[Figure]:
    """SIGTERM and a start of each node in turn: nobody may see an error, or wait long."""
    stop = Figure("graceful stop: longest pause", "ms", of_both(Asked("≤", PAUSE_MS_MAX)), ())
    roll = Figure("rolling restart: longest pause", "ms", of_both(Asked("≤", PAUSE_MS_MAX)), ())
    retried = Figure("rolling restart: writes sent again", "writes", None, ())
    failed = Figure("rolling restart: client errors", "errors", of_both(Asked("≤", 0)), ())

    def measure(build: Build) -> None:
        tags = set(writers_tags())
        with loaded(bench, build) as cluster:
            cluster.nodes.wait_ready()
            time.sleep(BEFORE_SECONDS)
            began = time.monotonic()
            for node in cluster.nodes.nodes:
                stopped = time.monotonic()
                cluster.stop(node)
                time.sleep(BEFORE_SECONDS)
                pause = cluster.writers.longest_ms(stopped, time.monotonic(), tags)
                stop.add(build.name, pause)
                cluster.restart(node)
                cluster.nodes.wait_ready()
            ended = time.monotonic()
        slow = cluster.writers.slow
        roll.add(build.name, cluster.writers.longest_ms(began, ended, tags))
        retried.add(build.name, sum(write.retries > 0 for write in slow))
        failed.add(build.name, sum(write.error is not None for write in slow))
        roll.commands[build.name] = cluster.nodes.shown()
        bench.say(
            f"{build.name}: {roll.rounds[build.name][-1]:.0f} ms at most, "
            f"{retried.rounds[build.name][-1]:.0f} writes sent again"
        )

    for number in range(bench.rounds):
        bench.say(f"rolling restart, round {number + 1} of {bench.rounds}")
        for build in bench.respkv_builds():
            measure(build)
    return [stop, roll, retried, failed]


FAULTS: dict[str, Callable[[Bench], list[Figure]]] = {
    "failover": functools.partial(_measure, kind=KILL),
    "sigstop": functools.partial(_measure, kind=STOP),
    "link-cut": functools.partial(_measure, kind=CUT),
    "restarts": restarts,
}
