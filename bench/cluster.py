"""Throughput of three nodes that sync every write: respkv beside etcd and redis-server with WAIT."""

from bench.bench import Bench
from bench.loads import (
    Load,
    compiled_load,
    drive_etcd,
    drive_resp,
    etcd_command,
    shown_resp,
)
from bench.processes import Build
from bench.report import ETCD, REDIS, Asked, Figure, of_both
from bench.trios import EtcdNodes, RedisNodes, RespkvNodes, home_of, running_nodes

PIPELINE = 16
_BESIDE = (ETCD, REDIS)


def _plans() -> list[tuple[Figure, Load]]:
    plans = []
    for clients, of_etcd in ((1, 1.3), (32, 3), (128, 3)):
        name = f"SET, 3 nodes, {clients} client{'s' * (clients > 1)}"
        asked = of_both(Asked("≥", of_etcd, ETCD), Asked("≥", 0.5, REDIS))
        plans.append((Figure(name, "requests/s", asked, _BESIDE), Load("set", clients)))
    name = f"SET, 3 nodes, 32 clients -P {PIPELINE}"
    asked = of_both(Asked("≥", 40_000))
    plans.append((Figure(name, "requests/s", asked, _BESIDE), Load("set", 32, PIPELINE)))
    for clients in (32, 128):
        name = f"linearizable GET, 3 nodes, {clients} clients"
        asked = of_both(Asked("≥", 3, ETCD))
        plans.append((Figure(name, "requests/s", asked, _BESIDE), Load("get", clients)))
    return plans


def cluster(bench: Bench) -> list[Figure]:
    """SET and linearizable GET of 64 bytes; each kind of cluster in turn, round by round."""
    program = compiled_load(bench.scratch)
    plans = _plans()
    for number in range(bench.rounds):
        bench.say(f"three nodes, round {number + 1} of {bench.rounds}")
        if bench.etcd is not None:
            _measure_etcd(bench, bench.etcd, plans)
        for build in bench.builds:
            _measure_resp(bench, program, build, plans, number)
    return [figure for figure, _ in plans]


def _measure_resp(
    bench: Bench, program: str, build: Build, plans: list[tuple[Figure, Load]], seed: int
) -> None:
    """redis-server is asked for writes only: its reads are not linearizable."""
    with home_of(bench.scratch) as home:
        nodes = (RedisNodes if build.is_redis else RespkvNodes)(build, home)
        with running_nodes(nodes):
            drive_resp(program, nodes, Load("fill", 8, PIPELINE), 0, seed)
            for figure, load in plans:
                if build.is_redis and load.mode == "get":
                    continue
                run = drive_resp(program, nodes, load, bench.seconds, seed)
                figure.add_run(build.name, run, "rps")
                figure.commands[build.name] = nodes.shown()
                figure.commands[f"driver of {build.name}"] = shown_resp(load, build.is_redis)


def _measure_etcd(bench: Bench, program: str, plans: list[tuple[Figure, Load]]) -> None:
    """HTTP/2 has no pipeline of one client in order, so -P is left out."""
    with home_of(bench.scratch) as home:
        nodes = EtcdNodes(program, home)
        with running_nodes(nodes):
            for figure, load in plans:
                if load.pipeline > 1:
                    continue
                run = drive_etcd(nodes, load, bench.seconds, home)
                figure.add_run(ETCD, run, "rps")
                figure.commands[ETCD] = nodes.shown()
                words = etcd_command("BODY", load.clients, 0, "URL", "Put|Range")
                figure.commands["driver of etcd"] = " ".join(words)
